/* A keeper that is killed at a moment that no timing of a test would hit. */
#include "stage.h"
#include "unit.h"

static int open_dying(void **state)
{
	struct stage *s = NULL;

	stage_prepare(state);
	s = *state;
	s->program = "tests/failing-keeper";
	s->keeper = stage_run(s, NULL, -1);
	stage_accept(s, true);
	return 0;
}

static void a_start_is_written_down_by_itself(void **state)
{
	static const char *const argv[] = { "/bin/true", NULL };
	struct stage *s = *state;
	struct spawn_order w;
	const struct note *n = NULL;

	order_program(&w, 1, NULL, argv);
	w.m.name = "unseen";
	order_say(s, &w);
	/* It kills itself, when its child has ended. */
	stage_keeper_ended(s);
	stage_next_keeper(s);
	n = stage_expect(s, KEEPER_SLOT, 1);
	assert_int_equal(n->state, KEEPER_STATE_EXITED);
	assert_string_equal(n->name, "unseen");
	stage_expect(s, KEEPER_EXITED, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE_IN(open_dying, stage_close,
			"a process that ended while its keeper was killed between its fork and the next line is known to the next one",
			a_start_is_written_down_by_itself),
	};

	return cmocka_run_group_tests_name("keeper: the moment", tests, NULL, NULL);
}
