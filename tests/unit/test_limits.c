#include "rules/limits.h"
#include "rules/restart.h"

#include <string.h>

#include "in_words.h"
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
	struct reason why;

	(void)state;
	assert_false(spec_has_limits(s));
	assert_false(limits_pass(s, &past, INT64_MAX, 1e9, 1000, &why));
	spec_free(s);
}

static void memory(void **state)
{
	struct spec *s = limited(100, 0, 60000);
	struct limits_past past = { .busy_since = 0 };
	struct reason why;

	(void)state;
	assert_true(spec_has_limits(s));
	assert_false(limits_pass(s, &past, 100 * MB, 0, 1000, &why));
	assert_true(limits_pass(s, &past, 150 * MB, 0, 1000, &why));
	assert_string_equal(in_words(&why), "memory limit exceeded: 150 MB > 100 MB (limits.memory_mb)");
	spec_free(s);
}

static void processor(void **state)
{
	struct spec *s = limited(0, 50, 10000);
	struct limits_past past = { .busy_since = 0 };
	struct reason why;

	(void)state;
	assert_false(limits_pass(s, &past, 0, 90, 1000, &why));
	assert_false(limits_pass(s, &past, 0, 90, 10900, &why));
	/* One quiet look begins it anew. */
	assert_false(limits_pass(s, &past, 0, 40, 11000, &why));
	assert_false(limits_pass(s, &past, 0, 90, 12000, &why));
	assert_false(limits_pass(s, &past, 0, 90, 21999, &why));
	assert_true(limits_pass(s, &past, 0, 80, 22000, &why));
	assert_string_equal(
		in_words(&why), "processor limit exceeded: 80% > 50% for 10 s (limits.cpu_percent)");
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

static void limits_are_counted_apart(void **state)
{
	const struct end limit = { .kind = END_OVER_LIMIT };
	struct restart_history h = { .crashes = 3 };
	struct spec *s = spec_new("api");
	struct restart_decision d;

	(void)state;
	s->restart = RESTART_NEVER;
	s->max_restarts = 3;
	s->crash_restart_limit = 4;
	for (int64_t k = 0; k < 3; k++) {
		d = restart_after(s, &h, limit, 1000 + k, 0);
		assert_int_equal(d.verdict, RESTART_AFTER);
		assert_int_equal(d.delay_ms, 100 << k);
		assert_false(d.is_crash);
	}
	assert_int_equal(h.crashes, 3);
	assert_string_equal(in_words(&d.why), "restart 3 for a limit, starts again after 400 ms");
	restart_ready(&h, 2000);
	d = restart_after(s, &h, limit, 2000 + s->restart_window_ms, 0);
	assert_int_equal(d.delay_ms, 0);
	assert_string_equal(in_words(&d.why), "starts again at once");
	d = restart_after(s, &h, limit, 3000 + s->restart_window_ms, 0);
	assert_int_equal(d.verdict, RESTART_GIVE_UP);
	assert_string_equal(
		in_words(&d.why), "after 4 restarts in five minutes: crash_restart_limit is reached");
	spec_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("what has no limits may use anything", without_limits),
		PROMISE("memory above its limit is reported with both figures", memory),
		PROMISE("a processor used too much counts only for the whole window, without a pause",
			processor),
		PROMISE("what is near a limit is looked at often, and the rest seldom", looks),
		PROMISE("a restart for a limit waits and counts for crash_restart_limit, and is no crash",
			limits_are_counted_apart),
	};

	return cmocka_run_group_tests_name("limits", tests, NULL, NULL);
}
