/* A brain that no longer answers is replaced, and nobody is asked while nothing happens. */
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include "os/clock.h"
#include "os/fd.h"
#include "stage.h"
#include "unit.h"

enum { ANSWER_MS = 200, QUIET_MS = 600 };

static int open_impatient(void **state)
{
	struct stage *s = NULL;

	stage_prepare(state);
	s = *state;
	s->keeper = stage_run(s, WORDS("--answer", "200"), -1);
	stage_accept(s, true);
	return 0;
}

static bool is_pinged(struct stage *s, int64_t more_than)
{
	(void)stage_seen(s, KEEPER_ERROR, 0);
	return s->pings > more_than;
}

/* The next brain, which answers. */
static void expect_next(struct stage *s)
{
	pid_t before = s->brain;

	stage_until(stage_is_gone, s, before);
	fd_close(&s->sock);
	fd_close(&s->link);
	s->is_silent = false;
	stage_accept(s, true);
	assert_int_not_equal(s->brain, before);
}

static void a_silent_brain_is_replaced(void **state)
{
	struct stage *s = *state;
	pid_t service = stage_actor(s, 1, NULL, WORDS("--mark"));

	s->is_silent = true;
	stage_actor(s, 2, NULL, WORDS("--exit", "3"));
	expect_next(s);
	assert_true(stage_exists(s, service));
	assert_int_equal(stage_expect(s, KEEPER_SLOT, 1)->pid, service);
	stage_expect(s, KEEPER_EXITED, 2);
}

static void one_that_answers_is_left_alone(void **state)
{
	struct stage *s = *state;
	int64_t begin = clock_ms();
	pid_t brain = s->brain;

	for (uint64_t i = 1; clock_ms() - begin < 3 * ANSWER_MS; i++) {
		stage_actor(s, i, NULL, WORDS("--exit", "0"));
		stage_expect(s, KEEPER_EXITED, i);
		stage_say_ticket(s, KEEPER_KILL_TREE, i);
		stage_expect(s, KEEPER_TREE_GONE, i);
		stage_say_ticket(s, KEEPER_FORGET, i);
	}
	assert_true(s->pings > 0);
	assert_true(stage_exists(s, brain));
}

static void nobody_is_asked_while_nothing_happens(void **state)
{
	struct stage *s = *state;
	int64_t begin = 0;
	int pings = 0;

	stage_until(is_pinged, s, 0);
	/* The answer to the last one may bring one more. */
	(void)poll(NULL, 0, 50);
	(void)stage_seen(s, KEEPER_ERROR, 0);
	pings = s->pings;
	for (begin = clock_ms(); clock_ms() - begin < QUIET_MS;) {
		assert_null(stage_seen(s, KEEPER_ERROR, 0));
		(void)poll(NULL, 0, 20);
	}
	assert_int_equal(s->pings, pings);
	assert_true(stage_exists(s, s->brain));
}

static void one_that_is_stopped_is_asked(void **state)
{
	struct stage *s = *state;
	int pings = 0;

	stage_until(is_pinged, s, 0);
	(void)poll(NULL, 0, 50);
	(void)stage_seen(s, KEEPER_ERROR, 0);
	pings = s->pings;
	s->is_silent = true;
	kill(s->brain, SIGSTOP);
	stage_until(is_pinged, s, pings);
	expect_next(s);
}

static void a_doubt_is_a_question(void **state)
{
	struct stage *s = *state;

	s->is_silent = true;
	kill(s->keeper, SIGUSR1);
	expect_next(s);
}

static void one_that_never_serves_is_replaced(void **state)
{
	struct stage *s = *state;

	stage_kill_brain(s);
	stage_accept(s, false);
	expect_next(s);
}

static void a_term_ends_it_all_the_same(void **state)
{
	struct stage *s = *state;
	pid_t pid = stage_actor(s, 1, NULL, WORDS("--mark"));

	s->is_silent = true;
	kill(s->keeper, SIGTERM);
	/* Nor does any later brain answer. */
	assert_int_equal(stage_wait(s->keeper), 0);
	s->keeper = 0;
	assert_false(stage_exists(s, pid));
}

static void one_that_hangs_after_a_term_is_replaced(void **state)
{
	struct stage *s = *state;

	stage_actor(s, 1, NULL, WORDS("--mark"));
	kill(s->keeper, SIGTERM);
	assert_int_equal(stage_expect(s, KEEPER_SIGNALLED, 0)->signal, SIGTERM);
	stage_until(is_pinged, s, s->pings);
	s->is_silent = true;
	expect_next(s);
	assert_int_equal(stage_expect(s, KEEPER_SIGNALLED, 0)->signal, SIGTERM);
}

static void a_brain_may_ask_too(void **state)
{
	struct stage *s = *state;
	struct keeper_msg m;
	uint64_t serial = 0;

	stage_actor(s, 1, NULL, WORDS("--mark"));
	stage_say_ticket(s, KEEPER_KILL_TREE, 1);
	stage_expect(s, KEEPER_TREE_GONE, 1);
	keeper_msg_init(&m, KEEPER_PING);
	serial = stage_say(s, &m, NULL, 0);
	assert_int_equal(stage_expect(s, KEEPER_PONG, 0)->about, serial);
	assert_null(stage_seen(s, KEEPER_ERROR, 0));
}

int main(void)
{
#define IMPATIENT(sentence, function)                                                                        \
	{                                                                                                    \
		(sentence), (function), open_impatient, stage_close, NULL                                    \
	}
	const struct CMUnitTest tests[] = {
		IMPATIENT("a brain that does not answer is replaced, and services stay",
			a_silent_brain_is_replaced),
		IMPATIENT("a brain that answers is left alone", one_that_answers_is_left_alone),
		IMPATIENT("no brain is asked while nothing happens", nobody_is_asked_while_nothing_happens),
		IMPATIENT("a brain that is stopped is replaced though nothing else happens",
			one_that_is_stopped_is_asked),
		IMPATIENT("SIGUSR1 makes the keeper look whether its brain answers", a_doubt_is_a_question),
		IMPATIENT("a brain that never serves is replaced", one_that_never_serves_is_replaced),
		IMPATIENT("SIGTERM ends the keeper and its services though no brain answers",
			a_term_ends_it_all_the_same),
		IMPATIENT("a brain that hangs while everything stops is replaced",
			one_that_hangs_after_a_term_is_replaced),
		IMPATIENT("a brain that asks gets an answer", a_brain_may_ask_too),
	};

	return cmocka_run_group_tests_name("keeper: ping", tests, NULL, NULL);
}
