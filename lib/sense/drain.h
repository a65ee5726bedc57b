/*
 * Waiting for the connections of an endpoint to end.  The kernel has no event for that, so its socket tables are asked, less and less
 * often, and only while somebody waits; one question serves all who do.
 */
#ifndef OX_SENSE_DRAIN_H
#define OX_SENSE_DRAIN_H

#include <stddef.h>
#include <stdint.h>

#include "model/endpoint.h"

struct drains;
struct ev_loop;

/* `left`: connections that were still there at the deadline; 0 when all have ended. */
typedef void (*drain_done)(void *context, struct ticket ticket, size_t left);

struct drains *drains_new(struct ev_loop *loop, drain_done done, void *context);
/* Without a callback. */
void drains_free(struct drains *d);
/* `done` is called once for it, never from inside this call. */
void drain_start(struct drains *d, const struct endpoint *at, int64_t deadline_ms);

#endif
