/*
 * What the herd wishes for beside processes: upstreams, drains, and the hooks of a deploy.
 */
#include "engine/brain_private.h"
#include "os/clock.h"
#include "sense/build_look.h"
#include "spawn/hook.h"

void brain_upstream(void *context, const struct upstream_effect *wish)
{
	struct brain *b = context;

	if (wish->is_gone)
		upstreams_forget(b->upstreams, wish->app);
	else
		upstreams_set(b->upstreams, wish->spec, wish->servers, wish->count, wish->serial);
}

void brain_upstream_reported(
	void *context, const char *app, uint64_t serial, enum upstream_outcome outcome, const char *words)
{
	struct brain *b = context;

	herd_upstream_set(b->herd, app, serial, outcome, words, clock_ms());
	brain_end(b);
}

void brain_drain(void *context, const struct endpoint *at, int64_t ms)
{
	struct brain *b = context;

	drain_start(b->senses.drains, at, ms);
}

static void hooked(void *context, const char *app, uint64_t rollout, bool is_ok, const char *words)
{
	struct brain *b = context;

	herd_hooked(b->herd, app, rollout, is_ok, words, clock_ms());
	brain_end(b);
}

void brain_hook(void *context, const struct hook_effect *wish)
{
	struct brain *b = context;

	hook_start(
		b->runner, wish, launch_envs_get(&b->launch_envs, wish->caller, wish->spec->name), hooked, b);
}

bool brain_is_port_busy(void *context, int port)
{
	(void)context;
	return !port_is_free(port);
}

struct build *brain_look(void *context, const struct build_query *wish)
{
	struct brain *b = context;
	const struct launch_env *caller = launch_envs_get(&b->launch_envs, wish->caller, wish->spec->name);
	struct launch_env asking = { .env = { .items = NULL } };
	struct build *build = NULL;

	if (!wish->path)
		return build_look(wish->spec, caller, wish->own);
	env_put(&asking.env, "PATH", wish->path);
	build = build_look(wish->spec, &asking, wish->own);
	env_release(&asking.env);
	return build;
}
