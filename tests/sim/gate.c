/*
 * What the keeper holds in front of apps that share a port, the connections that wait there, and what must be true of both: nobody gets connections that
 * is not proven while another is, nobody is stopped while connections wait at it, and no socket waits for a process that does not come.
 */
#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "herd/herd_private.h"
#include "sim.h"

enum { QUEUE_MOST = 50 };

/* A socket outlives its process; the next one at its place takes it over, with the connections that wait there. */
struct held {
	int64_t gate;
	int app, place, port;
	struct ticket owner;
	bool is_free;   /* nothing of the owner is left */
	bool is_chosen; /* in the kernel */
	int queue;
};

/* As some brain wished last. */
struct front {
	int64_t gate;
	int port;
	bool keeps[SIM_NUMBERS];
	bool is_told;    /* by this brain */
	uint64_t digest; /* of what it said */
};

void gates_release(struct sim *s)
{
	vec_release_with(&s->held, mem_free);
	vec_release_with(&s->fronts, mem_free);
}

static struct front *front_of(struct sim *s, int64_t gate)
{
	struct front *f = NULL;

	for (size_t k = s->fronts.len; k-- > 0;) {
		f = s->fronts.items[k];
		if (f->gate == gate)
			return f;
	}
	f = mem_zalloc(1, sizeof(*f));
	f->gate = gate;
	vec_push(&s->fronts, f);
	return f;
}

static struct held *held_by(const struct sim *s, struct ticket t)
{
	size_t k = 0;
	struct held *h = NULL;

	VEC_EACH (&s->held, k, h) {
		if (!h->is_free && h->owner.generation == t.generation && h->owner.slot == t.slot)
			return h;
	}
	return NULL;
}

/* What waits for nobody is closed; who still tries to connect is refused. */
static void close_free(struct sim *s, const struct front *f)
{
	for (size_t k = s->held.len; k-- > 0;) {
		const struct held *h = s->held.items[k];

		if (h->gate != f->gate || !h->is_free || (f->keeps[h->place] && h->port == f->port))
			continue;
		sim_trace(s, "the socket of %s:%d is closed", town_names[h->app], h->place);
		mem_free(vec_remove(&s->held, k));
	}
}

/* --- who is proven --- */

static bool is_expected(const struct sim *s, const struct instance *i)
{
	const struct proc *p = machine_find(s, instance_ticket(i));

	/* A brain with an older store may take it for one of a revision without a gate. */
	return p && p->gate && (instance_gate(i) || !p->is_doubtful) && p->is_held_told &&
		i->state == STATE_RUNNING && i->drain == DRAIN_NONE && i->wants_up &&
		!instance_is_retired(i) && !s->is_shutting_down && !instance_is_restarting(i) &&
		!instance_is_on_trial(i);
}

static const struct instance *owner_of(const struct sim *s, const struct held *h)
{
	const struct instance *i = herd_slot(s->h, h->owner.slot);

	return i && i->generation == h->owner.generation ? i : NULL;
}

/* Another one of its gate that is proven, and lives. */
static bool has_other(const struct sim *s, int64_t gate, const struct instance *but)
{
	size_t k = 0;
	const struct held *h = NULL;

	VEC_EACH (&s->held, k, h) {
		const struct instance *i = h->is_free || h->gate != gate ? NULL : owner_of(s, h);

		if (i && i != but && is_expected(s, i))
			return true;
	}
	return false;
}

/* --- what is wished for --- */

/* Where nobody is proven connections wait at one that comes back, rather than at one that does not. */
static const struct proc *check_chosen(struct sim *s, struct ticket t)
{
	const struct proc *p = machine_find(s, t);
	const struct instance *i = herd_slot(s->h, t.slot);

	if (!p || p->was_exit_told || (p->was_asked_to_stop && has_other(s, p->gate, NULL)))
		sim_fail(s, "slot %u generation %llu is chosen, and is gone or on its way", t.slot,
			(unsigned long long)t.generation);
	else if (!p->is_held_told)
		sim_fail(s, "%s is chosen, and nobody said that it listens", p->name);
	else if (!i || instance_is_on_trial(i) || (has_other(s, p->gate, NULL) && !is_expected(s, i)))
		sim_fail(s, "%s is chosen, and is not proven", p->name);
	else if (!instance_should_run(i))
		sim_fail(s, "%s is chosen, and does not come back", p->name);
	return p;
}

static uint64_t digest_of(const struct gate_effect *effect)
{
	uint64_t digest = sim_mix((uint64_t)effect->gate, (uint64_t)effect->port);

	for (size_t k = 0; k < effect->chosen_count; k++)
		digest = sim_mix(digest, effect->chosen[k].generation);
	for (size_t k = 0; k < effect->place_count; k++)
		digest = sim_mix(digest, (uint64_t)effect->places[k] + 1000000);
	return digest;
}

/* Where none of them has a socket that lives, the kernel keeps what it has. */
static void choose(struct sim *s, const struct gate_effect *effect)
{
	bool is_any = false;
	size_t k = 0;
	struct held *h = NULL;

	for (k = 0; k < effect->chosen_count; k++)
		is_any |= check_chosen(s, effect->chosen[k]) && held_by(s, effect->chosen[k]);
	VEC_EACH (&s->held, k, h) {
		if (is_any && h->gate == effect->gate)
			h->is_chosen = false;
	}
	for (k = 0; k < effect->chosen_count && is_any; k++) {
		h = held_by(s, effect->chosen[k]);
		if (h && h->gate != effect->gate)
			sim_fail(s, "%s:%d is chosen at another's gate", town_names[h->app], h->place);
		else if (h)
			h->is_chosen = true;
	}
}

void gate_wish(void *context, const struct gate_effect *effect)
{
	struct sim *s = context;
	struct front *f = NULL;

	if (!machine_hears(s))
		return;
	sim_trace(s, "effect: gate %lld chooses %zu and keeps %zu places", (long long)effect->gate,
		effect->chosen_count, effect->place_count);
	f = front_of(s, effect->gate);
	if (f->is_told && f->digest == digest_of(effect))
		sim_fail(s, "gate %lld gets twice what it has", (long long)effect->gate);
	f->is_told = true;
	f->digest = digest_of(effect);
	f->port = effect->port;
	memset(f->keeps, 0, sizeof(f->keeps));
	for (size_t k = 0; k < effect->place_count; k++)
		f->keeps[effect->places[k]] = true;
	choose(s, effect);
	close_free(s, f);
}

/* Its queue is empty then, or the time has passed. */
bool gate_drain(struct sim *s, struct ticket t, int64_t ms)
{
	struct proc *p = machine_find(s, t);
	const struct instance *i = herd_slot(s->h, t.slot);
	const struct held *h = held_by(s, t);

	if (!p || !p->gate)
		return false;
	/* Where nobody else is proven the gate stays as it is. */
	if (h && h->is_chosen && i && i->app->wanted && has_other(s, h->gate, i))
		for (size_t k = 0; k < s->held.len; k++) {
			const struct held *other = s->held.items[k];

			if (other != h && other->gate == h->gate && other->is_chosen && !other->is_free)
				sim_fail(s, "%s drains, and gets connections still", p->name);
		}
	p->drain_until = s->now + ms;
	machine_due(
		s, HAPPENS_DRAINED, t, s->now + (int64_t)sim_draw(&s->behaviour, (uint64_t)ms / 2 + 1), 0);
	return true;
}

void gate_drained(struct sim *s, struct proc *p)
{
	const struct held *h = held_by(s, p->ticket);

	if (p->gate && h && h->queue && s->now < p->drain_until) {
		machine_due(
			s, HAPPENS_DRAINED, p->ticket, s->now + 1 + (int64_t)sim_draw(&s->behaviour, 100), 0);
		return;
	}
	herd_drained(s->h, p->ticket, 0, s->now);
}

/* --- processes --- */

void gate_spawned(struct sim *s, struct proc *p, const struct spawn_effect *effect)
{
	p->gate = effect->gate;
	p->drain_until = INT64_MAX;
	if (!effect->gate != !spec_has_gate(effect->spec))
		sim_fail(s, "%s is behind gate %lld, and its definition says otherwise", p->name,
			(long long)effect->gate);
	if (!p->gate)
		return;
	if (effect->place != p->number)
		sim_fail(s, "%s has place %d", p->name, effect->place);
	for (size_t k = 0; k < s->held.len; k++) {
		const struct held *h = s->held.items[k];

		if (h->gate == p->gate && h->app != p->app)
			sim_fail(s, "%s is behind the gate of %s", p->name, town_names[h->app]);
	}
	p->is_uncaught = !s->is_calm && sim_chance(&s->behaviour, 3);
	machine_due(s, HAPPENS_LISTEN, p->ticket, s->now + (int64_t)sim_draw(&s->behaviour, 1200), 0);
}

static struct held *hold(struct sim *s, const struct proc *p)
{
	struct held *mine = NULL;
	bool is_first = true;

	for (size_t k = 0; k < s->held.len; k++) {
		struct held *h = s->held.items[k];

		is_first &= h->gate != p->gate;
		if (h->gate == p->gate && h->place == p->number && h->port == p->port && h->is_free)
			mine = h;
	}
	if (!mine) {
		mine = mem_zalloc(1, sizeof(*mine));
		mine->is_chosen = is_first;
		vec_push(&s->held, mine);
	}
	mine->gate = p->gate;
	mine->app = p->app;
	mine->place = p->number;
	mine->port = p->port;
	mine->owner = p->ticket;
	mine->is_free = false;
	return mine;
}

/* It listens, in the world; the keeper says so later. */
void gate_listen(struct sim *s, struct proc *p)
{
	if (!p->gate || !p->is_main_alive || p->does_listen)
		return;
	p->does_listen = true;
	sim_trace(s, "%s listens%s", p->name, p->is_uncaught ? ", unseen" : "");
	if (!p->is_uncaught)
		(void)hold(s, p);
	machine_tell(s, p, HAPPENS_TELL_LISTENS);
}

void gate_tell(struct sim *s, struct proc *p)
{
	bool is_unsaid = p->is_uncaught && p->pid % 2;

	if (!p->gate || !p->does_listen || p->is_held_told || p->was_exit_told || is_unsaid)
		return;
	p->is_held_told = !p->is_uncaught;
	sim_trace(s, "fact: %s listens%s", p->name, p->is_uncaught ? ", and cannot be held" : "");
	herd_listens(s->h, p->ticket,
		p->is_uncaught ? &REASON_OF(NOT_HELD, .port = p->port, .number = EBUSY) : NULL, s->now);
}

/* What is ready listens, and the keeper has said so before anybody says that it is ready. */
void gate_before_ready(struct sim *s, struct proc *p)
{
	gate_listen(s, p);
	gate_tell(s, p);
}

/* Nothing is left of it. */
void gate_ended(struct sim *s, const struct proc *p)
{
	struct held *h = p->gate ? held_by(s, p->ticket) : NULL;
	bool is_any = false;

	if (!h)
		return;
	h->is_free = true;
	for (size_t k = 0; k < s->held.len; k++) {
		const struct held *other = s->held.items[k];

		is_any |= other->gate == h->gate && other->is_chosen && !other->is_free;
	}
	h->is_chosen &= !is_any;
	close_free(s, front_of(s, p->gate));
}

/* --- another brain --- */

void gate_relearn(struct sim *s)
{
	size_t k = 0;
	struct front *f = NULL;

	VEC_EACH (&s->fronts, k, f) {
		f->is_told = false;
	}
	for (k = 0; k < s->procs.len; k++)
		((struct proc *)s->procs.items[k])->is_held_told = false;
}

/* What is held for a gate that the new brain has not told is nobody's. */
void gate_resumed(struct sim *s)
{
	if (s->is_brain_dead)
		return;
	for (size_t k = s->fronts.len; k-- > 0;) {
		struct front *f = s->fronts.items[k];

		if (f->is_told)
			continue;
		for (size_t n = 0; n < s->h->apps.len; n++)
			if (((const struct app *)s->h->apps.items[n])->gate == f->gate)
				sim_fail(s, "gate %lld is not told what it should be", (long long)f->gate);
		memset(f->keeps, 0, sizeof(f->keeps));
		close_free(s, f);
	}
}

/* --- what must be true --- */

/* Is its port another's?  An instance behind the same gate is none. */
bool gate_has_port(const struct sim *s, int port, int64_t but)
{
	size_t k = 0;
	const struct held *h = NULL;

	VEC_EACH (&s->held, k, h) {
		if (h->port == port && h->gate != but)
			return true;
	}
	return false;
}

static void check_held(struct sim *s, const struct held *h)
{
	const struct instance *i = owner_of(s, h);
	const struct app *a = app_find(s->h, town_names[h->app]);
	const struct instance *next = a && a->gate == h->gate ? app_instance(a, h->place) : NULL;

	if (h->is_free && (!next || !instance_should_run(next)))
		sim_fail(s, "connections to %s:%d wait, and no process comes", town_names[h->app], h->place);
	if (!h->is_free && h->is_chosen != (i && is_expected(s, i)) && has_other(s, h->gate, NULL))
		sim_fail(s, "%s:%d %s connections, and %s", town_names[h->app], h->place,
			h->is_chosen ? "gets" : "gets no", h->is_chosen ? "should not" : "should");
}

/* Some come, and some are taken. */
static void be_busy(struct sim *s)
{
	size_t k = 0;
	struct held *h = NULL;

	VEC_EACH (&s->held, k, h) {
		const struct proc *p = h->is_free ? NULL : machine_find(s, h->owner);
		int taken = (int)sim_draw(&s->behaviour, 4);

		if (h->is_chosen && h->queue < QUEUE_MOST)
			h->queue += (int)sim_draw(&s->behaviour, 3);
		if (p && p->is_main_alive && s->now >= p->ill_until)
			h->queue -= taken < h->queue ? taken : h->queue;
	}
}

void gate_check(struct sim *s)
{
	be_busy(s);
	for (size_t k = 0; k < s->held.len; k++)
		check_held(s, s->held.items[k]);
}

void gate_check_signal(struct sim *s, const struct proc *p)
{
	const struct held *h = p->gate ? held_by(s, p->ticket) : NULL;
	const struct instance *i = herd_slot(s->h, p->ticket.slot);

	if (h && h->queue && i && i->ready_at && i->app->wanted && !i->app->is_deleting &&
		!s->is_shutting_down && s->now < p->drain_until && has_other(s, h->gate, i))
		sim_fail(s, "%s is stopped, and %d connections wait at it", p->name, h->queue);
}

/* By a definition without a gate, where the app has one now. */
static bool is_any_alone(const struct app *a)
{
	size_t k = 0;
	const struct instance *i = NULL;

	VEC_EACH (&a->instances, k, i) {
		if (i->phase != PHASE_NONE && i->port && !instance_gate(i))
			return true;
	}
	return false;
}

/* The upstream of a shared port has one server, that is never down. */
void gate_check_upstream(struct sim *s, const struct upstream_effect *effect)
{
	const struct app *a = app_find(s->h, effect->app);

	for (size_t k = 0; k < effect->count; k++)
		for (size_t n = 0; n < k; n++)
			if (endpoint_is_same_place(&effect->servers[k].at, &effect->servers[n].at))
				sim_fail(s, "the upstream of %s names port %d twice", effect->app,
					effect->servers[k].at.port);
	/* A deploy may be on its way from a port each, and so may what was deleted and is wanted again. */
	if (a && !a->rollout && !is_any_alone(a) && spec_has_gate(effect->spec) && !effect->is_gone &&
		effect->count && (effect->count > 1 || effect->servers[0].is_down))
		sim_fail(s, "the upstream of %s has %zu servers, or one that is down", effect->app,
			effect->count);
}

/* Nobody holds what nobody is behind. */
void gate_quiet(struct sim *s)
{
	size_t k = 0;
	const struct held *h = NULL;

	VEC_EACH (&s->held, k, h) {
		const struct instance *i = owner_of(s, h);
		const struct instance *next = NULL;
		const struct app *a = app_find(s->h, town_names[h->app]);

		next = a ? app_instance(a, h->place) : NULL;
		if (!h->is_free && (!i || i->state != STATE_RUNNING))
			sim_fail(s, "all is quiet, and a socket of %s:%d is held for nobody",
				town_names[h->app], h->place);
		if (h->is_free && (!next || next->state != STATE_BLOCKED))
			sim_fail(s, "all is quiet, and connections to %s:%d wait", town_names[h->app],
				h->place);
	}
}
