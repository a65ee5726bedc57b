/*
 * What a process tree looks like from outside, once: where it listens, and whether its first thread has ended.
 */
#ifndef OX_ENGINE_PROCESS_LOOK_H
#define OX_ENGINE_PROCESS_LOOK_H

#include <sys/types.h>

#include "herd/hands.h"

/* Of `main`, its descendants and its session. */
void process_look_take(pid_t main, struct process_look *out);

#endif
