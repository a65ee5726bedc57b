/*
 * From a line of the history on disk (struct event_log) to the event that it was.
 */
#ifndef OX_JOURNAL_EVENT_REPLAY_H
#define OX_JOURNAL_EVENT_REPLAY_H

#include <stdbool.h>
#include <stdint.h>

#include "model/event.h"

struct json;

/*
 * False if the line makes no sense.  The strings are borrowed from it, but for those that stay.  `ahead_ms` is how far the monotonic clock is ahead of
 * the wall clock, and below 0 as a rule.  *why is what event->why is, for reason_free(), also where it is false.
 */
bool event_replay_read(const struct json *line, int64_t ahead_ms, struct herd_event *event,
	struct reason **why, int64_t *wall_ms);

#endif
