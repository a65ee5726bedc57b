#include "stage.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/file.h"
#include "os/sock.h"
#include "unit.h"

enum { PROGRAM_MAX = 64 * 1024 * 1024 };

/* --- talking --- */

uint64_t stage_say(struct stage *s, struct keeper_msg *m, const int *fds, size_t count)
{
	struct buf out = BUF_INIT;
	struct err e = ERR_INIT;
	int64_t limit = clock_ms() + STAGE_WAIT_MS;

	m->serial = ++s->serial;
	if (keeper_msg_write(&out, m, &e) < 0)
		fail_msg("%s", e.text.ptr);
	while (sock_send(s->sock, out.ptr, out.len, fds, count) < 0) {
		if (errno != EAGAIN || clock_ms() > limit)
			fail_msg("cannot send: %s", strerror(errno));
		(void)poll(NULL, 0, 1);
	}
	buf_release(&out);
	err_release(&e);
	return m->serial;
}

uint64_t stage_say_ticket(struct stage *s, enum keeper_msg_kind kind, uint64_t generation)
{
	struct keeper_msg m;

	keeper_msg_init(&m, kind);
	m.ticket = (struct keeper_ticket){ 1, generation };
	return stage_say(s, &m, NULL, 0);
}

uint64_t stage_say_name(struct stage *s, enum keeper_msg_kind kind, const char *name, int fd)
{
	struct keeper_msg m;

	keeper_msg_init(&m, kind);
	m.name = name;
	return stage_say(s, &m, &fd, fd >= 0);
}

uint64_t stage_signal(struct stage *s, uint64_t generation, int number, enum keeper_reach reach)
{
	struct keeper_msg m;

	keeper_msg_init(&m, KEEPER_SIGNAL);
	m.ticket = (struct keeper_ticket){ 1, generation };
	m.signal = number;
	m.reach = reach;
	return stage_say(s, &m, NULL, 0);
}

static void answer_ping(struct stage *s, uint64_t serial)
{
	struct keeper_msg m;

	s->pings++;
	if (s->is_silent)
		return;
	keeper_msg_init(&m, KEEPER_PONG);
	m.about = serial;
	stage_say(s, &m, NULL, 0);
}

/* False when nothing came in time. */
static bool receive(struct stage *s, int wait_ms)
{
	static char bytes[KEEPER_MSG_MAX];
	static struct keeper_msg m;
	struct pollfd wait = { .fd = s->sock, .events = POLLIN };
	struct note *n = &s->notes[s->note_count];
	int fds[SOCK_FDS_MAX];
	size_t count = 0;
	ssize_t got = 0;

	if (poll(&wait, 1, wait_ms) != 1)
		return false;
	got = sock_receive(s->sock, bytes, sizeof(bytes), fds, &count);
	if (got <= 0)
		return false;
	assert_int_equal(keeper_msg_read(&m, bytes, (size_t)got, NULL), 0);
	if (m.kind == KEEPER_PING) {
		answer_ping(s, m.serial);
		return true;
	}
	assert_true(s->note_count < STAGE_NOTES_MAX);
	*n = (struct note){ m.kind, m.ticket, m.pid, m.state, m.is_taken, m.is_gone, m.status, m.stage,
		m.number, m.signal, m.cpu_us, m.start_time, m.about, "", count ? fds[0] : -1, false, m.at_ms,
		m.wall_ms, m.peak_kb, m.gate, m.place, m.socket, m.index, m.is_free, m.is_chosen };
	(void)snprintf(n->name, sizeof(n->name), "%s", m.name);
	s->note_count++;
	return true;
}

static struct note *find(struct stage *s, enum keeper_msg_kind kind, uint64_t generation, uint64_t about)
{
	while (s->notes_seen < s->note_count && s->notes[s->notes_seen].is_seen)
		s->notes_seen++;
	for (int i = s->notes_seen; i < s->note_count; i++) {
		struct note *n = &s->notes[i];

		if (n->is_seen || n->kind != kind || (generation && n->ticket.generation != generation) ||
			(about && n->about != about))
			continue;
		n->is_seen = true;
		return n;
	}
	return NULL;
}

static struct note *expect(struct stage *s, enum keeper_msg_kind kind, uint64_t generation, uint64_t about)
{
	struct note *n = NULL;

	while (!(n = find(s, kind, generation, about)))
		if (!receive(s, STAGE_WAIT_MS)) {
			stage_print_log(s);
			fail_msg("no message '%s' about %llu", keeper_msg_kind_word(kind),
				(unsigned long long)(generation + about));
		}
	return n;
}

struct note *stage_expect(struct stage *s, enum keeper_msg_kind kind, uint64_t generation)
{
	return expect(s, kind, generation, 0);
}

struct note *stage_expect_error(struct stage *s, uint64_t about)
{
	return expect(s, KEEPER_ERROR, 0, about);
}

struct note *stage_seen(struct stage *s, enum keeper_msg_kind kind, uint64_t generation)
{
	/* The answer to a question of ours stands behind everything that was said before it. */
	stage_expect_error(s, stage_say_name(s, KEEPER_GET, "nothing has this name", -1));
	return find(s, kind, generation, 0);
}

/* --- spawning --- */

void order_program(struct spawn_order *w, uint64_t generation, int *out, const char *const *argv)
{
	int ends[2];

	*w = (struct spawn_order){ .programs = BUF_INIT, .argv = BUF_INIT, .env = BUF_INIT };
	keeper_msg_init(&w->m, KEEPER_SPAWN);
	w->m.ticket = (struct keeper_ticket){ 1, generation };
	w->m.name = "api:0";
	keeper_programs(&w->programs, argv[0], NULL);
	for (; *argv; argv++)
		keeper_list_add(&w->argv, *argv);
	w->m.spawn.folder = "/";
	w->m.spawn.umask = 022;
	if (!out)
		return;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	*out = ends[0];
	w->fds[w->fd_count++] = ends[1];
	w->m.spawn.descriptors[w->m.spawn.descriptor_count++] =
		(struct keeper_descriptor){ 1, KEEPER_FROM_SENT, 0, "" };
}

void order_actor(struct spawn_order *w, uint64_t generation, int *out, const char *const *words)
{
	char actor[512];
	const char *argv[32] = { actor };
	int count = 1;

	stage_program(actor, sizeof(actor), "tests/actor");
	while (*words && count < 31)
		argv[count++] = *words++;
	order_program(w, generation, out, argv);
}

void order_script_as(
	struct spawn_order *w, uint64_t generation, int *out, const char *script, uid_t uid, gid_t gid)
{
	order_program(w, generation, out, WORDS("sh", "-c", script));
	keeper_list_add(&w->env, "PATH=/usr/bin:/bin");
	w->m.spawn.flags = KEEPER_SPAWN_USER;
	w->m.spawn.uid = uid;
	w->m.spawn.gid = gid;
}

uint64_t order_say(struct stage *s, struct spawn_order *w)
{
	uint64_t serial = 0;

	w->m.spawn.programs = keeper_list_of(&w->programs);
	w->m.spawn.argv = keeper_list_of(&w->argv);
	w->m.spawn.env = keeper_list_of(&w->env);
	serial = stage_say(s, &w->m, w->fds, w->fd_count);
	while (w->fd_count)
		fd_close(&w->fds[--w->fd_count]);
	buf_release(&w->programs);
	buf_release(&w->argv);
	buf_release(&w->env);
	return serial;
}

pid_t stage_actor(struct stage *s, uint64_t generation, int *out, const char *const *words)
{
	struct spawn_order w;

	order_actor(&w, generation, out, words);
	order_say(s, &w);
	return (pid_t)stage_expect(s, KEEPER_SPAWNED, generation)->pid;
}

void stage_read(int fd, struct buf *out, const char *words)
{
	struct pollfd wait = { .fd = fd, .events = POLLIN };
	char text[4096];

	while (!words || !strstr(out->ptr, words)) {
		ssize_t got = 0;

		if (poll(&wait, 1, STAGE_WAIT_MS) != 1)
			fail_msg("'%s' never came, only '%s'", words ? words : "the end", out->ptr);
		got = read(fd, text, sizeof(text));
		if (got <= 0 && words)
			fail_msg("'%s' never came, only '%s'", words, out->ptr);
		if (got <= 0)
			return;
		buf_add(out, text, (size_t)got);
	}
}

void stage_read_all(int *fd, struct buf *out)
{
	stage_read(*fd, out, NULL);
	fd_close(fd);
}

void stage_assert_has(const struct buf *text, const char *words)
{
	if (!strstr(text->ptr, words))
		fail_msg("'%s' is not in:\n%s", words, text->ptr);
}

void stage_assert_lacks(const struct buf *text, const char *words)
{
	if (strstr(text->ptr, words))
		fail_msg("'%s' is in:\n%s", words, text->ptr);
}

void stage_ask(struct stage *s, struct spawn_order *w, int *out, struct buf *text)
{
	uint64_t generation = w->m.ticket.generation;

	order_say(s, w);
	stage_expect(s, KEEPER_SPAWNED, generation);
	stage_read_all(out, text);
	assert_int_equal(stage_expect(s, KEEPER_EXITED, generation)->status, 0);
}

void stage_file(struct stage *s, char *path, size_t size, const char *name, const char *text, mode_t mode)
{
	int fd = -1;

	assert_true(snprintf(path, size, "%s/%s", s->home, name) < (int)size);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, mode);
	assert_int_equal(fd_write_all(fd, text, strlen(text)), 0);
	fd_close(&fd);
}

void stage_assert_fails(struct stage *s, struct spawn_order *w, enum keeper_spawn_stage where, int number)
{
	uint64_t generation = w->m.ticket.generation;
	struct note *n = NULL;

	order_say(s, w);
	n = stage_expect(s, KEEPER_SPAWN_FAILED, generation);
	assert_int_equal(n->stage, where);
	assert_int_equal(n->number, number);
	assert_null(stage_seen(s, KEEPER_SPAWNED, generation));
	assert_null(stage_seen(s, KEEPER_EXITED, generation));
	/* Nothing was left, so there is nothing to kill, and the slot can be given back. */
	stage_say_ticket(s, KEEPER_KILL_TREE, generation);
	stage_expect(s, KEEPER_TREE_GONE, generation);
	stage_say_ticket(s, KEEPER_FORGET, generation);
	assert_null(stage_seen(s, KEEPER_ERROR, 0));
}

/* --- upgrades --- */

uint64_t stage_say_upgrade(struct stage *s, const char *keeper, const char *brain)
{
	struct keeper_msg m;

	keeper_msg_init(&m, KEEPER_UPGRADE);
	m.keeper_path = keeper;
	m.brain_path = brain;
	return stage_say(s, &m, NULL, 0);
}

/* To the programs that run already. */
uint64_t stage_say_same(struct stage *s)
{
	char keeper[512], brain[512];

	stage_program(keeper, sizeof(keeper), "oxherd");
	stage_program(brain, sizeof(brain), "tests/keeper-brain");
	return stage_say_upgrade(s, keeper, brain);
}

/* The old brain leaves, and the new one serves. */
void stage_change_brains(struct stage *s)
{
	fd_close(&s->link);
	fd_close(&s->sock);
	stage_accept(s, true);
}

void stage_upgrade(struct stage *s)
{
	(void)stage_say_same(s);
	assert_int_equal(stage_expect(s, KEEPER_UPGRADED, 0)->number, 0);
	stage_change_brains(s);
	assert_int_equal(stage_expect(s, KEEPER_UPGRADED, 0)->number, 0);
	assert_null(stage_seen(s, KEEPER_ERROR, 0));
}

/* A build that packs otherwise: this one with other words at the head of its handover. */
void stage_other_build(struct stage *s, char *path, size_t size)
{
	/* In these pieces they stand among the instructions too. */
	static const char *const words[] = { "uggage 1", "uggage 2" };
	struct buf program = BUF_INIT;
	char *at = NULL;
	int fd = -1;

	stage_program(path, size, "oxherd");
	assert_int_equal(file_read(path, PROGRAM_MAX, &program, NULL), 0);
	for (size_t i = 0; i < 2; i++)
		while ((at = memmem(program.ptr, program.len, words[i], strlen(words[i]))))
			at[strlen(words[i]) - 1] = '9';
	assert_true(snprintf(path, size, "%s/other-oxherd", s->home) < (int)size);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0700);
	assert_int_equal(fd_write_all(fd, program.ptr, program.len), 0);
	fd_close(&fd);
	buf_release(&program);
}
