/* Moments as people type them. */
#include "rules/time_parse.h"

#include <string.h>

#include "base/err.h"
#include "base/utc.h"
#include "unit.h"

/* Two hours east of Greenwich. */
#define EAST_MS INT64_C(7200000)

static int64_t now_ms(void)
{
	int64_t ms = 0;

	assert_true(utc_parse("2026-11-20T10:30:00.000Z", &ms));
	return ms;
}

/* What it is read as: UTC, or with "local " before it. */
static void reads(const char *text, const char *expected)
{
	struct time_point w = { .ms = 0 };
	struct buf is = BUF_INIT;
	struct err e = ERR_INIT;

	assert_int_equal(time_parse(text, now_ms(), now_ms() + EAST_MS, &w, &e), 0);
	if (w.is_local)
		buf_adds(&is, "local ");
	utc_print(&is, w.ms);
	assert_string_equal(is.ptr, expected);
	buf_release(&is);
	err_release(&e);
}

static void ago(void **state)
{
	(void)state;
	reads("10m", "2026-11-20T10:20:00.000Z");
	reads("2h", "2026-11-20T08:30:00.000Z");
	reads("0s", "2026-11-20T10:30:00.000Z");
	reads("500ms", "2026-11-20T10:29:59.500Z");
}

static void of_the_clock(void **state)
{
	(void)state;
	reads("10:30", "local 2026-11-20T10:30:00.000Z");
	reads("12:30:00", "local 2026-11-20T12:30:00.000Z");
	reads("12:30:01", "local 2026-11-19T12:30:01.000Z");
	reads("23:59:59.999", "local 2026-11-19T23:59:59.999Z");
}

static void dates(void **state)
{
	(void)state;
	reads("2026-11-20", "local 2026-11-20T00:00:00.000Z");
	reads("2026-11-20T10:00", "local 2026-11-20T10:00:00.000Z");
	reads("2026-11-20 10:00:05", "local 2026-11-20T10:00:05.000Z");
	reads("2026-11-20T10:00:05.250Z", "2026-11-20T10:00:05.250Z");
	reads("2026-11-20T10:00Z", "2026-11-20T10:00:00.000Z");
}

static void nonsense(void **state)
{
	static const char *const texts[] = { "", "yesterday", "10", "25:00", "10:60", "2026-02-30",
		"2026-11-20T", "2026-11-20T10", "2026-11-20T10:00x", "2026-11-20Z", "-5m", "10:30Z",
		"99999999999999h" };
	struct time_point w = { .ms = 0 };
	struct err e = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		assert_int_equal(time_parse(texts[i], now_ms(), now_ms(), &w, &e), -1);
		assert_non_null(strstr(e.text.ptr, "is no time"));
	}
	err_release(&e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("a duration is so long ago", ago),
		PROMISE("a time alone is the last time that it was so", of_the_clock),
		PROMISE("a date is its first moment, with a time that, with a Z in UTC", dates),
		PROMISE("what is no time is refused, with an example of one", nonsense),
	};

	return cmocka_run_group_tests_name("when", tests, NULL, NULL);
}
