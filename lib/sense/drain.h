/*
 * Waiting for the connections of an instance's port to end.  The kernel has no event for that, so its socket tables are asked, less and less
 * often, and only while somebody waits; one question serves all who do.
 */
#ifndef OX_SENSE_DRAIN_H
#define OX_SENSE_DRAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct drain;
struct drains;
struct ev_loop;

enum { DRAIN_FIRST_MS = 5, DRAIN_MAX_MS = 250 };

/* `left`: connections that were still there at the deadline; 0 when all have ended. */
typedef void (*drain_done)(void *context, size_t left);

struct drains *drains_new(struct ev_loop *loop);
void drains_free(struct drains *d);
/* `done` is called once, never from inside this call; the drain is gone then. */
struct drain *drain_start(struct drains *d, int port, int64_t deadline_ms, drain_done done, void *context);
/* NULL does nothing. */
void drain_cancel(struct drain *drain);

#endif
