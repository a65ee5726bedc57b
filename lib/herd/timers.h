/*
 * Deadlines in order.  A timer lies inside what it is for and carries the generation that it was set for; the function that it calls compares.  The heap
 * holds pointers only, so arming and disarming cost log n and no memory of their own.
 */
#ifndef OX_HERD_TIMERS_H
#define OX_HERD_TIMERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct timer {
	int64_t at;
	uint64_t order;      /* of two that are due at once the first armed fires first */
	uint64_t generation; /* of whom it was set for */
	void *owner;         /* borrowed */
	size_t position;     /* 0: not armed */
	int kind;            /* its owner's business */
};

struct timers {
	struct timer **heap; /* heap[1] is the next; heap[0] is not used */
	size_t len, cap;
	uint64_t armed; /* ever */
};

enum timer_kind {
	TIMER_DELAY, /* start_delay is over */
	TIMER_ALIVE, /* up long enough to count as ready */
	TIMER_NEVER_READY,
	TIMER_KILL,  /* stop_timeout is over */
	TIMER_GRACE, /* the same, for what the main process has left */
	TIMER_BACKOFF,
	TIMER_UNKILLABLE,
	TIMER_DRAIN,    /* removed from the upstream and drained, at the latest */
	TIMER_CHECK,    /* of its health */
	TIMER_WATCHDOG, /* it should have said that it is alive */
	TIMER_ROLLOUT,  /* an app's */
	TIMER_STAGGER,  /* an app's: the next one of start_queue */
	TIMER_DEADLINE, /* the herd's own: shutdown */
	TIMER_KIND_COUNT,
};

void timers_release(struct timers *t);
/* At `at`; a timer that is armed already is moved. */
void timer_arm(struct timers *t, struct timer *timer, int64_t at);
void timer_disarm(struct timers *t, struct timer *timer);
bool timer_is_armed(const struct timer *timer);
/* NULL: none is armed. */
const struct timer *timers_next(const struct timers *t);
/* The words of its kind, for the store. */
const char *timer_word(enum timer_kind kind);
bool timer_parse(const char *word, enum timer_kind *kind);
/* Takes out the first one that is due at `now`; NULL: none is. */
struct timer *timers_take(struct timers *t, int64_t now);

#endif
