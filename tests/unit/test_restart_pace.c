/*
 * How soon: after a long healthy life, and with no delay at all.
 */
#include "rules/restart.h"

#include "base/diag.h"
#include "base/json.h"
#include "in_words.h"
#include "model/fields.h"
#include "model/oxfile.h"
#include "unit.h"

enum { SECOND = 1000, MINUTE = 60 * SECOND };

static const struct end exit_1 = { END_EXITED, 1 };

static struct spec *read_app(const char *rows)
{
	const struct oxfile_options options = { .path = "oxfile.toml", .folder = "/srv" };
	struct diags d = DIAGS_INIT;
	struct buf text = BUF_INIT;
	struct oxfile *o = NULL;
	struct spec *s = NULL;

	buf_addf(&text, "[processes.api]\ncommand = \"true\"\n%s", rows);
	o = oxfile_read(text.ptr, text.len, &options, &d);
	assert_non_null(o);
	s = spec_clone(o->specs.items[0]);
	oxfile_free(o);
	buf_release(&text);
	diags_release(&d);
	return s;
}

/* The delay after an hour of health. */
static int64_t delay_after_an_hour(const struct spec *s)
{
	struct restart_history h = { .crashes = 3 };

	restart_ready(&h, 1000);
	return restart_after(s, &h, exit_1, 1000 + 60LL * MINUTE, 0).delay_ms;
}

static void a_written_delay_is_honoured(void **state)
{
	struct spec *plain = read_app("");
	struct spec *slow = read_app("restart_delay_ms = 5000\n");
	struct spec *same = read_app("restart_delay_ms = 100\n");
	struct spec *none = read_app("restart_delay = 0\n");

	(void)state;
	assert_int_equal(delay_after_an_hour(plain), 0);
	assert_int_equal(delay_after_an_hour(slow), 5000);
	assert_int_equal(delay_after_an_hour(same), 100);
	assert_int_equal(delay_after_an_hour(none), 0);
	assert_false(spec_equal(plain, same));
	spec_free(plain);
	spec_free(slow);
	spec_free(same);
	spec_free(none);
}

static void it_is_still_known_to_be_written(void **state)
{
	struct spec *s = read_app("restart_delay_ms = 100\n");
	struct json *j = spec_to_json(s);
	struct spec *back = spec_from_json(j, NULL);

	(void)state;
	assert_non_null(back);
	assert_true(spec_equal(s, back));
	assert_int_equal(delay_after_an_hour(back), 100);
	json_free(j);
	spec_free(s);
	spec_free(back);
}

/* How often one that ends as soon as it is up is started in the second that begins `from` ms after its first end. */
static int starts_in_a_second(const struct spec *s, int64_t from, bool becomes_ready)
{
	struct restart_history h = { 0 };
	int64_t now = 1000;
	int starts = 0;

	while (now < 1000 + from + SECOND) {
		struct restart_decision d;

		if (becomes_ready)
			restart_ready(&h, now);
		d = restart_after(s, &h, exit_1, now, 0.5);
		assert_int_equal(d.verdict, RESTART_AFTER);
		now += d.delay_ms + 1;
		starts += now >= 1000 + from && now < 1000 + from + SECOND;
	}
	return starts;
}

static void no_delay_does_not_run_hot(void **state)
{
	struct spec *s = read_app("restart_delay_ms = 0\n");
	struct restart_history h = { 0 };
	struct restart_decision d;

	(void)state;
	for (int i = 0; i < RESTART_FAST_MAX; i++)
		assert_int_equal(restart_after(s, &h, exit_1, 1000 + i, 0).delay_ms, 0);
	d = restart_after(s, &h, exit_1, 1010, 0);
	assert_string_equal(
		in_words(&d.why), "exit code 1, crash 6, starts again after 100 ms (it restarts too fast)");
	assert_in_range(starts_in_a_second(s, 0, false), 5, 15);
	assert_in_range(starts_in_a_second(s, SECOND, false), 5, 10);
	assert_in_range(starts_in_a_second(s, MINUTE, false), 5, 10);
	/* One crash a second is not hot. */
	restart_forget(&h);
	for (int i = 0; i < 100; i++)
		assert_int_equal(restart_after(s, &h, exit_1, 1000LL * i, 0).delay_ms, 0);
	spec_free(s);
}

static void nor_does_one_that_is_ready_each_time(void **state)
{
	struct spec *s = read_app("restart_window_secs = 0\n");

	(void)state;
	assert_in_range(starts_in_a_second(s, SECOND, true), 5, 10);
	spec_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("restart_delay_ms that was written is honoured after a long healthy life too",
			a_written_delay_is_honoured),
		PROMISE("a remembered app still knows that its delay was written",
			it_is_still_known_to_be_written),
		PROMISE("with restart_delay_ms = 0 it starts at most ten times a second after the first few",
			no_delay_does_not_run_hot),
		PROMISE("the same holds for one that becomes ready each time before it ends",
			nor_does_one_that_is_ready_each_time),
	};

	return cmocka_run_group_tests_name("restart pace", tests, NULL, NULL);
}
