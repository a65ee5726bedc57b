# crowd, the load generator: many clients of one address, who count every answer that they do not get.

CROWD_OBJECTS := $(patsubst %.c,$(OUT)/%.o,$(sort $(wildcard tests/load/*.c)))

$(OUT)/tests/crowd: $(CROWD_OBJECTS) $(call libs,os base)
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -lcjson
