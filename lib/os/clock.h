/*
 * The two clocks.  Everything that waits or measures uses the monotonic one; the wall clock is for people.
 */
#ifndef OX_OS_CLOCK_H
#define OX_OS_CLOCK_H

#include <stdint.h>

#include "base/buf.h"
#include "base/wall_time.h"

/* Since the machine started; stands still while it sleeps. */
int64_t clock_ms(void);
int64_t clock_us(void);
/* Since the machine started, asleep or not, as start times in /proc count it. */
uint64_t clock_ticks(void);
/* Processor time that this thread has used, in the kernel too. */
int64_t clock_cpu_ms(void);
/* Since 1970. */
int64_t clock_wall_ms(void);
/* "2026-11-20T19:55:01.120Z": appends a wall time, UTC. */
void clock_write(struct buf *out, int64_t wall_ms);
/* A wall time as clocks show it here, in the time zone of this machine. */
void clock_local(struct wall_time *w, int64_t wall_ms);

#endif
