/*
 * Waiting until an instance behind a gate has nothing left to do: nobody waits at its sockets, and none of its connections is open.  It begins when the
 * keeper has taken it out of the choice, as connections come until then.  The kernel has no event for its end, so it is asked, less and less often, and
 * only while somebody waits; one question serves all who do.
 */
#ifndef OX_GATE_GATE_DRAIN_H
#define OX_GATE_GATE_DRAIN_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "model/endpoint.h"

struct ev_loop;
struct gate_drains;
struct gates;

/* How many connections of its port each process has open, with those that come from it; what cannot be known is 1. */
typedef void (*gate_count)(const int *ports, const pid_t *mains, size_t len, size_t *counts);
/* `left`: connections that were still there at the deadline; 0 when all have ended. */
typedef void (*gate_drained)(void *context, struct ticket ticket, size_t left);

/* All are borrowed. */
struct gate_drains_options {
	struct ev_loop *loop;
	struct gates *gates;
	gate_count count;
	gate_drained done;
	void *context;
};

struct gate_drains *gate_drains_new(const struct gate_drains_options *options);
/* Before the gates; without a callback. */
void gate_drains_free(struct gate_drains *d);
/* `done` is called once for it, never from inside this call. */
void gate_drain_start(struct gate_drains *d, const struct endpoint *at, pid_t main, int64_t ms);

#endif
