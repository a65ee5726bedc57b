# What is preloaded into the daemon to be tortured.

# It stands before a sanitizer's own, and has none.
$(OUT)/torture/fault.so: CFLAGS := $(filter-out -fsanitize=%,$(CFLAGS))
$(OUT)/torture/fault.so: tests/torture/fault.c $(OUT)/flags
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=0 -fPIC -shared -o $@ $< -ldl

.PHONY: torture-programs
torture-programs: e2e-programs $(OUT)/torture/fault.so

## make torture     kills at random and at every call, calls that fail; longer: TORTURE_KILLS=500 TORTURE_FAULTS=all TORTURE_ROUNDS=100000, TORTURE_SEED=…
.PHONY: torture
torture:
	$(run_tests) torture
