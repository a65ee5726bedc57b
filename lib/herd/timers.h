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

void timers_release(struct timers *t);
/* At `at`; a timer that is armed already is moved. */
void timer_arm(struct timers *t, struct timer *timer, int64_t at);
void timer_disarm(struct timers *t, struct timer *timer);
bool timer_is_armed(const struct timer *timer);
/* NULL: none is armed. */
const struct timer *timers_next(const struct timers *t);
/* Takes out the first one that is due at `now`; NULL: none is. */
struct timer *timers_take(struct timers *t, int64_t now);

#endif
