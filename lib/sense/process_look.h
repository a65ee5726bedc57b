/*
 * What a process tree looks like from outside, once: where it listens, and whether its first thread has ended.
 */
#ifndef OX_SENSE_PROCESS_LOOK_H
#define OX_SENSE_PROCESS_LOOK_H

#include <sys/types.h>

#include "model/effect.h"

struct process_walk;

/* Of `main`, its descendants and its session.  *walk is made when it is NULL, and serves until it is freed. */
void process_look_take(struct process_walk **walk, pid_t main, struct process_look *out);
/* NULL does nothing. */
void process_walk_free(struct process_walk *walk);

#endif
