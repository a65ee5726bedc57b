#include "sense/port_waits.h"

#include "base/map.h"
#include "base/mem.h"

struct slot_wait {
	struct port_waits *all;
	struct ticket ticket;
	struct port_wait *wait;
	bool is_listening; /* what is waited for */
};

struct port_waits {
	const struct port_waits_calls *calls;
	void *context;
	struct port_watch *watch;
	struct map by_slot; /* -> struct slot_wait *, which has the key */
};

static struct slot_wait *add_wait(struct port_waits *p, struct ticket ticket)
{
	struct slot_wait *s = mem_zalloc(1, sizeof(*s));

	port_waits_cancel(p, ticket);
	*s = (struct slot_wait){ .all = p, .ticket = ticket };
	map_put_n(&p->by_slot, (const char *)&s->ticket.slot, sizeof(s->ticket.slot), s);
	return s;
}

/* The wait is over: what the port watch gave is gone already. */
static void end_wait(struct slot_wait *s)
{
	map_remove_n(&s->all->by_slot, (const char *)&s->ticket.slot, sizeof(s->ticket.slot));
	/* A thousand that begin at once are a burst: its room is not kept. */
	if (!s->all->by_slot.len)
		map_release(&s->all->by_slot);
	mem_free(s);
}

static void on_port_event(void *context, enum port_event event, const char *words)
{
	struct slot_wait *s = context;
	struct port_waits *p = s->all;
	struct ticket ticket = s->ticket;

	if (event == PORT_STRANGER) {
		p->calls->stranger(p->context, ticket, words);
		return;
	}
	end_wait(s);
	if (event == PORT_FREE)
		p->calls->is_free(p->context, ticket);
	else
		p->calls->listens(p->context, ticket);
}

/* Of what is behind a gate. */
static struct port_kin kin_of(const struct port_waits *p, const struct endpoint *at)
{
	return (struct port_kin){ p->calls->is_held, p->calls->is_kin, p->context, at->ticket };
}

bool port_waits_until_free(struct port_waits *p, const struct endpoint *at, struct netdiag_holder *holder)
{
	struct slot_wait *s = add_wait(p, at->ticket);
	const struct port_kin kin = kin_of(p, at);

	s->wait = port_watch_until_free(p->watch, at->port, at->gate ? &kin : NULL, holder, on_port_event, s);
	if (s->wait)
		return true;
	end_wait(s);
	return false;
}

void port_waits_until_listening(struct port_waits *p, const struct endpoint *at, pid_t main)
{
	struct slot_wait *s = add_wait(p, at->ticket);
	const struct port_kin kin = kin_of(p, at);

	s->is_listening = true;
	s->wait = port_watch_until_listening(
		p->watch, at->port, main, NULL, at->gate ? &kin : NULL, on_port_event, s);
}

bool port_waits_listens(struct port_waits *p, struct ticket ticket)
{
	const struct slot_wait *s = map_get_n(&p->by_slot, (const char *)&ticket.slot, sizeof(ticket.slot));

	if (!s || !s->is_listening || s->ticket.generation != ticket.generation)
		return false;
	port_waits_cancel(p, ticket);
	return true;
}

void port_waits_cancel(struct port_waits *p, struct ticket ticket)
{
	struct slot_wait *s = map_get_n(&p->by_slot, (const char *)&ticket.slot, sizeof(ticket.slot));

	if (!s)
		return;
	port_wait_cancel(s->wait);
	end_wait(s);
}

struct port_waits *port_waits_new(struct ev_loop *loop, const struct port_waits_calls *calls, void *context)
{
	struct port_waits *p = mem_zalloc(1, sizeof(*p));

	*p = (struct port_waits){ .calls = calls,
		.context = context,
		.watch = port_watch_new(loop),
		.by_slot = MAP_INIT_BORROWED };
	return p;
}

void port_waits_free(struct port_waits *p)
{
	if (!p)
		return;
	port_watch_free(p->watch);
	map_release_with(&p->by_slot, mem_free);
	mem_free(p);
}
