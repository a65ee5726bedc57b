/*
 * Why instances are as they are, in full: what "why" answers.
 *
 *	api:2: backoff, next start in 200 ms
 *	  exit code 3, crash 2
 *	  3 restarts, 2 crashes in a row, last exit with code 3 at 12:01:02.123
 *	  12:01:00.000  starting -> running  on ready
 *	  12:01:02.123  running -> backoff  on crash  exit code 3, crash 2
 */
#ifndef OX_VIEW_DETAIL_H
#define OX_VIEW_DETAIL_H

#include "base/buf.h"

struct snapshot;
struct timeline;

/* `t` was begun by the caller; every instance starts from its day again. */
void detail_render(const struct snapshot *why, const struct timeline *t, struct buf *out);

#endif
