/*
 * What happened, on disk, so that `why` and `events` know it after the daemon's death: PATH, a line of JSON for each event, and PATH.1 with
 * those before, together at most twice EVENT_LOG_MAX.  Lines are written at the end of each turn of the loop; a brain that is killed loses those
 * of one turn, a machine that goes down perhaps those of its last seconds.  It is an addition: a failed write is logged once, and the
 * daemon continues without it.
 */
#ifndef OX_JOURNAL_EVENT_LOG_H
#define OX_JOURNAL_EVENT_LOG_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

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
