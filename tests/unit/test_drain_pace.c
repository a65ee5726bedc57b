/* How often the end of connections is looked for. */
#include "rules/pace.h"

#include "unit.h"

static void pauses_grow(void **state)
{
	int64_t pause = DRAIN_FIRST_MS;

	(void)state;
	for (int k = 0; k < 20; k++) {
		int64_t next = drain_pause_after(pause);

		assert_true(next >= pause && next <= 2 * pause && next <= DRAIN_MAX_MS);
		pause = next;
	}
	assert_int_equal(pause, DRAIN_MAX_MS);
}

static void no_deadline_is_slept_through(void **state)
{
	(void)state;
	assert_int_equal(drain_wait(250, 10000, 1000), 250);
	assert_int_equal(drain_wait(250, 1100, 1000), 100);
	assert_int_equal(drain_wait(250, 1000, 1000), 0);
	assert_int_equal(drain_wait(250, 900, 1000), 0);
}

static void over_when_none_is_left(void **state)
{
	(void)state;
	assert_true(drain_is_over(0, 10000, 1000));
	assert_false(drain_is_over(1, 10000, 1000));
	assert_true(drain_is_over(1, 10000, 10000));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("the pauses double up to a longest", pauses_grow),
		PROMISE("no deadline is slept through", no_deadline_is_slept_through),
		PROMISE("a drain is over without connections, or at its deadline", over_when_none_is_left),
	};

	return cmocka_run_group_tests_name("drain_pace", tests, NULL, NULL);
}
