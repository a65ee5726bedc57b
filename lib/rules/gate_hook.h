/*
 * How the keeper learns that a process behind the gate listens: by a seccomp filter, by a library that it is started with, or not at all, as it is given its sockets.
 */
#ifndef OX_RULES_GATE_HOOK_H
#define OX_RULES_GATE_HOOK_H

#include <stdbool.h>

#include "model/spec.h"

/* What an instance executes.  GO programs make system calls themselves, whatever they are linked with. */
enum program_kind { PROGRAM_UNKNOWN, PROGRAM_DYNAMIC, PROGRAM_STATIC, PROGRAM_GO };

/* What the machine allows: found out once. */
struct gate_abilities {
	bool has_seccomp;    /* the kernel tells of calls, and lets us fetch their sockets */
	bool is_without_nnp; /* a filter takes no rights away: as root, or where there are none to lose */
	bool has_library;    /* it is installed */
};

/* `setting` (enum gate_hook) as the app has it, or, for GATE_AUTO, what fits. */
enum gate_hook gate_hook_pick(int setting, const struct gate_abilities *can, enum program_kind program);
/* Words why it is that one; NULL where the app says so itself. */
const char *gate_hook_why(int setting, const struct gate_abilities *can, enum gate_hook hook);
/* As the key `gate` has it. */
const char *gate_hook_word(enum gate_hook hook);

#endif
