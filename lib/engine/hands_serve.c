/*
 * What the herd wishes for beside processes: upstreams, drains, and the hooks of a deploy.
 */
#include "base/mem.h"
#include "engine/brain_private.h"

void brain_upstream(void *context, const struct upstream_wish *wish)
{
	if (wish->is_gone)
		return;
	brain_fact(context,
		(struct fact){
			.kind = FACT_UPSTREAM_SET,
			.ticket = { .generation = wish->serial },
			.app = mem_strdup(wish->app),
		});
}

void brain_drain(void *context, struct ticket ticket, int port, int64_t ms)
{
	(void)port;
	(void)ms;
	brain_fact(context, (struct fact){ .kind = FACT_DRAINED, .ticket = ticket });
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
