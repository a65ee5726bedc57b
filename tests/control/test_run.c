/*
 * Commands through the real keeper, with this test as its brain.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "../keeper/stage.h"
#include "base/mem.h"
#include "loop/watchers.h"
#include "os/clock.h"
#include "os/fd.h"
#include "refuse.h"
#include "sense/probe.h"
#include "spawn/capture.h"
#include "spawn/keeper_client.h"
#include "spawn/run.h"
#include "unit.h"
#include "view/reason_text.h"

struct runs {
	struct stage *stage;
	struct ev_loop *loop;
	struct keeper_client *parent;
	int link;
	struct runner *runner;
	struct env env;
	int synced, others, errors;
	/* Of the last one that ended. */
	int done;
	struct run_result last;
	enum probe_answer answer;
	struct buf words, tail;
};

static struct runs runs;

static void on_message(void *context, const struct keeper_msg *m, const int *fds, size_t fd_count)
{
	struct runs *r = context;

	(void)fds;
	assert_int_equal(fd_count, 0);
	r->synced += m->kind == KEEPER_SYNCED;
	r->errors += m->kind == KEEPER_ERROR;
	if (!runner_takes(r->runner, m))
		r->others++;
}

static void on_gone(void *context)
{
	(void)context;
	fail_msg("the keeper is gone");
}

static const struct keeper_client_calls calls = { .message = on_message, .gone = on_gone };

static void begin(struct runs *r)
{
	r->link = fcntl(r->stage->sock, F_DUPFD_CLOEXEC, 0);
	r->parent = keeper_client_new(r->loop, r->link, &calls, r);
	r->runner = runner_new(r->loop, r->parent);
}

static void stop(struct runs *r)
{
	runner_free(r->runner);
	keeper_client_free(r->parent);
	fd_close(&r->link);
	r->runner = NULL;
	r->parent = NULL;
}

static int setup(void **state)
{
	memset(&runs, 0, sizeof(runs));
	buf_init(&runs.words);
	buf_init(&runs.tail);
	stage_open(state);
	runs.stage = *state;
	runs.loop = ev_loop_new(EVFLAG_AUTO | EVFLAG_NOENV);
	env_put(&runs.env, "PATH", getenv("PATH"));
	env_put(&runs.env, "WHO", "a run");
	begin(&runs);
	*state = &runs;
	return 0;
}

static int teardown(void **state)
{
	struct runs *r = *state;
	void *stage = r->stage;

	stop(r);
	ev_loop_destroy(r->loop);
	env_release(&r->env);
	buf_release(&r->words);
	buf_release(&r->tail);
	return stage_close(&stage);
}

static void on_done(void *context, const struct run_result *result)
{
	struct runs *r = context;

	r->done++;
	r->last = *result;
	buf_clear(&r->words);
	buf_adds(&r->words, result->words);
	buf_clear(&r->tail);
	buf_add(&r->tail, result->tail, result->tail_len);
}

static void on_tick(struct ev_loop *loop, ev_timer *w, int events)
{
	(void)w;
	(void)events;
	ev_break(loop, EVBREAK_ONE);
}

/* Turns the loop until `*value` is there. */
static void turn_until(struct runs *r, const int *value, int least)
{
	int64_t limit = clock_ms() + STAGE_WAIT_MS;
	ev_timer tick;

	ev_timer_init(&tick, on_tick, 0.005, 0.005);
	ev_timer_start(r->loop, &tick);
	while (*value < least && clock_ms() < limit)
		ev_run(r->loop, EVRUN_ONCE);
	ev_timer_stop(r->loop, &tick);
	if (*value < least)
		stage_print_log(r->stage);
	assert_int_equal(*value, least);
}

static struct run *start(struct runs *r, const char *line, int64_t timeout_ms)
{
	char *argv[] = { (char *)"/bin/sh", (char *)"-c", (char *)line, NULL };
	struct command command = { .argv = argv };
	struct run_request request = {
		.name = "api:0 health",
		.command = &command,
		.folder = "/tmp",
		.env = &r->env,
		.umask = 022,
		.timeout_ms = timeout_ms,
	};

	return run_start(r->runner, &request, on_done, r);
}

static void run(struct runs *r, const char *line, int64_t timeout_ms)
{
	start(r, line, timeout_ms);
	assert_int_equal(r->done, 0);
	turn_until(r, &r->done, 1);
}

/* Nothing of any run is left with the keeper: a new brain would hear of none. */
static void assert_forgotten(struct runs *r)
{
	int64_t limit = clock_ms() + STAGE_WAIT_MS;
	struct keeper_msg m;

	while (stage_count(r->stage) && clock_ms() < limit)
		ev_run(r->loop, EVRUN_NOWAIT);
	r->others = r->synced = 0;
	keeper_msg_init(&m, KEEPER_SYNC);
	m.version = KEEPER_VERSION;
	(void)keeper_client_send(r->parent, &m, -1);
	turn_until(r, &r->synced, 1);
	/* HELLO and SYNCED; a slot would be a run's, and taken. */
	assert_int_equal(r->others, 2);
	assert_int_equal(stage_count(r->stage), 0);
}

static void tells_how_it_ended(void **state)
{
	struct runs *r = *state;

	run(r, "echo hello from $WHO in $(pwd); echo oops >&2; exit 3", 0);
	assert_int_equal(r->last.end, RUN_EXITED);
	assert_int_equal(r->last.code, 3);
	assert_string_equal(r->words.ptr, "exit code 3");
	assert_string_equal(r->tail.ptr, "hello from a run in /tmp\noops\n");
	assert_forgotten(r);
}

static void tells_of_a_signal(void **state)
{
	struct runs *r = *state;

	run(r, "kill -SEGV $$", 0);
	assert_int_equal(r->last.signal, SIGSEGV);
	assert_int_equal(r->last.code, 0);
	assert_string_equal(r->words.ptr, "killed by SIGSEGV");
}

static void kills_the_whole_tree_in_time(void **state)
{
	struct runs *r = *state;
	int64_t before = clock_ms();

	run(r, "echo first; setsid sleep 1000 & trap '' TERM; sleep 1000 & wait; sleep 1000", 200);
	assert_int_equal(r->last.end, RUN_TIMED_OUT);
	assert_string_equal(r->words.ptr, "no end within 0.2 s");
	assert_string_equal(r->tail.ptr, "first\n");
	assert_true(clock_ms() - before >= 200);
	assert_forgotten(r);
}

static void takes_what_it_leaves_with_it(void **state)
{
	struct runs *r = *state;

	/* The one in the background has the pipe open: its end is not waited for. */
	run(r, "sleep 1000 & exit 0", 5000);
	assert_int_equal(r->last.end, RUN_EXITED);
	assert_int_equal(r->last.code, 0);
	assert_forgotten(r);
}

static void keeps_the_end_of_much(void **state)
{
	struct runs *r = *state;

	run(r, "seq 1 200000; echo the end", 0);
	assert_int_equal(r->last.tail_len, CAPTURE_MAX);
	assert_memory_equal(r->tail.ptr + CAPTURE_MAX - 15, "200000\nthe end\n", 15);
}

static void says_why_it_did_not_start(void **state)
{
	struct runs *r = *state;
	char *argv[] = { (char *)"no-such-program", NULL };
	struct command command = { .argv = argv };
	struct run_request request = { .name = "x", .command = &command, .folder = "/", .env = &r->env };

	run_start(r->runner, &request, on_done, r);
	turn_until(r, &r->done, 1);
	assert_int_equal(r->last.end, RUN_NOT_STARTED);
	assert_string_equal(r->words.ptr, "cannot execute 'no-such-program': No such file or directory");
	request.folder = "/no/such/folder";
	run_start(r->runner, &request, on_done, r);
	turn_until(r, &r->done, 2);
	assert_string_equal(
		r->words.ptr, "cannot enter the folder '/no/such/folder': No such file or directory");
	request.user = "no-such-user";
	run_start(r->runner, &request, on_done, r);
	assert_int_equal(r->done, 2);
	turn_until(r, &r->done, 3);
	assert_int_equal(r->last.end, RUN_NOT_STARTED);
	assert_string_equal(r->words.ptr, "there is no user 'no-such-user'");
	assert_forgotten(r);
}

/* From now on no descriptor more than there are. */
static void run_out_of_descriptors(struct rlimit *before)
{
	struct rlimit none;
	int next = open("/dev/null", O_RDONLY | O_CLOEXEC);

	close(next);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, before), 0);
	none = *before;
	none.rlim_cur = (rlim_t)next;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
}

static void says_by_number_what_it_lacked(void **state)
{
	struct runs *r = *state;
	struct rlimit before;

	run_out_of_descriptors(&before);
	run(r, "exit 0", 0);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_int_equal(r->last.end, RUN_NOT_STARTED);
	assert_int_equal(r->last.number, EMFILE);
	r->done = 0;
	run(r, "exit 0", 0);
	assert_int_equal(r->last.end, RUN_EXITED);
	assert_int_equal(r->last.number, 0);
}

static void on_probed(void *context, struct ticket ticket, enum probe_answer answer, const struct reason *why)
{
	struct runs *r = context;

	(void)ticket;
	r->done++;
	r->answer = answer;
	buf_clear(&r->words);
	reason_text(why, &r->words);
}

static void a_check_that_lacks_something_blames_nobody(void **state)
{
	struct runs *r = *state;
	struct probes *probes = probes_new(r->loop, r->runner, on_probed, r);
	char *argv[] = { (char *)"/bin/true", NULL };
	struct spec *spec = spec_new("api");
	struct spawn_effect request = { .ticket = { .slot = 1 }, .name = "api:0", .spec = spec };
	struct rlimit before;

	spec->folder = mem_strdup("/");
	spec->health.timeout_ms = 1000;
	spec->health.command.argv = argv;
	run_out_of_descriptors(&before);
	probes_start(probes, &request, getpid(), NULL, NULL);
	turn_until(r, &r->done, 1);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_int_equal(r->answer, PROBE_UNKNOWN);
	probes_start(probes, &request, getpid(), NULL, NULL);
	turn_until(r, &r->done, 2);
	assert_int_equal(r->answer, PROBE_PASSED);
	/* What is not there is the app's own fault. */
	argv[0] = (char *)"no-such-program";
	probes_start(probes, &request, getpid(), NULL, NULL);
	turn_until(r, &r->done, 3);
	assert_int_equal(r->answer, PROBE_FAILED);
	spec->health.command.argv = NULL;
	spec_free(spec);
	probes_free(probes);
}

static void much_is_read_although_the_kernel_had_no_room_to_watch(void **state)
{
	struct runs *r = *state;

	ev_run(r->loop, EVRUN_NOWAIT);
	refused.epoll_ctl = 1;
	run(r, "seq 1 200000; echo the end", 0);
	assert_int_equal(refused.epoll_ctl, 0);
	assert_int_equal(r->last.end, RUN_EXITED);
	assert_memory_equal(r->tail.ptr + CAPTURE_MAX - 15, "200000\nthe end\n", 15);
}

static void tells_nothing_of_what_was_cancelled(void **state)
{
	struct runs *r = *state;

	/* Not there yet, and not even possible. */
	run_cancel(start(r, "exec sleep 1000", 0));
	run_cancel(NULL);
	run(r, "exit 0", 0);
	assert_forgotten(r);
}

static void lets_the_rest_wait_their_turn(void **state)
{
	struct runs *r = *state;
	int count = RUNS_MAX + 50;
	struct run *first = NULL;

	for (int i = 0; i < count; i++)
		first = i ? (start(r, "read x </dev/null; exit 0", 0), first)
			  : start(r, "exec sleep 1000", 0);
	turn_until(r, &r->done, count - 1);
	run_cancel(first);
	r->done = 0;
	run(r, "exit 0", 0);
	assert_forgotten(r);
}

static void descriptors_stay_few(void **state)
{
	struct runs *r = *state;
	int before = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int after = -1;

	close(before);
	for (int i = 0; i < 20; i++) {
		r->done = 0;
		run(r, i % 2 ? "sleep 1000" : "exit 0", 20);
	}
	after = open("/dev/null", O_RDONLY | O_CLOEXEC);
	close(after);
	assert_int_equal(before, after);
}

static void an_earlier_brains_are_killed(void **state)
{
	struct runs *r = *state;
	struct keeper_msg m;

	start(r, "setsid sleep 1000 & sleep 1000", 0);
	start(r, "exit 3", 0);
	turn_until(r, &r->done, 1);
	start(r, "sleep 1000", 0);
	/* Both of those that live are there. */
	r->done = 0;
	run(r, "exit 0", 0);
	stop(r);
	stage_kill_brain(r->stage);
	stage_accept(r->stage, false);
	begin(r);
	r->done = r->synced = 0;
	keeper_msg_init(&m, KEEPER_SYNC);
	m.version = KEEPER_VERSION;
	(void)keeper_client_send(r->parent, &m, -1);
	turn_until(r, &r->synced, 1);
	/* New ones have tickets of their own meanwhile. */
	run(r, "exit 0", 0);
	/* Before the keeper is asked once more, which may name what is forgotten at that moment. */
	assert_int_equal(r->errors, 0);
	assert_forgotten(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "a run tells its exit code and the end of what it wrote", tells_how_it_ended, setup,
			teardown, NULL },
		{ "a run that a signal ended says which", tells_of_a_signal, setup, teardown, NULL },
		{ "a run that takes too long is killed with all that came from it",
			kills_the_whole_tree_in_time, setup, teardown, NULL },
		{ "what a run leaves behind goes with it, and is not waited for",
			takes_what_it_leaves_with_it, setup, teardown, NULL },
		{ "of a run that writes much the end is kept", keeps_the_end_of_much, setup, teardown, NULL },
		{ "a run that cannot start says why", says_why_it_did_not_start, setup, teardown, NULL },
		{ "a run that lacks a descriptor says so by number too", says_by_number_what_it_lacked, setup,
			teardown, NULL },
		{ "a check by command for which the daemon lacks something blames nobody",
			a_check_that_lacks_something_blames_nobody, setup, teardown, NULL },
		{ "a run that writes much is read although the kernel had no room to watch its pipe at first",
			much_is_read_although_the_kernel_had_no_room_to_watch, setup, teardown, NULL },
		{ "a run that is cancelled is killed, without a callback",
			tells_nothing_of_what_was_cancelled, setup, teardown, NULL },
		{ "more runs than may be at once wait their turn", lets_the_rest_wait_their_turn, setup,
			teardown, NULL },
		{ "runs leave no descriptor behind", descriptors_stay_few, setup, teardown, NULL },
		{ "what an earlier brain ran is killed and forgotten", an_earlier_brains_are_killed, setup,
			teardown, NULL },
	};

	return cmocka_run_group_tests_name("run", tests, NULL, NULL);
}
