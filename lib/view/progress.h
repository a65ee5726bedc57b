/*
 * The progress of a deploy, from the events that the daemon sends: as lines one after the other, and as a picture that is drawn anew.
 *
 *	api  [##########----------] 2 of 4, revision 7, replacing instances  12.4 s
 *	  api:0            done      3.1 s  running
 *	  api:1            checking  1.2 s  running
 *	  api:2            waiting       -  running
 *	  api:4 (a spare)  done      8.0 s  running
 */
#ifndef OX_VIEW_PROGRESS_H
#define OX_VIEW_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/vec.h"

struct event_record;

enum { PROGRESS_SLOTS_MAX = 4096 }; /* what is beyond is not shown */

struct progress {
	struct vec apps; /* of struct progress_app *, in the order in which they were heard of */
	size_t slots;
};

#define PROGRESS_INIT                                                                                        \
	{                                                                                                    \
		.apps = VEC_INIT,                                                                            \
	}

void progress_release(struct progress *p);
/* What a `progress` says; `now` in ms on any clock that does not jump. */
void progress_hear(struct progress *p, const struct event_record *event, int64_t now);
/* The same as a line for a person, with its line break; nothing where there is nothing to say. */
void progress_line(const struct event_record *event, struct buf *out);
/* Everything as it is, in lines no wider than `width` (0: as wide as they are). */
void progress_render(const struct progress *p, int64_t now, struct buf *out, size_t width, bool colour);
/* What people read for the word of a step: "checking" for "proves". */
const char *progress_step_label(const char *step);
/* Is there anything to be drawn? */
bool progress_has_any(const struct progress *p);

#endif
