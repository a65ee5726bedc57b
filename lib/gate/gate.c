#include "gate/gate.h"

#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "gate/gate_private.h"
#include "os/fd.h"
#include "spawn/keeper_client.h"
#include "wire/keeper_msg.h"

/* --- records -------------------------------------------------------------------------------------------------------- */

void held_socket_free(void *item)
{
	struct held_socket *s = item;

	reuseport_close(&s->fd);
	mem_free(s);
}

void app_gate_free(void *item)
{
	struct app_gate *gate = item;

	vec_release_with(&gate->sockets, held_socket_free);
	vec_release_with(&gate->unheld, mem_free);
	vec_release_with(&gate->sent, mem_free);
	mem_free(gate->chosen);
	mem_free(gate->places);
	mem_free(gate);
}

struct gates *gates_new(struct keeper_client *keeper)
{
	struct gates *g = mem_zalloc(1, sizeof(*g));

	*g = (struct gates){ .keeper = keeper, .by_number = MAP_INIT_BORROWED, .serial = GATE_SERIAL_FIRST };
	return g;
}

void gates_free(struct gates *g)
{
	if (!g)
		return;
	map_release_with(&g->by_number, app_gate_free);
	vec_release_with(&g->waiting, mem_free);
	mem_free(g);
}

struct app_gate *gates_find(const struct gates *g, int64_t number)
{
	return map_get_n(&g->by_number, (const char *)&number, sizeof(number));
}

struct app_gate *gates_need(struct gates *g, int64_t number)
{
	struct app_gate *gate = gates_find(g, number);

	if (gate)
		return gate;
	gate = mem_zalloc(1, sizeof(*gate));
	gate->number = number;
	map_put_n(&g->by_number, (const char *)&gate->number, sizeof(gate->number), gate);
	return gate;
}

bool gate_is_ticket(struct ticket a, struct ticket b)
{
	return a.slot == b.slot && a.generation == b.generation;
}

static struct held_socket *find_number(const struct app_gate *gate, int64_t number)
{
	struct held_socket *s = NULL;
	size_t i = 0;

	VEC_EACH (&gate->sockets, i, s) {
		if (s->number == number)
			return s;
	}
	return NULL;
}

/* --- what is known ------------------------------------------------------------------------------------------------------ */

static void note_unheld(struct app_gate *gate, struct ticket ticket, int number)
{
	struct unheld *u = mem_zalloc(1, sizeof(*u));

	*u = (struct unheld){ ticket, number };
	vec_push(&gate->unheld, u);
}

static void forget_unheld(struct app_gate *gate, struct ticket ticket)
{
	for (size_t i = gate->unheld.len; i-- > 0;) {
		struct unheld *u = gate->unheld.items[i];

		if (!gate_is_ticket(u->ticket, ticket))
			continue;
		(void)vec_remove(&gate->unheld, i);
		mem_free(u);
	}
}

static struct held_socket *need_socket(struct app_gate *gate, int64_t number)
{
	struct held_socket *s = find_number(gate, number);

	if (s)
		return s;
	s = mem_zalloc(1, sizeof(*s));
	*s = (struct held_socket){ .number = number, .index = -1, .fd = -1 };
	vec_push(&gate->sockets, s);
	return s;
}

static void look_at(struct held_socket *s, int *fd)
{
	struct stat st;

	if (*fd < 0)
		return;
	reuseport_close(&s->fd);
	s->fd = *fd;
	*fd = -1;
	s->inode = fstat(s->fd, &st) == 0 ? (uint32_t)st.st_ino : 0;
	if (reuseport_address(s->fd, &s->address) < 0)
		memset(&s->address, 0, sizeof(s->address));
}

void gates_hear(struct gates *g, const struct keeper_msg *m, int fd)
{
	struct app_gate *gate = gates_need(g, m->gate);
	struct ticket ticket = keeper_client_ticket(m);
	struct held_socket *s = NULL;

	if (!m->socket) {
		forget_unheld(gate, ticket);
		note_unheld(gate, ticket, (int)m->number);
		fd_close(&fd);
		return;
	}
	s = need_socket(gate, m->socket);
	look_at(s, &fd);
	s->ticket = ticket;
	s->place = (int)m->place;
	s->index = (int)m->index;
	s->is_free = m->is_free;
	/* The keeper takes those that have ended out of the choice by itself. */
	if (m->is_chosen != gate_was_chosen(gate, m->socket))
		gate->is_in_effect = false;
	app_gate_settle(g, gate);
}

static void free_sockets(struct gates *g, struct app_gate *gate, struct ticket ticket)
{
	struct held_socket *s = NULL;
	size_t i = 0;
	bool has_any = gate->unheld.len > 0;

	forget_unheld(gate, ticket);
	VEC_EACH (&gate->sockets, i, s) {
		if (s->is_free || !gate_is_ticket(s->ticket, ticket))
			continue;
		s->is_free = has_any = true;
		if (gate_was_chosen(gate, s->number))
			gate->is_in_effect = false;
	}
	if (has_any)
		app_gate_settle(g, gate);
}

void gates_ended(struct gates *g, struct ticket ticket)
{
	const struct map_entry *entry = NULL;

	MAP_EACH (&g->by_number, entry)
		free_sockets(g, entry->value, ticket);
}

/* --- questions ------------------------------------------------------------------------------------------------------------ */

const struct held_socket *gates_socket_of(
	const struct gates *g, int64_t gate_number, struct ticket ticket, const struct held_socket *previous)
{
	const struct app_gate *gate = gate_number ? gates_find(g, gate_number) : NULL;
	bool is_after = !previous;
	const struct held_socket *s = NULL;
	size_t i = 0;

	if (!gate)
		return NULL;
	VEC_EACH (&gate->sockets, i, s) {
		if (is_after && !s->is_free && s->index >= 0 && gate_is_ticket(s->ticket, ticket))
			return s;
		is_after |= s == previous;
	}
	return NULL;
}

int gates_unheld(const struct gates *g, int64_t gate_number, struct ticket ticket)
{
	const struct app_gate *gate = gates_find(g, gate_number);
	const struct unheld *u = NULL;
	size_t i = 0;

	if (!gate)
		return 0;
	VEC_EACH (&gate->unheld, i, u) {
		if (gate_is_ticket(u->ticket, ticket))
			return u->number;
	}
	return 0;
}

int64_t gates_queue(const struct gates *g, int64_t gate, struct ticket ticket)
{
	const struct held_socket *s = gates_socket_of(g, gate, ticket, NULL);
	int64_t all = s ? 0 : -1;

	for (; s; s = gates_socket_of(g, gate, ticket, s)) {
		int one = reuseport_queue(s->fd);

		/* What cannot be known is waited for. */
		all += one >= 0 ? one : 1;
	}
	return all;
}

static bool has_inode(const struct app_gate *gate, uint32_t inode)
{
	const struct held_socket *s = NULL;
	size_t i = 0;

	VEC_EACH (&gate->sockets, i, s) {
		if (s->inode == inode)
			return true;
	}
	return false;
}

int64_t gates_holder(const struct gates *g, uint32_t inode)
{
	const struct map_entry *entry = NULL;

	MAP_EACH (&g->by_number, entry) {
		const struct app_gate *gate = entry->value;

		if (inode && has_inode(gate, inode))
			return gate->number;
	}
	return 0;
}

static bool has_ticket(const struct app_gate *gate, struct ticket ticket)
{
	const struct held_socket *s = NULL;
	size_t i = 0;

	VEC_EACH (&gate->sockets, i, s) {
		if (gate_is_ticket(s->ticket, ticket))
			return true;
	}
	return false;
}

int64_t gates_gate_of(const struct gates *g, struct ticket ticket)
{
	const struct map_entry *entry = NULL;

	MAP_EACH (&g->by_number, entry) {
		const struct app_gate *gate = entry->value;

		if (has_ticket(gate, ticket) || gates_unheld(g, gate->number, ticket))
			return gate->number;
	}
	return 0;
}
