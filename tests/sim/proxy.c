/*
 * What stands in front of the apps: upstreams that take a moment to follow, connections that take a moment to end, and hooks.
 */
#include <string.h>

#include "sim.h"

static void name_servers(bool *named, const struct upstream_wish *wish)
{
	memset(named, 0, SIM_PORTS);
	for (size_t k = 0; k < wish->count; k++)
		if (wish->servers[k].port >= SIM_PORT_FIRST &&
			wish->servers[k].port < SIM_PORT_FIRST + SIM_PORTS)
			named[wish->servers[k].port - SIM_PORT_FIRST] = !wish->servers[k].is_down;
}

void proxy_upstream(void *context, const struct upstream_wish *wish)
{
	struct sim *s = context;
	int app = town_app(wish->app);
	struct ticket t = { .slot = 0, .generation = wish->serial };

	if (!machine_hears(s))
		return;
	sim_trace(s, "wish: upstream %s with %zu servers, number %llu%s", wish->app, wish->count,
		(unsigned long long)wish->serial, wish->is_gone ? ", gone" : "");
	if (wish->is_gone)
		return;
	s->upstream_serial[app] = wish->serial;
	name_servers(s->is_named[app], wish);
	machine_due(s, HAPPENS_UPSTREAM, t, s->now + (int64_t)sim_draw(&s->behaviour, 200), app);
}

void proxy_drain(void *context, struct ticket t, int port, int64_t ms)
{
	struct sim *s = context;

	(void)port;
	if (!machine_hears(s))
		return;
	sim_trace(s, "wish: drain slot %u generation %llu", t.slot, (unsigned long long)t.generation);
	machine_due(s, HAPPENS_DRAINED, t, s->now + (int64_t)sim_draw(&s->behaviour, (uint64_t)ms + 1), 0);
}

void proxy_hook(void *context, const struct hook_wish *wish)
{
	struct sim *s = context;
	struct ticket t = { .slot = 0, .generation = wish->rollout };

	if (!machine_hears(s))
		return;
	sim_trace(s, "wish: the %s hook of %s", wish->is_post ? "post" : "pre", wish->app);
	machine_due(
		s, HAPPENS_HOOKED, t, s->now + (int64_t)sim_draw(&s->behaviour, 4000), town_app(wish->app));
}

void proxy_hooked(struct sim *s, const struct due *due)
{
	bool is_ok = s->is_calm || !sim_chance(&s->behaviour, 15);

	sim_trace(s, "fact: a hook of %s ended, %s", town_names[due->port], is_ok ? "well" : "badly");
	herd_hooked(s->h, town_names[due->port], due->ticket.generation, is_ok, "exit code 1", s->now);
}

void proxy_happen(struct sim *s, const struct due *due)
{
	int app = due->port;
	bool is_ok = s->is_calm || !sim_chance(&s->behaviour, 4);

	/* Overtaken by a later wish, whose answer is for both; now and then nobody answers at all. */
	if (due->ticket.generation != s->upstream_serial[app])
		return;
	s->is_upstream_broken[app] = !is_ok;
	if (is_ok)
		memcpy(s->is_named_now[app], s->is_named[app], sizeof(s->is_named[app]));
	if (s->is_calm || !sim_chance(&s->behaviour, 1))
		herd_upstream_set(
			s->h, town_names[app], due->ticket.generation, is_ok, "nginx -t failed", s->now);
}

void proxy_last_lines(void *context, const char *name, struct buf *out)
{
	(void)context;
	buf_addf(out, "\nthe last words of %s", name);
}

void proxy_remember(void *context, const struct herd_event *event)
{
	(void)context;
	(void)event;
}
