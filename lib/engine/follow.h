/*
 * The logs of what targets mean, for as long as somebody reads: a reader (logs/read.h) that hears when something is written to one of its
 * logs, and that instances join when they are started.
 */
#ifndef OX_ENGINE_FOLLOW_H
#define OX_ENGINE_FOLLOW_H

#include <stddef.h>

#include "logs/read.h"

struct brain;
struct err;
struct follower;

struct follow_wish {
	const char *const *targets; /* copied; none: all */
	size_t count;
	struct logs_query query; /* `now_ms` is set here */
	/* There is something to read again after LOGS_WAIT.  Reading is for another turn: it is called from inside the brain. */
	void (*wake)(void *context);
	void *context;
};

/* NULL with words: no such target (e->number is ENOENT). */
struct follower *follow_new(struct brain *b, const struct follow_wish *wish, struct err *e);
void follow_free(struct follower *f);
struct logs *follow_logs(struct follower *f);

#endif
