/*
 * What has happened: the last EVENTS_MAX events in memory, for `events`, and all of them on disk (struct event_log), numbered over the lives of
 * brains.
 */
#ifndef OX_JOURNAL_PAST_H
#define OX_JOURNAL_PAST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/vec.h"
#include "journal/instance_pasts.h"

enum { EVENTS_MAX = 1000 };

struct ev_loop;
struct event_item;
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

struct event_log;
struct ev_loop;
struct json;

enum {
	EVENT_LOG_MAX = 512 * 1024,      /* bytes of a file */
	EVENT_LOG_LINE_MAX = 16 * 1024,  /* of one line; a longer one is left out */
	EVENT_LOG_UNSAVED_MAX = 1 << 18, /* bytes that wait for the end of a turn; more are written at once */
};

struct event_log *event_log_new(struct ev_loop *loop, const char *path);
/* Writes what waits. */
void event_log_free(struct event_log *d);
/* What is in the files, oldest first; lines that make no sense are left out. */
void event_log_read(
	const struct event_log *d, void (*each)(void *context, const struct json *line), void *context);
/* One more line; `text` is a JSON object without line breaks. */
void event_log_add(struct event_log *d, const struct buf *text);

#endif
