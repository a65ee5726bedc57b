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

static void behind_a_gate_it_is_over_when_it_was_empty_twice(void **state)
{
	struct drain_behind d = { .begun_at = 1000, .deadline = 10000 };

	(void)state;
	assert_false(drain_behind_is_over(&d, 1, 1005));
	assert_false(drain_behind_is_over(&d, 0, 1010));
	assert_false(drain_behind_is_over(&d, 1, 1020));
	assert_false(drain_behind_is_over(&d, 0, 1030));
	assert_true(drain_behind_is_over(&d, 0, 1040));
	assert_true(drain_behind_is_over(&d, 3, 10000));
}

static void what_was_half_there_has_a_second(void **state)
{
	struct drain_behind d = { .begun_at = 1000, .deadline = 10000, .is_half_open = true };

	(void)state;
	assert_false(drain_behind_is_over(&d, 0, 1010));
	assert_false(drain_behind_is_over(&d, 0, 1999));
	assert_true(drain_behind_is_over(&d, 0, 2000));
	d.deadline = 1500;
	assert_true(drain_behind_is_over(&d, 0, 1500));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("the pauses double up to a longest", pauses_grow),
		PROMISE("no deadline is slept through", no_deadline_is_slept_through),
		PROMISE("a drain is over without connections, or at its deadline", over_when_none_is_left),
		PROMISE("behind a gate it is over when two looks in a row have found no connection",
			behind_a_gate_it_is_over_when_it_was_empty_twice),
		PROMISE("a connection that was half there at first has a second to arrive",
			what_was_half_there_has_a_second),
	};

	return cmocka_run_group_tests_name("drain_pace", tests, NULL, NULL);
}
