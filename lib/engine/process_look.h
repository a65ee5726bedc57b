/*
 * What a process tree looks like from outside, once: where it listens, and whether its first thread has ended.
 */
#ifndef OX_ENGINE_PROCESS_LOOK_H
#define OX_ENGINE_PROCESS_LOOK_H

#include <sys/types.h>

#include "base/buf.h"
#include "herd/herd.h"

struct process_walk;

/* Of `main`, its descendants and its session.  *walk is made when it is NULL, and serves until it is freed. */
void process_look_take(struct process_walk **walk, pid_t main, struct process_look *out);
/* NULL does nothing. */
void process_walk_free(struct process_walk *walk);

struct brain;

/*
 * A main process has ended with 0, and nobody had asked it to: is there a process of its own that lives on, a child of the keeper now?  The words
 * are in `command`, which the answer borrows.
 */
void process_look_left(
	const struct brain *b, const struct instance *i, struct left_behind *left, struct buf *command);

#endif
