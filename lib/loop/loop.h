/*
 * The brain's one event loop, for those who may not know what it is made of.
 */
#ifndef OX_LOOP_LOOP_H
#define OX_LOOP_LOOP_H

#include <pthread.h>
#include <stdint.h>

struct ev_io;
struct ev_loop;

/* NULL where the machine has nothing to wait with. */
struct ev_loop *loop_new(void);
/* Returns when somebody has broken it, or when nothing is left to wait for. */
void loop_run(struct ev_loop *loop);
/*
 * One turn of the loop that uses up so much processor time never ends: then this process is aborted.  The clock is that of this thread's processor
 * time, so that nothing wakes up for it.  For one loop of a program.
 */
void loop_guard(const struct ev_loop *loop, int64_t turn_ms);
void loop_free(struct ev_loop *loop);
/*
 * ev_io_start(), and the loop comes round once more before it waits.  libev finds out on its way to waiting that the kernel has no room for a watch, and
 * would tell the watcher only after the next event, whenever that is.
 */
void loop_watch(struct ev_loop *loop, struct ev_io *w);
/*
 * The first word of a watcher without which the brain would be deaf.  Where the kernel has no memory left for watching, or no watch, libev stops the
 * watcher for good: then this brain ends, and the keeper starts another.
 */
void loop_mind(int events);

/*
 * A thread for what would hold up the loop: a disk, a processor.  It shares nothing with it but what it is given, has a small stack, and is deaf to
 * signals: those are for the loop.  -1 with errno.
 */
int loop_thread_start(pthread_t *thread, void *(*run)(void *argument), void *argument);

#endif
