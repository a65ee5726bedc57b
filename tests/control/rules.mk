# The conversation and the brain's thin hands, with real sockets and processes, in one program a file.

CONTROL       := $(sort $(wildcard tests/control/test_*.c))
CONTROL_BIN   := $(CONTROL:tests/control/%.c=$(OUT)/control/%)
CONTROL_ROOMS := control engine journal proxy gate sense logs herd spawn loop wire export view rules model os base
# What the tests share: tests/control/*.c that do not start with test_.
CONTROL_HELP  := $(patsubst %.c,$(OUT)/%.o,$(filter-out $(CONTROL),$(sort $(wildcard tests/control/*.c))))

$(OUT)/tests/control/%.o: CPPFLAGS += -Itests/unit -Itests/control

$(OUT)/control/test_%: $(OUT)/tests/control/test_%.o $(CONTROL_HELP) $(call libs,$(CONTROL_ROOMS))
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $(filter %.o,$^) $(filter %.a,$^) -lcmocka -lev -lcjson -lz

# Runs need a keeper: the real one, as in tests/keeper, with the test as its brain.
$(OUT)/control/test_run $(OUT)/control/test_call $(OUT)/control/test_gate: $(KEEPER_HELP) $(OUT)/oxherd $(OUT)/tests/actor $(OUT)/tests/keeper-brain

# The library is looked for beside the program.
$(OUT)/control/test_launch: $(OUT)/control/liboxgate.so
$(OUT)/control/liboxgate.so: $(OUT)/liboxgate.so
	@mkdir -p $(@D)
	$(Q)ln -sf ../liboxgate.so $@

.PHONY: control-tests
control-tests: $(CONTROL_BIN)
