/*
 * What has happened: the last EVENTS_MAX events in memory, for `events`, and all of them on disk (journal/event_log), numbered over the lives of
 * brains.
 */
#ifndef OX_JOURNAL_PAST_H
#define OX_JOURNAL_PAST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/vec.h"
#include "journal/instance_pasts.h"

enum { EVENTS_MAX = 1000 };

struct buf;
struct ev_loop;
struct event_item;
struct event_log;
struct herd_event;

/* Zeroed is one without a log yet. */
struct past {
	struct vec events; /* of struct event_item *, oldest first */
	struct instance_pasts instances;
	struct event_log *log;
	int64_t last_seq;
};

/* Opens the log at `path`; what is in it is remembered, of an instance only where that `is_there`. */
void past_open(struct past *p, struct ev_loop *loop, const char *path,
	bool (*is_there)(const void *context, const char *app, int instance), const void *context);
/* Writes what waits. */
void past_release(struct past *p);
/* The next event. */
const struct event_item *past_add(struct past *p, const struct herd_event *event);
/* Those after number `since`, the newest `limit` of them (0: all). */
struct past_query {
	int64_t since;
	size_t limit;
	bool (*is_meant)(const void *context, const char *app, int instance);
	const void *context;
};
/* Appends {"events": [what is remembered and meant], "seq": the number of the last of all}. */
void past_write(const struct past *p, const struct past_query *q, struct buf *out);
/* Is the end of this run of "api:2" among the last events? */
bool past_has_end(const struct past *p, const char *name, uint64_t run);
/* What belongs to the past of an instance alone: it has no number. */
void past_note(struct past *p, const struct herd_event *event);
/* The instance is no more, and with it what happened to it. */
void past_forget(struct past *p, const char *app, int instance);

#endif
