/* The gate in what a keeper hands over to another build of itself: every socket with its number, its index, and who has it. */
#include <errno.h>

#include "base/assert.h"
#include "base/log.h"
#include "keeper/gate_preload.h"
#include "keeper/gate_private.h"
#include "keeper/handover.h"
#include "keeper/slots.h"

void gate_each(const struct gate *g,
	void (*visit)(void *context, const struct gate_list *l, const struct gate_socket *h), void *context)
{
	static int at[GATE_LIST_MAX];

	for (int i = 0; i < g->used_lists; i++) {
		const struct gate_list *l = &g->lists[i];

		for (int k = l->total ? l->first : -1; k >= 0; k = g->sockets[k].next) {
			const struct gate_socket *h = &g->sockets[k];

			ASSERT(h->index < l->count, "socket %lld is number %d of %d", (long long)h->number,
				h->index, l->count);
			if (h->index >= 0)
				at[h->index] = k;
			else
				visit(context, l, h);
		}
		for (int index = 0; l->total && index < l->count; index++)
			visit(context, l, &g->sockets[at[index]]);
	}
}

void gate_resume_slot(struct gate *g, struct slot *s, const struct handover_slot *from)
{
	int hook = (int)from->hook;

	if (!from->gate)
		return;
	ASSERT(!s->gate.number && from->port_count <= KEEPER_PORTS_MAX, "%s is behind two gates", s->name);
	s->gate.number = from->gate;
	s->gate.place = from->place;
	s->gate.unheld = (int)from->unheld;
	s->gate.kind = (int)from->hook_kind;
	for (int i = 0; i < from->port_count; i++)
		s->gate.ports[s->gate.port_count++] = from->ports[i];
	if (hook >= 0)
		gate_hooked(g, s, &hook);
	s->gate.connection = (int)from->connection;
	s->gate.caller = (pid_t)from->caller;
	/* Until it is answered no other is let in. */
	if (s->gate.connection >= 0)
		gate_preload_wait(g, s);
}

static void resume_socket(struct gate *g, const struct handover_socket *from)
{
	int i = (int)(from->number % GATE_SOCKETS_MAX);
	struct gate_list *l = gate_find_list(g, &from->address);
	struct gate_socket *h = &g->sockets[i];

	l = l ? l : gate_new_list(g, from->gate, &from->address);
	if (!ASSERT_OR(l && !h->number, "socket %lld has no room", (long long)from->number))
		return;
	*h = (struct gate_socket){
		.number = from->number,
		.inode = from->inode,
		.fd = (int)from->fd,
		.list = (int)(l - g->lists),
		.next = l->first,
		.next_pending = -1,
		.index = (int)from->index,
		.place = from->place,
		.owner = { from->owner_slot, from->owner_generation },
		.pid = (pid_t)from->pid,
		.start_time = from->start_time,
		.freed_at = from->freed_at,
		.is_chosen = from->is_chosen,
		.is_spare = from->is_spare,
		.is_announced = from->is_announced,
	};
	l->first = i;
	l->total++;
	l->count += h->index >= 0;
	g->held++;
	if (i >= g->used_sockets)
		g->used_sockets = i + 1;
	if (from->is_pending)
		gate_announce(g, h);
}

void gate_resume(struct gate *g, const struct handover *l)
{
	ASSERT(!g->held, "%d sockets are held, and others are handed over", g->held);
	g->serial = l->head.gate_serial;
	g->frees = l->head.gate_frees;
	for (size_t i = 0; i < (size_t)l->head.sockets; i++) {
		struct handover_socket s;

		handover_socket(l, i, &s);
		resume_socket(g, &s);
	}
	for (int i = g->used_sockets; i-- > 0;) {
		if (g->sockets[i].number)
			continue;
		g->sockets[i].next = g->free_socket;
		g->free_socket = i;
	}
	if (g->slots)
		gate_ledger_resume(&g->ledger, g->slots);
	for (int i = 0; i < g->used_lists; i++) {
		struct gate_list *list = &g->lists[i];

		if (!list->total)
			continue;
		/* The program of this build, which may be another one. */
		if (gate_attach(g, list) < 0)
			log_warn_sys(errno,
				"gate: cannot tell the kernel who gets the connections of port %d",
				list->address.port);
		gate_note_choice(g, list->gate);
	}
}
