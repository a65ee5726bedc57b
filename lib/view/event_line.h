/*
 * What the daemon's log says of an event: `api:2: starting -> running on ready (1.24 s)`.
 */
#ifndef OX_VIEW_EVENT_LINE_H
#define OX_VIEW_EVENT_LINE_H

#include <stdbool.h>

#include "base/buf.h"

struct herd_event;

/* False for a step of a deploy, of which the log says nothing unless it fails. */
bool event_line(const struct herd_event *event, struct buf *out);
/* Somebody should look at it. */
bool event_is_warning(const struct herd_event *event);

#endif
