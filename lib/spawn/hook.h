/*
 * The hooks of a deploy: run in the folder and the environment of the app, as its user; they belong to no instance and have no port.
 */
#ifndef OX_SPAWN_HOOK_H
#define OX_SPAWN_HOOK_H

#include <stdbool.h>
#include <stdint.h>

#include "model/effect.h"
#include "spawn/launch_env.h"

struct runner;

/* `words` say how it ended, where it did not go well. */
typedef void (*hook_done)(void *context, const char *app, uint64_t rollout, bool is_ok, const char *words);
/* `done` is called once, never from inside this call; `caller` may be NULL. */
void hook_start(struct runner *runner, const struct hook_effect *effect, const struct launch_env *caller,
	hook_done done, void *context);

#endif
