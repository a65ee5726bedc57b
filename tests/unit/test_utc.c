#include "base/utc.h"

#include "unit.h"

static void times_are_utc(void **state)
{
	static const struct {
		int64_t ms;
		const char *text;
	} cases[] = {
		{ 0, "1970-01-01T00:00:00.000Z" },
		{ -1, "1969-12-31T23:59:59.999Z" },
		{ 951782400000, "2000-02-29T00:00:00.000Z" },
		{ 2147483648000, "2038-01-19T03:14:08.000Z" },
		{ 253402300799999, "9999-12-31T23:59:59.999Z" },
	};

	(void)state;
	for (size_t k = 0; k < sizeof(cases) / sizeof(cases[0]); k++) {
		struct buf out = BUF_INIT;
		int64_t ms = 1;

		utc_print(&out, cases[k].ms);
		assert_string_equal(out.ptr, cases[k].text);
		assert_true(utc_parse(out.ptr, &ms));
		assert_int_equal(ms, cases[k].ms);
		buf_release(&out);
	}
}

static void what_is_no_time_is_refused(void **state)
{
	static const char *const texts[] = { "", "2026-11-20", "2026-02-30T00:00:00.000Z",
		"2026-13-01T00:00:00.000Z", "2026-11-20T24:00:00.000Z", "2026-11-20T19:55:01.120+",
		"2026-11-20 19:55:01.120Z", "2026-11-00T19:55:01.120Z", "2026-1a-20T19:55:01.120Z" };
	int64_t ms = 0;

	(void)state;
	for (size_t k = 0; k < sizeof(texts) / sizeof(texts[0]); k++)
		assert_false(utc_parse(texts[k], &ms));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("times are printed in UTC and read back, over leap days and far years",
			times_are_utc),
		PROMISE("what is no time is refused", what_is_no_time_is_refused),
	};

	return cmocka_run_group_tests_name("utc", tests, NULL, NULL);
}
