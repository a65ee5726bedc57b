#include "rules/limits.h"

#include <string.h>

#include "unit.h"

enum { MB = 1024 * 1024 };

static struct spec *limited(int64_t memory_mb, double percent, int64_t window_ms)
{
	struct spec *s = spec_new("api");

	s->limits.memory_bytes = memory_mb * MB;
	s->limits.cpu_percent = percent;
	s->limits.cpu_window_ms = window_ms;
	return s;
}

static void without_limits(void **state)
{
	struct spec *s = limited(0, 0, 60000);
	struct limits_past past = { .busy_since = 0 };
	char why[160];

	(void)state;
	assert_false(limits_has(s));
	assert_false(limits_pass(s, &past, INT64_MAX, 1e9, 1000, why, sizeof(why)));
	spec_free(s);
}

static void memory(void **state)
{
	struct spec *s = limited(100, 0, 60000);
	struct limits_past past = { .busy_since = 0 };
	char why[160];

	(void)state;
	assert_true(limits_has(s));
	assert_false(limits_pass(s, &past, 100 * MB, 0, 1000, why, sizeof(why)));
	assert_true(limits_pass(s, &past, 150 * MB, 0, 1000, why, sizeof(why)));
	assert_string_equal(why, "uses 150 MB of memory, and may use 100 MB (memory_mb)");
	spec_free(s);
}

static void processor(void **state)
{
	struct spec *s = limited(0, 50, 10000);
	struct limits_past past = { .busy_since = 0 };
	char why[160];

	(void)state;
	assert_false(limits_pass(s, &past, 0, 90, 1000, why, sizeof(why)));
	assert_false(limits_pass(s, &past, 0, 90, 10900, why, sizeof(why)));
	/* One quiet look begins it anew. */
	assert_false(limits_pass(s, &past, 0, 40, 11000, why, sizeof(why)));
	assert_false(limits_pass(s, &past, 0, 90, 12000, why, sizeof(why)));
	assert_false(limits_pass(s, &past, 0, 90, 21999, why, sizeof(why)));
	assert_true(limits_pass(s, &past, 0, 80, 22000, why, sizeof(why)));
	assert_string_equal(why, "used more than 50% of a processor for 10 s, 80% in the end (cpu_percent)");
	spec_free(s);
}

static void looks(void **state)
{
	struct spec *s = limited(100, 0, 60000);
	struct limits_past past = { .busy_since = 0 };

	(void)state;
	assert_int_equal(limits_next(s, &past, 0), LIMITS_SELDOM_MS);
	assert_int_equal(limits_next(s, &past, 50 * MB), LIMITS_SELDOM_MS / 2);
	assert_int_equal(limits_next(s, &past, 99 * MB), LIMITS_SOON_MS);
	assert_int_equal(limits_next(s, &past, INT64_MAX), LIMITS_SOON_MS);
	spec_free(s);
	s = limited(0, 50, 8000);
	assert_int_equal(limits_next(s, &past, 0), 2000);
	s->limits.cpu_window_ms = 1;
	assert_int_equal(limits_next(s, &past, 0), LIMITS_SOON_MS);
	spec_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("what has no limits may use anything", without_limits),
		PROMISE("memory above its limit is told with both figures", memory),
		PROMISE("a processor used too much counts only for the whole window, without a pause",
			processor),
		PROMISE("what is near a limit is looked at often, and the rest seldom", looks),
	};

	return cmocka_run_group_tests_name("limits", tests, NULL, NULL);
}
