/*
 * The environment for starts: that of the caller of start or deploy, remembered with the state, so that an app that crashes at
 * night or is started by another brain gets what it got at first.  Each has a number, and the herd keeps that number with a revision
 * of an app; it is forgotten when no revision refers to it any more.
 */
#ifndef OX_SPAWN_LAUNCH_ENV_H
#define OX_SPAWN_LAUNCH_ENV_H

#include <stdint.h>

#include "base/map.h"
#include "model/spec.h"
#include "wire/keeper_msg.h"

struct err;
struct json;

struct launch_env {
	struct env env;
	int mask;      /* umask */
	char *profile; /* that oxfiles were read with; may be NULL */
	struct keeper_rlimit limits[KEEPER_RLIMITS_MAX];
	size_t limit_count;
};

struct launch_envs {
	struct map known; /* "#7", or in older stores the name of an app, -> struct launch_env * */
	int64_t last;
};

#define CALLERS_INIT                                                                                         \
	{                                                                                                    \
		.known = MAP_INIT,                                                                           \
	}

void launch_envs_release(struct launch_envs *c);
/* `env` as a call brings it; inner variables are left out.  Gives its number, from 1. */
int64_t launch_envs_add(struct launch_envs *c, const struct env *env, int mask, const char *profile);
/* Resource limits of one that was added: names and texts as in os/limits.h.  What makes no sense is left out. */
void launch_envs_limit(struct launch_envs *c, int64_t number, const struct env *limits);
/* NULL if no caller is remembered; number 0 is the one that an older store has for this app. */
const struct launch_env *launch_envs_get(const struct launch_envs *c, int64_t number, const char *app);
/* Forgets those that are not used. */
void launch_envs_sweep(
	struct launch_envs *c, bool (*is_used)(const void *context, int64_t number), const void *context);
struct json *launch_envs_to_json(const struct launch_envs *c);
/* What makes no sense is left out. */
void launch_envs_from_json(struct launch_envs *c, const struct json *j);

/* An environ of NAME=value, for the reader of oxfiles; freed with argv_free().  NULL gives an empty one. */
char **environ_from_env(const struct env *env);

#endif
