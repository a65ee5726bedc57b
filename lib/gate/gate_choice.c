/* What the keeper does for the herd: who gets connections, and what is not needed any more. */
#include <errno.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "gate/gate_private.h"
#include "spawn/keeper_client.h"

/* --- messages --------------------------------------------------------------------------------------------- */

static bool is_wanted_chosen(const struct app_gate *gate, const struct held_socket *s)
{
	if (s->is_free || s->index < 0)
		return false;
	for (size_t i = 0; i < gate->chosen_count; i++)
		if (gate_is_ticket(gate->chosen[i], s->ticket))
			return true;
	return false;
}

static int by_number(const void *left, const void *right)
{
	const int64_t *a = left;
	const int64_t *b = right;

	return (*a > *b) - (*a < *b);
}

static bool is_same(const struct vec *a, const struct vec *b)
{
	if (a->len != b->len)
		return false;
	for (size_t i = 0; i < a->len; i++)
		if (by_number(a->items[i], b->items[i]) != 0)
			return false;
	return true;
}

static void send_choice(struct gates *g, struct app_gate *gate)
{
	struct buf numbers = BUF_INIT;
	struct keeper_msg m;

	for (size_t i = 0; i < gate->sent.len; i++)
		keeper_numbers_add(&numbers, *(const int64_t *)gate->sent.items[i]);
	keeper_msg_init(&m, KEEPER_CHOOSE);
	m.serial = gate->sent_serial = ++g->serial;
	m.gate = gate->number;
	m.chosen = keeper_numbers_of(&numbers);
	gate->is_in_effect = keeper_client_send(g->keeper, &m, -1) == 0;
	buf_release(&numbers);
}

/* Nobody at all changes nothing: the keeper lets connections wait at those that it had. */
static void choose(struct gates *g, struct app_gate *gate)
{
	struct vec wanted = VEC_INIT;
	const struct held_socket *s = NULL;
	size_t i = 0;

	VEC_EACH (&gate->sockets, i, s) {
		if (is_wanted_chosen(gate, s) && wanted.len < KEEPER_CHOSEN_MAX)
			vec_push(&wanted, mem_dup(&s->number, sizeof(s->number)));
	}
	vec_sort(&wanted, by_number);
	if (!wanted.len || (gate->is_in_effect && is_same(&gate->sent, &wanted))) {
		vec_release_with(&wanted, mem_free);
		return;
	}
	vec_release_with(&gate->sent, mem_free);
	gate->sent = wanted;
	send_choice(g, gate);
}

static bool has_place(const struct app_gate *gate, int place)
{
	for (size_t i = 0; i < gate->place_count; i++)
		if (gate->places[i] == place)
			return true;
	return false;
}

/*
 * Who has its place now gets connections at another address that this one is part of, or the other way round: the kernel would bring some of them here,
 * where nobody is.
 */
static bool is_in_the_way(const struct app_gate *gate, const struct held_socket *s)
{
	const struct held_socket *other = NULL;
	size_t i = 0;

	VEC_EACH (&gate->sockets, i, other) {
		if (other->place == s->place && is_wanted_chosen(gate, other) &&
			tcp_address_overlaps(&s->address, &other->address) &&
			!tcp_address_equal(&s->address, &other->address))
			return true;
	}
	return false;
}

static bool is_needed(const struct app_gate *gate, const struct held_socket *s)
{
	if (!s->is_free || !gate->is_set)
		return true;
	/* An address that is not known may be any. */
	if (s->address.port && s->address.port != gate->port)
		return false;
	return has_place(gate, s->place) && !is_in_the_way(gate, s);
}

/* No process will accept there any more: the clients that wait get a reset at once, not a timeout. */
static void drop_unneeded(struct gates *g, struct app_gate *gate)
{
	size_t i = 0;

	while (i < gate->sockets.len) {
		struct held_socket *s = gate->sockets.items[i];
		struct keeper_msg m;

		if (is_needed(gate, s)) {
			i++;
			continue;
		}
		keeper_msg_init(&m, KEEPER_DROP);
		m.serial = ++g->serial;
		m.socket = s->number;
		(void)keeper_client_send(g->keeper, &m, -1);
		(void)vec_remove(&gate->sockets, i);
		held_socket_free(s);
	}
}

/* First nobody new comes to what is to be closed. */
void app_gate_settle(struct gates *g, struct app_gate *gate)
{
	choose(g, gate);
	drop_unneeded(g, gate);
	if (gate->sockets.len || gate->unheld.len || gate->chosen_count || gate->place_count)
		return;
	map_remove_n(&g->by_number, (const char *)&gate->number, sizeof(gate->number));
	app_gate_free(gate);
}

bool gate_was_chosen(const struct app_gate *gate, int64_t number)
{
	for (size_t i = 0; i < gate->sent.len; i++)
		if (*(const int64_t *)gate->sent.items[i] == number)
			return true;
	return false;
}

/* --- what the herd wants ------------------------------------------------------------------------------------------------ */

void gates_set(struct gates *g, const struct gate_effect *effect)
{
	struct app_gate *gate = gates_need(g, effect->gate);

	mem_free(gate->chosen);
	mem_free(gate->places);
	gate->chosen = mem_dup(effect->chosen, effect->chosen_count * sizeof(*effect->chosen));
	gate->chosen_count = effect->chosen_count;
	gate->places = mem_dup(effect->places, effect->place_count * sizeof(*effect->places));
	gate->place_count = effect->place_count;
	gate->port = effect->port;
	gate->is_set = true;
	app_gate_settle(g, gate);
}

void gates_sweep(struct gates *g)
{
	const struct map_entry *entry = NULL;

	MAP_EACH (&g->by_number, entry) {
		struct app_gate *gate = entry->value;

		if (gate->is_set)
			continue;
		gate->is_set = true;
		app_gate_settle(g, gate);
	}
}

/* --- the keeper's answers --------------------------------------------------------------------------------------------- */

void gates_after(struct gates *g, struct ticket ticket, gates_done done, void *context)
{
	struct gate_waiter *w = mem_zalloc(1, sizeof(*w));
	struct keeper_msg m;

	keeper_msg_init(&m, KEEPER_PING);
	m.serial = ++g->serial;
	*w = (struct gate_waiter){ m.serial, ticket, done, context };
	vec_push(&g->waiting, w);
	(void)keeper_client_send(g->keeper, &m, -1);
}

bool gates_choose_again(struct gates *g, int64_t number)
{
	struct app_gate *gate = gates_find(g, number);
	uint64_t before = g->serial;

	if (gate)
		choose(g, gate);
	return g->serial != before;
}

/* All that was asked up to that serial. */
static void end_waiting(struct gates *g, uint64_t serial)
{
	while (g->waiting.len && ((const struct gate_waiter *)g->waiting.items[0])->serial <= serial) {
		struct gate_waiter *w = vec_remove(&g->waiting, 0);

		w->done(w->context, w->ticket);
		mem_free(w);
	}
}

static struct app_gate *find_choice(const struct gates *g, uint64_t serial)
{
	const struct map_entry *entry = NULL;

	MAP_EACH (&g->by_number, entry) {
		struct app_gate *gate = entry->value;

		if (gate->sent_serial == serial)
			return gate;
	}
	return NULL;
}

static bool is_waited_for(const struct gates *g, uint64_t serial)
{
	const struct gate_waiter *w = NULL;
	size_t i = 0;

	VEC_EACH (&g->waiting, i, w) {
		if (w->serial == serial)
			return true;
	}
	return false;
}

/*
 * A CHOOSE whose socket has gone meanwhile: what the keeper says next is about that, and brings the next CHOOSE.  A DROP of a socket that somebody has got
 * again meanwhile has come too late.
 */
static void hear_error(struct gates *g, const struct keeper_msg *m)
{
	struct app_gate *gate = find_choice(g, m->about);

	if (gate)
		gate->is_in_effect = false;
	if (m->number == ESRCH || m->number == EBUSY)
		log_debug("gate: %s", m->words);
	else
		log_warn_sys((int)m->number, "gate: %s", m->words);
}

bool gates_answered(struct gates *g, const struct keeper_msg *m)
{
	if (m->about <= GATE_SERIAL_FIRST || m->about > g->serial)
		return false;
	if (m->kind == KEEPER_ERROR && !is_waited_for(g, m->about))
		hear_error(g, m);
	else
		end_waiting(g, m->about);
	return true;
}
