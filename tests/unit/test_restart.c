#include "rules/restart.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "base/str.h"
#include "in_words.h"
#include "unit.h"

enum { SIGNAL_KILL = 9, SIGNAL_SEGV = 11, SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE };
#define DAY (24LL * HOUR)

static const struct end exit_0 = { END_EXITED, 0 };
static const struct end exit_1 = { END_EXITED, 1 };

/* What an oxfile without any restart key means. */
static struct spec plain(void)
{
	return (struct spec){
		.restart = RESTART_ON_FAILURE,
		.restart_delay_ms = 100,
		.restart_delay_max_ms = 30000,
		.restart_window_ms = 60000,
	};
}

static struct restart_decision decide_at(
	const struct spec *s, struct restart_history *h, struct end end, int64_t now)
{
	return restart_after(s, h, end, now, 0);
}

static enum restart_verdict verdict(int policy, struct end end)
{
	struct spec s = plain();
	struct restart_history h = { 0 };

	s.restart = policy;
	return decide_at(&s, &h, end, 1000).verdict;
}

static bool is_crash(int policy, struct end end)
{
	struct spec s = plain();
	struct restart_history h = { 0 };

	s.restart = policy;
	return decide_at(&s, &h, end, 1000).is_crash;
}

static void policies_accept_what_they_say(void **state)
{
	static const struct end failures[] = {
		{ END_EXITED, 1 },
		{ END_EXITED, 2 },
		{ END_EXITED, 143 },
		{ END_SIGNALED, SIGNAL_KILL },
		{ END_NEVER_READY, 0 },
		{ END_UNHEALTHY, 0 },
		{ END_SPAWN_FAILED, ENOENT },
	};

	(void)state;
	assert_int_equal(verdict(RESTART_ON_FAILURE, exit_0), RESTART_FINISHED);
	assert_int_equal(verdict(RESTART_NEVER, exit_0), RESTART_FINISHED);
	assert_int_equal(verdict(RESTART_ALWAYS, exit_0), RESTART_AFTER);
	assert_false(is_crash(RESTART_ON_FAILURE, exit_0));
	assert_false(is_crash(RESTART_NEVER, exit_0));
	assert_true(is_crash(RESTART_ALWAYS, exit_0));
	for (size_t i = 0; i < sizeof(failures) / sizeof(failures[0]); i++) {
		assert_int_equal(verdict(RESTART_ON_FAILURE, failures[i]), RESTART_AFTER);
		assert_int_equal(verdict(RESTART_ALWAYS, failures[i]), RESTART_AFTER);
		assert_int_equal(verdict(RESTART_NEVER, failures[i]), RESTART_STOPPED);
		assert_true(is_crash(RESTART_ON_FAILURE, failures[i]));
		assert_true(is_crash(RESTART_ALWAYS, failures[i]));
		assert_true(is_crash(RESTART_NEVER, failures[i]));
	}
}

static void stop_exit_codes_end_it_under_every_policy(void **state)
{
	static const int policies[] = { RESTART_ALWAYS, RESTART_ON_FAILURE, RESTART_NEVER };
	int64_t codes[] = { 0, SIGNAL_SEGV, 70 };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct spec s = plain();
		struct restart_history h = { .crashes = 7 };
		struct restart_decision d;

		s.restart = policies[i];
		s.stop_exit_codes = (struct ints){ codes, 3 };
		d = decide_at(&s, &h, (struct end){ END_EXITED, 70 }, 1000);
		assert_int_equal(d.verdict, RESTART_FINISHED);
		assert_false(d.is_crash);
		assert_int_equal(h.crashes, 0);
		assert_string_equal(in_words(&d.why), "exit code 70; not restarted (stop_exit_codes)");
		/* A signal of the same number, or an errno, is no exit code. */
		d = decide_at(&s, &h, (struct end){ END_SIGNALED, SIGNAL_SEGV }, 1000);
		assert_true(d.is_crash);
		d = decide_at(&s, &h, (struct end){ END_SPAWN_FAILED, 70 }, 1000);
		assert_true(d.is_crash);
	}
}

static void delays_double_to_the_limit(void **state)
{
	static const int64_t delays[] = { 100, 200, 400, 800, 1600, 3200, 6400, 12800, 25600, 30000, 30000 };
	struct spec s = plain();
	struct restart_history h = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(delays) / sizeof(delays[0]); i++) {
		struct restart_decision d = decide_at(&s, &h, exit_1, 1000);

		assert_int_equal(d.verdict, RESTART_AFTER);
		assert_int_equal(d.delay_ms, delays[i]);
		assert_int_equal(h.crashes, i + 1);
	}
}

static int64_t delay_for(int64_t base, int64_t most, int64_t crashes, double jitter)
{
	struct spec s = plain();
	struct restart_history h = { .crashes = crashes - 1 };
	struct restart_decision d;

	s.restart_delay_ms = base;
	s.restart_delay_max_ms = most;
	d = restart_after(&s, &h, exit_1, 1000, jitter);
	assert_int_equal(d.verdict, RESTART_AFTER);
	return d.delay_ms;
}

static void no_delay_overflows(void **state)
{
	(void)state;
	assert_int_equal(delay_for(1, INT64_MAX, 62, 0), INT64_C(1) << 61);
	assert_int_equal(delay_for(1, INT64_MAX, 63, 0), INT64_C(1) << 62);
	assert_int_equal(delay_for(1, INT64_MAX, 64, 0), INT64_MAX);
	assert_int_equal(delay_for(1, INT64_MAX, 1000000, 0.99), INT64_MAX);
	assert_int_equal(delay_for(INT64_MAX, INT64_MAX, 1000000, 0.99), INT64_MAX);
	assert_int_equal(delay_for(INT64_MAX / 2 + 1, INT64_MAX, 2, 0), INT64_MAX);
	assert_int_equal(delay_for(3, 1000, 1000000, 0.5), 1000);
	assert_int_equal(delay_for(3, 1000, INT64_MAX, 0), 1000);
	assert_int_equal(delay_for(0, 1000, 1000000, 0.5), 0);
	assert_int_equal(delay_for(0, 1000, INT64_MAX, 0.5), 0);
	assert_int_equal(delay_for(-5, 1000, 9, 0.5), 0);
	assert_int_equal(delay_for(60000, 30000, 1, 0.5), 30000);
	assert_int_equal(delay_for(100, 0, 5, 0.5), 0);
}

static void jitter_adds_a_tenth_and_never_passes_the_limit(void **state)
{
	(void)state;
	assert_int_equal(delay_for(1000, 30000, 1, 0), 1000);
	assert_int_equal(delay_for(1000, 30000, 1, 0.5), 1050);
	assert_int_equal(delay_for(1000, 30000, 1, 0.999), 1099);
	assert_int_equal(delay_for(1000, 30000, 3, 0.5), 4200);
	assert_int_equal(delay_for(29000, 30000, 1, 0.999), 30000);
	/* What no caller should draw does no harm. */
	assert_int_equal(delay_for(1000, 30000, 1, 77), 1100);
	assert_int_equal(delay_for(1000, 30000, 1, -1), 1000);
	assert_int_equal(delay_for(1000, 30000, 1, (double)NAN), 1000);
}

static void max_restarts_gives_up_after_that_many_crashes(void **state)
{
	static const int64_t delays[] = { 100, 200, 400, 800 };
	struct spec s = plain();
	struct restart_history h = { 0 };
	struct restart_decision d;

	(void)state;
	s.max_restarts = 5;
	for (size_t i = 0; i < 4; i++) {
		d = decide_at(&s, &h, exit_1, 1000);
		assert_int_equal(d.verdict, RESTART_AFTER);
		assert_int_equal(d.delay_ms, delays[i]);
	}
	d = decide_at(&s, &h, exit_1, 1000);
	assert_int_equal(d.verdict, RESTART_GIVE_UP);
	assert_true(d.is_crash);
	assert_int_equal(d.delay_ms, 0);
	assert_int_equal(h.crashes, 5);
	assert_string_equal(in_words(&d.why), "exit code 1, crash 5 in a row: max_restarts = 5 is reached");
	/* Somebody says start: it has all its tries again. */
	restart_forget(&h);
	assert_int_equal(decide_at(&s, &h, exit_1, 1000).delay_ms, 100);
	s.max_restarts = 1;
	restart_forget(&h);
	assert_int_equal(decide_at(&s, &h, exit_1, 1000).verdict, RESTART_GIVE_UP);
}

static void always_counts_exit_0_too(void **state)
{
	struct spec s = plain();
	struct restart_history h = { 0 };

	(void)state;
	s.restart = RESTART_ALWAYS;
	s.max_restarts = 3;
	assert_int_equal(decide_at(&s, &h, exit_0, 1000).delay_ms, 100);
	assert_int_equal(decide_at(&s, &h, exit_0, 1000).delay_ms, 200);
	assert_int_equal(decide_at(&s, &h, exit_0, 1000).verdict, RESTART_GIVE_UP);
}

static void a_good_long_run_forgets(void **state)
{
	struct spec s = plain();
	struct restart_history h = { .crashes = 9 };
	struct restart_decision d;

	(void)state;
	restart_ready(&h, 5000);
	d = decide_at(&s, &h, exit_1, 5000 + 60000);
	assert_int_equal(d.verdict, RESTART_AFTER);
	assert_int_equal(d.delay_ms, 0);
	assert_int_equal(h.crashes, 1);
	assert_string_equal(in_words(&d.why),
		"exit code 1 after restart_window_secs of being ready, starts again at once");
	/* The next one at once after it is the second in a row. */
	assert_int_equal(decide_at(&s, &h, exit_1, 65001).delay_ms, 200);
	/* One millisecond short is not long enough. */
	restart_ready(&h, 100000);
	assert_int_equal(decide_at(&s, &h, exit_1, 159999).delay_ms, 400);
	/* Jitter is for delays; at once is at once. */
	restart_ready(&h, 200000);
	assert_int_equal(restart_after(&s, &h, exit_1, 300000, 0.9).delay_ms, 0);
}

static void the_window_counts_from_ready(void **state)
{
	struct spec s = plain();
	struct restart_history h = { 0 };

	(void)state;
	/* Up for an hour and never ready: nothing is forgotten. */
	decide_at(&s, &h, exit_1, 1000);
	assert_int_equal(decide_at(&s, &h, (struct end){ END_NEVER_READY, 0 }, HOUR).delay_ms, 200);
	/* Readiness belongs to the run that had it, not to the next. */
	restart_ready(&h, 2LL * HOUR);
	assert_int_equal(decide_at(&s, &h, exit_1, 3LL * HOUR).delay_ms, 0);
	assert_int_equal(decide_at(&s, &h, exit_1, 4LL * HOUR).delay_ms, 200);
	/* Ready in the very first millisecond of the clock is ready. */
	restart_forget(&h);
	restart_ready(&h, 0);
	assert_int_equal(decide_at(&s, &h, exit_1, HOUR).delay_ms, 0);
	/* No window at all: having been ready is enough. */
	s.restart_window_ms = 0;
	restart_ready(&h, HOUR);
	assert_int_equal(decide_at(&s, &h, exit_1, HOUR).delay_ms, 0);
	assert_int_equal(h.crashes, 1);
}

static void a_slow_crasher_is_seen(void **state)
{
	struct spec s = plain();
	struct restart_history h = { 0 };
	int64_t now = 1000;
	int runs = 0;

	(void)state;
	s.max_restarts = 10;
	for (runs = 1; runs <= 100; runs++) {
		struct restart_decision d;

		restart_ready(&h, now);
		now += 20LL * SECOND;
		d = decide_at(&s, &h, exit_1, now);
		if (d.verdict == RESTART_GIVE_UP)
			break;
		now += d.delay_ms;
	}
	assert_int_equal(runs, 10);
}

static void years_of_daily_crashes_are_survived(void **state)
{
	struct spec s = plain();
	struct restart_history h = { 0 };
	int64_t now = 1;

	(void)state;
	s.max_restarts = 2;
	s.crash_restart_limit = 2;
	for (int day = 0; day < 50 * 365; day++) {
		struct restart_decision d;

		restart_ready(&h, now);
		now += DAY;
		d = decide_at(&s, &h, exit_1, now);
		assert_int_equal(d.verdict, RESTART_AFTER);
		assert_int_equal(d.delay_ms, 0);
		assert_int_equal(h.crashes, 1);
	}
	/* And at that age the limit still works. */
	assert_int_equal(decide_at(&s, &h, exit_1, now).verdict, RESTART_GIVE_UP);
}

static void a_million_crashes_keep_their_pace(void **state)
{
	struct spec s = plain();
	struct restart_history h = { 0 };
	int64_t now = 1;

	(void)state;
	s.restart_delay_max_ms = 1000;
	for (int i = 0; i < 1000000; i++) {
		struct restart_decision d = restart_after(&s, &h, exit_1, now, 0.5);

		assert_int_equal(d.verdict, RESTART_AFTER);
		assert_in_range(d.delay_ms, 100, 1000);
		now += d.delay_ms;
	}
	assert_int_equal(h.crashes, 1000000);
	assert_int_equal(h.recent_len, RESTART_HISTORY_MAX);
}

/* Crashes every `every` ms, with no delay, until it gives up; how many restarts that took, or -1. */
static int restarts_until_given_up(int64_t limit, int64_t every)
{
	struct spec s = plain();
	struct restart_history h = { 0 };
	int64_t now = 1000;

	s.restart_delay_ms = 0;
	s.crash_restart_limit = limit;
	for (int restarts = 0; restarts < 1000; restarts++) {
		if (decide_at(&s, &h, exit_1, now).verdict == RESTART_GIVE_UP)
			return restarts;
		now += every;
	}
	return -1;
}

static void the_five_minute_limit_counts_restarts(void **state)
{
	struct spec s = plain();
	struct restart_history h = { 0 };
	struct restart_decision d;

	(void)state;
	assert_int_equal(restarts_until_given_up(1, SECOND), 1);
	assert_int_equal(restarts_until_given_up(10, SECOND), 10);
	assert_int_equal(restarts_until_given_up(10, 29999), 10);
	assert_int_equal(restarts_until_given_up(10, 30000), -1);
	assert_int_equal(restarts_until_given_up(RESTART_HISTORY_MAX, 1), RESTART_HISTORY_MAX);
	assert_int_equal(restarts_until_given_up(100000, 1), RESTART_HISTORY_MAX);
	assert_int_equal(restarts_until_given_up(0, 1), -1);
	assert_int_equal(restarts_until_given_up(-1, 1), -1);
	/* A long delay between restarts is time that passes: no two of these lie within five minutes. */
	s.restart_delay_ms = 6LL * MINUTE;
	s.restart_delay_max_ms = 6LL * MINUTE;
	s.crash_restart_limit = 1;
	for (int64_t now = 1000; now < 10 * HOUR; now += 6LL * MINUTE + 1)
		assert_int_equal(decide_at(&s, &h, exit_1, now).verdict, RESTART_AFTER);
	/* After any time of good life, three quick crashes are three quick crashes. */
	s = plain();
	s.crash_restart_limit = 2;
	restart_forget(&h);
	restart_ready(&h, 1000);
	assert_int_equal(decide_at(&s, &h, exit_1, 400 * DAY).delay_ms, 0);
	assert_int_equal(decide_at(&s, &h, exit_1, 400 * DAY + 10).verdict, RESTART_AFTER);
	d = decide_at(&s, &h, exit_1, 400 * DAY + 20);
	assert_int_equal(d.verdict, RESTART_GIVE_UP);
	assert_string_equal(in_words(&d.why),
		"exit code 1, after 2 restarts in five minutes: crash_restart_limit is reached");
}

static void only_crashes_count(void **state)
{
	struct spec s = plain();
	struct restart_history h = { 0 };

	(void)state;
	s.max_restarts = 2;
	s.crash_restart_limit = 1;
	for (int night = 0; night < 11; night++) {
		restart_forget(&h);
		restart_ready(&h, (night + 1) * DAY);
	}
	assert_int_equal(decide_at(&s, &h, exit_1, 11 * DAY + 5).verdict, RESTART_AFTER);
}

static void a_failed_spawn_is_retried_for_ever(void **state)
{
	struct spec s = plain();
	struct restart_history h = { 0 };

	(void)state;
	for (int i = 0; i < 1000; i++) {
		struct restart_decision d = decide_at(&s, &h, (struct end){ END_SPAWN_FAILED, ENOENT }, 1000);

		assert_int_equal(d.verdict, RESTART_AFTER);
		assert_true(d.delay_ms > 0 && d.delay_ms <= 30000);
	}
}

static const char *why(struct restart_decision *d, const struct spec *s, struct end end, int64_t crashes)
{
	struct restart_history h = { .crashes = crashes };

	*d = decide_at(s, &h, end, 1000);
	return in_words(&d->why);
}

static void it_says_why(void **state)
{
	struct spec s = plain();
	struct restart_decision d;

	(void)state;
	assert_string_equal(why(&d, &s, exit_0, 0), "exit code 0; not restarted (restart = \"on-failure\")");
	assert_string_equal(why(&d, &s, exit_1, 0), "exit code 1, crash 1, starts again after 100 ms");
	assert_string_equal(why(&d, &s, (struct end){ END_SIGNALED, SIGNAL_KILL }, 1),
		"killed by SIGKILL, crash 2, delay doubled to 200 ms");
	assert_string_equal(why(&d, &s, (struct end){ END_SIGNALED, 40 }, 0),
		"killed by signal 40, crash 1, starts again after 100 ms");
	assert_string_equal(why(&d, &s, (struct end){ END_NEVER_READY, 0 }, 20),
		"a failed start, crash 21, starts again after 30000 ms (restart_delay_max_ms)");
	s.max_restarts = 5;
	assert_string_equal(why(&d, &s, (struct end){ END_UNHEALTHY, 0 }, 2),
		"a failed check (unhealthy_threshold), crash 3 of 5, delay doubled to 400 ms");
	s.restart_delay_ms = 1;
	assert_string_equal(why(&d, &s, exit_1, 0), "exit code 1, crash 1 of 5, starts again after 1 ms");
	s.restart_delay_ms = 0;
	assert_string_equal(why(&d, &s, (struct end){ END_SPAWN_FAILED, ENOENT }, 0),
		"not started, crash 1 of 5, starts again at once (restart_delay_ms = 0)");
	s.restart = RESTART_NEVER;
	assert_string_equal(why(&d, &s, exit_1, 0), "exit code 1; not restarted (restart = \"never\")");
}

static void an_unseen_end_is_no_crash(void **state)
{
	struct restart_history h = { .crashes = 3 };
	struct spec *s = spec_new("api");
	struct restart_decision d;

	(void)state;
	for (int policy = RESTART_ON_FAILURE; policy <= RESTART_NEVER; policy++) {
		s->restart = policy;
		d = restart_after(s, &h, (struct end){ .kind = END_UNSEEN }, 5000, 0.5);
		assert_int_equal(d.verdict, policy == RESTART_NEVER ? RESTART_STOPPED : RESTART_AFTER);
		assert_int_equal(h.crashes, 3);
	}
	spec_free(s);
}

static void the_longest_words_fit(void **state)
{
	struct spec s = plain();
	struct restart_decision d;

	(void)state;
	s.max_restarts = INT64_MAX;
	s.restart_delay_max_ms = INT64_MAX - 1;
	for (int code = 0; code < 140; code++) {
		/* Not cut off, even where every number has nineteen digits. */
		assert_true(str_ends(why(&d, &s, (struct end){ END_SPAWN_FAILED, code }, INT64_MAX - 2),
			" ms (restart_delay_max_ms)"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("each policy accepts what it says and no more", policies_accept_what_they_say),
		PROMISE("an exit code in stop_exit_codes ends it under every policy, a signal of that number does not",
			stop_exit_codes_end_it_under_every_policy),
		PROMISE("delays double up to restart_delay_max_ms", delays_double_to_the_limit),
		PROMISE("no delay overflows, after a million crashes and with the largest numbers",
			no_delay_overflows),
		PROMISE("jitter adds up to a tenth and never passes the limit",
			jitter_adds_a_tenth_and_never_passes_the_limit),
		PROMISE("max_restarts = 5 gives up at the fifth crash in a row",
			max_restarts_gives_up_after_that_many_crashes),
		PROMISE("under restart = always an exit with 0 waits and counts like any other",
			always_counts_exit_0_too),
		PROMISE("the first crash after a good long run is restarted at once and forgets earlier ones",
			a_good_long_run_forgets),
		PROMISE("the window counts from being ready, never from the spawn",
			the_window_counts_from_ready),
		PROMISE("one that dies every 20 seconds is seen", a_slow_crasher_is_seen),
		PROMISE("fifty years of one crash a day are survived, and the limit works at that age",
			years_of_daily_crashes_are_survived),
		PROMISE("a million crashes in a row keep their pace", a_million_crashes_keep_their_pace),
		PROMISE("crash_restart_limit counts automatic restarts in five minutes, at any age",
			the_five_minute_limit_counts_restarts),
		PROMISE("eleven nightly restarts do not count, the one crash is restarted",
			only_crashes_count),
		PROMISE("a spawn that fails is retried for ever", a_failed_spawn_is_retried_for_ever),
		PROMISE("a decision has a reason that names the key", it_says_why),
		PROMISE("an end that nobody saw is no crash", an_unseen_end_is_no_crash),
		PROMISE("the longest words fit", the_longest_words_fit),
	};

	return cmocka_run_group_tests_name("restart", tests, NULL, NULL);
}
