/*
 * What the herd wishes for beside processes: upstreams, drains, and the hooks of a deploy.
 */
#include "base/mem.h"
#include "engine/brain_private.h"
#include "os/clock.h"

void brain_upstream(void *context, const struct upstream_wish *wish)
{
	struct brain *b = context;

	if (wish->is_gone)
		upstreams_forget(b->upstreams, wish->app);
	else
		upstreams_set(b->upstreams, wish->spec, wish->servers, wish->count, wish->serial);
}

void brain_upstream_told(void *context, const char *app, uint64_t serial, bool is_true, const char *words)
{
	struct brain *b = context;

	herd_upstream_set(b->herd, app, serial, is_true, words, clock_ms());
	brain_end(b);
}

/* Whose drain it is; the herd ignores it when the instance is another by then. */
struct draining {
	struct brain *brain;
	struct ticket ticket;
};

static void drained(void *context, size_t left)
{
	struct draining *d = context;
	struct brain *b = d->brain;
	struct ticket ticket = d->ticket;

	for (size_t i = 0; i < b->draining.len; i++) {
		if (b->draining.items[i] == d) {
			mem_free(vec_remove(&b->draining, i));
			break;
		}
	}
	herd_drained(b->herd, ticket, left, clock_ms());
	brain_end(b);
}

void brain_drain(void *context, struct ticket ticket, int port, int64_t ms)
{
	struct brain *b = context;
	struct draining *d = mem_zalloc(1, sizeof(*d));

	*d = (struct draining){ .brain = b, .ticket = ticket };
	vec_push(&b->draining, d);
	(void)drain_start(b->drains, port, ms, drained, d);
}

void brain_hook(void *context, const struct hook_wish *wish)
{
	brain_fact(context,
		(struct fact){
			.kind = FACT_HOOKED,
			.ticket = { .generation = wish->rollout },
			.app = mem_strdup(wish->app),
			.words = mem_strdup("hooks are not supported yet"),
		});
}
