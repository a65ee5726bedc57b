/* After a GRACE the keeper ends what is left of a tree by itself: the signal at once, SIGKILL when the grace is over, whether a brain lives or not. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "os/clock.h"
#include "os/file.h"
#include "stage.h"
#include "unit.h"

/* What a main process leaves behind: it counts its signals, and ends at SIGUSR1 only. */
#define REST "(trap 'echo heard' TERM; trap 'echo done; exit' USR1; echo up; while :; do sleep 0.02; done) & "
/* The same that ends on the stop signal. */
#define MILD "(trap 'echo heard; exit' TERM; echo up; while :; do sleep 0.02; done) & "

enum { LONG_MS = 60000, STRANGERS = 200 };

static void say(struct stage *s, enum keeper_msg_kind kind, int number, int64_t grace_ms)
{
	struct keeper_msg m;

	keeper_msg_init(&m, kind);
	m.ticket = (struct keeper_ticket){ 1, 1 };
	m.signal = number;
	m.grace_ms = grace_ms;
	stage_say(s, &m, NULL, 0);
}

/* Generation 1 in slot 1, with that grace, until what it starts is up; gives its pid. */
static pid_t begin(struct stage *s, const char *script, int64_t grace_ms, int *out, struct buf *text)
{
	struct spawn_order w;
	pid_t pid = 0;

	order_program(&w, 1, out, WORDS("sh", "-c", script));
	order_say(s, &w);
	if (grace_ms >= 0)
		say(s, KEEPER_GRACE, SIGTERM, grace_ms);
	pid = (pid_t)stage_expect(s, KEEPER_SPAWNED, 1)->pid;
	stage_read(*out, text, "up\n");
	return pid;
}

static void pass(struct stage *s)
{
	stage_expect_error(s, stage_say_ticket(s, KEEPER_KILL_TREE, 999));
}

static int heard(int *out, struct buf *text)
{
	int count = 0;

	stage_read_all(out, text);
	for (const char *at = text->ptr; (at = strstr(at, "heard")); at++)
		count++;
	return count;
}

static void a_crash_ends_its_tree(void **state)
{
	struct stage *s = *state;
	struct buf text = BUF_INIT;
	int out = -1;

	(void)begin(s, MILD "sleep 0.2; exit 3", LONG_MS, &out, &text);
	stage_expect(s, KEEPER_EXITED, 1);
	stage_expect(s, KEEPER_TREE_GONE, 1);
	/* A brain that says it as well gets no second answer, and nobody a second signal. */
	say(s, KEEPER_END_TREE, SIGTERM, 0);
	stage_say_ticket(s, KEEPER_KILL_TREE, 1);
	pass(s);
	assert_null(stage_seen(s, KEEPER_TREE_GONE, 1));
	assert_int_equal(heard(&out, &text), 1);
	buf_release(&text);
}

static void the_brain_may_say_it_too(void **state)
{
	struct stage *s = *state;
	struct buf text = BUF_INIT;
	int out = -1;

	(void)begin(s, REST "sleep 0.2; exit 3", LONG_MS, &out, &text);
	stage_expect(s, KEEPER_EXITED, 1);
	stage_read(out, &text, "heard\n");
	say(s, KEEPER_END_TREE, SIGTERM, 0);
	pass(s);
	assert_null(stage_seen(s, KEEPER_TREE_GONE, 1));
	stage_say_ticket(s, KEEPER_KILL_TREE, 1);
	stage_expect(s, KEEPER_TREE_GONE, 1);
	assert_int_equal(heard(&out, &text), 1);
	buf_release(&text);
}

static void what_stays_is_killed_without_a_brain(void **state)
{
	struct stage *s = *state;
	struct buf text = BUF_INIT;
	int out = -1;

	(void)begin(s, REST "sleep 0.3; exit 3", 100, &out, &text);
	stage_kill_brain(s);
	assert_int_equal(heard(&out, &text), 1);
	stage_assert_logs(s, "api:0: remaining processes did not exit within their grace: killed");
	stage_accept(s, true);
	stage_expect(s, KEEPER_EXITED, 1);
	stage_expect(s, KEEPER_TREE_GONE, 1);
	stage_until_count(s, 0);
	buf_release(&text);
}

/* It begins when the process gets the stop signal: what the main process has used up does not count. */
static void the_grace_is_one_for_all(void **state)
{
	struct stage *s = *state;
	struct buf text = BUF_INIT;
	int64_t began = 0;
	int out = -1;

	(void)begin(
		s, "trap 'sleep 1; exit 3' TERM; " REST "while :; do sleep 0.02; done", 1500, &out, &text);
	began = clock_ms();
	say(s, KEEPER_STOP, SIGTERM, 0);
	stage_expect(s, KEEPER_EXITED, 1);
	stage_expect(s, KEEPER_TREE_GONE, 1);
	assert_in_range(clock_ms() - began, 2400, 3400);
	assert_int_equal(heard(&out, &text), 1);
	buf_release(&text);
}

/* One may have put itself into the background, and the brain has a look before that is ended. */
static void an_exit_that_may_be_meant_waits(void **state)
{
	struct stage *s = *state;
	struct buf text = BUF_INIT;
	int out = -1;

	(void)begin(s, MILD "exit 0", LONG_MS, &out, &text);
	stage_expect(s, KEEPER_EXITED, 1);
	pass(s);
	assert_null(stage_seen(s, KEEPER_TREE_GONE, 1));
	say(s, KEEPER_END_TREE, SIGTERM, 0);
	stage_expect(s, KEEPER_TREE_GONE, 1);
	assert_int_equal(heard(&out, &text), 1);
	buf_release(&text);
}

static void one_that_was_asked_for_does_not(void **state)
{
	struct stage *s = *state;
	struct buf text = BUF_INIT;
	int out = -1;

	(void)begin(s, "trap 'exit 0' TERM; " MILD "while :; do sleep 0.02; done", LONG_MS, &out, &text);
	say(s, KEEPER_STOP, SIGTERM, 0);
	stage_expect(s, KEEPER_EXITED, 1);
	stage_expect(s, KEEPER_TREE_GONE, 1);
	assert_int_equal(heard(&out, &text), 1);
	buf_release(&text);
}

/* As a brain of 0.1.0 has it. */
static void without_a_grace_it_waits(void **state)
{
	struct stage *s = *state;
	struct buf text = BUF_INIT;
	int out = -1;

	(void)begin(s, MILD "exit 3", -1, &out, &text);
	stage_expect(s, KEEPER_EXITED, 1);
	pass(s);
	assert_null(stage_seen(s, KEEPER_TREE_GONE, 1));
	say(s, KEEPER_END_TREE, SIGTERM, 0);
	stage_expect(s, KEEPER_TREE_GONE, 1);
	assert_int_equal(heard(&out, &text), 1);
	/* Too late, and nothing to complain of. */
	say(s, KEEPER_GRACE, SIGTERM, 100);
	stage_say_ticket(s, KEEPER_FORGET, 1);
	say(s, KEEPER_GRACE, SIGTERM, 100);
	pass(s);
	assert_null(stage_seen(s, KEEPER_ERROR, 0));
	buf_release(&text);
}

/* The main process ends while there is no keeper at all. */
static void the_next_keeper_knows_it(void **state)
{
	struct stage *s = *state;
	struct buf text = BUF_INIT;
	pid_t main_pid = 0;
	int out = -1;

	main_pid = begin(s, REST "exec sleep 60", 500, &out, &text);
	pass(s);
	stage_kill_keeper(s);
	kill(main_pid, SIGKILL);
	(void)stage_wait(main_pid);
	stage_next_keeper(s);
	stage_expect(s, KEEPER_EXITED, 1);
	stage_expect(s, KEEPER_TREE_GONE, 1);
	assert_int_equal(heard(&out, &text), 1);
	buf_release(&text);
}

static void nor_does_it_begin_again(void **state)
{
	struct stage *s = *state;
	struct buf text = BUF_INIT;
	int out = -1;

	(void)begin(s, REST "sleep 0.2; exit 3", 500, &out, &text);
	stage_expect(s, KEEPER_EXITED, 1);
	stage_read(out, &text, "heard\n");
	stage_kill_keeper(s);
	stage_next_keeper(s);
	stage_expect(s, KEEPER_TREE_GONE, 1);
	assert_int_equal(heard(&out, &text), 1);
	buf_release(&text);
}

/* How often the keeper has read something; -1 where the kernel does not count it. */
static long reads_of(const struct stage *s)
{
	struct buf text = BUF_INIT;
	char path[64];
	const char *at = NULL;
	long count = -1;

	(void)snprintf(path, sizeof(path), "/proc/%d/io", (int)s->keeper);
	if (file_read(path, 4096, &text, NULL) == 0)
		at = strstr(text.ptr, "syscr: ");
	if (at)
		count = strtol(at + strlen("syscr: "), NULL, 10);
	buf_release(&text);
	return count;
}

/* A look at the whole machine reads something of each of these. */
static void what_leaves_nothing_is_not_looked_for(void **state)
{
	struct stage *s = *state;
	struct buf text = BUF_INIT;
	pid_t strangers[STRANGERS];
	long before = 0;
	int out = -1;

	for (size_t i = 0; i < STRANGERS; i++) {
		strangers[i] = fork();
		if (strangers[i] == 0) {
			(void)pause();
			_exit(0);
		}
	}
	(void)begin(s, "echo up; sleep 0.2; exit 3", LONG_MS, &out, &text);
	before = reads_of(s);
	stage_expect(s, KEEPER_EXITED, 1);
	stage_expect(s, KEEPER_TREE_GONE, 1);
	for (size_t i = 0; i < STRANGERS; i++)
		(void)kill(strangers[i], SIGKILL), (void)stage_wait(strangers[i]);
	assert_true(reads_of(s) - before < STRANGERS);
	buf_release(&text);
}

int main(void)
{
#define BOTH(sentence, function)                                                                             \
	PROMISE_IN(stage_open, stage_close, sentence, function),                                             \
		PROMISE_IN(                                                                                  \
			stage_open_without_cgroups, stage_close, sentence ", without cgroups too", function)
	const struct CMUnitTest tests[] = {
		BOTH("after a crash the keeper ends what is left without asking, and says so once",
			a_crash_ends_its_tree),
		BOTH("a brain that ends it too changes nothing", the_brain_may_say_it_too),
		BOTH("what does not end within the grace is killed though no brain is there",
			what_stays_is_killed_without_a_brain),
		BOTH("the grace of the whole tree begins with the stop", the_grace_is_one_for_all),
		BOTH("for what leaves nothing behind the keeper does not look at every process",
			what_leaves_nothing_is_not_looked_for),
		BOTH("an exit with 0 that nobody asked for waits for the brain",
			an_exit_that_may_be_meant_waits),
		BOTH("an exit with 0 after a stop does not wait", one_that_was_asked_for_does_not),
		BOTH("without a grace the keeper waits for the brain", without_a_grace_it_waits),
		BOTH("the next keeper ends what a killed one could not", the_next_keeper_knows_it),
		BOTH("the next keeper sends no second signal, and kills in time", nor_does_it_begin_again),
	};

	return cmocka_run_group_tests_name("keeper: grace", tests, NULL, NULL);
}
