# The simulated machine: SEED (the first), STEPS (of each), SEEDS (how many).

SEED  ?= 1
STEPS ?= 100000
SEEDS ?= 10

SIM_OBJECTS := $(patsubst %.c,$(OUT)/%.o,$(sort $(wildcard tests/sim/*.c)))

$(OUT)/sim: $(SIM_OBJECTS) $(call libs,herd view rules model base)
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -lcjson

.PHONY: sim
sim: $(OUT)/sim
	$(Q)$(OUT)/sim $(SEED) $(STEPS) $(SEEDS)
