/*
 * The brain's one event loop, for those who may not know what it is made of.
 */
#ifndef OX_ENGINE_LOOP_H
#define OX_ENGINE_LOOP_H

struct ev_loop;

/* NULL where the machine has nothing to wait with. */
struct ev_loop *loop_new(void);
/* Returns when somebody has broken it, or when nothing is left to wait for. */
void loop_run(struct ev_loop *loop);
void loop_free(struct ev_loop *loop);
/*
 * The first word of a watcher without which the brain would be deaf.  Where the kernel has no memory left for watching, or no watch, libev stops the
 * watcher for good: then this brain ends, and the keeper starts another.
 */
void loop_mind(int events);

#endif
