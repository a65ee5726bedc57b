# Tests, lint, fuzzing: what proves the house.  Included by the Makefile.

C_FILES  := $(SOURCES) $(sort $(wildcard tests/*.c tests/*/*.c examples/*/*.c))
H_FILES  := $(sort $(wildcard lib/*/*.h lib/*/*/*.h cmd/*/*.h tests/*/*.h))
SH_FILES := $(sort $(wildcard packaging/*.sh tests/*.sh tests/*/*.sh examples/*/*.sh .ci/run))
BATS     := $(sort $(wildcard tests/*/*.bats tests/*/*.bash examples/*/*.bats))
MANUALS  := $(sort $(wildcard man/*.[1-8]))

# One job a core, unless the caller's -j already says how many.
CORES := $(shell nproc 2>/dev/null || echo 2)
JOBS   = $(if $(findstring jobserver,$(MAKEFLAGS)),,-j$(CORES))

# The steps of `make lint`, each a target of its own.
LINTS := layers headers musl format tidy cppcheck banned words scripts manuals check-generated

# --- tests: each word is a suite of tests/run.sh -----------------------------------------------------

CHECK := unit cli speed
TEST  := unit speed ahead keeper control e2e storm torture sim cli unit-sanitized unit-clang cli-sanitized attacks-sanitized toml-test examples fuzz $(LINTS:%=lint:%)

# Seconds that each fuzz target gets in `make test`.
FUZZ_TEST_SECS ?= 4

run_tests = +$(Q)OUT=$(OUT) CORES=$(CORES) MAKE='$(MAKE)' FUZZ_SECS=$(FUZZ_TEST_SECS) tests/run.sh

.PHONY: check test
check:
	$(run_tests) $(CHECK)

test: export TIDY_NODES = 15000
test:
	$(run_tests) $(TEST)

# What the suites behind `ahead` build, for them to find it done.
.PHONY: ahead
ahead:
	-+$(Q)$(MAKE) -s -k $(JOBS) OUT=$(OUT)/address-undefined SAN=address,undefined OPT=-O1 all unit e2e-programs
	-+$(Q)$(MAKE) -s -k $(JOBS) OUT=$(OUT)/clang CC=clang OPT=-O1 all unit
	-+$(Q)$(MAKE) -s -k $(JOBS) fuzz-build
	-+$(Q)$(MAKE) -s -k $(JOBS) tidy
	-+$(Q)$(MAKE) -s -k $(JOBS) cppcheck

# --- programs of the tests and examples -----------------------------------------------------------------

include tests/keeper/rules.mk
include tests/control/rules.mk
include tests/sim/rules.mk
include tests/torture/rules.mk
include tests/mutants/rules.mk
include tests/load/rules.mk

# An example is one program of one file, beside its oxfile.
EXAMPLES := $(patsubst %.c,$(OUT)/%,$(sort $(wildcard examples/*/*.c)))

$(EXAMPLES): $(OUT)/%: $(OUT)/%.o
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^

.PHONY: examples
examples: $(EXAMPLES)

# With an assertion that a test can make fail; what else it links is what the brain links.
$(OUT)/tests/failing-brain: $(OUT)/tests/e2e/failing_brain.o $(OUT)/oxherd-brain
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -Wl,--wrap=brain_check_home -o $@ $< \
		$(patsubst %.c,$(OUT)/%.o,$(sort $(wildcard cmd/oxherd-brain/*.c))) $(call libs,$(BRAIN_ROOMS)) $(BRAIN_LIBS)

# What runs under a daemon in tests/e2e and examples.
.PHONY: e2e-programs
e2e-programs: all examples $(OUT)/tests/actor $(OUT)/tests/crowd $(OUT)/tests/failing-brain $(PROGRAMS:$(OUT)/%=$(OUT)/next/%)

# --- lint: every step is silent when it has nothing to say -------------------------------------------

.PHONY: lint $(LINTS)
lint:
	+$(Q)$(MAKE) --no-print-directory -s -k -O $(JOBS) $(LINTS)

layers:
	$(Q)tests/lint/layers.sh $(if $(SAN),,$(OUT))

headers:
	$(Q)CC='$(CC)' CPPFLAGS='-Ilib -Itests/unit -D_GNU_SOURCE' tests/lint/headers.sh $(H_FILES)

musl:
	$(Q)tests/lint/musl.sh $(SOURCES)

format:
	$(Q)tests/lint/format.sh $(C_FILES) $(H_FILES)

.PHONY: reformat
reformat:
	$(Q)clang-format -i $(C_FILES) $(H_FILES)

banned:
	$(Q)tests/lint/banned.sh

words:
	$(Q)tests/lint/words.sh

scripts:
	$(Q)tests/lint/scripts.sh $(SH_FILES) $(BATS)

manuals:
	$(Q)$(if $(MANUALS),mandoc -Tlint -W warning $(MANUALS),:)

cppcheck:
	@mkdir -p $(OUT)/cppcheck
	$(Q)cppcheck --quiet --std=c11 --enable=warning,performance,portability --inline-suppr --error-exitcode=1 \
		--template='{file}:{line}: {message} [{id}]' --suppress=missingIncludeSystem --library=posix,gnu \
		--cppcheck-build-dir=$(OUT)/cppcheck -j$(CORES) -Ilib -Itests/unit -D_GNU_SOURCE $(C_FILES)

# A stamp per file: what has not changed since it was found clean, its headers included, is not read again.
# The analyzer takes the paths through a function up to a budget: a quarter of the usual one, and in `make test`, which is to be quick, less.
TIDY_NODES ?= 50000
TIDY_FLAGS := -Ilib -Itests/unit -D_GNU_SOURCE -std=c11
TIDY_DEPTH := -Xclang -analyzer-config -Xclang max-nodes=$(TIDY_NODES)
TIDY       := $(C_FILES:%.c=$(OUT)/tidy/%.ok)

tidy:
	+$(Q)$(MAKE) --no-print-directory -s -k -O $(JOBS) $(TIDY)

$(OUT)/tidy/%.ok: %.c .clang-tidy $(wildcard tests/unit/.clang-tidy)
	@mkdir -p $(@D)
	$(Q)$(CC) $(TIDY_FLAGS) -MM -MP -MT $@ -MF $(@:.ok=.d) $<
	$(Q)clang-tidy --quiet $< -- $(TIDY_FLAGS) $(TIDY_DEPTH) >$(@:.ok=.out) 2>&1 || \
		{ sed 's|^$(CURDIR)/||; /warnings\{0,1\} generated/d' $(@:.ok=.out) >&2; exit 1; }
	@touch $@

# --- fuzzing: one program per tests/fuzz/fuzz_*.c, always with clang, in a folder of its own ---------

FUZZ_SECS ?= 600
FUZZ_BIN  := $(patsubst tests/fuzz/%.c,$(OUT)/%,$(sort $(wildcard tests/fuzz/fuzz_*.c)))
FUZZ_MAKE  = $(MAKE) --no-print-directory OUT=$(OUT)/fuzz CC=clang SAN=fuzzer-no-link,address,undefined OPT=-O1

$(OUT)/fuzz_%: $(OUT)/tests/fuzz/fuzz_%.o $(call libs,journal keeper spawn loop $(UNIT_ROOMS))
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -fsanitize=fuzzer -o $@ $^ -lev -lcjson -lz

.PHONY: fuzz fuzz-build fuzz-programs
fuzz: fuzz-build
	$(Q)FUZZ_SECS=$(FUZZ_SECS) CORES=$(CORES) tests/fuzz/run.sh $(OUT)/fuzz

fuzz-build:
	+$(Q)$(FUZZ_MAKE) $(JOBS) fuzz-programs

fuzz-programs: $(FUZZ_BIN)

# --- the daemon under storm: short in `make test`, longer by hand before a release ----------------------

## make storm       kills, floods, a thousand instances, valgrind; longer: STORM_KILLS=100 STORM_SLOW_SECS=30 STORM_IDLE_SECS=10
.PHONY: storm
storm:
	$(run_tests) storm

# --- everything that has a daemon once more, with sanitizers in it: by hand before a release --------------

SANITIZED := keeper control e2e storm torture examples

## make sanitized   the daemon's tests with sanitizers in all of its programs; half an hour
.PHONY: sanitized
sanitized:
	$(run_tests) $(SANITIZED:%=%-sanitized)

# --- figures ------------------------------------------------------------------------------------------

$(OUT)/bench-stamp: $(OUT)/tests/bench/stamp.o
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^

.PHONY: bench
bench: all $(OUT)/bench-stamp $(OUT)/examples/hello/hello
	$(Q)python3 tests/bench/bench.py $(OUT) --json $(OUT)/bench.json

.PHONY: bench-gate
bench-gate: all $(OUT)/tests/crowd
	$(Q)python3 tests/bench/gate.py $(OUT) --json $(OUT)/bench-gate.json
