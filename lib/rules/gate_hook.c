#include "rules/gate_hook.h"

#include <stddef.h>

#include "base/assert.h"

/* The library sees no call that is not made through the C library. */
static bool is_seen_by_library(enum program_kind program)
{
	return program != PROGRAM_STATIC && program != PROGRAM_GO;
}

enum gate_hook gate_hook_pick(int setting, const struct gate_abilities *can, enum program_kind program)
{
	ASSERT(setting != GATE_OFF, "a hook is picked for an app without a gate");
	if (setting != GATE_AUTO)
		return (enum gate_hook)setting;
	if (can->has_seccomp && can->is_without_nnp)
		return GATE_SECCOMP;
	if (can->has_library && (is_seen_by_library(program) || !can->has_seccomp))
		return GATE_PRELOAD;
	return GATE_SECCOMP;
}

const char *gate_hook_why(int setting, const struct gate_abilities *can, enum gate_hook hook)
{
	if (setting != GATE_AUTO)
		return NULL;
	if (hook == GATE_PRELOAD)
		return can->has_seccomp
			? "without root a seccomp filter would keep setuid programs such as sudo from working"
			: "seccomp notification is not available here";
	if (can->is_without_nnp)
		return "it sees every program";
	return can->has_library ? "the program is static, so no library can see it listen"
				: "liboxgate.so is not installed";
}

const char *gate_hook_word(enum gate_hook hook)
{
	static const char *const words[] = {
		[GATE_AUTO] = "auto",
		[GATE_SECCOMP] = "seccomp",
		[GATE_PRELOAD] = "preload",
		[GATE_FDS] = "fds",
		[GATE_OFF] = "off",
	};

	return words[hook];
}
