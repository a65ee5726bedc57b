/* When memory is given back. */
#include "rules/pace.h"

#include "unit.h"

static void after_a_burst_and_once_more(void **state)
{
	struct trim t = { .seq = 0 };

	(void)state;
	assert_false(trim_is_due(&t, 1));
	assert_false(trim_is_due(&t, TRIM_EVENTS - 1));
	assert_true(trim_is_due(&t, TRIM_EVENTS));
	assert_true(trim_is_due(&t, TRIM_EVENTS + 1));
	assert_false(trim_is_due(&t, TRIM_EVENTS + 2));
	assert_false(trim_is_due(&t, 2 * TRIM_EVENTS));
	assert_true(trim_is_due(&t, 2 * TRIM_EVENTS + 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("memory is given back after a burst of events, and once more",
			after_a_burst_and_once_more),
	};

	return cmocka_run_group_tests_name("trim", tests, NULL, NULL);
}
