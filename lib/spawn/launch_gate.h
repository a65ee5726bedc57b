/*
 * How the keeper learns where an instance behind the gate listens: what this machine allows, looked at once, and what its program is.
 */
#ifndef OX_SPAWN_LAUNCH_GATE_H
#define OX_SPAWN_LAUNCH_GATE_H

#include <stdint.h>
#include <sys/types.h>

#include "model/effect.h"
#include "rules/gate_hook.h"
#include "wire/keeper_msg.h"

const struct gate_abilities *launch_gate_abilities(void);
/* For a command that starts with that word in that folder; `env` has its PATH.  GATE_OFF: it is behind no gate. */
enum gate_hook launch_gate_hook(
	const struct spawn_effect *effect, const char *word, const struct env *env, const char *folder);
/* What a process was started with, or, where there is none (0), what the next one would have. */
enum gate_hook launch_gate_hook_of(const struct spec *s, pid_t pid);
/* Where that library is, to be freed; NULL where it is not installed. */
char *launch_gate_library(void);
/* As the keeper knows it. */
enum keeper_hook launch_gate_keeper_hook(enum gate_hook hook);
/* Adds our library to those that the program preloads already, behind them: they may call on to it. */
void launch_gate_preload(struct env *env, const char *library);

#endif
