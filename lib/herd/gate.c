/*
 * The gate in front of instances that share a port: which of them get new connections, and at which places the sockets of a process that has ended wait
 * for the next one.  And whether a program that is to share its port can do so at all: the gate has to hold its sockets.
 */
#include "base/assert.h"
#include "herd/facts.h"
#include "herd/herd_private.h"
#include "herd/unready.h"

void app_give_gate(struct app *a)
{
	struct herd *h = a->herd;

	if (a->gate || !spec_has_gate(a->spec))
		return;
	a->gate = ++h->last_slot;
	ASSERT(!herd_by_slot(h, (uint32_t)a->gate), "%s gets gate %lld, which is a slot", a->spec->name,
		(long long)a->gate);
}

void app_adopt_gate(struct app *a, int64_t gate)
{
	struct herd *h = a->herd;

	if (gate <= 0 || gate > UINT32_MAX)
		return;
	if (gate > h->last_slot)
		h->last_slot = (uint32_t)gate;
	/* A newer one is of an app that was deleted and made anew after the last save. */
	if (gate > a->gate)
		a->gate = gate;
	ASSERT(a->gate <= h->last_slot, "%s has gate %lld, which nobody gave", a->spec->name,
		(long long)a->gate);
}

bool instance_is_chosen(const struct instance *i)
{
	return instance_gate(i) && i->is_held && i->drain == DRAIN_NONE && i->state == STATE_RUNNING &&
		instance_is_wanted(i) && instance_is_ready(i) && !instance_is_on_trial(i);
}

/* By what its next process is started. */
static const struct revision *next_revision(const struct instance *i)
{
	return i->takes_target || !i->app->rollout ? i->app->target : i->revision;
}

/* A process comes there, after the one that is there or in its place. */
static bool is_kept(const struct instance *i)
{
	return instance_should_run(i) && spec_has_gate(next_revision(i)->spec);
}

/* It has a socket, and so has the process that comes after it: connections may wait there. */
static bool can_hold(const struct instance *i)
{
	return instance_gate(i) && i->is_held && i->phase == PHASE_UP && is_kept(i) &&
		!instance_is_on_trial(i);
}

/* Does another one of its app do that, there?  Port 0: anywhere. */
static bool has_other(const struct instance *i, int port, bool (*does)(const struct instance *))
{
	size_t k = 0;
	const struct instance *other = NULL;

	VEC_EACH (&i->app->instances, k, other) {
		if (other != i && (!port || other->port == port) && does(other))
			return true;
	}
	return false;
}

bool gate_has_other(const struct instance *i)
{
	if (i->app->ready && has_other(i, 0, instance_is_chosen))
		return true;
	/* Who does not come back leaves its connections to who does. */
	return i->app->wanted && !is_kept(i) && has_other(i, 0, can_hold);
}

bool gate_has_other_there(const struct instance *i)
{
	return has_other(i, i->port, instance_is_chosen);
}

static void add_chosen(const struct app *a, struct gate_view *v, bool (*is)(const struct instance *))
{
	size_t k = 0;
	const struct instance *i = NULL;

	VEC_EACH (&a->instances, k, i) {
		if (is(i))
			v->chosen[v->chosen_count++] = instance_ticket(i);
	}
	ASSERT(v->chosen_count <= a->instances.len, "%s has %zu chosen of %zu", a->spec->name,
		v->chosen_count, a->instances.len);
}

/* It has a socket that may have been chosen, and goes for good. */
static bool goes(const struct instance *i)
{
	return instance_gate(i) && i->is_held && i->phase == PHASE_UP && !is_kept(i);
}

static bool is_any(const struct app *a, bool (*is)(const struct instance *))
{
	size_t k = 0;
	const struct instance *i = NULL;

	VEC_EACH (&a->instances, k, i) {
		if (is(i))
			return true;
	}
	return false;
}

static void look(const struct app *a, struct gate_view *v)
{
	size_t k = 0;
	const struct instance *i = NULL;

	gate_view_make(v, a->instances.len);
	if (spec_has_gate(a->spec))
		v->port = revision_port(a->target, 0);
	VEC_EACH (&a->instances, k, i) {
		if (is_kept(i))
			v->places[v->place_count++] = i->number;
	}
	add_chosen(a, v, instance_is_chosen);
	/* Where nobody is proven the gate stays as it is, but for who goes: better to wait at one that comes back. */
	if (!v->chosen_count && v->place_count && is_any(a, goes))
		add_chosen(a, v, can_hold);
	ASSERT(v->place_count <= a->instances.len, "%s keeps %zu places of %zu", a->spec->name,
		v->place_count, a->instances.len);
}

static void send(struct app *a, struct gate_view *v)
{
	const struct herd_options *o = &a->herd->options;
	const struct gate_effect effect = gate_view_effect(v, a->gate);

	o->effects->gate(o->context, &effect);
	gate_view_release(&a->gate_wished);
	a->gate_wished = *v;
}

static void settle(struct app *a)
{
	struct gate_view v;

	a->is_gate_stale = false;
	look(a, &v);
	if (gate_view_is_same(&a->gate_wished, &v))
		gate_view_release(&v);
	else
		send(a, &v);
	upstream_look_out(a);
}

void gates_settle(struct herd *h)
{
	ASSERT(h->has_stale_gate, "gates are settled, and are as they should be");
	h->has_stale_gate = false;
	for (size_t k = 0; k < h->apps.len; k++) {
		struct app *a = h->apps.items[k];

		if (a->is_gate_stale)
			settle(a);
	}
}

void gate_is_stale(struct app *a)
{
	a->is_gate_stale = true;
	a->herd->has_stale_gate = true;
}

void app_resume_gate(struct app *a)
{
	if (!a->gate)
		return;
	a->gate_wished.is_unknown = true;
	gate_is_stale(a);
}

void app_close_gate(struct app *a)
{
	struct gate_view none = { .port = 0 };

	if (!a->gate || gate_view_is_empty(&a->gate_wished))
		return;
	ASSERT(!a->instances.len, "%s closes its gate with %zu instances", a->spec->name, a->instances.len);
	send(a, &none);
}

/* --- can it share its port? --- */

void instance_forget_held(struct instance *i)
{
	i->is_held = false;
	reason_free(i->unheld);
	i->unheld = NULL;
}

void herd_listens(struct herd *h, struct ticket t, const struct reason *why, int64_t now)
{
	struct instance *i = herd_by_ticket(h, t, now);

	if (!i)
		return;
	if (!instance_gate(i) || (i->phase != PHASE_SPAWNING && i->phase != PHASE_UP)) {
		fact_unexpected(h, i, "a socket of the gate");
		return;
	}
	if (!why) {
		i->is_held = true;
	} else if (i->state == STATE_STARTING) {
		reason_free(i->unheld);
		i->unheld = reason_copy(why);
	} else {
		instance_note(i, why);
	}
	instance_mark_dirty(i);
	herd_commit(h);
}

/* Of what is ready by its word or its age alone the port says nothing, unless it listens there. */
static bool must_be_held(const struct instance *i)
{
	return spec_ready(instance_spec(i)) == READY_LISTEN || i->unheld || instance_listens(i);
}

bool gate_admits(struct instance *i)
{
	if (!i->is_held && must_be_held(i)) {
		instance_fail_start(i, &REASON_OF(NOT_BEHIND_GATE, .port = i->port, .cause = i->unheld));
		return false;
	}
	if (i->unheld)
		instance_note(i, i->unheld);
	return true;
}
