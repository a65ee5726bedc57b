/* Another build takes over, and the gate stays as it is: every socket, its index, and who gets connections. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/fd.h"
#include "os/reuseport.h"
#include "stage_gate.h"
#include "unit.h"

enum { PORT = 4805, COUNT = 4 };

static void open_four(struct stage *s, int64_t sockets[COUNT])
{
	for (int i = 0; i < COUNT; i++)
		sockets[i] = gate_node(s, (uint64_t)i + 1, i, PORT)->socket;
	gate_choose_all(s, SOCKETS(sockets[0], sockets[1], sockets[2], sockets[3]));
	gate_done(s);
}

/* The keeper, which may ask meanwhile, is answered. */
static void answer(struct stage *s)
{
	(void)stage_seen(s, KEEPER_HELLO, UINT64_MAX);
}

/* What a probe of each of them answers. */
static void assert_marks(struct stage *s, const int generations[COUNT])
{
	for (int i = 0; i < 10 * COUNT; i++) {
		assert_int_equal(gate_who(PORT, i % COUNT), generations[i % COUNT]);
		answer(s);
	}
}

static int share_of(struct stage *s, int connections, int generation)
{
	int count = 0;

	for (int i = 0; i < connections; i++) {
		count += gate_who(PORT, -1) == generation;
		answer(s);
	}
	return count;
}

static const struct note *expect_socket(struct stage *s, uint64_t generation, int64_t socket)
{
	const struct note *n = stage_expect(s, KEEPER_LISTENS, generation);

	assert_int_equal(n->socket, socket);
	assert_true(reuseport_listens(n->fd));
	return n;
}

static void assert_nobody_failed(struct gate_load *load)
{
	int failed = 0;
	int answered = gate_load_end(load, &failed);

	assert_int_equal(failed, 0);
	assert_in_range(answered, GATE_LOAD_LEAST, INT32_MAX);
}

static void nobody_is_refused(void **state)
{
	static const int generations[] = { 1, 2, 3, 4 };
	struct stage *s = *state;
	int64_t sockets[COUNT];
	struct gate_load load;
	int share = 0;

	open_four(s, sockets);
	load = gate_load_start(PORT);
	assert_marks(s, generations);
	for (int i = 0; i < 3; i++) {
		stage_upgrade(s);
		/* All of it came before SYNCED. */
		for (int k = 0; k < COUNT; k++) {
			const struct note *n = expect_socket(s, (uint64_t)k + 1, sockets[k]);

			assert_int_equal(n->index, k);
			assert_int_equal(n->place, k);
			assert_int_equal(n->gate, GATE);
			assert_int_equal(n->is_chosen, 1);
			assert_int_equal(n->is_free, 0);
		}
		assert_marks(s, generations);
	}
	share = share_of(s, 400, 3);
	assert_in_range(share, 50, 150);
	/* The choice is made by the new one too. */
	gate_choose_all(s, SOCKETS(sockets[2]));
	gate_done(s);
	assert_int_equal(share_of(s, 50, 3), 50);
	stage_upgrade(s);
	assert_int_equal(share_of(s, 50, 3), 50);
	assert_nobody_failed(&load);
}

static void a_crash_before_it_is_followed_after_it(void **state)
{
	static const int after[] = { 1, 2, 3, 5 };
	struct stage *s = *state;
	int64_t sockets[COUNT];
	const struct note *n = NULL;
	int waits = -1;

	open_four(s, sockets);
	gate_kill(s, 4);
	/* Its own mark leads to the free socket, where nobody accepts. */
	gate_ask(waits = gate_connect(PORT, 3));
	stage_upgrade(s);
	n = expect_socket(s, 4, sockets[3]);
	assert_int_equal(n->is_free, 1);
	assert_int_equal(n->is_chosen, 0);
	assert_int_equal(reuseport_queue(n->fd), 1);
	n = gate_node(s, 5, 3, PORT);
	assert_int_equal(n->socket, sockets[3]);
	assert_int_equal(n->index, 3);
	assert_int_equal(gate_answer(&waits), 5);
	assert_marks(s, after);
}

static void a_crash_while_it_happens(void **state)
{
	struct stage *s = *state;
	int64_t sockets[COUNT];

	open_four(s, sockets);
	stage_stop(s, s->keeper);
	(void)stage_say_same(s);
	kill(gate_pid(s, 2), SIGKILL);
	kill(s->keeper, SIGCONT);
	assert_int_equal(stage_expect(s, KEEPER_UPGRADED, 0)->number, 0);
	stage_change_brains(s);
	stage_expect(s, KEEPER_EXITED, 2);
	assert_int_equal(share_of(s, 60, 2), 0);
	assert_int_equal(gate_node(s, 5, 1, PORT)->socket, sockets[1]);
	assert_int_equal(gate_who(PORT, 1), 5);
}

/* Its filter's listener is on its way to the old keeper, and its bind waits for the new one. */
static void one_that_was_being_started(void **state)
{
	struct stage *s = *state;
	struct spawn_order w;
	int64_t sockets[COUNT];
	const struct note *n = NULL;

	open_four(s, sockets);
	stage_stop(s, s->keeper);
	order_actor(&w, 5, NULL, WORDS("--listen", "4805"));
	order_gate(&w, 4, PORT);
	order_say(s, &w);
	(void)stage_say_same(s);
	kill(s->keeper, SIGCONT);
	assert_int_equal(stage_expect(s, KEEPER_UPGRADED, 0)->number, 0);
	n = stage_expect(s, KEEPER_LISTENS, 5);
	assert_int_equal(n->index, COUNT);
	for (int i = 0; i < COUNT; i++)
		assert_int_not_equal(n->socket, sockets[i]);
	stage_change_brains(s);
	stage_expect(s, KEEPER_SPAWNED, 5);
}

/* Numbers continue, and spare sockets stay spare. */
static void records_are_used_on(void **state)
{
	struct stage *s = *state;
	int64_t sockets[COUNT];
	const struct note *n = NULL;

	open_four(s, sockets);
	gate_kill(s, 2);
	gate_drop_one(s, sockets[1]);
	gate_kill(s, 4);
	gate_drop_one(s, sockets[3]);
	gate_done(s);
	stage_upgrade(s);
	/* Nobody is to hear of a spare one. */
	assert_null(stage_seen(s, KEEPER_LISTENS, 2));
	assert_int_equal(stage_expect_error(s, gate_drop_one(s, sockets[1]))->number, ESRCH);
	assert_int_equal(stage_expect_error(s, gate_drop_one(s, sockets[3]))->number, ESRCH);
	assert_int_equal(stage_expect_error(s, gate_drop_one(s, sockets[0]))->number, EBUSY);
	assert_int_equal(gate_node(s, 5, 7, PORT)->index, 1);
	n = gate_node(s, 6, 8, PORT);
	assert_int_equal(n->index, 3);
	assert_int_not_equal(n->socket, sockets[3]);
	assert_int_equal(gate_who(PORT, 1), 5);
	assert_int_equal(gate_who(PORT, 3), 6);
}

static void the_old_one_goes_on(struct stage *s, const int64_t sockets[COUNT])
{
	static const int generations[] = { 1, 2, 3, 4 };

	assert_marks(s, generations);
	for (int i = 0; i < COUNT; i++)
		assert_int_equal(expect_socket(s, (uint64_t)i + 1, sockets[i])->index, i);
	assert_int_equal(gate_node(s, 5, 4, PORT)->index, COUNT);
	gate_choose_all(s, SOCKETS(sockets[1]));
	gate_done(s);
	assert_int_equal(share_of(s, 50, 2), 50);
}

static void a_brain_that_does_not_serve(void **state)
{
	struct stage *s = *state;
	int64_t sockets[COUNT];
	struct gate_load load;
	char keeper[512];

	open_four(s, sockets);
	load = gate_load_start(PORT);
	stage_program(keeper, sizeof(keeper), "oxherd");
	(void)stage_say_upgrade(s, keeper, "/bin/false");
	assert_int_equal(stage_expect(s, KEEPER_UPGRADED, 0)->number, 0);
	stage_change_brains(s);
	assert_int_equal(stage_expect(s, KEEPER_UPGRADED, 0)->number, EIO);
	the_old_one_goes_on(s, sockets);
	assert_nobody_failed(&load);
}

static void a_build_that_cannot_read_it(void **state)
{
	struct stage *s = *state;
	int64_t sockets[COUNT];
	struct gate_load load;
	char keeper[512], brain[512];

	open_four(s, sockets);
	load = gate_load_start(PORT);
	stage_other_build(s, keeper, sizeof(keeper));
	stage_program(brain, sizeof(brain), "tests/keeper-brain");
	(void)stage_say_upgrade(s, keeper, brain);
	/* A compiler may have hidden it better: then this is no other build. */
	if (!stage_expect(s, KEEPER_UPGRADED, 0)->number)
		skip();
	/* The brain has not noticed anything; the next one hears of all. */
	stage_kill_brain(s);
	stage_accept(s, true);
	the_old_one_goes_on(s, sockets);
	assert_nobody_failed(&load);
}

int main(void)
{
#define ON_STAGE(sentence, function)                                                                         \
	{                                                                                                    \
		(sentence), (function), stage_open, stage_close, NULL                                        \
	}
	const struct CMUnitTest tests[] = {
		ON_STAGE("under load four upgrades refuse nobody, and marks are right before and after",
			nobody_is_refused),
		ON_STAGE("who crashed before an upgrade is followed at its socket after it",
			a_crash_before_it_is_followed_after_it),
		ON_STAGE("who crashes during an upgrade leaves the choice", a_crash_while_it_happens),
		ON_STAGE("a process that was being started is caught by the new keeper",
			one_that_was_being_started),
		ON_STAGE("dropped sockets stay so, and no number comes again", records_are_used_on),
		ON_STAGE("the gate goes back to the old keeper when the new brain does not serve",
			a_brain_that_does_not_serve),
		ON_STAGE("a build that cannot read of the gate gives it back", a_build_that_cannot_read_it),
	};

	return cmocka_run_group_tests_name("keeper: gate, upgrade", tests, NULL, NULL);
}
