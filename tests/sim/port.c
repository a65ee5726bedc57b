/*
 * Ports: who holds one, and who waits for one.
 */
#include "base/mem.h"
#include "herd/deploy.h"
#include "sim.h"

/* By somebody else than those behind that gate. */
static bool is_taken(const struct sim *s, int port, int64_t gate)
{
	int index = port - SIM_PORT_FIRST;

	if (gate_has_port(s, port, gate))
		return true;
	if (index >= 0 && index < SIM_PORTS && s->stranger_until[index] > s->now)
		return true;
	for (size_t k = 0; k < s->procs.len; k++) {
		const struct proc *p = s->procs.items[k];

		if (p->owns_port && p->port == port && p->is_tree_alive && (!gate || p->gate != gate))
			return true;
	}
	return false;
}

bool machine_is_port_taken(void *context, int port)
{
	return is_taken(context, port, 0);
}

/* How many it has, or may have when its rollout is over. */
static int most(const struct app *a)
{
	int count = a->count;

	if (a->rollout && a->rollout->count > count)
		count = a->rollout->count;
	return a->rollout && a->rollout->back_count > count ? a->rollout->back_count : count;
}

/* A block keeps its ports for as long as its app is there; a written port is had by an instance that is. */
static void note_ports(struct sim *s, int *holder, const struct app *a, const struct revision *r)
{
	int app = town_app(a->spec->name);
	int count = r->port_source == PORT_BLOCK ? r->ports_len
		: r->port_source == PORT_WRITTEN ? most(a)
						 : 0;

	for (int n = 0; n < r->ports_len && n < count; n++) {
		int *there = &holder[r->ports[n] - SIM_PORT_FIRST];

		if (*there && *there != app + 1)
			sim_fail(s, "%s and %s both have port %d", town_names[*there - 1], town_names[app],
				r->ports[n]);
		*there = app + 1;
	}
}

void port_check(struct sim *s)
{
	int holder[SIM_PORTS] = { 0 };

	for (size_t k = 0; k < s->h->apps.len; k++) {
		const struct app *a = s->h->apps.items[k];

		if (a->is_deleting)
			continue;
		note_ports(s, holder, a, a->target);
		note_ports(s, holder, a, a->current);
	}
}

static size_t watch_of(const struct sim *s, struct ticket t)
{
	size_t k = 0;

	while (k < s->port_watch_len && s->port_watch[k].generation != t.generation)
		k++;
	return k;
}

void port_check_wish(void *context, const struct endpoint *at)
{
	struct sim *s = context;
	struct ticket t = at->ticket;

	if (!machine_hears(s))
		return;
	sim_trace(s, "effect: check port %d for slot %u generation %llu", at->port, t.slot,
		(unsigned long long)t.generation);
	if (s->port_watch_len == s->port_watch_cap) {
		s->port_watch_cap = s->port_watch_cap ? s->port_watch_cap * 2 : 64;
		s->port_watch = mem_resize(s->port_watch, s->port_watch_cap, sizeof(*s->port_watch));
	}
	s->port_watch[s->port_watch_len++] = t;
	machine_due(s, HAPPENS_PORT, t, s->now + (int64_t)sim_draw(&s->behaviour, 5), at->port);
}

static void unwatch(struct sim *s, size_t k)
{
	s->port_watch[k] = s->port_watch[--s->port_watch_len];
}

void port_unwatch(struct sim *s, struct ticket t)
{
	size_t k = watch_of(s, t);

	if (k < s->port_watch_len)
		unwatch(s, k);
}

static int64_t gate_of(const struct sim *s, struct ticket t)
{
	const struct instance *i = herd_slot(s->h, t.slot);

	return i ? instance_endpoint(i).gate : 0;
}

void port_happen(struct sim *s, const struct due *due)
{
	size_t k = watch_of(s, due->ticket);

	if (k == s->port_watch_len)
		return;
	if (!is_taken(s, due->port, gate_of(s, due->ticket))) {
		unwatch(s, k);
		sim_trace(s, "fact: port %d is free", due->port);
		herd_port_free(s->h, due->ticket, s->now);
		return;
	}
	sim_trace(s, "fact: port %d is taken", due->port);
	machine_due(s, HAPPENS_PORT, due->ticket, s->now + 200, due->port);
	herd_port_taken(s->h, due->ticket, 9, "stranger", s->now);
}

bool port_rests(const struct instance *i)
{
	return i && i->state == STATE_BLOCKED && i->phase == PHASE_CHECKING && i->app->rollout &&
		rollout_waits_for_word(i->app->rollout);
}

bool port_is_mistaken(const struct sim *s, const struct app *a)
{
	for (size_t k = 0; k < s->procs.len; k++) {
		const struct proc *p = s->procs.items[k];
		const struct instance *i =
			p->is_doubtful && p->is_main_alive ? herd_slot(s->h, p->ticket.slot) : NULL;

		if (i && i->app == a && i->generation == p->ticket.generation && i->port != p->port)
			return true;
	}
	return false;
}
