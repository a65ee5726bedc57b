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

struct news {
	struct vec items; /* of struct news_item *, oldest first */
};

struct news_item;

void news_release(struct news *n);
/* Remembered as number `seq`; the oldest is forgotten when there are too many. */
const struct news_item *news_add(
	struct news *n, const struct herd_event *event, int64_t seq, int64_t wall_ms);
/* Is the end of this run of "api:2" among them? */
bool news_has_end(const struct news *n, const char *name, uint64_t run);
int64_t news_seq(const struct news_item *item);
const char *news_app(const struct news_item *item);
/* -1: it is about the app as a whole. */
int news_instance(const struct news_item *item);
/* Appends it as a JSON object. */
void news_write(const struct news_item *item, struct buf *out);

#endif
