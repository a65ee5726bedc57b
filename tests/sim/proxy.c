/*
 * What stands in front of the apps: upstreams that take a moment to follow, connections that take a moment to end, and hooks.
 */
#include <string.h>

#include "herd/herd_private.h"
#include "sim.h"

static void name_servers(struct sim *s, int app, const struct upstream_effect *effect)
{
	bool *named = s->is_named[app];
	bool before[SIM_PORTS];

	memcpy(before, named, sizeof(before));
	memset(named, 0, SIM_PORTS);
	for (size_t k = 0; k < effect->count; k++)
		if (effect->servers[k].at.port >= SIM_PORT_FIRST &&
			effect->servers[k].at.port < SIM_PORT_FIRST + SIM_PORTS)
			named[effect->servers[k].at.port - SIM_PORT_FIRST] = !effect->servers[k].is_down;
	for (int k = 0; k < SIM_PORTS; k++)
		if (before[k] && !named[k])
			s->unwished_at[app][k] = s->now;
}

static void know_nothing(struct sim *s, int app)
{
	s->is_upstream_doubtful[app] = true;
	s->let_go[app] = s->answered[app] = 0;
}

void proxy_relearn(struct sim *s)
{
	for (int app = 0; app < SIM_APPS; app++)
		know_nothing(s, app);
	memset(s->sites, 0, sizeof(s->sites));
}

void proxy_upstream(void *context, const struct upstream_effect *effect)
{
	struct sim *s = context;
	int app = town_app(effect->app);
	struct ticket t = { .slot = 0, .generation = effect->serial };

	if (!machine_hears(s))
		return;
	sim_trace(s, "effect: upstream %s with %zu servers, number %llu%s", effect->app, effect->count,
		(unsigned long long)effect->serial, effect->is_gone ? ", gone" : "");
	gate_check_upstream(s, effect);
	/* The first is one of an app that was made anew. */
	if (effect->is_gone || effect->serial == 1) {
		know_nothing(s, app);
		s->sites[app] = (struct proxy_site){ .serial = 0 };
	}
	if (effect->is_gone)
		s->upstream_serial[app] = 0;
	if (effect->is_gone)
		return;
	s->upstream_serial[app] = effect->serial;
	name_servers(s, app, effect);
	proxy_site_change(&s->sites[app], effect->serial, s->now);
	machine_due(
		s, HAPPENS_UPSTREAM, t, s->sites[app].due_at + (int64_t)sim_draw(&s->behaviour, 200), app);
}

void proxy_drain(void *context, const struct endpoint *at, int64_t ms)
{
	struct sim *s = context;
	struct ticket t = at->ticket;

	if (!machine_hears(s))
		return;
	sim_trace(s, "effect: drain slot %u generation %llu", t.slot, (unsigned long long)t.generation);
	if (gate_drain(s, t, ms))
		return;
	machine_due(s, HAPPENS_DRAINED, t, s->now + (int64_t)sim_draw(&s->behaviour, (uint64_t)ms + 1), 0);
}

void proxy_hook(void *context, const struct hook_effect *effect)
{
	struct sim *s = context;
	struct ticket t = { .slot = 0, .generation = effect->rollout };

	if (!machine_hears(s))
		return;
	sim_trace(s, "effect: the %s hook of %s", effect->is_post ? "post" : "pre", effect->app);
	machine_due(
		s, HAPPENS_HOOKED, t, s->now + (int64_t)sim_draw(&s->behaviour, 4000), town_app(effect->app));
}

void proxy_hooked(struct sim *s, const struct due *due)
{
	bool is_ok = s->is_calm || !sim_chance(&s->behaviour, 15);

	sim_trace(s, "fact: a hook of %s ended, %s", town_names[due->port], is_ok ? "well" : "badly");
	herd_hooked(s->h, town_names[due->port], due->ticket.generation, is_ok, "exit code 1", s->now);
}

/* A file without a server is never written. */
static bool names_any(const struct sim *s, int app)
{
	bool is_any = false;

	for (int k = 0; k < SIM_PORTS; k++)
		is_any |= s->is_named[app][k];
	return is_any;
}

static void take_effect(struct sim *s, int app, bool is_sure, bool is_real)
{
	bool is_any = names_any(s, app);

	if (is_real)
		memcpy(s->is_named_now[app], s->is_named[app], sizeof(s->is_named[app]));
	for (int k = 0; k < SIM_PORTS && is_any; k++)
		s->is_named_maybe[app][k] = s->is_named[app][k] || (s->is_named_maybe[app][k] && !is_sure);
}

static void answer(struct sim *s, int app, uint64_t serial, enum upstream_outcome outcome)
{
	const struct app *a = app_find(s->h, town_names[app]);

	s->answered[app] = serial;
	if (outcome == UPSTREAM_IN_EFFECT)
		s->is_upstream_doubtful[app] &= !names_any(s, app);
	else if (a && !a->rollout)
		s->let_go[app] = serial;
	herd_upstream_set(s->h, town_names[app], serial, outcome, "nginx is not reloaded", s->now);
}

void proxy_happen(struct sim *s, const struct due *due)
{
	int app = due->port;
	uint64_t serial = due->ticket.generation;
	bool is_ok = s->is_calm || !sim_chance(&s->behaviour, 4);
	enum upstream_outcome outcome = is_ok   ? UPSTREAM_IN_EFFECT
		: sim_chance(&s->behaviour, 50) ? UPSTREAM_TAKEN_BACK
						: UPSTREAM_UNSURE;
	struct proxy_site *site = &s->sites[app];
	bool is_news = true;
	bool is_silent = outcome != UPSTREAM_UNSURE && !s->is_calm && sim_chance(&s->behaviour, 1);

	/* Overtaken by a later effect, whose answer is for both. */
	if (serial != s->upstream_serial[app])
		return;
	s->is_upstream_broken[app] = !is_ok || is_silent;
	if (is_silent) {
		/* Something hangs: nothing happens, and nobody says so. */
		s->is_upstream_doubtful[app] = true;
		return;
	}
	/* What nobody is sure of may be in effect all the same. */
	if (outcome != UPSTREAM_TAKEN_BACK)
		take_effect(s, app, is_ok, is_ok || sim_chance(&s->behaviour, 50));
	proxy_site_begin(site);
	if (is_ok)
		proxy_site_succeed(site);
	else
		is_news = proxy_site_fail(site, outcome, s->now);
	if (!is_ok)
		machine_due(s, HAPPENS_UPSTREAM, due->ticket, site->due_at, app);
	if (is_news)
		answer(s, app, serial, outcome);
}

/* --- what the herd thinks of it --- */

void proxy_check(struct sim *s, const struct app *a)
{
	int app = town_app(a->spec->name);
	bool is_known = !s->is_upstream_doubtful[app] && s->answered[app] == a->proxy.serial &&
		!s->is_upstream_broken[app] && names_any(s, app);

	if (!a->proxy.serial || s->is_brain_dead)
		return;
	for (int k = 0; k < SIM_PORTS; k++) {
		const struct endpoint at = { .port = SIM_PORT_FIRST + k };
		bool thinks = proxy_view_may_name(&a->proxy, &at);

		if (s->is_named_maybe[app][k] && !thinks)
			sim_fail(s, "port %d of %s may be asked, and the herd does not think so",
				SIM_PORT_FIRST + k, a->spec->name);
		if (is_known && thinks && !s->is_named_maybe[app][k])
			sim_fail(s, "nobody asks port %d of %s, and the herd thinks so", SIM_PORT_FIRST + k,
				a->spec->name);
	}
	for (size_t k = 0; k < a->instances.len; k++) {
		const struct instance *i = a->instances.items[k];
		int index = i->port - SIM_PORT_FIRST;

		if (i->drain == DRAIN_REMOVING && instance_is_going_down(i) && i->drain_serial &&
			i->drain_serial <= s->answered[app] && !s->is_upstream_doubtful[app] && index >= 0 &&
			index < SIM_PORTS && !s->is_named_maybe[app][index])
			sim_fail(s, "%s:%d waits for a proxy that never knew it", a->spec->name, i->number);
	}
}

bool proxy_is_early(const struct sim *s, const struct instance *i, int port)
{
	int app = town_app(i->app->spec->name);
	int index = port - SIM_PORT_FIRST;

	if (index < 0 || index >= SIM_PORTS || !s->is_named_now[app][index])
		return false;
	if (!s->is_upstream_broken[app])
		return true;
	return i->drain_serial > s->let_go[app] && s->now - s->unwished_at[app][index] < UPSTREAM_PATIENCE_MS;
}

/* Nobody here listens on a port that was only passed on. */
void proxy_look(void *context, int64_t pid, struct process_look *out)
{
	const struct sim *s = context;

	for (size_t k = 0; k < s->procs.len; k++) {
		const struct proc *p = s->procs.items[k];

		if (p->pid == pid && p->gate && p->does_listen && p->is_main_alive)
			out->ports[out->ports_len++] = p->port;
	}
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

void proxy_forget(void *context, const char *app, int instance)
{
	(void)context;
	(void)app;
	(void)instance;
}
