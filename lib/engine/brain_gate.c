/*
 * What the gate has to know of the herd, and the herd of the gate: who listens, who gets connections, and whose a port is.
 */
#include <string.h>

#include "engine/brain_private.h"
#include "herd/facts.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/netdiag.h"
#include "sense/port_owner.h"
#include "sense/tree_connections.h"

static void drained_behind(void *context, struct ticket ticket, size_t left)
{
	struct brain *b = context;

	herd_drained(b->herd, ticket, left, clock_ms());
	brain_end(b);
}

void brain_open_gates(struct brain *b)
{
	b->gates = gates_new(b->keeper);
	b->gate_drains = gate_drains_new(&(struct gate_drains_options){
		.loop = b->options.loop,
		.gates = b->gates,
		.count = tree_connections,
		.done = drained_behind,
		.context = b,
	});
}

/* NULL when that run is over. */
static const struct instance *instance_of(const struct brain *b, struct ticket ticket)
{
	const struct instance *i = herd_slot(b->herd, ticket.slot);

	return i && instance_ticket(i).generation == ticket.generation ? i : NULL;
}

static bool is_up(const struct instance *i)
{
	enum state state = instance_state(i);

	return state == STATE_STARTING || state == STATE_RUNNING || state == STATE_UNHEALTHY;
}

static bool has_socket(const struct brain *b, const struct instance *i)
{
	const struct endpoint at = instance_endpoint(i);

	return gates_socket_of(b->gates, at.gate, at.ticket, NULL) != NULL;
}

void brain_tell_listens(struct brain *b, struct ticket ticket)
{
	const struct instance *i = instance_of(b, ticket);
	struct endpoint at;
	int number = 0;

	if (!i || !is_up(i))
		return;
	at = instance_endpoint(i);
	number = gates_unheld(b->gates, at.gate, ticket);
	if (number)
		herd_listens(
			b->herd, ticket, &REASON_OF(NOT_HELD, .port = at.port, .number = number), clock_ms());
	if (has_socket(b, i))
		herd_listens(b->herd, ticket, NULL, clock_ms());
}

void brain_hear_gate(struct brain *b, const struct keeper_msg *m, const int *fds, size_t fd_count)
{
	struct ticket ticket = keeper_client_ticket(m);
	const struct instance *i = NULL;
	int fd = fd_count ? fds[0] : -1;

	for (size_t k = 1; k < fd_count; k++)
		fd_close(&(int){ fds[k] });
	gates_hear(b->gates, m, fd);
	if (b->recovery || m->is_free)
		return;
	brain_tell_listens(b, ticket);
	i = instance_of(b, ticket);
	if (i && has_socket(b, i) && port_waits_listens(b->senses.ports, ticket))
		herd_ready(b->herd, ticket, clock_ms());
}

/* It listens where no held socket is, and all that the keeper has said of that was heard. */
static void listens_beside(void *context, struct ticket ticket)
{
	struct brain *b = context;
	const struct instance *i = instance_of(b, ticket);

	if (i && instance_state(i) == STATE_STARTING)
		herd_ready(b->herd, ticket, clock_ms());
}

bool brain_hears_rest(struct brain *b, struct ticket ticket)
{
	const struct instance *i = instance_of(b, ticket);

	if (!i || !instance_endpoint(i).gate || has_socket(b, i))
		return false;
	gates_after(b->gates, ticket, listens_beside, b);
	return true;
}

bool brain_is_behind(const struct brain *b, struct ticket ticket)
{
	const struct instance *i = instance_of(b, ticket);

	return i && has_socket(b, i);
}

/* --- whose a port is --- */

bool brain_is_held(void *context, struct ticket ticket, uint32_t inode)
{
	const struct brain *b = context;
	const struct instance *i = herd_slot(b->herd, ticket.slot);
	int64_t gate = i ? instance_endpoint(i).gate : 0;

	return gate && gates_holder(b->gates, inode) == gate;
}

/* What nobody needs any more stays with the keeper in the middle of a list. */
static bool is_spare(const struct brain *b, uint32_t inode)
{
	return inode && !gates_holder(b->gates, inode) &&
		netdiag_pid_holds((pid_t)b->daemon.keeper_pid, clock_cpu_ms() + NETDIAG_OWN_MS, inode);
}

/* A sibling that has bound the port listens in a moment, or ends. */
static bool is_siblings(const struct brain *b, const struct instance *own, uint32_t inode)
{
	struct port_owner look = { .sockets = NETDIAG_SOCKETS_INIT, .tree = PROCTREE_INIT };
	bool is_it = false;

	for (const struct instance *i = herd_first(b->herd); i && !is_it; i = herd_next(b->herd, i)) {
		pid_t pid = (pid_t)instance_pid(i);

		if (i == own || pid <= 0 || strcmp(instance_app(i), instance_app(own)) != 0)
			continue;
		is_it = !inode || port_owner_holds(&look, inode, pid);
	}
	port_owner_release(&look);
	return is_it;
}

bool brain_is_kin(void *context, struct ticket ticket, uint32_t inode)
{
	const struct brain *b = context;
	const struct instance *own = herd_slot(b->herd, ticket.slot);

	return own &&
		(brain_is_held(context, ticket, inode) || is_spare(b, inode) || is_siblings(b, own, inode));
}

/* --- checks, and what is seen from outside --- */

bool brain_find_held(const struct brain *b, int64_t gate, struct ticket ticket, struct probe_helds *out)
{
	const struct held_socket *s = NULL;

	out->len = 0;
	if (!gate)
		return false;
	while (out->len < PROBE_HELD_MAX && (s = gates_socket_of(b->gates, gate, ticket, s)))
		out->items[out->len++] =
			(struct probe_held){ .address = s->address, .index = s->index, .inode = s->inode };
	return true;
}

int64_t brain_queue(const struct brain *b, const struct instance *i)
{
	const struct endpoint at = instance_endpoint(i);

	return at.gate ? gates_queue(b->gates, at.gate, at.ticket) : -1;
}
