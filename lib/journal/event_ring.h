/*
 * The last EVENTS_MAX things that happened, for `events`.
 */
#ifndef OX_JOURNAL_EVENT_RING_H
#define OX_JOURNAL_EVENT_RING_H

#include <stdbool.h>
#include <stdint.h>

#include "base/vec.h"

enum { EVENTS_MAX = 1000 };

struct event_item;

struct event_ring {
	struct vec items; /* of struct event_item *, oldest first */
};

void event_ring_release(struct event_ring *n);
/* Takes a reference of its own; the oldest is forgotten when there are too many. */
void event_ring_add(struct event_ring *n, struct event_item *item);
/* Is the end of this run of "api:2" among them? */
bool event_ring_has_end(const struct event_ring *n, const char *name, uint64_t run);

#endif
