/*
 * Looks at how much the instances use that have limits, for as long as there are any that run; where nothing has a limit there is no timer.  The sum of
 * resident sets is cheap, and never less than what is really used; only where it passes a limit the shares are added up page by page.
 */
#ifndef OX_SENSE_LIMIT_WATCH_H
#define OX_SENSE_LIMIT_WATCH_H

#include <stddef.h>
#include <stdint.h>

#include "model/reason.h"
#include "model/spec.h"
#include "model/ticket.h"

struct ev_loop;
struct limit_watch;
struct usage;

/* One that runs and has limits. */
struct limit_subject {
	struct ticket ticket;
	const struct spec *spec; /* borrowed until over() is called for it */
	int64_t pid;
};

struct limit_watch_calls {
	/* All of them now, in an array that is freed with mem_free(). */
	size_t (*subjects)(void *context, struct limit_subject **subjects);
	/* It has passed the limit that `why` is about. */
	void (*over)(void *context, struct ticket ticket, const struct reason *why, int64_t now);
	/* All of this look has been said. */
	void (*done)(void *context);
};

/* `calls` and `usage` are borrowed. */
struct limit_watch *limit_watch_new(
	struct ev_loop *loop, struct usage *usage, const struct limit_watch_calls *calls, void *context);
void limit_watch_free(struct limit_watch *l);
/* Something happened to an app that has limits: they are looked at soon.  No call is made from inside. */
void limit_watch_wake(struct limit_watch *l);

#endif
