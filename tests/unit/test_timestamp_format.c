#include "rules/timestamp_format.h"

#include <string.h>

#include "unit.h"

/* Thursday the 7th of March 2024, 00:05:09.042 in a place an hour and a half behind. */
static const struct wall_time moment = {
	.epoch_ms = 1709775309042,
	.year = 2024,
	.month = 3,
	.day = 7,
	.hour = 0,
	.minute = 5,
	.second = 9,
	.ms = 42,
	.weekday = 4,
	.yearday = 67,
	.east_minutes = -90,
	.zone = "XST",
};

static void assert_prints(const char *format, const struct wall_time *at, const char *expected)
{
	struct timestamp_format *s = timestamp_format_new(format);
	struct buf b = BUF_INIT;

	timestamp_format_print(s, at, &b);
	assert_true(b.len >= 2);
	assert_string_equal(b.ptr + b.len - 2, ": ");
	buf_cut(&b, b.len - 2);
	assert_string_equal(b.ptr, expected);
	buf_release(&b);
	timestamp_format_free(s);
}

static void words_as_pm2_users_write_them(void **state)
{
	(void)state;
	assert_prints("YYYY-MM-DD HH:mm:ss", &moment, "2024-03-07 00:05:09");
	assert_prints("YYYY-MM-DDTHH:mm:ss.SSSZ", &moment, "2024-03-07T00:05:09.042-01:30");
	assert_prints("D/M/YY h:m:s a ZZ", &moment, "7/3/24 12:5:9 am -0130");
	assert_prints("dddd ddd MMMM MMM DDD DDDD", &moment, "Thursday Thu March Mar 67 067");
	assert_prints("X x S SS A hh H", &moment, "1709775309 1709775309042 0 04 AM 12 0");
}

static void percent_as_strftime(void **state)
{
	(void)state;
	assert_prints("%Y-%m-%d %H:%M:%S", &moment, "2024-03-07 00:05:09");
	assert_prints("%FT%T.%L%z", &moment, "2024-03-07T00:05:09.042-0130");
	assert_prints(
		"%a %A %b %B %e %j %y %I %p %P %Z", &moment, "Thu Thursday Mar March  7 067 24 12 AM am XST");
	assert_prints("%s %f %N %u %w %R %D", &moment, "1709775309 042000 042000000 4 4 00:05 03/07/24");
	assert_prints("%c", &moment, "Thu Mar  7 00:05:09 2024");
	assert_prints("%k|%l", &moment, " 0|12");
}

static void what_is_unknown_stays(void **state)
{
	(void)state;
	assert_prints("%Q %% %", &moment, "%Q % %");
	assert_prints("[at] HH [o'clock", &moment, "at 00 [o'clock");
	assert_prints("YYYYY MMMMM", &moment, "YYYYY MMMMM");
	assert_prints("[]", &moment, "");
	assert_prints("->", &moment, "->");
}

static void edges_of_the_clock(void **state)
{
	struct wall_time at = moment;

	(void)state;
	at.weekday = 0;
	at.hour = 23;
	at.east_minutes = 345;
	assert_prints("%u %a %I %p %z", &at, "7 Sun 11 PM +0545");
	at.hour = 12;
	assert_prints("h A", &at, "12 PM");
	at.year = 12024;
	assert_prints("YYYY %", &at, "YYYY %");
	assert_prints("YYYY", &at, "12024");
}

static void a_long_format_is_cut(void **state)
{
	char format[1024];
	struct timestamp_format *s = NULL;
	struct buf b = BUF_INIT;

	(void)state;
	memset(format, '-', sizeof(format));
	format[sizeof(format) - 1] = '\0';
	s = timestamp_format_new(format);
	timestamp_format_print(s, &moment, &b);
	assert_int_equal(b.len, STAMP_MAX);
	assert_string_equal(b.ptr + STAMP_MAX - 3, "-: ");
	buf_release(&b);
	timestamp_format_free(s);
	timestamp_format_free(NULL);
}

static void assert_stamps(size_t size, const char *text, const char *expected)
{
	char room[64];
	struct timestamp_writer s = { .stamp = "T: ", .stamp_len = 3, .room = room, .size = size };
	struct buf b = BUF_INIT;
	size_t len = strlen(text);
	size_t eaten = 0;

	while (len) {
		size_t made = timestamp_lines(&s, text, len, &eaten);

		assert_true(made <= size && eaten > 0);
		buf_add(&b, room, made);
		text += eaten;
		len -= eaten;
	}
	assert_string_equal(b.ptr, expected);
	buf_release(&b);
}

static void every_line_gets_one_stamp(void **state)
{
	(void)state;
	for (size_t size = 5; size <= 64; size++) {
		assert_stamps(size, "", "");
		assert_stamps(size, "one\ntwo\n\nfour", "T: one\nT: two\nT: \nT: four");
		assert_stamps(size, "\n\n\n", "T: \nT: \nT: \n");
		assert_stamps(
			size, "a line much longer than some rooms", "T: a line much longer than some rooms");
	}
}

static void a_line_that_has_its_stamp_goes_on(void **state)
{
	char room[64];
	struct timestamp_writer s = {
		.stamp = "T: ", .stamp_len = 3, .is_mid_line = true, .room = room, .size = sizeof(room)
	};
	size_t eaten = 0;

	(void)state;
	assert_int_equal(timestamp_lines(&s, "end\nnext", 8, &eaten), 11);
	assert_memory_equal(room, "end\nT: next", 11);
	assert_int_equal(eaten, 8);
	assert_true(s.is_mid_line);
	assert_int_equal(timestamp_lines(&s, "\n", 1, &eaten), 1);
	assert_false(s.is_mid_line);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("a format of words is read as dayjs reads it", words_as_pm2_users_write_them),
		PROMISE("a format with % is read as strftime reads it", percent_as_strftime),
		PROMISE("what a format does not know stays as it is written", what_is_unknown_stays),
		PROMISE("noon, midnight, Sunday and half zones are right", edges_of_the_clock),
		PROMISE("every line gets one stamp, whatever the room", every_line_gets_one_stamp),
		PROMISE("a line that has its stamp gets no second one", a_line_that_has_its_stamp_goes_on),
		PROMISE("a stamp is never longer than STAMP_MAX", a_long_format_is_cut),
	};

	return cmocka_run_group_tests_name("stamp", tests, NULL, NULL);
}
