#include "wire/keeper_msg.h"

#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "unit.h"

/* Room for the strings of a spawn that a test builds. */
struct strings {
	struct buf programs, argv, env, numbers;
};

static void strings_release(struct strings *s)
{
	buf_release(&s->programs);
	buf_release(&s->argv);
	buf_release(&s->env);
	buf_release(&s->numbers);
}

/* One of everything. */
static void fill(struct keeper_msg *m, enum keeper_msg_kind kind, struct strings *s)
{
	*s = (struct strings){ BUF_INIT, BUF_INIT, BUF_INIT, BUF_INIT };
	keeper_msg_init(m, kind);
	m->serial = 0xfedcba9876543210;
	m->ticket = (struct keeper_ticket){ 7, UINT64_MAX };
	m->name = "api:2";
	m->version = KEEPER_VERSION;
	m->pid = 4102;
	m->start_time = 123456789012;
	m->state = KEEPER_STATE_EXITED;
	m->is_taken = 1;
	m->status = 0x8b;
	m->at_ms = 5;
	m->wall_ms = -1;
	m->cpu_us = 6;
	m->peak_kb = 8;
	m->stage = KEEPER_STAGE_EXEC;
	m->number = 2;
	m->signal = 15;
	m->reach = KEEPER_REACH_TREE;
	m->grace_ms = 10000;
	m->about = 3;
	m->words = "";
	m->keeper_path = "/usr/bin/oxherd";
	m->brain_path = "/usr/libexec/oxherd/oxherd-brain";
	keeper_list_add(&s->programs, "/usr/bin/node");
	keeper_list_add(&s->argv, "node");
	keeper_list_add(&s->argv, "");
	keeper_list_add(&s->argv, "app.js");
	keeper_list_add(&s->env, "PORT=3002");
	m->spawn.flags = KEEPER_SPAWN_USER | KEEPER_SPAWN_NICE;
	m->spawn.programs = keeper_list_of(&s->programs);
	m->spawn.argv = keeper_list_of(&s->argv);
	m->spawn.env = keeper_list_of(&s->env);
	m->spawn.folder = "/srv/api";
	m->spawn.umask = 022;
	m->spawn.nice = -5;
	m->spawn.uid = 1000;
	m->spawn.gid = 0xfffffffe;
	m->spawn.descriptor_count = 2;
	m->spawn.descriptors[0] =
		(struct keeper_descriptor){ 1, KEEPER_FROM_FIFO, 0, "/run/oxherd/api.2.out" };
	m->spawn.descriptors[1] = (struct keeper_descriptor){ 3, KEEPER_FROM_SENT, 31, "" };
	m->spawn.rlimit_count = 1;
	m->spawn.rlimits[0] = (struct keeper_rlimit){ 7, 1024, UINT64_MAX };
	m->spawn.group_count = 2;
	m->spawn.groups[1] = 44;
	cpu_list_add(&m->spawn.cpus, 70);
	m->gate = INT64_MAX;
	m->place = 3;
	m->spawn.port_count = 2;
	m->spawn.ports[0] = 3000;
	m->spawn.ports[1] = 65535;
	m->socket = 8193;
	m->index = -1;
	m->is_chosen = 1;
	keeper_numbers_add(&s->numbers, 8193);
	keeper_numbers_add(&s->numbers, INT64_MAX);
	m->chosen = keeper_numbers_of(&s->numbers);
}

static void assert_refused(const struct keeper_msg *m, const char *words)
{
	struct buf out = BUF_INIT;
	struct err e = ERR_INIT;

	buf_adds(&out, "before");
	assert_int_equal(keeper_msg_write(&out, m, &e), -1);
	assert_string_equal(out.ptr, "before");
	if (!strstr(e.text.ptr, words))
		fail_msg("'%s' does not say '%s'", e.text.ptr, words);
	err_release(&e);
	buf_release(&out);
}

static void every_kind_comes_back(void **state)
{
	(void)state;
	for (int kind = 0; kind < KEEPER_KIND_COUNT; kind++) {
		struct buf once = BUF_INIT, twice = BUF_INIT;
		struct keeper_msg m, back;
		struct strings s;

		fill(&m, (enum keeper_msg_kind)kind, &s);
		assert_int_equal(keeper_msg_write(&once, &m, NULL), 0);
		assert_int_equal(keeper_msg_read(&back, once.ptr, once.len, NULL), 0);
		assert_int_equal(back.kind, kind);
		assert_true(back.serial == m.serial);
		assert_int_equal(keeper_msg_write(&twice, &back, NULL), 0);
		assert_int_equal(once.len, twice.len);
		assert_memory_equal(once.ptr, twice.ptr, once.len);
		assert_true(*keeper_msg_kind_word((enum keeper_msg_kind)kind));
		buf_release(&once);
		buf_release(&twice);
		strings_release(&s);
	}
}

static void a_spawn_keeps_every_detail(void **state)
{
	struct buf out = BUF_INIT;
	struct keeper_msg m, back;
	struct strings s;
	const char *word = NULL;

	(void)state;
	fill(&m, KEEPER_SPAWN, &s);
	assert_int_equal(keeper_msg_write(&out, &m, NULL), 0);
	assert_int_equal(keeper_msg_read(&back, out.ptr, out.len, NULL), 0);
	assert_int_equal(back.ticket.slot, 7);
	assert_true(back.ticket.generation == UINT64_MAX);
	assert_string_equal(back.name, "api:2");
	assert_int_equal(back.spawn.argv.count, 3);
	assert_string_equal(word = keeper_list_next(&back.spawn.argv, NULL), "node");
	assert_string_equal(word = keeper_list_next(&back.spawn.argv, word), "");
	assert_string_equal(word = keeper_list_next(&back.spawn.argv, word), "app.js");
	assert_null(keeper_list_next(&back.spawn.argv, word));
	assert_string_equal(back.spawn.folder, "/srv/api");
	assert_int_equal(back.spawn.nice, -5);
	assert_int_equal(back.spawn.gid, 0xfffffffe);
	assert_int_equal(back.spawn.descriptor_count, 2);
	assert_string_equal(back.spawn.descriptors[0].name, "/run/oxherd/api.2.out");
	assert_int_equal(back.spawn.descriptors[1].index, 31);
	assert_true(back.spawn.rlimits[0].hard == UINT64_MAX);
	assert_int_equal(back.spawn.groups[1], 44);
	assert_int_equal(back.pid, 0); /* a SPAWN does not carry one */
	buf_release(&out);
	strings_release(&s);
}

static void no_length_but_the_right_one_is_read(void **state)
{
	(void)state;
	for (int kind = 0; kind < KEEPER_KIND_COUNT; kind++) {
		struct buf out = BUF_INIT;
		struct keeper_msg m, back;
		struct strings s;
		size_t whole = 0;

		fill(&m, (enum keeper_msg_kind)kind, &s);
		assert_int_equal(keeper_msg_write(&out, &m, NULL), 0);
		whole = out.len;
		for (size_t len = 0; len < whole; len++) {
			/* A copy of its own, so that a sanitizer sees every byte too far. */
			char *part = mem_dup(out.ptr, len);

			assert_int_equal(keeper_msg_read(&back, part, len, NULL), -1);
			mem_free(part);
		}
		buf_addc(&out, '\0');
		assert_int_equal(keeper_msg_read(&back, out.ptr, out.len, NULL), -1);
		buf_release(&out);
		strings_release(&s);
	}
}

/* The header's length told to fit as well: then the fields must not. */
static void cut_or_stretched_fields_are_refused(void **state)
{
	struct buf out = BUF_INIT;
	struct keeper_msg m, back;
	struct strings s;
	struct err e = ERR_INIT;

	(void)state;
	fill(&m, KEEPER_SPAWN, &s);
	assert_int_equal(keeper_msg_write(&out, &m, NULL), 0);
	buf_fill(&out, '\0', 8);
	out.ptr[16] = (char)(out.len & 0xff);
	out.ptr[17] = (char)(out.len >> 8);
	assert_int_equal(keeper_msg_read(&back, out.ptr, out.len, &e), -1);
	assert_string_equal(e.text.ptr, "message 'spawn': 8 bytes too many");
	for (size_t len = 24; len < out.len - 8; len++) {
		char *part = mem_dup(out.ptr, len);

		part[16] = (char)(len & 0xff);
		part[17] = (char)(len >> 8);
		assert_int_equal(keeper_msg_read(&back, part, len, NULL), -1);
		assert_int_equal(back.kind, KEEPER_SPAWN); /* what could be read stays, for the answer */
		assert_true(back.serial == m.serial);
		mem_free(part);
	}
	err_release(&e);
	buf_release(&out);
	strings_release(&s);
}

static void unknown_kinds_are_refused(void **state)
{
	struct buf out = BUF_INIT;
	struct keeper_msg m, back;
	struct err e = ERR_INIT;

	(void)state;
	keeper_msg_init(&m, KEEPER_SYNCED);
	assert_int_equal(keeper_msg_write(&out, &m, NULL), 0);
	out.ptr[0] = KEEPER_KIND_COUNT;
	assert_int_equal(keeper_msg_read(&back, out.ptr, out.len, &e), -1);
	assert_non_null(strstr(e.text.ptr, "there is no message of kind"));
	assert_int_equal(back.kind, KEEPER_KIND_COUNT);
	out.ptr[0] = KEEPER_SYNCED;
	out.ptr[7] = 1;
	assert_int_equal(keeper_msg_read(&back, out.ptr, out.len, NULL), -1);
	m.kind = KEEPER_KIND_COUNT;
	assert_refused(&m, "there is no message of kind");
	assert_string_equal(keeper_msg_kind_word(KEEPER_KIND_COUNT), "unknown");
	err_release(&e);
	buf_release(&out);
}

/* So that a keeper of an earlier build understands every spawn but one that it could not carry out. */
static void processors_travel_only_where_they_are_announced(void **state)
{
	struct buf without = BUF_INIT;
	struct buf with = BUF_INIT;
	struct keeper_msg m, back;
	struct strings s;

	(void)state;
	fill(&m, KEEPER_SPAWN, &s);
	assert_int_equal(keeper_msg_write(&without, &m, NULL), 0);
	m.spawn.flags |= KEEPER_SPAWN_CPUS;
	assert_int_equal(keeper_msg_write(&with, &m, NULL), 0);
	assert_int_equal(with.len, without.len + 3 * sizeof(uint64_t));
	assert_int_equal(keeper_msg_read(&back, with.ptr, with.len, NULL), 0);
	assert_true(cpu_list_equal(&back.spawn.cpus, &m.spawn.cpus));
	assert_int_equal(keeper_msg_read(&back, without.ptr, without.len, NULL), 0);
	assert_int_equal(cpu_list_count(&back.spawn.cpus), 0);
	/* Words without a processor at the end are no way to write it. */
	memset(with.ptr + with.len - 8, 0, 8);
	assert_int_equal(keeper_msg_read(&back, with.ptr, with.len, NULL), -1);
	m.spawn.cpus = (struct cpu_list){ .words = { 0 } };
	assert_refused(&m, "processors: 0 is outside 1..128");
	buf_release(&without);
	buf_release(&with);
	strings_release(&s);
}

static void numbers_stay_in_their_bounds(void **state)
{
	struct keeper_msg m;
	struct strings s;

	(void)state;
	fill(&m, KEEPER_SIGNAL, &s);
	m.signal = 0;
	assert_refused(&m, "signal: 0 is outside 1..64");
	m.signal = 65;
	assert_refused(&m, "signal: 65");
	m.signal = 9;
	m.reach = KEEPER_REACH_COUNT;
	assert_refused(&m, "reach");
	m.reach = 0;
	m.ticket.slot = 0;
	assert_refused(&m, "slot: 0");
	m.ticket.slot = 0x100000000;
	assert_refused(&m, "slot");
	m.ticket.slot = 0xffffffff;
	m.ticket.generation = 0;
	assert_refused(&m, "generation: 0 is none");
	strings_release(&s);
	fill(&m, KEEPER_SPAWN, &s);
	m.spawn.flags = KEEPER_SPAWN_FLAGS + 1;
	assert_refused(&m, "flags");
	m.spawn.flags = 0;
	m.spawn.uid = 0xffffffff; /* means "leave it" to the kernel */
	assert_refused(&m, "uid");
	m.spawn.uid = 0;
	m.spawn.groups[0] = -1;
	assert_refused(&m, "groups");
	strings_release(&s);
}

static void descriptors_make_sense(void **state)
{
	struct keeper_msg m;
	struct strings s;
	struct keeper_descriptor *d = NULL;

	(void)state;
	fill(&m, KEEPER_SPAWN, &s);
	d = m.spawn.descriptors;
	d[1].target = d[0].target;
	assert_refused(&m, "1 is asked for twice");
	d[1].target = KEEPER_TARGET_MAX + 1;
	assert_refused(&m, "out of range");
	d[1].target = KEEPER_TARGET_MAX;
	d[1].index = KEEPER_FDS_MAX;
	assert_refused(&m, "out of range");
	d[1].index = 0;
	d[1].from = KEEPER_FROM_COUNT;
	assert_refused(&m, "out of range");
	d[1].from = KEEPER_FROM_HELD;
	assert_refused(&m, "does not fit"); /* held as what? */
	d[1].from = KEEPER_FROM_NULL;
	d[0].name = "";
	assert_refused(&m, "does not fit");
	strings_release(&s);
}

static void lists_and_strings_have_limits(void **state)
{
	char name[KEEPER_NAME_MAX + 2];
	struct buf many = BUF_INIT;
	struct keeper_msg m;
	struct strings s;

	(void)state;
	fill(&m, KEEPER_HOLD, &s);
	memset(name, 'n', sizeof(name));
	name[KEEPER_NAME_MAX + 1] = '\0';
	m.name = name;
	assert_refused(&m, "name: 129 is outside 1..128");
	m.name = "";
	assert_refused(&m, "name");
	strings_release(&s);

	fill(&m, KEEPER_SPAWN, &s);
	m.spawn.argv.count = 0;
	assert_refused(&m, "arguments");
	m.spawn.argv = (struct keeper_list){ .bytes = "", .len = 0 };
	assert_refused(&m, "arguments: 0 is outside");
	for (int i = 0; i <= KEEPER_LIST_MAX; i++)
		keeper_list_add(&many, "A=b");
	m.spawn.argv = m.spawn.env;
	m.spawn.env = keeper_list_of(&many);
	assert_refused(&m, "environment: 4097 is outside 0..4096");
	buf_clear(&many);
	keeper_list_add(&many, "novalue");
	m.spawn.env = keeper_list_of(&many);
	assert_refused(&m, "is not NAME=value");
	buf_clear(&many);
	keeper_list_add(&many, "=nameless");
	m.spawn.env = keeper_list_of(&many);
	assert_refused(&m, "is not NAME=value");
	buf_release(&many);
	strings_release(&s);
}

static void a_message_has_a_limit(void **state)
{
	struct buf env = BUF_INIT, out = BUF_INIT;
	struct keeper_msg m;
	struct strings s;
	size_t others = 0;

	(void)state;
	fill(&m, KEEPER_SPAWN, &s);
	m.spawn.env = keeper_list_of(&env);
	assert_int_equal(keeper_msg_write(&out, &m, NULL), 0);
	others = out.len;
	buf_adds(&env, "BIG=");
	buf_fill(&env, 'x', KEEPER_SPAWN_MAX - others - 5);
	buf_addc(&env, '\0');
	m.spawn.env = keeper_list_of(&env);
	buf_clear(&out);
	assert_int_equal(keeper_msg_write(&out, &m, NULL), 0);
	assert_int_equal(out.len, KEEPER_SPAWN_MAX);
	assert_int_equal(keeper_msg_read(&m, out.ptr, out.len, NULL), 0);
	buf_cut(&env, env.len - 1);
	buf_add(&env, "x", 2);
	m.spawn.env = keeper_list_of(&env);
	assert_refused(&m, "more than 8388608");
	buf_addc(&out, '\0');
	assert_int_equal(keeper_msg_read(&m, out.ptr, out.len, NULL), -1);
	buf_release(&env);
	buf_release(&out);
	strings_release(&s);
}

static void no_single_byte_breaks_the_reader(void **state)
{
	struct buf out = BUF_INIT, again = BUF_INIT;
	struct keeper_msg m, back;
	struct strings s;

	(void)state;
	fill(&m, KEEPER_SPAWN, &s);
	assert_int_equal(keeper_msg_write(&out, &m, NULL), 0);
	for (size_t at = 0; at < out.len; at++) {
		char *bytes = mem_dup(out.ptr, out.len);

		for (int change = 1; change < 256; change += 42) {
			bytes[at] = (char)(out.ptr[at] ^ change);
			/* What is read can be written, and is the same: there is one way to say a thing. */
			if (keeper_msg_read(&back, bytes, out.len, NULL) < 0)
				continue;
			buf_clear(&again);
			assert_int_equal(keeper_msg_write(&again, &back, NULL), 0);
			assert_int_equal(again.len, out.len);
			assert_memory_equal(again.ptr, bytes, out.len);
		}
		mem_free(bytes);
	}
	buf_release(&out);
	buf_release(&again);
	strings_release(&s);
}

static void assert_programs(const char *name, const char *path, const char *want)
{
	struct buf run = BUF_INIT;

	keeper_programs(&run, name, path);
	for (size_t i = 0; i + 1 < run.len; i++)
		if (!run.ptr[i])
			run.ptr[i] = '|';
	assert_string_equal(run.ptr, want);
	buf_release(&run);
}

static void programs_are_looked_for_as_execvp_does(void **state)
{
	struct buf run = BUF_INIT, path = BUF_INIT;

	(void)state;
	assert_programs("node", "/a:/b", "/a/node|/b/node");
	assert_programs("node", "", "./node");
	assert_programs("node", "/a::/b:", "/a/node|./node|/b/node|./node");
	assert_programs("node", NULL, "/usr/local/bin/node|/usr/bin/node|/bin/node");
	assert_programs("./node", "/a:/b", "./node");
	assert_programs("/x/node", NULL, "/x/node");
	assert_programs("", "/a", "");
	buf_fill(&path, ':', 1000);
	keeper_programs(&run, "node", path.ptr);
	assert_int_equal(keeper_list_of(&run).count, KEEPER_PROGRAMS_MAX);
	buf_release(&run);
	buf_release(&path);
}

static void every_stage_has_words(void **state)
{
	(void)state;
	for (int stage = 0; stage < KEEPER_STAGE_COUNT; stage++)
		assert_int_equal(
			strncmp(keeper_spawn_stage_words((enum keeper_spawn_stage)stage), "cannot ", 7), 0);
	assert_string_equal(keeper_spawn_stage_words(KEEPER_STAGE_COUNT), "cannot start it");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("every kind of message comes back as it was written", every_kind_comes_back),
		PROMISE("a spawn keeps every detail", a_spawn_keeps_every_detail),
		PROMISE("processors travel only in a spawn that announces them",
			processors_travel_only_where_they_are_announced),
		PROMISE("no length but the right one is read", no_length_but_the_right_one_is_read),
		PROMISE("fields that are cut off or too long are refused",
			cut_or_stretched_fields_are_refused),
		PROMISE("unknown kinds are refused", unknown_kinds_are_refused),
		PROMISE("numbers stay in their bounds", numbers_stay_in_their_bounds),
		PROMISE("descriptors that make no sense are refused", descriptors_make_sense),
		PROMISE("lists and strings have limits", lists_and_strings_have_limits),
		PROMISE("a message of the largest size is written and read, a larger one is not",
			a_message_has_a_limit),
		PROMISE("no change of a byte breaks the reader", no_single_byte_breaks_the_reader),
		PROMISE("programs are looked for as execvp does", programs_are_looked_for_as_execvp_does),
		PROMISE("every stage has words", every_stage_has_words),
	};

	return cmocka_run_group_tests_name("keep", tests, NULL, NULL);
}
