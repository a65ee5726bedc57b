/*
 * The way out of service: what serves behind an upstream that we keep is taken out of it, and when that is confirmed and its connections have ended
 * (or drain_secs are over) it gets its stop signal.  And the way in: each change of who serves is an effect for the upstream, once a call.
 *
 * Instances that share a port are one server of their upstream, whichever of them are there: what they leave is their gate.
 */
#include "base/assert.h"
#include "base/log.h"
#include "base/mem.h"
#include "herd/herd_private.h"

/* --- who serves --- */

static struct upstream_server *find_listed(struct upstream_server *servers, size_t count, int port)
{
	for (size_t k = 0; k < count; k++)
		if (servers[k].at.port == port)
			return &servers[k];
	return NULL;
}

static size_t list_servers(const struct app *a, struct upstream_server *servers)
{
	size_t count = 0;
	size_t k = 0;
	const struct instance *i = NULL;

	VEC_EACH (&a->instances, k, i) {
		bool is_trial = instance_is_on_trial(i);
		bool serves = instance_is_wanted(i) && instance_is_ready(i) && i->state == STATE_RUNNING &&
			!is_trial;
		/* The server of a slot that is being replaced stays, marked down.  Who does not come back has none, so its end needs no reload. */
		bool is_coming = is_trial && !instance_is_spare(i) && i->phase == PHASE_UP;
		bool comes_back = i->drain != DRAIN_NONE && instance_is_wanted(i);
		struct upstream_server *same = NULL;

		if (!i->port || (!serves && !is_coming && !comes_back))
			continue;
		/* A port that is shared, or was, is one server: up while anybody serves there. */
		same = a->gate ? find_listed(servers, count, i->port) : NULL;
		if (same)
			same->is_down &= !serves;
		if (same || (instance_gate(i) && !serves))
			continue;
		servers[count++] = (struct upstream_server){ .at = instance_endpoint(i), .is_down = !serves };
	}
	return count;
}

/* What shares its port keeps its server while nobody serves: connections wait there for the next process. */
static size_t keep_server(const struct app *a, struct upstream_server *servers)
{
	const struct proxy_view *v = &a->proxy;

	if (!spec_has_gate(a->spec) || !a->instances.len || !v->count)
		return 0;
	servers[0] = v->servers[0];
	servers[0].is_down = false;
	/* One of those that each instance had before says nothing. */
	if (v->count > 1)
		servers[0].at.port = revision_port(a->target, 0);
	return 1;
}

static void send(struct app *a, struct upstream_server *servers, size_t count)
{
	const struct herd_options *o = &a->herd->options;
	const struct upstream_effect effect = {
		.app = a->spec->name,
		.spec = a->spec,
		.servers = servers,
		.count = count,
		.serial = proxy_view_wish(&a->proxy, a->spec, servers, count),
	};

	ASSERT(effect.serial == a->proxy.serial, "%s sends effect %llu of %llu", a->spec->name,
		(unsigned long long)effect.serial, (unsigned long long)a->proxy.serial);
	o->effects->upstream(o->context, &effect);
}

static void begin_drain(struct instance *i)
{
	const struct herd_options *o = &i->app->herd->options;
	const struct endpoint at = instance_endpoint(i);
	int64_t ms = instance_spec(i)->deploy.drain_ms;

	ASSERT_OF(i, i->drain == DRAIN_REMOVING, "drains, and was not taken out of its upstream");
	instance_set_drain(i, ms > 0 ? DRAIN_DRAINING : DRAIN_DONE);
	if (ms > 0) {
		instance_arm(i, &i->life, TIMER_DRAIN, ms + DRAIN_GRACE_MS);
		o->effects->drain(o->context, &at, ms);
	}
	instance_mark_dirty(i);
}

/* Behind a gate only the last one on a port takes the upstream's server away with it. */
bool instance_leaves_proxy(const struct instance *i)
{
	return app_keeps_upstream(i->app) && (!instance_gate(i) || !gate_has_other_there(i));
}

/* The proxy passes it no requests any more, nor does its gate. */
static bool is_out(const struct instance *i)
{
	const struct endpoint at = instance_endpoint(i);

	if (instance_gate(i) && i->app->is_gate_stale)
		return false;
	return (instance_gate(i) && !instance_leaves_proxy(i)) ||
		proxy_view_is_out(&i->app->proxy, i->drain_serial, &at);
}

/* Else it was called back, and its next step says so. */
static bool is_leaving(const struct instance *i)
{
	return instance_is_going_down(i) ||
		(i->state == STATE_UNHEALTHY && i->health_slot == HEALTH_SLOT_HELD);
}

void upstream_look_out(struct app *a)
{
	size_t k = 0;
	struct instance *i = NULL;

	VEC_EACH (&a->instances, k, i) {
		if (i->drain != DRAIN_REMOVING || !is_leaving(i))
			continue;
		if (!i->drain_serial)
			i->drain_serial = a->proxy.serial;
		ASSERT(i->drain_serial <= a->proxy.serial, "%s:%d waits for effect %llu, which nobody made",
			i->app->spec->name, i->number, (unsigned long long)i->drain_serial);
		if (is_out(i))
			begin_drain(i);
	}
}

static void settle_upstream(struct app *a)
{
	struct upstream_server *servers = NULL;
	size_t count = 0;

	ASSERT(a->is_upstream_stale, "%s settles an upstream that is as it should be", a->spec->name);
	a->is_upstream_stale = false;
	if (!app_keeps_upstream(a)) {
		upstream_forget(a);
		proxy_view_let_go(&a->proxy, a->proxy.serial);
		upstream_look_out(a);
		return;
	}
	servers = mem_zalloc(a->instances.len, sizeof(*servers));
	count = list_servers(a, servers);
	if (!count)
		count = keep_server(a, servers);
	ASSERT(count <= a->instances.len, "%s has %zu servers of %zu instances", a->spec->name, count,
		a->instances.len);
	if (proxy_view_is_wished(&a->proxy, a->spec, servers, count))
		mem_free(servers);
	else
		send(a, servers, count);
	upstream_look_out(a);
}

void upstreams_settle(struct herd *h)
{
	ASSERT(h->has_stale_upstream, "upstreams are settled, and are as they should be");
	h->has_stale_upstream = false;
	for (size_t k = 0; k < h->apps.len; k++) {
		struct app *a = h->apps.items[k];

		if (a->is_upstream_stale)
			settle_upstream(a);
	}
	ASSERT(!h->has_stale_upstream, "an upstream is left to be settled");
}

void upstream_is_stale(struct app *a)
{
	a->is_upstream_stale = true;
	a->herd->has_stale_upstream = true;
}

void upstream_forget(struct app *a)
{
	const struct herd_options *o = &a->herd->options;
	const struct upstream_effect effect = { .app = a->spec->name, .spec = a->spec, .is_gone = true };

	if (proxy_view_forget(&a->proxy))
		o->effects->upstream(o->context, &effect);
}

static void upstream_settled(struct app *a, uint64_t serial, enum upstream_outcome outcome, const char *words)
{
	bool is_ok = outcome == UPSTREAM_IN_EFFECT;
	/* This failure may end it: then another effect follows, with what was before. */
	bool was_rolled = a->rollout != NULL;

	ASSERT(serial <= a->proxy.serial, "%s has an answer to an effect that nobody made", a->spec->name);
	proxy_view_answer(&a->proxy, serial, outcome);
	if (!is_ok) {
		app_publish(a, &REASON_OF(UPSTREAM_FAILED, .detail = words));
		rollout_note_upstream(a, words);
	}
	/* A rollout that goes back has time: whom the proxy still names is not stopped before its patience ends. */
	if (is_ok || !was_rolled)
		proxy_view_let_go(&a->proxy, serial);
	upstream_look_out(a);
}

void herd_upstream_set(struct herd *h, const char *app, uint64_t serial, enum upstream_outcome outcome,
	const char *words, int64_t now)
{
	struct app *a = app_find(h, app);

	herd_begin(h, now);
	if (!a || serial > a->proxy.serial) {
		h->counts.stale_facts++;
		return;
	}
	upstream_settled(a, serial, outcome, words);
	herd_commit(h);
}

/* --- one that leaves --- */

/* Does anybody lose by it if it stops at once?  Where nobody else serves, waiting only makes the gap come later. */
static bool drains_first(const struct instance *i)
{
	if (!i->port || i->app->herd->is_shutting_down)
		return false;
	return instance_gate(i) ? gate_has_other(i) : app_keeps_upstream(i->app) && i->app->ready > 0;
}

static bool serves(const struct instance *i)
{
	return (i->state == STATE_RUNNING || i->state == STATE_UNHEALTHY) && i->phase == PHASE_UP;
}

bool instance_leaves_first(const struct instance *i)
{
	return serves(i) && i->drain == DRAIN_NONE && drains_first(i);
}

bool instance_may_stop(struct instance *i)
{
	if (!serves(i) || i->drain == DRAIN_DONE)
		return true;
	/* One that was called back and is to go after all. */
	if (i->drain == DRAIN_REMOVING && i->drain_serial && is_out(i))
		begin_drain(i);
	if (i->drain != DRAIN_NONE)
		return !i->app->wanted || i->app->herd->is_shutting_down;
	if (!drains_first(i))
		return true;
	ASSERT_OF(i, i->port, "goes out of its upstream or its gate, and has no port");
	instance_set_drain(i, DRAIN_REMOVING);
	i->drain_serial = 0;
	instance_arm(i, &i->life, TIMER_DRAIN, UPSTREAM_PATIENCE_MS);
	upstream_is_stale(i->app);
	if (i->app->gate)
		gate_is_stale(i->app);
	i->app->herd->is_changed = true;
	return false;
}

void instance_drain_cancel(struct instance *i)
{
	struct herd *h = i->app->herd;

	ASSERT_OF(i, i->drain != DRAIN_NONE, "is called back, and was not on its way out");
	if (timer_is_armed(&i->life) && i->life.kind == TIMER_DRAIN)
		timer_disarm(&h->timers, &i->life);
	instance_set_drain(i, DRAIN_NONE);
	upstream_is_stale(i->app);
	if (i->app->gate)
		gate_is_stale(i->app);
	ASSERT_OF(i, i->drain == DRAIN_NONE && i->app->is_upstream_stale,
		"is back, and its upstream does not know");
}

void instance_drain_finish(struct instance *i)
{
	instance_set_drain(i, DRAIN_DONE);
	ASSERT_OF(i, i->drain == DRAIN_DONE, "has stopped, and drains");
}

void instance_drain_timeout(struct instance *i)
{
	if (i->drain == DRAIN_REMOVING) {
		instance_note(i, &REASON_OF(UPSTREAM_LATE));
		begin_drain(i);
	} else if (i->drain == DRAIN_DRAINING) {
		instance_set_drain(i, DRAIN_DONE);
	}
	instance_mark_dirty(i);
}

void herd_drained(struct herd *h, struct ticket t, size_t left, int64_t now)
{
	struct instance *i = herd_by_ticket(h, t, now);

	if (!i)
		return;
	if (i->drain != DRAIN_DRAINING) {
		fact_unexpected(h, i, "drained");
		return;
	}
	timer_disarm(&h->timers, &i->life);
	if (left)
		instance_note(i, &REASON_OF(CONNECTIONS_LEFT, .count = (int64_t)left));
	instance_set_drain(i, DRAIN_DONE);
	instance_mark_dirty(i);
	herd_commit(h);
}

/* An earlier brain may have asked, and may have called it off again after its last save: nothing is known but that it is to go. */
void instance_drain_resume(struct instance *i)
{
	if (i->drain == DRAIN_NONE)
		return;
	instance_set_drain(i, DRAIN_NONE);
	instance_set_drain(i, DRAIN_REMOVING);
	i->drain_serial = 0;
	instance_arm(i, &i->life, TIMER_DRAIN, UPSTREAM_PATIENCE_MS);
	ASSERT_OF(i, i->drain == DRAIN_REMOVING && timer_is_armed(&i->life),
		"goes out of its upstream without an end");
}
