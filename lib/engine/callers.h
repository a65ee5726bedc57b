/*
 * Whose environment each app is started in: that of whoever said start, remembered with the state, so that an app that crashes at night or
 * is started by another brain gets what it got at first.
 */
#ifndef OX_ENGINE_CALLERS_H
#define OX_ENGINE_CALLERS_H

#include "base/map.h"
#include "model/spec.h"

struct err;
struct json;

struct caller {
	struct env env;
	int mask; /* umask */
};

struct callers {
	struct map apps; /* name -> struct caller * */
};

#define CALLERS_INIT                                                                                         \
	{                                                                                                    \
		.apps = MAP_INIT,                                                                            \
	}

void callers_release(struct callers *c);
/* `env` is an object of strings, as a request brings it; inner variables are left out.  NULL: none. */
void callers_set(struct callers *c, const char *app, const struct json *env, int mask);
/* NULL if nobody is remembered. */
const struct caller *callers_get(const struct callers *c, const char *app);
void callers_forget(struct callers *c, const char *app);
struct json *callers_to_json(const struct callers *c);
/* What makes no sense is left out. */
void callers_from_json(struct callers *c, const struct json *j);

/* An environ of NAME=value from such an object, for the reader of oxfiles; freed with argv_free(). */
char **environ_from_json(const struct json *env);

#endif
