# Tests of the keeper: the real oxherd, with a test in the place of the brain.  Included by the Makefile.

KEEPER_TEST := $(sort $(wildcard tests/keeper/test_*.c))
KEEPER_HELP := $(patsubst %.c,$(OUT)/%.o,$(sort $(wildcard tests/keeper/stage*.c)))
KEEPER_BIN  := $(KEEPER_TEST:tests/keeper/%.c=$(OUT)/tests/%)

$(OUT)/tests/keeper/%.o: CPPFLAGS += -Itests/unit -Itests/keeper

# The actor dies and grows exactly as its options say, also where the others have sanitizers.
$(OUT)/tests/actor: CFLAGS := $(filter-out -fsanitize=%,$(CFLAGS))
$(OUT)/tests/actor: LDFLAGS := $(filter-out -fsanitize=%,$(LDFLAGS))
$(OUT)/tests/actor: $(OUT)/tests/actors/actor.o
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^

$(OUT)/tests/keeper-brain: $(OUT)/tests/keeper/brain.o $(call libs,wire os base)
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^

# With an assertion that a test can make fail.
$(OUT)/tests/failing-keeper: $(OUT)/tests/keeper/failing_keeper.o $(patsubst %.c,$(OUT)/%.o,$(sort $(wildcard cmd/oxherd/*.c))) \
		$(call libs,keeper rules os wire base)
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -Wl,--wrap=fd_store_get,--wrap=slots_born -o $@ $^

$(KEEPER_BIN): $(OUT)/tests/%: $(OUT)/tests/keeper/%.o $(KEEPER_HELP) $(call libs,keeper rules os wire base) \
		$(OUT)/oxherd $(OUT)/liboxgate.so $(OUT)/tests/actor $(OUT)/tests/keeper-brain $(OUT)/tests/failing-keeper
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $(filter %.o %.a,$^) -lcmocka

.PHONY: keeper
keeper: $(KEEPER_BIN)
