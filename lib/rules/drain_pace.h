/*
 * How often it is asked whether connections have ended, and when that is over.  Times are arguments (monotonic ms).
 */
#ifndef OX_RULES_DRAIN_PACE_H
#define OX_RULES_DRAIN_PACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	DRAIN_FIRST_MS =
		5, /* the pause before the first question; each is twice as long as the one before, */
	DRAIN_MAX_MS = 250,  /* and at most this */
	DRAIN_ALONE_MAX = 4, /* so many ports are asked for one by one; beyond, all connections at once */
};

int64_t drain_pause_after(int64_t pause_ms);
/* Until the next question: the pause, or less where the first deadline is before. */
int64_t drain_wait(int64_t pause_ms, int64_t first_deadline, int64_t now);
/* None is left, or the deadline has passed. */
bool drain_is_over(size_t left, int64_t deadline, int64_t now);

#endif
