/*
 * The last EVENTS_MAX things that happened, for `events`: each in a hundred bytes, and as JSON only when somebody asks or listens.
 */
#ifndef OX_JOURNAL_EVENT_RING_H
#define OX_JOURNAL_EVENT_RING_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/vec.h"
#include "model/event.h"

enum { EVENTS_MAX = 1000 };

struct event_ring {
	struct vec items; /* of struct event_ring_item *, oldest first */
};

struct event_ring_item;

void event_ring_release(struct event_ring *n);
/* Remembered as number `seq`; the oldest is forgotten when there are too many. */
const struct event_ring_item *event_ring_add(
	struct event_ring *n, const struct herd_event *event, int64_t seq, int64_t wall_ms);
/* Is the end of this run of "api:2" among them? */
bool event_ring_has_end(const struct event_ring *n, const char *name, uint64_t run);
int64_t event_ring_seq(const struct event_ring_item *item);
const char *event_ring_app(const struct event_ring_item *item);
/* -1: it is about the app as a whole. */
int event_ring_instance(const struct event_ring_item *item);
/* Appends it as a JSON object. */
void event_ring_write(const struct event_ring_item *item, struct buf *out);

#endif
