/*
 * What the proxy in front of an app is known to believe: the last list that reached it, and whom it may pass requests to.  All of it is counted in
 * the serials of one sequence, that of the effects of this brain for the app's upstream.
 */
#ifndef OX_HERD_PROXY_VIEW_H
#define OX_HERD_PROXY_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/vec.h"
#include "model/effect.h"

struct proxy_view {
	uint64_t serial;   /* of the last effect; 0: there was none */
	uint64_t answered; /* the last that has its answer */
	uint64_t tried;    /* the last that may have taken effect */
	uint64_t released; /* up to this one nobody waits for an answer any more */
	uint64_t naming;   /* the last with a server that is up */
	uint64_t
		in_effect; /* the last of those that took effect; 0: what an earlier brain told it may hold */
	struct upstream_server *servers; /* as wished for last */
	size_t count;
	const struct spec *spec; /* by which that was; only to be compared.  NULL: nothing is wished for */
	struct vec names;        /* of struct proxy_name *: endpoints that it may pass requests to */
};

void proxy_view_release(struct proxy_view *v);
/* Is that what was wished for last? */
bool proxy_view_is_wished(const struct proxy_view *v, const struct spec *spec,
	const struct upstream_server *servers, size_t count);
/* One more effect, whose serial is given back.  Takes `servers` over. */
uint64_t proxy_view_wish(
	struct proxy_view *v, const struct spec *spec, struct upstream_server *servers, size_t count);
/* What became of an effect, and of all before it. */
void proxy_view_answer(struct proxy_view *v, uint64_t serial, enum upstream_outcome outcome);
/* Nobody waits any more for the effects up to this one. */
void proxy_view_let_go(struct proxy_view *v, uint64_t serial);
bool proxy_view_may_name(const struct proxy_view *v, const struct endpoint *at);
/* It passes no requests there by the effect of that serial: that list is in effect, or no list with that place has ever reached it. */
bool proxy_view_is_out(const struct proxy_view *v, uint64_t serial, const struct endpoint *at);
/* There is no upstream any more; true when there was one. */
bool proxy_view_forget(struct proxy_view *v);

#endif
