/* The messages of the gate. */
#include "wire/keeper_msg.h"

#include <string.h>

#include "base/err.h"
#include "unit.h"

/* Room for the strings of a spawn. */
struct spawn {
	struct buf words;
};

static void fill(struct keeper_msg *m, struct spawn *s)
{
	s->words = (struct buf)BUF_INIT;
	keeper_msg_init(m, KEEPER_SPAWN);
	m->ticket = (struct keeper_ticket){ 7, 1 };
	m->name = "api:3";
	keeper_list_add(&s->words, "/usr/bin/node");
	m->spawn.programs = m->spawn.argv = keeper_list_of(&s->words);
	m->spawn.folder = "/srv/api";
	m->gate = INT64_MAX;
	m->place = 3;
	m->spawn.port_count = 2;
	m->spawn.ports[0] = 3000;
	m->spawn.ports[1] = 65535;
}

static void assert_refused(const struct keeper_msg *m, const char *words)
{
	struct buf out = BUF_INIT;
	struct err e = ERR_INIT;

	assert_int_equal(keeper_msg_write(&out, m, &e), -1);
	if (!strstr(e.text.ptr, words))
		fail_msg("'%s' does not say '%s'", e.text.ptr, words);
	err_release(&e);
	buf_release(&out);
}

/* So that a keeper of an earlier build understands every other spawn. */
static void the_gate_travels_only_where_it_is_announced(void **state)
{
	struct buf without = BUF_INIT;
	struct buf with = BUF_INIT;
	struct keeper_msg m, back;
	struct spawn s;

	(void)state;
	fill(&m, &s);
	assert_int_equal(keeper_msg_write(&without, &m, NULL), 0);
	m.spawn.flags |= KEEPER_SPAWN_GATE;
	assert_int_equal(keeper_msg_write(&with, &m, NULL), 0);
	assert_int_equal(with.len, without.len + 6 * sizeof(uint64_t));
	assert_int_equal(keeper_msg_read(&back, with.ptr, with.len, NULL), 0);
	assert_true(back.gate == INT64_MAX);
	assert_int_equal(back.place, 3);
	assert_int_equal(back.spawn.hook, KEEPER_HOOK_SECCOMP);
	assert_int_equal(back.spawn.port_count, 2);
	assert_int_equal(back.spawn.ports[0], 3000);
	assert_int_equal(back.spawn.ports[1], 65535);
	assert_int_equal(keeper_msg_read(&back, without.ptr, without.len, NULL), 0);
	assert_int_equal(back.gate, 0);
	assert_int_equal(back.spawn.port_count, 0);
	for (m.spawn.hook = 0; m.spawn.hook < KEEPER_HOOK_COUNT; m.spawn.hook++) {
		buf_clear(&with);
		assert_int_equal(keeper_msg_write(&with, &m, NULL), 0);
		assert_int_equal(keeper_msg_read(&back, with.ptr, with.len, NULL), 0);
		assert_int_equal(back.spawn.hook, m.spawn.hook);
	}
	m.spawn.hook = 0;
	/* They are sent as numbers. */
	assert_int_equal(KEEPER_HOOK_SECCOMP, 0);
	assert_int_equal(KEEPER_HOOK_PRELOAD, 1);
	assert_int_equal(KEEPER_HOOK_FDS, 2);
	m.spawn.ports[1] = 65536;
	assert_refused(&m, "ports: 65536 is no port");
	m.spawn.port_count = KEEPER_PORTS_MAX + 1;
	assert_refused(&m, "ports: 9 is outside 1..8");
	m.spawn.port_count = 0;
	assert_refused(&m, "ports: 0 is outside 1..8");
	m.spawn.port_count = 1;
	m.spawn.hook = KEEPER_HOOK_COUNT;
	assert_refused(&m, "hook");
	m.spawn.hook = 0;
	m.gate = 0;
	assert_refused(&m, "gate: 0 is outside");
	buf_release(&without);
	buf_release(&with);
	buf_release(&s.words);
}

static void a_choice_keeps_all_its_sockets(void **state)
{
	struct buf out = BUF_INIT;
	struct buf numbers = BUF_INIT;
	struct keeper_msg m, back;

	(void)state;
	keeper_msg_init(&m, KEEPER_CHOOSE);
	m.gate = 1;
	keeper_numbers_add(&numbers, INT64_MAX);
	for (int i = 1; i < KEEPER_CHOSEN_MAX; i++)
		keeper_numbers_add(&numbers, i);
	m.chosen = keeper_numbers_of(&numbers);
	assert_int_equal(keeper_msg_write(&out, &m, NULL), 0);
	assert_int_equal(keeper_msg_read(&back, out.ptr, out.len, NULL), 0);
	assert_int_equal(back.chosen.count, KEEPER_CHOSEN_MAX);
	assert_true(keeper_numbers_at(&back.chosen, 0) == INT64_MAX);
	assert_int_equal(keeper_numbers_at(&back.chosen, 1), 1);
	assert_int_equal(
		keeper_numbers_at(&back.chosen, KEEPER_CHOSEN_MAX - 1), (int64_t)KEEPER_CHOSEN_MAX - 1);
	keeper_numbers_add(&numbers, 1);
	m.chosen = keeper_numbers_of(&numbers);
	assert_refused(&m, "sockets: 8193 is outside 1..8192");
	m.chosen.count = 0;
	assert_refused(&m, "sockets: 0 is outside");
	buf_release(&out);
	buf_release(&numbers);
}

static void a_socket_keeps_every_detail(void **state)
{
	struct buf out = BUF_INIT;
	struct keeper_msg m, back;

	(void)state;
	keeper_msg_init(&m, KEEPER_LISTENS);
	m.ticket = (struct keeper_ticket){ 7, 1 };
	m.gate = 2;
	m.place = 3;
	m.socket = 8193;
	m.index = -1;
	m.is_free = 1;
	m.is_chosen = 0;
	m.number = 24;
	assert_int_equal(keeper_msg_write(&out, &m, NULL), 0);
	assert_int_equal(keeper_msg_read(&back, out.ptr, out.len, NULL), 0);
	assert_int_equal(back.ticket.slot, 7);
	assert_int_equal(back.gate, 2);
	assert_int_equal(back.place, 3);
	assert_int_equal(back.socket, 8193);
	assert_int_equal(back.index, -1);
	assert_int_equal(back.is_free, 1);
	assert_int_equal(back.is_chosen, 0);
	assert_int_equal(back.number, 24);
	m.index = -2;
	assert_refused(&m, "index: -2 is outside");
	m.index = 0;
	m.is_free = 2;
	assert_refused(&m, "free");
	buf_release(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("the gate's part travels only in a spawn that announces it",
			the_gate_travels_only_where_it_is_announced),
		PROMISE("a choice keeps all of its sockets", a_choice_keeps_all_its_sockets),
		PROMISE("a socket keeps every detail", a_socket_keeps_every_detail),
	};

	return cmocka_run_group_tests_name("keeper messages of the gate", tests, NULL, NULL);
}
