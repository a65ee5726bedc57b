/* How a keeper begins and ends. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/clock.h"
#include "os/fd.h"
#include "stage.h"
#include "unit.h"

/* Ends by itself, as it should: nothing more to stop in the teardown. */
static void expect_end(struct stage *s)
{
	assert_int_equal(stage_wait(s->keeper), 0);
	s->keeper = 0;
}

static void say_stop_all(struct stage *s, int64_t grace_ms)
{
	struct keeper_msg m;

	keeper_msg_init(&m, KEEPER_STOP_ALL);
	m.grace_ms = grace_ms;
	stage_say(s, &m, NULL, 0);
}

static void stop_all_stops_all(void **state)
{
	struct stage *s = *state;
	struct buf text = BUF_INIT;
	int out = -1, deaf = -1;
	int64_t begin = 0;

	stage_actor(s, 1, &out, WORDS("--say-on", "TERM heard", "--mark"));
	stage_actor(s, 2, &deaf, WORDS("--ignore", "TERM", "--setsid-grandchild", "--mark"));
	stage_actor(s, 3, NULL, WORDS("--stop-self"));
	stage_read(out, &text, "pid");
	buf_clear(&text);
	stage_read(deaf, &text, "pid");
	begin = clock_ms();
	say_stop_all(s, 300);
	stage_read(out, &text, "heard\n");
	assert_int_equal(WTERMSIG(stage_expect(s, KEEPER_EXITED, 2)->status), SIGKILL);
	assert_in_range(clock_ms() - begin, 295, 5000);
	assert_int_equal(WTERMSIG(stage_expect(s, KEEPER_EXITED, 3)->status), SIGTERM);
	stage_expect(s, KEEPER_TREE_GONE, 2);
	fd_close(&s->link);
	expect_end(s);
	stage_read_all(&out, &text);
	stage_read_all(&deaf, &text);
	buf_release(&text);
}

/* Else it would wait for more, and be killed. */
static void the_brain_reads_the_end(void **state)
{
	struct stage *s = *state;
	struct pollfd end = { .fd = s->sock, .events = POLLRDHUP };

	stage_actor(s, 1, NULL, WORDS("--mark"));
	say_stop_all(s, 300);
	stage_expect(s, KEEPER_TREE_GONE, 1);
	assert_int_equal(poll(&end, 1, STAGE_WAIT_MS), 1);
	assert_int_equal(end.revents & POLLHUP, 0);
	fd_close(&s->link);
	expect_end(s);
	stage_assert_logs_not(s, "cannot");
}

static void nothing_starts_while_all_stops(void **state)
{
	struct stage *s = *state;
	struct buf text = BUF_INIT;
	struct note *n = NULL;
	struct spawn_order w;
	int out = -1;

	stage_actor(s, 1, &out, WORDS("--ignore", "TERM", "--mark"));
	stage_read(out, &text, "pid");
	say_stop_all(s, 300);
	order_actor(&w, 2, NULL, WORDS("--mark"));
	order_say(s, &w);
	n = stage_expect(s, KEEPER_SPAWN_FAILED, 2);
	assert_int_equal(n->stage, KEEPER_STAGE_REQUEST);
	assert_int_equal(n->number, ESHUTDOWN);
	fd_close(&out);
	buf_release(&text);
}

static void a_term_is_the_brains_business(void **state)
{
	struct stage *s = *state;
	pid_t pid = stage_actor(s, 1, NULL, WORDS("--mark"));
	int64_t begin = clock_ms();

	kill(s->keeper, SIGTERM);
	assert_int_equal(stage_expect(s, KEEPER_SIGNALLED, 0)->signal, SIGTERM);
	/* A second one changes nothing, nor does a SIGHUP turn it into a reload. */
	kill(s->keeper, SIGTERM);
	kill(s->keeper, SIGHUP);
	/* The keeper's own patience is long over, but a brain knows. */
	while (clock_ms() - begin < 2 * STAGE_PATIENCE_MS) {
		assert_null(stage_seen(s, KEEPER_SIGNALLED, 0));
		(void)poll(NULL, 0, 20);
	}
	assert_true(stage_exists(s, pid));
	/* The next brain hears of it too. */
	stage_kill_brain(s);
	stage_accept(s, true);
	assert_int_equal(stage_expect(s, KEEPER_SIGNALLED, 0)->signal, SIGTERM);
}

/* A brain knew of it and died, and no other hears. */
static void patience_counts_again_without_a_brain(void **state)
{
	struct stage *s = *state;
	struct buf text = BUF_INIT;
	int out = -1;

	stage_actor(s, 1, &out, WORDS("--mark"));
	kill(s->keeper, SIGTERM);
	assert_int_equal(stage_expect(s, KEEPER_SIGNALLED, 0)->signal, SIGTERM);
	/* It answers too: from here on it is the brain's business. */
	while (!s->pings)
		(void)stage_seen(s, KEEPER_SIGNALLED, 0);
	(void)stage_seen(s, KEEPER_SIGNALLED, 0);
	(void)poll(NULL, 0, 2 * STAGE_PATIENCE_MS);
	stage_kill_brain(s);
	stage_accept(s, false);
	stage_read_all(&out, &text);
	fd_close(&s->link);
	expect_end(s);
	buf_release(&text);
}

static void the_brain_may_still_start_what_stopping_needs(void **state)
{
	struct stage *s = *state;

	kill(s->keeper, SIGTERM);
	assert_int_equal(stage_expect(s, KEEPER_SIGNALLED, 0)->signal, SIGTERM);
	assert_true(stage_actor(s, 1, NULL, WORDS("--mark")) > 1);
}

static void without_a_brain_the_keeper_stops_everything(void **state)
{
	struct stage *s = *state;
	struct buf text = BUF_INIT;
	int out = -1;

	stage_actor(s, 1, &out, WORDS("--ignore", "TERM", "--setsid-grandchild", "--mark"));
	stage_read(out, &text, "pid");
	stage_kill_brain(s);
	/* It lives, and says nothing. */
	stage_accept(s, false);
	kill(s->keeper, SIGTERM);
	stage_read_all(&out, &text);
	fd_close(&s->link);
	expect_end(s);
	buf_release(&text);
}

static void ctrl_c_reaches_only_the_keeper(void **state)
{
	struct stage *s = *state;
	pid_t pid = stage_actor(s, 1, NULL, WORDS("--mark"));

	/* As a terminal does: the whole group in front. */
	kill(-s->keeper, SIGINT);
	assert_int_equal(stage_expect(s, KEEPER_SIGNALLED, 0)->signal, SIGTERM);
	assert_true(stage_exists(s, s->brain));
	assert_true(stage_exists(s, pid));
	assert_null(stage_seen(s, KEEPER_EXITED, 0));
}

static void what_nobody_owns_ends_with_the_keeper(void **state)
{
	struct stage *s = *state;

	stage_actor(s, 1, NULL, WORDS("--bare-grandchild", "--exit", "0"));
	stage_expect(s, KEEPER_EXITED, 1);
	stage_until_count(s, 1);
	stage_say_ticket(s, KEEPER_KILL_TREE, 1);
	stage_expect(s, KEEPER_TREE_GONE, 1);
	say_stop_all(s, 0);
	fd_close(&s->link);
	expect_end(s);
	/* That nothing is left is the teardown's business. */
}

static void a_second_one_is_refused_with_the_pid(void **state)
{
	struct stage *s = *state;
	struct buf text = BUF_INIT;
	char want[160];
	int ends[2];
	pid_t second = -1;

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	for (int i = 0; i < 2; i++) {
		second = stage_run(s, i ? WORDS("--daemon") : NULL, ends[1]);
		assert_int_equal(WEXITSTATUS(stage_wait(second)), 1);
		(void)snprintf(want, sizeof(want), "another oxherd (pid %d) serves '%s/run'", (int)s->keeper,
			s->home);
		stage_read(ends[0], &text, want);
		buf_clear(&text);
	}
	fd_close(&ends[0]);
	fd_close(&ends[1]);
	/* The first one is as well as before. */
	stage_actor(s, 1, NULL, WORDS("--mark"));
	buf_release(&text);
}

static void the_next_one_has_the_folder_and_the_token(void **state)
{
	struct stage *s = *state;
	char path[128], before[64] = "", after[64] = "";
	int fd = -1;

	for (int i = 0; i < 2; i++) {
		s->keeper = stage_run(s, NULL, -1);
		stage_accept(s, true);
		(void)snprintf(path, sizeof(path), "%s/run/oxherd.lock", s->home);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		assert_true(read(fd, i ? after : before, 63) > 18);
		fd_close(&fd);
		if (i)
			break;
		kill(s->keeper, SIGKILL);
		stage_wait(s->keeper);
		/* The brain of a dead keeper ends too; the test inherits it. */
		fd_close(&s->link);
		stage_wait(s->brain);
		fd_close(&s->sock);
	}
	assert_int_equal(strtol(after, NULL, 10), s->keeper);
	assert_string_equal(strchr(before, ' '), strchr(after, ' '));
}

static void a_daemon_returns_when_it_serves(void **state)
{
	struct stage *s = *state;
	struct buf text = BUF_INIT;
	char path[128];
	int fd = -1, ends[2];
	pid_t caller = -1;
	struct keeper_msg m;

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	caller = stage_run(s, WORDS("--daemon"), ends[1]);
	fd_close(&ends[1]);
	stage_accept(s, false);
	/* The brain has not said a word: nobody serves yet. */
	assert_int_equal(waitpid(caller, NULL, WNOHANG), 0);
	keeper_msg_init(&m, KEEPER_SYNC);
	m.version = KEEPER_VERSION;
	stage_say(s, &m, NULL, 0);
	stage_expect(s, KEEPER_SYNCED, 0);
	/* It knows what there is, but nobody is answered yet. */
	assert_int_equal(waitpid(caller, NULL, WNOHANG), 0);
	m.kind = KEEPER_SERVES;
	stage_say(s, &m, NULL, 0);
	assert_int_equal(stage_wait(caller), 0);
	s->keeper = (pid_t)stage_expect(s, KEEPER_HELLO, 0)->pid;
	assert_int_not_equal(s->keeper, caller);
	/* The caller's output is closed: its reader reads the end. */
	stage_read_all(&ends[0], &text);
	assert_string_equal(text.ptr, "");
	assert_int_equal(getsid(s->keeper), s->keeper);
	(void)snprintf(path, sizeof(path), "%s/log/oxherd.log", s->home);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	stage_read(fd, &text, "brain: started");
	fd_close(&fd);
	buf_release(&text);
}

static void a_daemon_that_cannot_serve_says_why(void **state)
{
	static const struct {
		const char *brain, *words;
	} rows[] = {
		{ "/no/such/brain",
			"the brain '/no/such/brain': cannot execute it: No such file or directory" },
		{ "/bin/true", "the brain '/bin/true' ended 3 times before it served" },
	};
	struct stage *s = *state;

	for (size_t i = 0; i < 4; i++) {
		struct buf text = BUF_INIT;
		int ends[2];

		assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
		s->keeper = stage_run(
			s, WORDS("--brain", rows[i / 2].brain, i % 2 ? "--daemon" : "--verbose"), ends[1]);
		fd_close(&ends[1]);
		assert_int_equal(WEXITSTATUS(stage_wait(s->keeper)), 1);
		s->keeper = 0;
		stage_read_all(&ends[0], &text);
		if (!strstr(text.ptr, rows[i / 2].words))
			fail_msg("'%s' is not in:\n%s", rows[i / 2].words, text.ptr);
		/* The one that was in the background ends too, just after its last word. */
		while (waitpid(-1, NULL, 0) > 0)
			continue;
		buf_release(&text);
	}
}

int main(void)
{
#define ON_STAGE(sentence, function)                                                                         \
	{                                                                                                    \
		(sentence), (function), stage_open, stage_close, NULL                                        \
	}
#define OFF_STAGE(sentence, function)                                                                        \
	{                                                                                                    \
		(sentence), (function), stage_prepare, stage_close, NULL                                     \
	}
	const struct CMUnitTest tests[] = {
		ON_STAGE("STOP_ALL stops all, after its grace with SIGKILL", stop_all_stops_all),
		ON_STAGE(
			"when all has stopped the brain reads the end, may still write, and nothing is complained of",
			the_brain_reads_the_end),
		ON_STAGE("nothing starts while all stops", nothing_starts_while_all_stops),
		ON_STAGE("SIGTERM is the brain's business, and once", a_term_is_the_brains_business),
		ON_STAGE(
			"after a SIGTERM the brain may still start what stopping needs, as the reload of a proxy",
			the_brain_may_still_start_what_stopping_needs),
		ON_STAGE("the keeper stops everything itself when the brain that was to do it is gone",
			patience_counts_again_without_a_brain),
		ON_STAGE("without a brain that hears the keeper stops everything itself",
			without_a_brain_the_keeper_stops_everything),
		ON_STAGE("Ctrl-C reaches only the keeper", ctrl_c_reaches_only_the_keeper),
		{ "without cgroups, what nobody owns any more ends with the keeper",
			what_nobody_owns_ends_with_the_keeper, stage_open_without_cgroups, stage_close,
			NULL },
		ON_STAGE("a second oxherd is refused with the pid of the first, and harms nothing",
			a_second_one_is_refused_with_the_pid),
		OFF_STAGE("after a SIGKILL the next one has the folder and the token",
			the_next_one_has_the_folder_and_the_token),
		OFF_STAGE("a daemon returns when it serves, and not before", a_daemon_returns_when_it_serves),
		OFF_STAGE("a daemon that cannot serve says why", a_daemon_that_cannot_serve_says_why),
	};

	return cmocka_run_group_tests_name("keeper: life", tests, NULL, NULL);
}
