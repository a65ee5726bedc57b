/* The messages about a child, and those when there cannot be one. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/clock.h"
#include "os/fd.h"
#include "os/procfs.h"
#include "os/sealed.h"
#include "stage.h"
#include "unit.h"

static void a_process_is_told_from_birth_to_death(void **state)
{
	struct stage *s = *state;
	int out = -1;
	struct note *n = NULL;
	struct proc p;
	pid_t pid = stage_actor(s, 5, &out, WORDS("--say-on", "TERM bye", "--mark"));
	struct buf text = BUF_INIT;
	char line[32];

	n = &s->notes[s->note_count - 1];
	assert_true(procfs_read(pid, &p));
	assert_true(n->start_time == p.start_time);
	assert_int_equal(p.parent, s->keeper);
	(void)snprintf(line, sizeof(line), "pid %d\n", (int)pid);
	stage_read(out, &text, line);
	stage_signal(s, 5, SIGTERM, KEEPER_REACH_MAIN);
	stage_read(out, &text, "bye\n");
	stage_signal(s, 5, SIGKILL, KEEPER_REACH_MAIN);
	n = stage_expect(s, KEEPER_EXITED, 5);
	assert_int_equal(n->pid, pid);
	assert_true(WIFSIGNALED(n->status));
	assert_int_equal(WTERMSIG(n->status), SIGKILL);
	fd_close(&out);
	buf_release(&text);
}

static void exit_codes_come_home(void **state)
{
	struct stage *s = *state;
	static const char *const codes[] = { "0", "1", "42", "255" };

	for (size_t i = 0; i < 4; i++) {
		stage_actor(s, i + 1, NULL, WORDS("--exit", codes[i]));
		assert_int_equal(WEXITSTATUS(stage_expect(s, KEEPER_EXITED, i + 1)->status),
			strtol(codes[i], NULL, 10));
	}
	stage_actor(s, 9, NULL, WORDS("--crash"));
	assert_int_equal(WTERMSIG(stage_expect(s, KEEPER_EXITED, 9)->status), SIGSEGV);
}

static void an_end_says_what_it_used(void **state)
{
	struct stage *s = *state;
	int64_t at_ms = clock_ms();
	int64_t wall_ms = clock_wall_ms();
	struct note *n = NULL;
	struct spawn_order w;

	order_program(
		&w, 1, NULL, WORDS("sh", "-c", "i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done; exit 3"));
	order_say(s, &w);
	n = stage_expect(s, KEEPER_EXITED, 1);
	assert_in_range(n->at_ms, at_ms, clock_ms());
	assert_in_range(n->wall_ms, wall_ms, clock_wall_ms());
	/* When it ended, not when it began. */
	assert_true(n->at_ms - at_ms >= n->cpu_us / 1000 - 1);
	assert_in_range(n->cpu_us, 5000, 1000 * (clock_ms() - at_ms + 100));
	assert_in_range(n->peak_kb, 100, 1000000);
}

/* SigBlk of the keeper. */
static void read_blocked(const struct stage *s, char line[64])
{
	char path[64], text[64];
	FILE *file = NULL;

	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)s->keeper);
	file = fopen(path, "re");
	assert_non_null(file);
	line[0] = '\0';
	/* cppcheck-suppress nullPointer */
	while (fgets(text, sizeof(text), file))
		if (!strncmp(text, "SigBlk:", 7))
			(void)snprintf(line, 64, "%s", text);
	(void)fclose(file);
}

static void the_keeper_hears_as_before(void **state)
{
	struct stage *s = *state;
	char before[64], after[64];

	assert_null(stage_seen(s, KEEPER_ERROR, 0));
	read_blocked(s, before);
	assert_true(strlen(before) > 10);
	stage_actor(s, 1, NULL, WORDS("--exit", "0"));
	stage_expect(s, KEEPER_EXITED, 1);
	read_blocked(s, after);
	assert_string_equal(before, after);
	/* The brain was spawned before we looked: of what the keeper has no use for nothing is blocked. */
	assert_false(
		strtoull(after + strlen("SigBlk:"), NULL, 16) & (1U << (SIGALRM - 1) | 1U << (SIGABRT - 1)));
}

static void two_hundred_deaths_at_once_are_all_told(void **state)
{
	enum { MANY = 200 };
	struct stage *s = *state;
	int ends[2];
	pid_t pids[MANY];

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	for (int i = 0; i < MANY; i++) {
		struct spawn_order w;

		order_program(&w, (uint64_t)i + 1, NULL, WORDS("sh", "-c", "read x; exit 7"));
		w.fds[w.fd_count++] = dup(ends[0]);
		w.m.spawn.descriptors[w.m.spawn.descriptor_count++] =
			(struct keeper_descriptor){ 0, KEEPER_FROM_SENT, 0, "" };
		order_say(s, &w);
	}
	for (int i = 0; i < MANY; i++)
		pids[i] = (pid_t)stage_expect(s, KEEPER_SPAWNED, (uint64_t)i + 1)->pid;
	/* All die while the keeper does not look: then one SIGCHLD stands for them all. */
	stage_stop(s, s->keeper);
	fd_close(&ends[1]);
	fd_close(&ends[0]);
	for (int i = 0; i < MANY; i++)
		stage_until(stage_is_zombie, s, pids[i]);
	kill(s->keeper, SIGCONT);
	for (int i = 0; i < MANY; i++)
		assert_int_equal(WEXITSTATUS(stage_expect(s, KEEPER_EXITED, (uint64_t)i + 1)->status), 7);
	assert_int_equal(stage_count(s), 0);
}

/* So many so short lives that deaths are seen before the reports of their births are. */
static void birth_is_told_before_death(void **state)
{
	enum { MANY = 300 };
	struct stage *s = *state;

	for (int i = 1; i <= MANY; i++) {
		struct spawn_order w;

		order_program(&w, (uint64_t)i, NULL, WORDS("/bin/true"));
		order_say(s, &w);
	}
	for (int i = 1; i <= MANY; i++) {
		const struct note *exited = stage_expect(s, KEEPER_EXITED, (uint64_t)i);
		const struct note *spawned = stage_seen(s, KEEPER_SPAWNED, (uint64_t)i);

		assert_non_null(spawned);
		assert_true(spawned < exited);
		assert_int_equal(spawned->pid, exited->pid);
		assert_null(stage_seen(s, KEEPER_EXITED, (uint64_t)i));
	}
}

static void what_cannot_be_executed_comes_home(void **state)
{
	struct stage *s = *state;
	char path[128];
	struct spawn_order w;
	int fd = -1;

	order_program(&w, 1, NULL, WORDS("/no/such/program"));
	stage_assert_fails(s, &w, KEEPER_STAGE_EXEC, ENOENT);
	order_program(&w, 2, NULL, WORDS("no-such-program-on-the-path"));
	stage_assert_fails(s, &w, KEEPER_STAGE_EXEC, ENOENT);
	stage_file(s, path, sizeof(path), "plain", "x", 0600);
	order_program(&w, 3, NULL, WORDS(path));
	stage_assert_fails(s, &w, KEEPER_STAGE_EXEC, EACCES);
	stage_file(s, path, sizeof(path), "shapeless", "x", 0700);
	order_program(&w, 4, NULL, WORDS(path));
	stage_assert_fails(s, &w, KEEPER_STAGE_EXEC, ENOEXEC);
	order_program(&w, 5, NULL, WORDS("/tmp"));
	stage_assert_fails(s, &w, KEEPER_STAGE_EXEC, EACCES);
	/* As while a build is being written. */
	stage_file(s, path, sizeof(path), "unfinished", "#!/bin/sh\n", 0700);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	order_program(&w, 6, NULL, WORDS(path));
	stage_assert_fails(s, &w, KEEPER_STAGE_EXEC, ETXTBSY);
	fd_close(&fd);
}

static void what_cannot_be_arranged_comes_home(void **state)
{
	struct stage *s = *state;
	char path[128];
	struct spawn_order w;

	order_actor(&w, 1, NULL, WORDS("--exit", "0"));
	w.m.spawn.folder = "/no/such/folder";
	stage_assert_fails(s, &w, KEEPER_STAGE_FOLDER, ENOENT);
	order_actor(&w, 2, NULL, WORDS("--exit", "0"));
	w.m.spawn.descriptors[w.m.spawn.descriptor_count++] =
		(struct keeper_descriptor){ 3, KEEPER_FROM_HELD, 0, "nothing" };
	stage_assert_fails(s, &w, KEEPER_STAGE_REQUEST, ENOENT);
	order_actor(&w, 3, NULL, WORDS("--exit", "0"));
	w.m.spawn.descriptors[w.m.spawn.descriptor_count++] =
		(struct keeper_descriptor){ 3, KEEPER_FROM_SENT, 3, "" };
	stage_assert_fails(s, &w, KEEPER_STAGE_REQUEST, EBADF);
	order_actor(&w, 4, NULL, WORDS("--exit", "0"));
	w.m.spawn.rlimits[w.m.spawn.rlimit_count++] = (struct keeper_rlimit){ RLIMIT_NOFILE, 100, 50 };
	stage_assert_fails(s, &w, KEEPER_STAGE_LIMITS, EINVAL);
	stage_file(s, path, sizeof(path), "no-fifo", "", 0600);
	order_actor(&w, 5, NULL, WORDS("--exit", "0"));
	w.m.spawn.descriptors[w.m.spawn.descriptor_count++] =
		(struct keeper_descriptor){ 1, KEEPER_FROM_FIFO, 0, path };
	stage_assert_fails(s, &w, KEEPER_STAGE_LOG_PIPE, EPERM);
}

static void a_ticket_is_used_once(void **state)
{
	struct stage *s = *state;
	struct spawn_order w;

	stage_actor(s, 1, NULL, WORDS("--mark"));
	order_actor(&w, 1, NULL, WORDS("--exit", "0"));
	assert_int_equal(stage_expect_error(s, order_say(s, &w))->number, EEXIST);
	assert_int_equal(stage_expect_error(s, stage_say_ticket(s, KEEPER_FORGET, 1))->number, EBUSY);
	assert_int_equal(stage_expect_error(s, stage_say_ticket(s, KEEPER_TAKE_EXIT, 1))->number, EBUSY);
	assert_int_equal(stage_expect_error(s, stage_say_ticket(s, KEEPER_FORGET, 2))->number, ESRCH);
	stage_say_ticket(s, KEEPER_KILL_TREE, 1);
	stage_expect(s, KEEPER_EXITED, 1);
	stage_expect(s, KEEPER_TREE_GONE, 1);
	stage_say_ticket(s, KEEPER_FORGET, 1);
	assert_int_equal(stage_expect_error(s, stage_say_ticket(s, KEEPER_FORGET, 1))->number, ESRCH);
}

/* A spawn of the actor with two megabytes in its environment less one kilobyte, as bytes. */
static void long_spawn(struct spawn_order *w, uint64_t generation, int *out, struct buf *bytes)
{
	order_actor(w, generation, out, WORDS("--say", "up", "--print-env", "--exit", "0"));
	for (int i = 0; i < 18; i++) {
		struct buf entry = BUF_INIT;

		buf_addf(&entry, "BIG_%d=", i);
		buf_fill(&entry, 'x', 100 * 1024);
		keeper_list_add(&w->env, entry.ptr);
		buf_release(&entry);
	}
	w->m.spawn.programs = keeper_list_of(&w->programs);
	w->m.spawn.argv = keeper_list_of(&w->argv);
	w->m.spawn.env = keeper_list_of(&w->env);
	assert_int_equal(keeper_msg_write(bytes, &w->m, NULL), 0);
}

static uint64_t say_long(struct stage *s, uint64_t generation, struct spawn_order *w, int body)
{
	struct keeper_msg m;
	uint64_t serial = 0;

	keeper_msg_init(&m, KEEPER_SPAWN_LONG);
	m.ticket = (struct keeper_ticket){ 1, generation };
	w->fds[w->fd_count++] = body;
	serial = stage_say(s, &m, w->fds, w->fd_count);
	while (w->fd_count)
		fd_close(&w->fds[--w->fd_count]);
	buf_release(&w->programs);
	buf_release(&w->argv);
	buf_release(&w->env);
	return serial;
}

static void a_long_spawn_comes_in_sealed_memory(void **state)
{
	struct stage *s = *state;
	struct spawn_order w;
	struct buf bytes = BUF_INIT;
	struct buf text = BUF_INIT;
	int out = -1;

	long_spawn(&w, 5, &out, &bytes);
	say_long(s, 5, &w, sealed_new(bytes.ptr, bytes.len));
	stage_expect(s, KEEPER_SPAWNED, 5);
	stage_read_all(&out, &text);
	stage_assert_has(&text, "up\n");
	stage_assert_has(&text, "env BIG_17=xxx");
	assert_true(text.len > (size_t)18 * 100 * 1024);
	buf_release(&bytes);
	buf_release(&text);
}

static void what_could_still_change_is_refused(void **state)
{
	struct stage *s = *state;
	struct spawn_order w;
	struct buf bytes = BUF_INIT;
	uint64_t serial = 0;
	int body = memfd_create("open", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	long_spawn(&w, 5, NULL, &bytes);
	assert_int_equal(fd_write_all(body, bytes.ptr, bytes.len), 0);
	assert_int_equal(stage_expect_error(s, say_long(s, 5, &w, body))->number, EBADMSG);
	/* Nor does one for another ticket pass, or bytes that are none. */
	buf_clear(&bytes);
	long_spawn(&w, 6, NULL, &bytes);
	serial = say_long(s, 5, &w, sealed_new(bytes.ptr, bytes.len));
	assert_int_equal(stage_expect_error(s, serial)->number, EBADMSG);
	long_spawn(&w, 7, NULL, &bytes);
	serial = say_long(s, 7, &w, sealed_new("nonsense", 8));
	assert_int_equal(stage_expect_error(s, serial)->number, EBADMSG);
	/* It is as well as before. */
	stage_actor(s, 8, NULL, WORDS("--exit", "3"));
	assert_int_equal(WEXITSTATUS(stage_expect(s, KEEPER_EXITED, 8)->status), 3);
	buf_release(&bytes);
}

int main(void)
{
#define ON_STAGE(sentence, function)                                                                         \
	{                                                                                                    \
		(sentence), (function), stage_open, stage_close, NULL                                        \
	}
	const struct CMUnitTest tests[] = {
		ON_STAGE("a process is reported from birth to death", a_process_is_told_from_birth_to_death),
		ON_STAGE("an end is reported with its time and what the process used",
			an_end_says_what_it_used),
		ON_STAGE("a spawn leaves the keeper's signals as they were", the_keeper_hears_as_before),
		ON_STAGE("exit codes and signals come home", exit_codes_come_home),
		ON_STAGE("200 deaths at once are all told", two_hundred_deaths_at_once_are_all_told),
		ON_STAGE("a birth is reported before its death, and each once", birth_is_told_before_death),
		ON_STAGE("what cannot be executed comes home with its errno",
			what_cannot_be_executed_comes_home),
		ON_STAGE("what cannot be arranged comes home with its stage",
			what_cannot_be_arranged_comes_home),
		ON_STAGE("a ticket is used once", a_ticket_is_used_once),
		ON_STAGE("a spawn that no socket takes comes in sealed memory",
			a_long_spawn_comes_in_sealed_memory),
		ON_STAGE("memory that could still change is refused, and so is what does not fit its ticket",
			what_could_still_change_is_refused),
	};

	return cmocka_run_group_tests_name("keeper: spawn", tests, NULL, NULL);
}
