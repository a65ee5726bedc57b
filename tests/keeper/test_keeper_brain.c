/* The brain may die, talk nonsense or never listen: the keeper keeps. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/clock.h"
#include "os/fd.h"
#include "os/procfs.h"
#include "os/sock.h"
#include "stage.h"
#include "unit.h"

static void services_outlive_the_brain(void **state)
{
	struct stage *s = *state;
	pid_t pid = stage_actor(s, 1, NULL, WORDS("--mark"));
	struct note *n = NULL;

	stage_kill_brain(s);
	stage_accept(s, true);
	n = stage_expect(s, KEEPER_SLOT, 1);
	assert_int_equal(n->pid, pid);
	assert_int_equal(n->state, KEEPER_STATE_RUNNING);
	assert_string_equal(n->name, "api:0");
	assert_true(n->start_time > 0);
	assert_true(stage_exists(s, pid));
	assert_null(stage_seen(s, KEEPER_EXITED, 1));
}

static void exits_in_between_are_told_with_their_codes(void **state)
{
	struct stage *s = *state;
	struct note *n = NULL;
	pid_t killed = stage_actor(s, 1, NULL, WORDS("--mark"));
	pid_t told = stage_actor(s, 2, NULL, WORDS("--say-on", "TERM x", "--mark"));
	struct spawn_order w;

	stage_actor(s, 3, NULL, WORDS("--exit", "4"));
	stage_expect(s, KEEPER_EXITED, 3);
	stage_say_ticket(s, KEEPER_TAKE_EXIT, 3);
	stage_actor(s, 4, NULL, WORDS("--exit", "5"));
	stage_expect(s, KEEPER_EXITED, 4);
	order_program(&w, 5, NULL, WORDS("/no/such/program"));
	order_say(s, &w);
	stage_expect(s, KEEPER_SPAWN_FAILED, 5);
	assert_null(stage_seen(s, KEEPER_ERROR, 0));
	stage_kill_brain(s);
	kill(killed, SIGKILL);
	stage_until(stage_is_gone, s, killed);
	stage_accept(s, true);
	assert_int_equal(WTERMSIG(stage_expect(s, KEEPER_EXITED, 1)->status), SIGKILL);
	assert_int_equal(stage_expect(s, KEEPER_SLOT, 1)->state, KEEPER_STATE_EXITED);
	n = stage_expect(s, KEEPER_SLOT, 2);
	assert_int_equal(n->pid, told);
	assert_int_equal(n->state, KEEPER_STATE_RUNNING);
	/* Taken: there still, but not told again.  Told and not taken: told again. */
	assert_int_equal(stage_expect(s, KEEPER_SLOT, 3)->is_taken, 1);
	assert_null(stage_seen(s, KEEPER_EXITED, 3));
	assert_int_equal(WEXITSTATUS(stage_expect(s, KEEPER_EXITED, 4)->status), 5);
	n = stage_expect(s, KEEPER_SPAWN_FAILED, 5);
	assert_int_equal(n->stage, KEEPER_STAGE_EXEC);
	assert_int_equal(n->number, ENOENT);
}

/* While the keeper is stopped: both ends close, and the brain is dead before the keeper could read anything. */
static void brain_dies(struct stage *s)
{
	kill(s->brain, SIGKILL);
	fd_close(&s->sock);
	fd_close(&s->link);
	stage_until(stage_is_zombie, s, s->brain);
	kill(s->keeper, SIGCONT);
	stage_accept(s, true);
}

static void the_last_words_of_a_brain_count(void **state)
{
	struct stage *s = *state;
	struct spawn_order w;

	stage_stop(s, s->keeper);
	order_actor(&w, 1, NULL, WORDS("--mark"));
	order_say(s, &w);
	brain_dies(s);
	stage_expect(s, KEEPER_SLOT, 1);
}

/* It has asked the keeper to start two, and has not read its own messages: then its socket ends with an error. */
static void say_two_and_hang_up(struct stage *s)
{
	struct pollfd wait = { .fd = s->sock, .events = POLLIN };
	struct spawn_order w;

	stage_actor(s, 1, NULL, WORDS("--exit", "3"));
	assert_int_equal(poll(&wait, 1, STAGE_WAIT_MS), 1);
	stage_stop(s, s->keeper);
	for (uint64_t i = 2; i <= 3; i++) {
		order_actor(&w, i, NULL, WORDS("--mark"));
		order_say(s, &w);
	}
}

static void what_it_said_counts_though_it_did_not_listen(void **state)
{
	struct stage *s = *state;

	say_two_and_hang_up(s);
	brain_dies(s);
	stage_expect(s, KEEPER_SLOT, 2);
	stage_expect(s, KEEPER_SLOT, 3);
}

/* A process closes its descriptors a moment before its parent hears of its end; a tracer makes that moment longer. */
static void what_it_said_counts_before_its_end_is_known(void **state)
{
	struct stage *s = *state;
	pid_t brain = s->brain;

	assert_int_equal(ptrace(PTRACE_SEIZE, brain, NULL, NULL), 0);
	say_two_and_hang_up(s);
	kill(brain, SIGKILL);
	stage_until(stage_is_zombie, s, brain);
	fd_close(&s->sock);
	fd_close(&s->link);
	kill(s->keeper, SIGCONT);
	/* Both are there before anybody can have reaped the brain. */
	stage_until_count(s, 2);
	assert_int_equal(waitpid(brain, NULL, __WALL), brain);
	stage_accept(s, true);
	stage_expect(s, KEEPER_SLOT, 2);
	stage_expect(s, KEEPER_SLOT, 3);
}

static void nothing_is_told_before_sync(void **state)
{
	struct stage *s = *state;
	struct keeper_msg m;

	stage_actor(s, 1, NULL, WORDS("--exit", "0"));
	stage_expect(s, KEEPER_EXITED, 1);
	stage_kill_brain(s);
	stage_accept(s, false);
	assert_int_equal(stage_expect_error(s, stage_say_ticket(s, KEEPER_FORGET, 1))->number, EPROTO);
	for (int i = 0; i < s->note_count; i++)
		assert_true(s->notes[i].is_seen || s->notes[i].kind == KEEPER_HELLO ||
			s->notes[i].kind == KEEPER_SYNCED);
	keeper_msg_init(&m, KEEPER_SYNC);
	m.version = KEEPER_VERSION;
	stage_say(s, &m, NULL, 0);
	assert_int_equal(stage_expect(s, KEEPER_EXITED, 1)->pid > 1, 1);
}

static void held_descriptors_outlive_the_brain(void **state)
{
	struct stage *s = *state;
	struct stat before, after;
	int ends[2];
	struct note *n = NULL;
	char text[16] = "";

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(fstat(ends[0], &before), 0);
	stage_say_name(s, KEEPER_HOLD, "log:api:0", ends[0]);
	fd_close(&ends[0]);
	assert_int_equal(stage_expect_error(s, stage_say_name(s, KEEPER_GET, "other", -1))->number, ENOENT);
	/* Nobody but the keeper has the reading end now. */
	assert_int_equal(write(ends[1], "kept", 4), 4);
	fd_close(&ends[1]);
	stage_kill_brain(s);
	stage_accept(s, true);
	n = stage_expect(s, KEEPER_HELD, 0);
	assert_string_equal(n->name, "log:api:0");
	assert_int_equal(n->fd, -1);
	stage_say_name(s, KEEPER_GET, "log:api:0", -1);
	n = stage_expect(s, KEEPER_HELD, 0);
	assert_true(n->fd >= 0);
	assert_int_equal(fstat(n->fd, &after), 0);
	assert_true(before.st_ino == after.st_ino);
	assert_int_equal(read(n->fd, text, sizeof(text)), 4);
	assert_string_equal(text, "kept");
	stage_say_name(s, KEEPER_RELEASE, "log:api:0", -1);
	assert_int_equal(
		stage_expect_error(s, stage_say_name(s, KEEPER_GET, "log:api:0", -1))->number, ENOENT);
	assert_int_equal(stage_expect_error(s, stage_say_name(s, KEEPER_HOLD, "none", -1))->number, EINVAL);
}

static void a_held_descriptor_is_handed_to_a_child(void **state)
{
	struct stage *s = *state;
	struct buf text = BUF_INIT;
	struct spawn_order w;
	int ends[2];

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	stage_say_name(s, KEEPER_HOLD, "out", ends[1]);
	fd_close(&ends[1]);
	order_actor(&w, 1, NULL, WORDS("--say", "through the held one", "--exit", "0"));
	w.m.spawn.descriptors[w.m.spawn.descriptor_count++] =
		(struct keeper_descriptor){ 1, KEEPER_FROM_HELD, 0, "out" };
	order_say(s, &w);
	stage_read(ends[0], &text, "through the held one\n");
	fd_close(&ends[0]);
	buf_release(&text);
}

static void send_raw(struct stage *s, const char *bytes, size_t len)
{
	struct pollfd wait = { .fd = s->sock, .events = POLLOUT };

	while (sock_send(s->sock, bytes, len, NULL, 0) < 0) {
		assert_int_equal(errno, EAGAIN);
		assert_int_equal(poll(&wait, 1, STAGE_WAIT_MS), 1);
	}
}

static void nonsense_is_answered_and_survived(void **state)
{
	struct stage *s = *state;
	static char large[KEEPER_MSG_MAX + 1];
	pid_t pid = stage_actor(s, 1, NULL, WORDS("--mark"));
	struct keeper_msg m;
	unsigned int dice = 1;

	for (int i = 0; i < 2000; i++) {
		char bytes[300];
		size_t len = 1 + (size_t)i % 299;

		for (size_t at = 0; at < len; at++) {
			dice = dice * 1103515245 + 12345;
			bytes[at] = (char)(dice >> 16);
		}
		/* Half of them begin well. */
		if (i % 2 && len > 24)
			memset(bytes + 1, 0, 15);
		if (i % 2)
			bytes[0] = (char)(i % KEEPER_KIND_COUNT);
		send_raw(s, bytes, len);
		stage_expect(s, KEEPER_ERROR, 0);
	}
	send_raw(s, large, sizeof(large));
	assert_int_equal(stage_expect(s, KEEPER_ERROR, 0)->number, EMSGSIZE);
	for (int kind = KEEPER_HELLO; kind < KEEPER_UPGRADE; kind++) {
		keeper_msg_init(&m, (enum keeper_msg_kind)kind);
		m.ticket = (struct keeper_ticket){ 1, 1 };
		m.name = "x";
		m.version = m.signal = 1;
		assert_int_equal(stage_expect_error(s, stage_say(s, &m, NULL, 0))->number, EBADMSG);
	}
	assert_true(stage_exists(s, pid));
	stage_say_ticket(s, KEEPER_KILL_TREE, 1);
	stage_expect(s, KEEPER_TREE_GONE, 1);
}

static int count_fds(pid_t pid)
{
	char path[64];
	struct stat st;
	int count = 0;

	for (int fd = 0; fd < 1024; fd++) {
		(void)snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)pid, fd);
		count += lstat(path, &st) == 0;
	}
	return count;
}

static void uninvited_descriptors_are_closed(void **state)
{
	struct stage *s = *state;
	struct keeper_msg m;
	int fds[KEEPER_FDS_MAX];
	int before = 0;

	for (int i = 0; i < KEEPER_FDS_MAX; i++)
		fds[i] = s->listener;
	stage_seen(s, KEEPER_ERROR, 0);
	before = count_fds(s->keeper);
	keeper_msg_init(&m, KEEPER_RELEASE);
	m.name = "nothing";
	for (int i = 0; i < 10; i++)
		stage_expect_error(s, stage_say(s, &m, fds, KEEPER_FDS_MAX));
	m.kind = KEEPER_HOLD;
	stage_expect_error(s, stage_say(s, &m, fds, 2));
	assert_int_equal(count_fds(s->keeper), before);
}

/* While nothing happens it does nothing. */
static void assert_is_idle(struct stage *s)
{
	struct proc before, after;

	(void)stage_seen(s, KEEPER_ERROR, 0);
	assert_true(procfs_read(s->keeper, &before));
	(void)poll(NULL, 0, 300);
	assert_true(procfs_read(s->keeper, &after));
	assert_in_range(after.cpu_ticks - before.cpu_ticks, 0, 8);
}

static bool waits_for_no_room(struct stage *s, int64_t unused)
{
	(void)unused;
	return !stage_waits_for_room(s);
}

static void a_brain_that_never_listens_holds_up_nobody(void **state)
{
	struct stage *s = *state;
	struct buf out = BUF_INIT;
	struct keeper_msg m;
	pid_t pid = stage_actor(s, 1, NULL, WORDS("--mark"));
	int64_t sent = 0;

	keeper_msg_init(&m, KEEPER_GET);
	m.name = "nothing";
	m.serial = 99;
	assert_int_equal(keeper_msg_write(&out, &m, NULL), 0);
	/* It asks and asks and never reads an answer: at some point it cannot even ask any more. */
	for (int idle = 0; idle < 50; sent++) {
		if (sock_send(s->sock, out.ptr, out.len, NULL, 0) == 0) {
			idle = 0;
			continue;
		}
		assert_int_equal(errno, EAGAIN);
		idle++;
		(void)poll(NULL, 0, 2);
	}
	assert_true(sent > 10);
	assert_true(stage_waits_for_room(s));
	/* All the same children are reaped, and the exit waits for the next reader. */
	kill(pid, SIGKILL);
	stage_until(stage_is_gone, s, pid);
	assert_int_equal(WTERMSIG(stage_expect(s, KEEPER_EXITED, 1)->status), SIGKILL);
	assert_is_idle(s);
	stage_until(waits_for_no_room, s, 0);
	buf_release(&out);
}

/* Not even a socket can be made for the next one. */
static void a_brain_is_started_once_there_are_descriptors(void **state)
{
	struct stage *s = *state;
	pid_t pid = stage_actor(s, 1, NULL, WORDS("--mark"));
	struct rlimit limit, none;
	struct proc before, after;

	assert_int_equal(prlimit(s->keeper, RLIMIT_NOFILE, NULL, &limit), 0);
	none = limit;
	none.rlim_cur = 3;
	assert_int_equal(prlimit(s->keeper, RLIMIT_NOFILE, &none, NULL), 0);
	stage_kill_brain(s);
	/* It waits longer and longer. */
	assert_true(procfs_read(s->keeper, &before));
	(void)poll(NULL, 0, 600);
	assert_true(procfs_read(s->keeper, &after));
	assert_in_range(after.cpu_ticks - before.cpu_ticks, 0, 16);
	assert_int_equal(prlimit(s->keeper, RLIMIT_NOFILE, &limit, NULL), 0);
	stage_accept(s, true);
	assert_int_equal(stage_expect(s, KEEPER_SLOT, 1)->pid, pid);
}

static void a_spawn_without_descriptors_says_so(void **state)
{
	struct stage *s = *state;
	struct rlimit limit, none;
	struct note *n = NULL;
	struct spawn_order w;

	assert_int_equal(prlimit(s->keeper, RLIMIT_NOFILE, NULL, &limit), 0);
	none = limit;
	none.rlim_cur = 3;
	assert_int_equal(prlimit(s->keeper, RLIMIT_NOFILE, &none, NULL), 0);
	order_actor(&w, 1, NULL, WORDS("--mark"));
	order_say(s, &w);
	n = stage_expect(s, KEEPER_SPAWN_FAILED, 1);
	assert_int_equal(n->stage, KEEPER_STAGE_PREPARE);
	assert_int_equal(n->number, EMFILE);
	assert_int_equal(prlimit(s->keeper, RLIMIT_NOFILE, &limit, NULL), 0);
	stage_actor(s, 2, NULL, WORDS("--mark"));
}

static void a_brain_is_started_again_and_again(void **state)
{
	struct stage *s = *state;
	int64_t begin = clock_ms();

	for (int i = 0; i < 4; i++) {
		stage_kill_brain(s);
		stage_accept(s, i == 3);
	}
	/* At once, then after 100, 200, 400 ms. */
	assert_in_range(clock_ms() - begin, 700, 5000);
	/* The socket matters, not only the process. */
	fd_close(&s->sock);
	kill(s->brain, SIGSTOP);
	fd_close(&s->link);
	kill(s->brain, SIGKILL);
	stage_accept(s, true);
}

static void signals_are_passed_on(void **state)
{
	struct stage *s = *state;

	kill(s->keeper, SIGHUP);
	assert_int_equal(stage_expect(s, KEEPER_SIGNALLED, 0)->signal, SIGHUP);
	kill(s->keeper, SIGUSR2);
	assert_int_equal(stage_expect(s, KEEPER_SIGNALLED, 0)->signal, SIGUSR2);
	/* One that came while there was no brain is sent to the next. */
	stage_kill_brain(s);
	kill(s->keeper, SIGUSR1);
	stage_accept(s, true);
	assert_int_equal(stage_expect(s, KEEPER_SIGNALLED, 0)->signal, SIGUSR1);
}

static void no_descriptor_or_memory_is_lost_over_many_restarts(void **state)
{
	enum { MANY = 600 };
	struct stage *s = *state;
	struct proc p;
	uint64_t early = 0;
	int fds = 0;

	for (int i = 1; i <= MANY; i++) {
		struct spawn_order w;
		uint64_t generation = (uint64_t)i;

		order_program(&w, generation, NULL, WORDS(i % 3 ? "/bin/true" : "/no/such/program"));
		order_say(s, &w);
		stage_expect(s, i % 3 ? KEEPER_EXITED : KEEPER_SPAWN_FAILED, generation);
		stage_say_ticket(s, KEEPER_FORGET, generation);
		if (i != MANY / 2)
			continue;
		stage_seen(s, KEEPER_ERROR, 0);
		fds = count_fds(s->keeper);
		assert_true(procfs_read(s->keeper, &p));
		early = p.rss_pages;
	}
	assert_null(stage_seen(s, KEEPER_ERROR, 0));
	assert_int_equal(count_fds(s->keeper), fds);
	assert_true(procfs_read(s->keeper, &p));
	assert_true(p.rss_pages <= early + 64);
}

int main(void)
{
#define ON_STAGE(sentence, function)                                                                         \
	{                                                                                                    \
		(sentence), (function), stage_open, stage_close, NULL                                        \
	}
	const struct CMUnitTest tests[] = {
		ON_STAGE("services outlive the brain", services_outlive_the_brain),
		ON_STAGE("exits in between are sent to the next brain, with their codes",
			exits_in_between_are_told_with_their_codes),
		ON_STAGE("the last words of a brain count", the_last_words_of_a_brain_count),
		ON_STAGE("the last messages of a brain count though it had not read those of the keeper",
			what_it_said_counts_though_it_did_not_listen),
		ON_STAGE("the last words of a brain count before its end is known",
			what_it_said_counts_before_its_end_is_known),
		ON_STAGE("nothing is sent before SYNC", nothing_is_told_before_sync),
		ON_STAGE("held descriptors outlive the brain, with what is in them",
			held_descriptors_outlive_the_brain),
		ON_STAGE("a held descriptor is handed to a child", a_held_descriptor_is_handed_to_a_child),
		ON_STAGE("nonsense is answered and survived", nonsense_is_answered_and_survived),
		ON_STAGE("uninvited descriptors are closed", uninvited_descriptors_are_closed),
		ON_STAGE("a brain that never listens holds up nobody",
			a_brain_that_never_listens_holds_up_nobody),
		ON_STAGE("a brain is started as soon as there are descriptors for its socket",
			a_brain_is_started_once_there_are_descriptors),
		ON_STAGE("a spawn without descriptors is reported as failed",
			a_spawn_without_descriptors_says_so),
		ON_STAGE("a brain is started again at once, then with longer and longer pauses",
			a_brain_is_started_again_and_again),
		ON_STAGE("signals are passed on, and wait for a brain", signals_are_passed_on),
		ON_STAGE("no descriptor and no memory is lost over many restarts",
			no_descriptor_or_memory_is_lost_over_many_restarts),
	};

	return cmocka_run_group_tests_name("keeper: brain", tests, NULL, NULL);
}
