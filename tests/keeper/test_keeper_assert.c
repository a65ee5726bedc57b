/* A failed assertion in the keeper: it lives, says so, and refuses what was asked for. */
#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "stage.h"
#include "unit.h"

static int open_failing(void **state)
{
	struct stage *s = NULL;

	stage_prepare(state);
	s = *state;
	s->program = "tests/failing-keeper";
	s->keeper = stage_run(s, NULL, -1);
	stage_accept(s, true);
	return 0;
}

static void assert_told(struct stage *s)
{
	assert_int_equal(stage_expect_error(s, 0)->number, ENOTRECOVERABLE);
	stage_assert_logs(s, "assertion failed at tests/keeper/failing_keeper.c:");
}

static void the_operation_is_refused(void **state)
{
	struct stage *s = *state;
	pid_t pid = stage_actor(s, 1, NULL, WORDS("--mark"));
	uint64_t about = stage_say_name(s, KEEPER_GET, "refused", -1);

	stage_expect_error(s, about);
	assert_told(s);
	assert_true(stage_exists(s, pid));
	assert_int_equal(kill(s->keeper, 0), 0);
	stage_actor(s, 2, NULL, WORDS("--mark"));
}

static void it_continues(void **state)
{
	struct stage *s = *state;
	int pipe_fds[2];

	assert_int_equal(pipe(pipe_fds), 0);
	stage_say_name(s, KEEPER_HOLD, "continues", pipe_fds[0]);
	stage_say_name(s, KEEPER_GET, "continues", -1);
	close(stage_expect(s, KEEPER_HELD, 0)->fd);
	assert_told(s);
	stage_say_name(s, KEEPER_RELEASE, "continues", -1);
	stage_actor(s, 1, NULL, WORDS("--mark"));
	close(pipe_fds[0]);
	close(pipe_fds[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE_IN(open_failing, stage_close,
			"an operation whose assertion fails is refused, and the keeper and its processes live",
			the_operation_is_refused),
		PROMISE_IN(open_failing, stage_close,
			"after a failed assertion the keeper continues, and reports it", it_continues),
	};

	return cmocka_run_group_tests_name("keeper: assertions", tests, NULL, NULL);
}
