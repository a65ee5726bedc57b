#include "model/spec.h"

#include "unit.h"

static int number(int64_t value, int cpus)
{
	return count_resolve((struct count){ .kind = COUNT_NUMBER, .value = value }, cpus);
}

static int max_and(int64_t value, int cpus)
{
	return count_resolve((struct count){ .kind = COUNT_MAX, .value = value }, cpus);
}

static int percent(int64_t value, int cpus)
{
	return count_resolve((struct count){ .kind = COUNT_PERCENT, .value = value }, cpus);
}

static void a_number_is_itself(void **state)
{
	(void)state;
	assert_int_equal(number(1, 8), 1);
	assert_int_equal(number(4, 1), 4);
	assert_int_equal(number(0, 8), 0);
	assert_int_equal(number(-3, 8), 1);
	assert_int_equal(number(APP_INSTANCES_MAX, 8), APP_INSTANCES_MAX);
	assert_int_equal(number(APP_INSTANCES_MAX + 1, 8), APP_INSTANCES_MAX);
	assert_int_equal(number(INT64_MAX, 8), APP_INSTANCES_MAX);
	assert_int_equal(number(INT64_MIN, 8), 1);
}

static void max_leaves_what_is_asked_free(void **state)
{
	(void)state;
	assert_int_equal(max_and(0, 8), 8);
	assert_int_equal(max_and(-1, 8), 7);
	assert_int_equal(max_and(-7, 8), 1);
	assert_int_equal(max_and(-8, 8), 1);
	assert_int_equal(max_and(-1, 1), 1);
	assert_int_equal(max_and(INT64_MIN, INT32_MAX), 1);
	assert_int_equal(max_and(5, 8), 8);
	assert_int_equal(max_and(0, 0), 1);
	assert_int_equal(max_and(0, -4), 1);
	assert_int_equal(max_and(0, INT32_MAX), APP_INSTANCES_MAX);
}

static void a_percentage_is_rounded_up(void **state)
{
	(void)state;
	assert_int_equal(percent(50, 8), 4);
	assert_int_equal(percent(50, 3), 2);
	assert_int_equal(percent(50, 1), 1);
	assert_int_equal(percent(25, 5), 2);
	assert_int_equal(percent(25, 4), 1);
	assert_int_equal(percent(1, 64), 1);
	assert_int_equal(percent(100, 7), 7);
	assert_int_equal(percent(101, 100), 101);
	assert_int_equal(percent(200, 4), 8);
	assert_int_equal(percent(0, 8), 1);
	assert_int_equal(percent(-10, 8), 1);
	assert_int_equal(percent(INT64_MAX, INT32_MAX), APP_INSTANCES_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("a number of instances is itself, within its bounds, and 0 stays 0",
			a_number_is_itself),
		PROMISE("max-1 leaves one processor free and never means none",
			max_leaves_what_is_asked_free),
		PROMISE("50% rounds up and is at least one", a_percentage_is_rounded_up),
	};

	return cmocka_run_group_tests_name("count", tests, NULL, NULL);
}
