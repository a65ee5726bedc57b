/*
 * The logs of what targets mean, for as long as somebody reads: a reader (logs/read.h) that hears when something is written to one of its
 * logs, and that instances join when they are started.
 */
#ifndef OX_LOGS_FOLLOW_H
#define OX_LOGS_FOLLOW_H

#include <stdbool.h>
#include <stddef.h>

#include "base/vec.h"
#include "logs/read.h"

struct err;
struct follower;

/* All who read now; zeroed, but for who finds logs, is none. */
struct followers {
	/* logs_add() for each log that the targets (none: all) mean now.  -1 with words when there is no such target. */
	int (*find)(
		void *context, const char *const *targets, size_t count, struct logs *into, struct err *e);
	void *context;
	struct vec all; /* of struct follower * */
	bool has_newcomers;
};

void followers_release(struct followers *all);
/* Something was started: those who follow its logs read its files too, from the end of this turn on. */
void followers_newcomer(struct followers *all);
void followers_end_turn(struct followers *all);
/* Something was added to the log at this path, or it begins again. */
void followers_written(const struct followers *all, const char *path);

struct follow_request {
	const char *const *targets; /* copied; none: all */
	size_t count;
	struct logs_query query; /* `now_ms` is set here */
	/* There is something to read again after LOGS_WAIT.  Reading is for another turn: it is called from inside the brain. */
	void (*wake)(void *context);
	void *context;
};

/* NULL with words: no such target (e->number is ENOENT).  `all` outlives it. */
struct follower *follow_new(struct followers *all, const struct follow_request *request, struct err *e);
void follow_free(struct follower *f);
struct logs *follow_logs(struct follower *f);

#endif
