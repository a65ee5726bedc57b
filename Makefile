# One makefile for the whole house.  `make help` lists what it can do; V=1 shows every command.
#
#   make CC=clang            another compiler
#   make SAN=address,undefined   sanitizers, in a folder of their own
#   make WERROR=0            warnings stay warnings (for compilers we have not met)

VERSION := 0.1.0
PREFIX  ?= /usr/local
DESTDIR ?=
SAN     ?=
WERROR  ?= 1
comma   := ,
space   := $() $()

# What was asked for decides the folder: build, build/address-undefined, …
OUT := build$(if $(SAN),/$(subst $(comma),-,$(SAN)))

CC       ?= cc
OPT      ?= -O2
CPPFLAGS += -Ilib -D_GNU_SOURCE
WARN     := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wformat=2 \
            -Wpointer-arith -Wwrite-strings -Wundef -Wimplicit-fallthrough -Wold-style-definition \
            $(if $(filter 1,$(WERROR)),-Werror)
# Only what this compiler knows for this machine: control-flow protection has another name on each processor.
knows     = $(shell echo 'int main(void) { return 0; }' | $(CC) -Werror $(1) -x c -c -o /dev/null - 2>/dev/null && echo '$(1)')
HARDEN   := -fPIE $(call knows,-fstack-clash-protection) \
            $(or $(call knows,-fcf-protection),$(call knows,-mbranch-protection=standard))
CFLAGS   += -std=c11 $(OPT) -g -fno-strict-aliasing -fstack-protector-strong $(HARDEN) $(WARN) \
            $(if $(SAN),-fsanitize=$(SAN) -fno-sanitize-recover=all -fno-omit-frame-pointer,$(FORTIFY))
FORTIFY  := $(if $(filter -O0,$(OPT)),,-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
LDFLAGS  += $(if $(SAN),-fsanitize=$(SAN)) -pie -Wl,--as-needed -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack

# The floors, from the top down: a room links only what stands below it.
ROOMS := control engine journal proxy gate sense logs herd keeper spawn loop wire export view rules model os base
lib    = $(OUT)/lib/$(1).a
libs   = $(foreach room,$(1),$(call lib,$(room)))

PROGRAMS :=
SOURCES  := $(sort $(wildcard $(ROOMS:%=lib/%/*.c) lib/model/dialects/*.c))

# program: rooms it may link, libraries it may link
define program
ifneq ($(wildcard cmd/$(1)/*.c),)
PROGRAMS += $(OUT)/$(1)
$(OUT)/$(1): $(patsubst %.c,$(OUT)/%.o,$(sort $(wildcard cmd/$(1)/*.c))) $(call libs,$(2))
	$$(call say,LINK,$$@)
	$$(Q)$$(CC) $$(CFLAGS) $$(LDFLAGS) -o $$@ $$^ $(3)
# The same with another version, for the tests of upgrades.
$(OUT)/next/$(1): $(patsubst %.c,$(OUT)/%.o,$(sort $(wildcard cmd/$(1)/*.c))) $(OUT)/next/version.o $(call libs,$(2))
	$$(call say,LINK,$$@)
	$$(Q)$$(CC) $$(CFLAGS) $$(LDFLAGS) -o $$@ $$^ $(3)
SOURCES += $(sort $(wildcard cmd/$(1)/*.c))
endif
endef

Q   := $(if $(filter 1,$(V)),,@)
say  = @$(if $(filter 1,$(V)),:,printf '  %-6s %s\n' '$(1)' '$(patsubst $(OUT)/%,%,$(2))')

.PHONY: all
all:

$(eval $(call program,oxctl,control export view rules model wire os base,-lcjson))
$(eval $(call program,oxherd,keeper rules os wire base,))
BRAIN_ROOMS := control engine journal proxy gate sense logs herd spawn loop wire export view rules model os base
BRAIN_LIBS  := -lev -lcjson -lz
$(eval $(call program,oxherd-brain,$(BRAIN_ROOMS),$(BRAIN_LIBS)))

# What programs behind the gate are started with.  It is loaded into programs of any C library, so it is linked with none, and has no sanitizer.
SOURCES  += cmd/liboxgate/liboxgate.c
PROGRAMS += $(OUT)/liboxgate.so
GATE_LIB := -std=c11 $(OPT) -g -fPIC -shared -nostdlib -fvisibility=hidden -fno-stack-protector $(WARN) -U_FORTIFY_SOURCE
# An upgrade brings its own.
$(OUT)/liboxgate.so $(OUT)/next/liboxgate.so: cmd/liboxgate/liboxgate.c lib/os/preload_call.h $(OUT)/flags
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) -Ilib $(GATE_LIB) -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack -o $@ $<

all: $(PROGRAMS)

# --- building ---------------------------------------------------------------------------------------

# A change of compiler or flags rebuilds everything that was built with the old ones.
$(shell mkdir -p $(OUT))
FLAGS_NOW := $(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS)
ifneq ($(file <$(OUT)/flags),$(FLAGS_NOW))
$(file >$(OUT)/flags,$(FLAGS_NOW))
endif

# Only this file knows it, so only this one is built again when it changes.
ifneq ($(file <$(OUT)/version),$(VERSION))
$(file >$(OUT)/version,$(VERSION))
endif
NEXT := 9.9.9
$(OUT)/lib/base/version.o: CPPFLAGS += -DOX_VERSION='"$(VERSION)"'
$(OUT)/lib/base/version.o: $(OUT)/version
$(OUT)/next/version.o: lib/base/version.c $(OUT)/flags
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) -DOX_VERSION='"$(NEXT)"' $(CFLAGS) -c -o $@ $<

$(OUT)/tests/unit/%.o: CPPFLAGS += -Itests/unit

$(OUT)/%.o: %.c $(OUT)/flags
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) $(EXTRA) -MMD -MP -c -o $@ $<

define archive
$(call lib,$(1)): $(patsubst %.c,$(OUT)/%.o,$(sort $(wildcard lib/$(1)/*.c lib/$(1)/dialects/*.c)))
	$$(call say,AR,$$@)
	@mkdir -p $$(@D)
	@rm -f $$@
	$$(Q)$$(AR) rcs $$@ $$^
endef
$(foreach room,$(ROOMS),$(eval $(call archive,$(room))))

# --- unit tests: one program per pure module ---------------------------------------------------------

UNIT       := $(sort $(wildcard tests/unit/test_*.c))
UNIT_BIN   := $(UNIT:tests/unit/%.c=$(OUT)/tests/%)
UNIT_ROOMS := herd journal wire export view rules model os base
# Helpers of the tests' own, beside them: tests/unit/*.c that do not start with test_.
UNIT_HELP  := $(patsubst %.c,$(OUT)/%.o,$(filter-out $(UNIT),$(sort $(wildcard tests/unit/*.c))))

$(OUT)/tests/%: $(OUT)/tests/unit/%.o $(UNIT_HELP) $(call libs,$(UNIT_ROOMS))
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -lcmocka -lcjson

$(OUT)/toml-decode: $(OUT)/tests/toml-decode.o $(call libs,base)
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -lcjson

.PHONY: unit
unit: $(UNIT_BIN)

.SECONDARY:

# --- what a person types -----------------------------------------------------------------------------

include tests/rules.mk
include packaging/rules.mk

.PHONY: clean
clean:
	rm -rf build

.PHONY: help
help:
	@sed -n 's/^## //p' $(MAKEFILE_LIST)

## make             build oxctl (and the daemon's programs) into build/
## make demo        build, start the example herd, show it
## make check       unit tests and command tests, quickly
## make test        everything CI runs; ends with 'N passed, N failed'
## make unit        build the unit tests into build/tests/
## make lint        all of these, side by side: layers headers format tidy cppcheck banned words
##                  scripts manuals check-generated; each is a target of its own
## make reformat    write every C file as clang-format does
## make fuzz        every fuzz target for FUZZ_SECS seconds each (default 600); make fuzz-build only builds
## make sim         the simulated machine: SEED=… STEPS=…
## make bench       our figures beside the bare limit and the peers found on PATH
## make bench-gate  one port for many instances, beside node's cluster, pm2's and the kernel's own choice
## make generate    rewrite what comes from tables: manuals, schema, completions
## make install     into DESTDIR/PREFIX; make uninstall takes it out again
## make clean       remove build/

-include $(shell find $(OUT) -name '*.d' 2>/dev/null)
