/* What is written down of processes behind the gate is what the next keeper reads, and nothing else. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "keeper/gate_ledger.h"
#include "keeper/slots.h"
#include "os/bind_hook.h"
#include "os/fd.h"
#include "unit.h"

static char folder[64];
static char path[80];
static struct gate_ledger ledger;
static struct slots all;

static int begin(void **state)
{
	(void)state;
	(void)snprintf(folder, sizeof(folder), "/tmp/keeper-gates-XXXXXX");
	assert_non_null(mkdtemp(folder));
	(void)snprintf(path, sizeof(path), "%s/oxherd.gates", folder);
	memset(&all, 0, sizeof(all));
	all.epoll = -1;
	memset(&ledger, 0x55, sizeof(ledger));
	gate_ledger_open(&ledger, folder, false);
	assert_true(ledger.fd >= 0);
	return 0;
}

static void forget_all(void)
{
	while (all.first) {
		all.first->gate.record = -1;
		slots_free(&all, all.first);
	}
}

static int end(void **state)
{
	(void)state;
	gate_ledger_close(&ledger);
	assert_int_equal(ledger.fd, -1);
	forget_all();
	(void)unlink(path);
	return rmdir(folder);
}

static struct slot *make(uint64_t generation)
{
	return slots_new(&all, (struct keeper_ticket){ 1, generation }, "api:0");
}

static struct slot *make_behind(uint64_t generation)
{
	struct slot *s = make(generation);

	s->gate.number = 7;
	s->gate.place = 60 + (int64_t)generation;
	s->gate.kind = KEEPER_HOOK_PRELOAD;
	s->gate.port_count = 2;
	s->gate.ports[0] = 80;
	s->gate.ports[1] = 81;
	s->gate.is_chosen = generation == 2;
	gate_ledger_note(&ledger, s);
	return s;
}

/* As the next keeper has it: slots that know nothing of a gate. */
static void resume(uint64_t first, uint64_t last)
{
	gate_ledger_close(&ledger);
	forget_all();
	gate_ledger_open(&ledger, folder, true);
	for (uint64_t i = first; i <= last; i++)
		make(i);
	gate_ledger_resume(&ledger, &all);
}

static struct slot *find(uint64_t generation)
{
	return slots_find(&all, (struct keeper_ticket){ 1, generation });
}

static off_t records(void)
{
	struct gate_record r;
	off_t count = 0;

	for (off_t at = GATE_RECORD; pread(ledger.fd, &r, sizeof(r), at) == (ssize_t)sizeof(r);
		at += GATE_RECORD)
		count += r.slot != 0;
	return count;
}

static void all_of_it(void **state)
{
	(void)state;
	make(9);
	gate_ledger_note(&ledger, find(9));
	assert_int_equal(records(), 0);
	for (uint64_t i = 1; i <= 3; i++)
		make_behind(i);
	assert_int_equal(records(), 3);
	for (int again = 0; again < 2; again++) {
		resume(1, 4);
		for (uint64_t i = 1; i <= 3; i++) {
			const struct slot_gate *g = &find(i)->gate;

			assert_int_equal(g->number, 7);
			assert_int_equal(g->place, 60 + (int64_t)i);
			assert_int_equal(g->kind, KEEPER_HOOK_PRELOAD);
			assert_int_equal(g->port_count, 2);
			assert_true(g->ports[0] == 80 && g->ports[1] == 81);
			assert_int_equal(g->is_chosen, i == 2);
			assert_int_equal(g->record, (int)i - 1);
		}
		assert_int_equal(find(4)->gate.number, 0);
	}
	/* Each writes to its own place from then on, and a new one to another. */
	find(1)->gate.is_chosen = true;
	gate_ledger_note(&ledger, find(1));
	find(4)->gate.number = 8;
	gate_ledger_note(&ledger, find(4));
	resume(1, 4);
	assert_int_equal(records(), 4);
	assert_true(find(1)->gate.is_chosen && find(2)->gate.is_chosen && !find(3)->gate.is_chosen);
	assert_int_equal(find(4)->gate.number, 8);
}

static void what_is_nobodys_is_taken_out(void **state)
{
	(void)state;
	for (uint64_t i = 1; i <= 3; i++)
		make_behind(i);
	gate_ledger_erase(&ledger, find(2));
	assert_int_equal(find(2)->gate.record, -1);
	assert_int_equal(records(), 2);
	resume(2, 3);
	assert_int_equal(find(2)->gate.number, 0);
	assert_int_equal(find(3)->gate.number, 7);
	assert_int_equal(records(), 1);
	/* The first place is free again. */
	make_behind(5);
	assert_int_equal(find(5)->gate.record, 0);
}

static void who_knows_better_keeps_that(void **state)
{
	struct slot *s = NULL;

	(void)state;
	make_behind(1);
	gate_ledger_close(&ledger);
	gate_ledger_open(&ledger, folder, true);
	s = find(1);
	s->gate.record = -1;
	s->gate.place = 99;
	gate_ledger_resume(&ledger, &all);
	assert_int_equal(s->gate.place, 99);
	assert_int_equal(s->gate.record, 0);
	assert_int_equal(records(), 1);
}

static void the_last_call(void **state)
{
	const struct bind_call call = {
		.id = 11, .pid = 12, .target = 13, .is_listen = true, .backlog = 14, .at = 15, .size = 16
	};
	struct bind_call got;

	(void)state;
	make_behind(1);
	assert_false(gate_ledger_call(&ledger, find(1), &got));
	gate_ledger_note_call(&ledger, find(1), &call);
	/* What else changes leaves it alone. */
	find(1)->gate.is_chosen = true;
	gate_ledger_note(&ledger, find(1));
	resume(1, 2);
	assert_true(find(1)->gate.is_chosen);
	assert_int_equal(find(1)->gate.place, 61);
	assert_true(gate_ledger_call(&ledger, find(1), &got));
	assert_true(got.id == 11 && got.pid == 12 && got.target == 13 && got.is_listen && got.backlog == 14);
	assert_true(got.at == 15 && got.size == 16 && got.socket == -1);
	assert_false(gate_ledger_call(&ledger, find(2), &got));
	gate_ledger_note_call(&ledger, find(2), &call);
	assert_int_equal(records(), 1);
	/* Who gets the place next has none. */
	gate_ledger_erase(&ledger, find(1));
	make_behind(5);
	assert_int_equal(find(5)->gate.record, 0);
	assert_false(gate_ledger_call(&ledger, find(5), &got));
}

static void nonsense_harms_nobody(void **state)
{
	struct gate_record r;

	(void)state;
	for (uint64_t i = 1; i <= 4; i++)
		make_behind(i);
	for (off_t i = 0; i < 3; i++) {
		off_t at = GATE_RECORD * (i + 1);

		assert_int_equal(pread(ledger.fd, &r, sizeof(r), at), sizeof(r));
		if (i == 0)
			r.port_count = KEEPER_PORTS_MAX + 1;
		if (i == 1)
			r.hook_kind = KEEPER_HOOK_COUNT;
		if (i == 2)
			r.gate = 0;
		assert_int_equal(pwrite(ledger.fd, &r, sizeof(r), at), sizeof(r));
	}
	resume(1, 4);
	for (uint64_t i = 1; i <= 3; i++)
		assert_int_equal(find(i)->gate.number, 0);
	assert_int_equal(find(4)->gate.number, 7);
	assert_int_equal(records(), 1);
	/* Of another boot: nothing of it counts. */
	assert_int_equal(pwrite(ledger.fd, "x", 1, 40), 1);
	resume(1, 4);
	assert_int_equal(find(4)->gate.number, 0);
	assert_int_equal(records(), 0);
	/* And when it is not to be continued. */
	make_behind(5);
	gate_ledger_close(&ledger);
	gate_ledger_open(&ledger, folder, false);
	assert_int_equal(records(), 0);
}

static void ignore_line(void *context, enum log_level level, const char *line, size_t len)
{
	(void)context;
	(void)level;
	(void)line;
	(void)len;
}

static void without_a_file(void **state)
{
	struct bind_call call = { .id = 1 };

	(void)state;
	gate_ledger_close(&ledger);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	log_to(ignore_line, NULL, LOG_ERROR);
	gate_ledger_open(&ledger, folder, true);
	log_to(NULL, NULL, LOG_INFO);
	assert_int_equal(ledger.fd, -1);
	make_behind(1);
	assert_int_equal(find(1)->gate.record, -1);
	gate_ledger_note_call(&ledger, find(1), &call);
	assert_false(gate_ledger_call(&ledger, find(1), &call));
	gate_ledger_resume(&ledger, &all);
	gate_ledger_erase(&ledger, find(1));
	assert_int_equal(rmdir(path), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE_IN(begin, end, "the next keeper reads what was written of each, again and again",
			all_of_it),
		PROMISE_IN(begin, end, "what is nobody's is taken out", what_is_nobodys_is_taken_out),
		PROMISE_IN(begin, end, "a slot that was handed over keeps what it knows",
			who_knows_better_keeps_that),
		PROMISE_IN(begin, end, "the last call of a process stays there", the_last_call),
		PROMISE_IN(begin, end, "records of nonsense and a file of another boot are ignored",
			nonsense_harms_nobody),
		PROMISE_IN(begin, end, "without a file nothing is remembered, and nothing fails",
			without_a_file),
	};

	return cmocka_run_group_tests_name("keeper: gate, ledger", tests, NULL, NULL);
}
