#include <stdlib.h>

#include "rules/health.h"
#include "unit.h"

static struct spec *spec_with(int64_t interval_ms, int64_t healthy, int64_t unhealthy)
{
	struct spec *s = spec_new("api");

	s->health.tcp = true;
	s->health.interval_ms = interval_ms;
	s->health.healthy_threshold = healthy;
	s->health.unhealthy_threshold = unhealthy;
	return s;
}

static void thresholds_count_answers_in_a_row(void **state)
{
	/* + passed, - failed; the verdict after each. */
	static const struct {
		char answer;
		enum health verdict;
	} rows[] = {
		{ '+', HEALTH_UNKNOWN },
		{ '-', HEALTH_UNKNOWN },
		{ '+', HEALTH_UNKNOWN },
		{ '+', HEALTH_HEALTHY },
		{ '-', HEALTH_HEALTHY },
		{ '-', HEALTH_HEALTHY },
		{ '+', HEALTH_HEALTHY },
		{ '-', HEALTH_HEALTHY },
		{ '-', HEALTH_HEALTHY },
		{ '-', HEALTH_UNHEALTHY },
		{ '+', HEALTH_UNHEALTHY },
		{ '-', HEALTH_UNHEALTHY },
		{ '+', HEALTH_UNHEALTHY },
		{ '+', HEALTH_HEALTHY },
	};
	struct spec *s = spec_with(1000, 2, 3);
	struct health_counts c = { 0, 0 };
	enum health verdict = HEALTH_UNKNOWN;

	(void)state;
	for (size_t k = 0; k < sizeof(rows) / sizeof(rows[0]); k++) {
		verdict = health_after(s, &c, verdict, rows[k].answer == '+', false);
		assert_int_equal(verdict, rows[k].verdict);
	}
	spec_free(s);
}

static void what_fails_while_starting_is_no_verdict(void **state)
{
	struct spec *s = spec_with(1000, 1, 1);
	struct health_counts c = { 0, 0 };

	(void)state;
	for (int k = 0; k < 1000; k++)
		assert_int_equal(health_after(s, &c, HEALTH_UNKNOWN, false, true), HEALTH_UNKNOWN);
	assert_int_equal(health_after(s, &c, HEALTH_UNKNOWN, true, true), HEALTH_HEALTHY);
	spec_free(s);
}

static void the_first_check_is_at_once(void **state)
{
	struct spec *s = spec_with(10000, 1, 1);

	(void)state;
	assert_int_equal(health_first(s, 5000, 5000), 5000);
	assert_int_equal(health_first(s, 5000, 5003), 5003);
	s->health.initial_delay_ms = 2000;
	assert_int_equal(health_first(s, 5000, 5003), 7000);
	spec_free(s);
}

static void one_that_starts_is_looked_at_soon_and_often(void **state)
{
	struct spec *s = spec_with(10000, 1, 1);
	int64_t now = 1000;
	int looks = 0;

	(void)state;
	/* Noticed within a quarter of the time that it took, or a second. */
	while (now < 1000 + 30000) {
		int64_t next = health_soon(s, 1000, now);

		assert_in_range(next - now, 20, 1000);
		assert_true(next - now <= 20 || next - now <= (now - 1000) / 4);
		now = next;
		looks++;
	}
	assert_in_range(looks, 30, 60);
	s->health.interval_ms = 5;
	assert_int_equal(health_soon(s, 1000, 9000), 9005);
	spec_free(s);
}

static int compare(const void *a, const void *b)
{
	const int64_t *x = a;
	const int64_t *y = b;

	return (*x > *y) - (*x < *y);
}

static void five_hundred_do_not_synchronise(void **state)
{
	enum { COUNT = 500 };
	static int64_t at[COUNT];
	struct spec *s = spec_with(1000, 1, 1);

	(void)state;
	/* All become ready in the same millisecond; a minute later they are as far apart as they can be. */
	for (uint32_t k = 0; k < COUNT; k++)
		at[k] = 50000;
	for (int turn = 0; turn < 60; turn++)
		for (uint32_t k = 0; k < COUNT; k++)
			at[k] = health_next(s, k + 1, at[k], at[k] + 3);
	qsort(at, COUNT, sizeof(at[0]), compare);
	assert_in_range(at[COUNT - 1] - at[0], 990, 1000);
	for (int k = 50; k < COUNT; k++)
		assert_in_range(at[k] - at[k - 50], 90, 110);
	spec_free(s);
}

static void what_is_due_together_is_done_together(void **state)
{
	struct spec *s = spec_with(100, 1, 1);
	bool is_used[100] = { false };
	int moments = 0;

	(void)state;
	for (uint32_t slot = 1; slot <= 100; slot++)
		is_used[health_next(s, slot, 50000, 50003) % 100] = true;
	for (int at = 0; at < 100; at++)
		moments += is_used[at];
	assert_in_range(moments, 100 / HEALTH_TOGETHER_MS - 1, 100 / HEALTH_TOGETHER_MS);
	spec_free(s);
}

static void an_instance_keeps_its_phase(void **state)
{
	struct spec *s = spec_with(1000, 1, 1);
	int64_t first = health_next(s, 7, 123456, 123456);
	int64_t due = first;

	(void)state;
	assert_in_range(first - 123456, 500, 1500);
	/* However long the answers take, up to nearly the interval. */
	for (int k = 1; k <= 100; k++) {
		due = health_next(s, 7, due, due + (k * 37) % 1000);
		assert_int_equal(due, first + k * 1000);
	}
	/* One that took two intervals leaves two out. */
	assert_int_equal(health_next(s, 7, due, due + 2300), due + 3000);
	spec_free(s);
}

/* The machine slept, or the brain stood still. */
static void what_comes_late_comes_spread(void **state)
{
	struct spec *s = spec_with(60000, 1, 1);
	int64_t now = 1000000;
	int buckets[10] = { 0 };

	(void)state;
	assert_false(health_is_late(now, now));
	assert_false(health_is_late(now - HEALTH_LATE_MS, now));
	assert_true(health_is_late(now - HEALTH_LATE_MS - 1, now));
	assert_true(health_is_late(now - 30000, now));
	for (uint32_t slot = 1; slot <= 500; slot++) {
		int64_t at = health_again(s, slot, now);

		assert_in_range(at - now, 0, 999);
		buckets[(at - now) / 100]++;
	}
	for (int k = 0; k < 10; k++)
		assert_in_range(buckets[k], 45, 55);
	spec_free(s);
}

static void words_go_both_ways(void **state)
{
	enum health found = HEALTH_NONE;

	(void)state;
	for (int k = 0; k < HEALTH_COUNT; k++) {
		assert_true(health_parse(health_word((enum health)k), &found));
		assert_int_equal(found, k);
	}
	assert_false(health_parse("fine", &found));
	assert_false(health_parse(NULL, &found));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("a verdict changes with as many equal answers in a row as its threshold says",
			thresholds_count_answers_in_a_row),
		PROMISE("what fails while an instance starts makes it not ready, never unhealthy",
			what_fails_while_starting_is_no_verdict),
		PROMISE("the first check is at once, or after the initial delay", the_first_check_is_at_once),
		PROMISE("an instance that starts is looked at soon, and less often the longer it takes",
			one_that_starts_is_looked_at_soon_and_often),
		PROMISE("the checks of 500 instances started together are spread over the interval",
			five_hundred_do_not_synchronise),
		PROMISE("checks that are a few milliseconds apart are done at one moment",
			what_is_due_together_is_done_together),
		PROMISE("an instance keeps its own phase, whatever its answers take",
			an_instance_keeps_its_phase),
		PROMISE("checks that come late, after the machine slept, come spread and not in a burst",
			what_comes_late_comes_spread),
		PROMISE("the words of a verdict go both ways", words_go_both_ways),
	};

	return cmocka_run_group_tests_name("health", tests, NULL, NULL);
}
