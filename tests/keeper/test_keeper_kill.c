/* Nobody survives who should not, and nobody is hit who should not. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "keeper/kill.h"
#include "keeper/reap.h"
#include "keeper/slots.h"
#include "keeper/spawn_child.h"
#include "os/clock.h"
#include "os/fd.h"
#include "stage.h"
#include "unit.h"

static void kill_tree(struct stage *s, uint64_t generation)
{
	stage_say_ticket(s, KEEPER_KILL_TREE, generation);
	stage_expect(s, KEEPER_EXITED, generation);
	stage_expect(s, KEEPER_TREE_GONE, generation);
}

/* Each sin in a living tree, beside one that must not be touched. */
static void a_tree_is_killed_whole(void **state)
{
	static const char *const sins[][5] = {
		{ "--ignore", "TERM", "--mark", NULL },
		{ "--grandchild", "--mark", NULL },
		{ "--stopped-grandchild", "--mark", NULL },
		{ "--setsid-grandchild", "--mark", NULL },
		{ "--mark", "--stop-self", NULL },
		{ "--setsid-grandchild", "--grandchild", "--mark", "--stop-self", NULL },
	};
	struct stage *s = *state;
	pid_t bystander = stage_actor(s, 100, NULL, WORDS("--setsid-grandchild"));

	(void)bystander;
	for (size_t i = 0; i < sizeof(sins) / sizeof(sins[0]); i++) {
		struct buf text = BUF_INIT;
		int out = -1;

		stage_actor(s, i + 1, &out, sins[i]);
		stage_read(out, &text, "pid ");
		kill_tree(s, i + 1);
		/* The holder of the pipe is gone. */
		stage_read_all(&out, &text);
		buf_release(&text);
	}
	/* The bystander may just be on its way to become two. */
	assert_true(stage_exists(s, bystander));
	kill_tree(s, 100);
	stage_until_count(s, 0);
}

static void a_crash_leaves_no_grandchild(void **state)
{
	static const char *const sins[][4] = {
		{ "--grandchild", "--crash", NULL },
		{ "--setsid-grandchild", "--crash", NULL },
		{ "--stopped-grandchild", "--exit", "1", NULL },
		{ "--setsid-grandchild", "--grandchild", "--crash", NULL },
		{ "--fork-away", "--ignore", "TERM", NULL },
	};
	struct stage *s = *state;

	for (size_t i = 0; i < sizeof(sins) / sizeof(sins[0]); i++) {
		struct buf text = BUF_INIT;
		int out = -1;

		stage_actor(s, i + 1, &out, sins[i]);
		stage_expect(s, KEEPER_EXITED, i + 1);
		assert_true(stage_count(s) > 0);
		stage_say_ticket(s, KEEPER_KILL_TREE, i + 1);
		stage_expect(s, KEEPER_TREE_GONE, i + 1);
		stage_until_count(s, 0);
		stage_read_all(&out, &text);
		buf_release(&text);
	}
}

/* It has left its session, its parent and its environment: while its main process lives, the chain still tells. */
static void what_hides_is_found_by_descent(void **state)
{
	struct stage *s = *state;
	struct buf text = BUF_INIT;
	int out = -1;
	struct spawn_order w;

	order_program(&w, 1, &out, WORDS("sh", "-c", "env -i setsid sleep 1000 & echo up; wait"));
	order_say(s, &w);
	stage_expect(s, KEEPER_SPAWNED, 1);
	stage_read(out, &text, "up\n");
	kill_tree(s, 1);
	stage_read_all(&out, &text);
	stage_until_count(s, 0);
	buf_release(&text);
}

/* No mark any more, and nobody looked while its parent lived: but it is in the session. */
static void what_lost_its_mark_is_found_by_its_session(void **state)
{
	struct stage *s = *state;
	struct buf text = BUF_INIT;
	int out = -1;
	struct spawn_order w;

	order_program(&w, 1, &out, WORDS("sh", "-c", "env -i sh -c 'echo up; exec sleep 1000' & wait"));
	order_say(s, &w);
	stage_expect(s, KEEPER_SPAWNED, 1);
	stage_read(out, &text, "up\n");
	stage_signal(s, 1, SIGKILL, KEEPER_REACH_MAIN);
	stage_expect(s, KEEPER_EXITED, 1);
	stage_until_count(s, 1);
	stage_say_ticket(s, KEEPER_KILL_TREE, 1);
	stage_expect(s, KEEPER_TREE_GONE, 1);
	stage_until_count(s, 0);
	stage_read_all(&out, &text);
	buf_release(&text);
}

static void nothing_left_is_told_at_once(void **state)
{
	struct stage *s = *state;

	stage_actor(s, 1, NULL, WORDS("--exit", "3"));
	stage_expect(s, KEEPER_EXITED, 1);
	stage_say_ticket(s, KEEPER_KILL_TREE, 1);
	stage_expect(s, KEEPER_TREE_GONE, 1);
	/* Asked again, answered again. */
	stage_say_ticket(s, KEEPER_KILL_TREE, 1);
	stage_expect(s, KEEPER_TREE_GONE, 1);
}

/* A tree that makes new members as fast as it can. */
static void a_tree_that_keeps_forking_is_killed(void **state)
{
	struct stage *s = *state;
	struct buf text = BUF_INIT;
	int out = -1;
	struct spawn_order w;

	order_program(&w, 1, &out,
		WORDS("sh", "-c",
			"f() { while :; do (sleep 0.01 & sleep 0.02) & sleep 0.01; done; }; f & f & echo up; wait"));
	order_say(s, &w);
	stage_expect(s, KEEPER_SPAWNED, 1);
	stage_read(out, &text, "up\n");
	kill_tree(s, 1);
	stage_read_all(&out, &text);
	stage_until_count(s, 0);
	buf_release(&text);
}

static void a_stopped_process_hears_its_term(void **state)
{
	struct stage *s = *state;
	struct buf text = BUF_INIT;
	int out = -1;

	stage_actor(s, 1, &out, WORDS("--mark", "--stop-self"));
	stage_read(out, &text, "pid ");
	stage_signal(s, 1, SIGTERM, KEEPER_REACH_MAIN);
	assert_int_equal(WTERMSIG(stage_expect(s, KEEPER_EXITED, 1)->status), SIGTERM);
	stage_read_all(&out, &text);
	buf_release(&text);
}

static void a_signal_reaches_the_whole_tree(void **state)
{
	struct stage *s = *state;
	struct buf text = BUF_INIT;
	int out = -1;

	stage_actor(s, 1, &out, WORDS("--say-on", "USR1 main", "--fork-away", "--mark"));
	stage_expect(s, KEEPER_EXITED, 1);
	stage_read(out, &text, "pid ");
	/* The main process is gone, the one that went away is still its tree. */
	assert_int_equal(
		stage_expect_error(s, stage_signal(s, 1, SIGUSR1, KEEPER_REACH_MAIN))->number, ESRCH);
	stage_signal(s, 1, SIGUSR1, KEEPER_REACH_TREE);
	stage_read(out, &text, "main\n");
	fd_close(&out);
	buf_release(&text);
}

/* However often the tree is looked at afterwards. */
static void a_signal_for_the_tree_comes_once(void **state)
{
	struct stage *s = *state;
	struct buf text = BUF_INIT;
	const char *at = NULL;
	int out = -1;

	stage_actor(s, 1, &out, WORDS("--say-on", "USR1 main", "--mark"));
	stage_read(out, &text, "pid ");
	stage_signal(s, 1, SIGUSR1, KEEPER_REACH_TREE);
	stage_read(out, &text, "main\n");
	for (uint64_t i = 2; i < 5; i++) {
		stage_actor(s, i, NULL, WORDS("--setsid-grandchild"));
		kill_tree(s, i);
	}
	kill_tree(s, 1);
	stage_read_all(&out, &text);
	at = strstr(text.ptr, "main\n");
	assert_non_null(at);
	assert_null(strstr(at + 1, "main\n"));
	buf_release(&text);
}

/* One tree has taken its time for a while, and is looked at seldom by now. */
static void one_tree_does_not_make_another_wait(void **state)
{
	struct stage *s = *state;
	struct keeper_msg m;
	struct buf text = BUF_INIT;
	int64_t begin = 0;
	int out = -1;

	stage_actor(s, 1, &out, WORDS("--ignore", "TERM", "--grandchild", "--mark"));
	stage_actor(s, 2, NULL, WORDS("--setsid-grandchild"));
	stage_read(out, &text, "pid ");
	keeper_msg_init(&m, KEEPER_END_TREE);
	m.ticket = (struct keeper_ticket){ 1, 1 };
	m.signal = SIGTERM;
	stage_say(s, &m, NULL, 0);
	(void)poll(NULL, 0, 3000);
	begin = clock_ms();
	kill_tree(s, 2);
	assert_in_range(clock_ms() - begin, 0, 1000);
	assert_null(stage_seen(s, KEEPER_EXITED, 1));
	fd_close(&out);
	buf_release(&text);
}

static void what_was_reaped_is_not_signalled(void **state)
{
	struct stage *s = *state;

	stage_actor(s, 1, NULL, WORDS("--exit", "0"));
	stage_expect(s, KEEPER_EXITED, 1);
	assert_int_equal(
		stage_expect_error(s, stage_signal(s, 1, SIGKILL, KEEPER_REACH_MAIN))->number, ESRCH);
	assert_int_equal(
		stage_expect_error(s, stage_signal(s, 2, SIGKILL, KEEPER_REACH_MAIN))->number, ESRCH);
	assert_int_equal(
		stage_expect_error(s, stage_signal(s, 2, SIGKILL, KEEPER_REACH_TREE))->number, ESRCH);
	assert_int_equal(stage_expect_error(s, stage_say_ticket(s, KEEPER_KILL_TREE, 2))->number, ESRCH);
}

static void low_pids_are_never_killed(void **state)
{
	struct slot s = { .pid = 1, .is_child = true, .pidfd = -1 };

	(void)state;
	for (pid_t pid = -2; pid <= 1; pid++) {
		errno = 0;
		assert_int_equal(kill_child(pid, 0), -1);
		assert_int_equal(errno, ESRCH);
	}
	assert_int_equal(kill_main(&s, 0), -1);
	/* In a namespace of its own the test itself may be process 1. */
	s.pid = fork();
	if (!s.pid)
		for (;;)
			pause();
	assert_int_equal(kill_main(&s, 0), 0);
	s.is_child = false;
	assert_int_equal(kill_main(&s, SIGKILL), -1);
	assert_int_equal(errno, ESRCH);
	assert_int_equal(kill_child(s.pid, SIGKILL), 0);
	assert_int_equal(WTERMSIG(stage_wait(s.pid)), SIGKILL);
}

static void orphans_are_nobodys_death(void **state)
{
	struct stage *s = *state;
	struct buf text = BUF_INIT;
	struct spawn_order w;
	int out = -1;

	/* Three orphans end while the main process keeps running. */
	order_program(&w, 1, &out,
		WORDS("sh", "-c", "for i in 1 2 3; do (true & true); done; echo up; exec sleep 1000"));
	order_say(s, &w);
	stage_expect(s, KEEPER_SPAWNED, 1);
	stage_read(out, &text, "up\n");
	stage_until_count(s, 1);
	assert_null(stage_seen(s, KEEPER_EXITED, 0));
	fd_close(&out);
	buf_release(&text);
}

static void many_trees_are_killed_at_once(void **state)
{
	enum { MANY = 200 };
	struct stage *s = *state;

	for (int i = 1; i <= MANY; i++) {
		struct spawn_order w;

		order_actor(&w, (uint64_t)i, NULL, WORDS("--ignore", "TERM", "--grandchild"));
		order_say(s, &w);
	}
	for (int i = 1; i <= MANY; i++)
		stage_say_ticket(s, KEEPER_KILL_TREE, (uint64_t)i);
	for (int i = 1; i <= MANY; i++)
		stage_expect(s, KEEPER_TREE_GONE, (uint64_t)i);
	stage_until_count(s, 0);
}

/* What a child that could not exec leaves to be read and reaped, while its tree is to be killed already. */
static void a_failed_exec_ends_its_killing(void **state)
{
	static struct slots all;
	const struct child_failure failure = { .stage = KEEPER_STAGE_EXEC, .number = ENOENT };
	struct slot *s = NULL;
	siginfo_t info;
	int ends[2];
	pid_t pid = 0;

	(void)state;
	all.epoll = -1;
	s = slots_new(&all, (struct keeper_ticket){ 1, 1 }, "api:0");
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	pid = fork();
	if (!pid) {
		(void)!write(ends[1], &failure, sizeof(failure));
		_exit(127);
	}
	slots_born(&all, s, pid);
	s->report_fd = ends[0];
	slots_set_busy(&all, s, false, true);
	fd_close(&ends[1]);
	assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	assert_int_equal(reap_all(&all), 1);
	assert_int_equal(
		s->pending & (PENDING_FAILED | PENDING_GONE | PENDING_EXITED), PENDING_FAILED | PENDING_GONE);
	assert_int_equal(s->number, ENOENT);
	assert_true(s->is_gone && !s->is_killing);
	slots_free(&all, s);
}

int main(void)
{
#define ON_STAGE(sentence, function)                                                                         \
	{                                                                                                    \
		(sentence), (function), stage_open, stage_close, NULL                                        \
	}
#define WITHOUT(sentence, function)                                                                          \
	{                                                                                                    \
		"without cgroups: " sentence, (function), stage_open_without_cgroups, stage_close, NULL      \
	}
	const struct CMUnitTest tests[] = {
		ON_STAGE("a tree is killed whole, and no other", a_tree_is_killed_whole),
		ON_STAGE("a crash leaves no grandchild behind, not even one that called setsid",
			a_crash_leaves_no_grandchild),
		ON_STAGE("what hides from its session and its mark is found by descent",
			what_hides_is_found_by_descent),
		ON_STAGE("what lost its mark is found by its session",
			what_lost_its_mark_is_found_by_its_session),
		ON_STAGE("an empty tree is reported at once", nothing_left_is_told_at_once),
		ON_STAGE("a tree that keeps forking is killed", a_tree_that_keeps_forking_is_killed),
		ON_STAGE("a stopped process hears its SIGTERM", a_stopped_process_hears_its_term),
		ON_STAGE("a signal reaches the whole tree", a_signal_reaches_the_whole_tree),
		ON_STAGE("a signal for the whole tree comes once", a_signal_for_the_tree_comes_once),
		ON_STAGE("what was reaped is not signalled", what_was_reaped_is_not_signalled),
		PROMISE("a failed exec ends the killing of its tree, and the brain hears of both",
			a_failed_exec_ends_its_killing),
		PROMISE("pids below 2 are never killed", low_pids_are_never_killed),
		ON_STAGE("an orphan's end is nobody's death", orphans_are_nobodys_death),
		ON_STAGE("200 trees are killed at once", many_trees_are_killed_at_once),
		WITHOUT("a tree is killed whole, and no other", a_tree_is_killed_whole),
		WITHOUT("a crash leaves no grandchild behind", a_crash_leaves_no_grandchild),
		WITHOUT("what hides is found by descent", what_hides_is_found_by_descent),
		WITHOUT("what lost its mark is found by its session",
			what_lost_its_mark_is_found_by_its_session),
		WITHOUT("a tree that keeps forking is killed", a_tree_that_keeps_forking_is_killed),
		WITHOUT("a signal reaches the whole tree", a_signal_reaches_the_whole_tree),
		WITHOUT("a signal for the whole tree comes once", a_signal_for_the_tree_comes_once),
		WITHOUT("a tree is killed at once though another one takes its time",
			one_tree_does_not_make_another_wait),
		WITHOUT("200 trees are killed at once", many_trees_are_killed_at_once),
	};

	return cmocka_run_group_tests_name("keeper: kill", tests, NULL, NULL);
}
