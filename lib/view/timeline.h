/*
 * What happened, a line each:
 *
 *	12:01:02.123  api:2  running -> backoff  on crash  exit code 3, restart in 200 ms
 *	12:01:02.330  api:2  note  port 3002 is still held
 *
 * A line of another day than the one before gets a line with its date first.  Words of several lines (the last ones that an instance
 * wrote) continue below, behind a bar.
 */
#ifndef OX_VIEW_TIMELINE_H
#define OX_VIEW_TIMELINE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

struct event_record;

struct timeline {
	int64_t (*to_local)(int64_t utc_ms); /* NULL: times are shown as UTC */
	int64_t day;                         /* of the line before; timeline_begin() sets it to today */
	size_t width; /* of the terminal: in what "why" answers, words that are too long stand below their step; 0: any */
	bool colour;
};

void timeline_begin(struct timeline *t, int64_t now_utc_ms);
/* One event, with its instance or app. */
void timeline_event(struct timeline *t, const struct event_record *event, struct buf *out);
/* One entry of what "why" answers: indented, and whose it is stands above. */
void timeline_entry(struct timeline *t, const struct event_record *entry, struct buf *out);
/* Of a moment since 1970, UTC: "12:01:02.123", with the day before it if that is another than the one of the line before. */
void timeline_time(const struct timeline *t, int64_t at_ms, struct buf *out);

#endif
