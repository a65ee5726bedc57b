/*
 * The difference between two herds, instance by instance, with reasons.  What `oxctl plan` prints is what a
 * deploy does. Pure: it compares what it is given, and reasons name keys, never values of env.
 */
#ifndef OX_MODEL_PLAN_H
#define OX_MODEL_PLAN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/vec.h"
#include "model/spec.h"

struct build;

/* An app with what only the rules know about it: how many instances, and the port of each (0: none). */
struct plan_app {
	const struct spec *spec;
	int instances;
	const int *ports;          /* `instances` of them */
	const struct build *build; /* NULL: nothing is known of it */
};

#define PLAN_VERB_LIST                                                                                       \
	X(PLAN_KEEP, "keep")       /* untouched: same pid, same port */                                      \
	X(PLAN_START, "start")     /* new: the app is new, or it gets more instances */                      \
	X(PLAN_REPLACE, "replace") /* a new process takes its slot */                                        \
	X(PLAN_MOVE, "move")       /* a new process on another port */                                       \
	X(PLAN_REMOVE, "remove")   /* the app is gone, or it gets fewer instances */

enum plan_verb {
#define X(name, word) name,
	PLAN_VERB_LIST
#undef X
};

struct plan_step {
	enum plan_verb verb;
	char *app;
	int instance;
	int old_port, new_port; /* 0: none */
	char *why; /* "command changed", "instances 4 -> 6"; for keep "" or "stop_timeout_ms changed, applied in place" */
	char *build; /* what differs between the builds: "current -> releases/2"; NULL: nothing */
};

struct plan {
	struct vec
		steps; /* of struct plan_step *, apps in dependency order of the new herd, removed ones last */
	size_t counts[PLAN_REMOVE + 1];
};

#define PLAN_INIT                                                                                            \
	{                                                                                                    \
		.steps = VEC_INIT,                                                                           \
	}

/* `from` and `to` are vecs of struct plan_app *; disabled apps count as absent. */
void plan_make(struct plan *p, const struct vec *from, const struct vec *to);
void plan_release(struct plan *p);
/* Moves the steps of `from`, which is empty afterwards, behind those of `into`. */
void plan_take(struct plan *into, struct plan *from);
bool plan_is_empty(const struct plan *p); /* nothing but keep */
const char *plan_verb_word(enum plan_verb verb);
/* Appends `version` and `steps`, for an object that the caller opens and closes. */
void plan_write(const struct plan *p, struct buf *out);

#endif
