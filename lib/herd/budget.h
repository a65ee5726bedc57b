/*
 * At most so many at once; the rest wait in the order in which they asked.  For restarts that one cause asks of many instances:
 * a dependency that is down must not take all of them down together.  Members are slots; 0 is none.
 */
#ifndef OX_HERD_BUDGET_H
#define OX_HERD_BUDGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct budget {
	size_t most;     /* at least 1 counts */
	uint32_t *slots; /* the first `held` have it, the others wait */
	size_t held, len, cap;
};

#define BUDGET_INIT(at_most)                                                                                 \
	{                                                                                                    \
		.most = (at_most),                                                                           \
	}

void budget_release(struct budget *b);
/* True: it has one now, or had one already.  False: it waits. */
bool budget_ask(struct budget *b, uint32_t slot);
/* Gives back, or stops waiting; gives the slot whose turn it is now, or 0. */
uint32_t budget_give(struct budget *b, uint32_t slot);

#endif
