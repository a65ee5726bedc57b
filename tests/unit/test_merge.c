/* Lines of several sources in one order. */
#include "rules/merge.h"

#include "unit.h"

static void oldest_first(void **state)
{
	struct merge_head heads[] = { { true, 30 }, { true, 10 }, { false, 5 }, { true, 10 } };

	(void)state;
	assert_int_equal(merge_next(heads, 4), 1);
	heads[1].has_line = false;
	assert_int_equal(merge_next(heads, 4), 3);
	heads[3].has_line = false;
	assert_int_equal(merge_next(heads, 4), 0);
	heads[0].has_line = false;
	assert_int_equal(merge_next(heads, 4), 4);
	assert_int_equal(merge_next(heads, 0), 0);
}

static void never_back(void **state)
{
	(void)state;
	assert_int_equal(merge_time(INT64_MIN, true, 100), 100);
	assert_int_equal(merge_time(100, true, 50), 100);
	assert_int_equal(merge_time(100, false, 500), 100);
	assert_int_equal(merge_time(100, true, 101), 101);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("the oldest line is next, of several the one of the first source", oldest_first),
		PROMISE("a clock that was set back, or no time at all, changes no source's own order",
			never_back),
	};

	return cmocka_run_group_tests_name("merge", tests, NULL, NULL);
}
