#include "rules/cron.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "unit.h"

static struct cron read_cron(const char *text)
{
	struct cron c = { 0 };
	struct err e = ERR_INIT;

	if (cron_parse(text, &c, &e) < 0)
		fail_msg("'%s': %s", text, e.text.ptr);
	err_release(&e);
	return c;
}

static void assert_same(const char *a, const char *b)
{
	struct cron left = read_cron(a);
	struct cron right = read_cron(b);

	assert_true(left.minutes == right.minutes);
	assert_int_equal(left.hours, right.hours);
	assert_int_equal(left.days, right.days);
	assert_int_equal(left.months, right.months);
	assert_int_equal(left.weekdays, right.weekdays);
}

static void assert_refused(const char *text, const char *words)
{
	struct cron c = { .minutes = 42 };
	struct err e = ERR_INIT;

	assert_int_equal(cron_parse(text, &c, &e), -1);
	assert_string_equal(e.text.ptr, words);
	assert_int_equal(c.minutes, 42);
	err_release(&e);
	assert_int_equal(cron_parse(text, &c, NULL), -1);
}

static void assert_next(const char *text, struct civil after, struct civil expected)
{
	struct cron c = read_cron(text);
	struct civil next = { 0 };

	assert_true(cron_next(&c, after, &next));
	assert_memory_equal(&next, &expected, sizeof(next));
}

static void fields_become_bits(void **state)
{
	struct cron c = read_cron("*/15 8-18 1,15 * 1-5");

	(void)state;
	assert_true(c.minutes == (1ULL | 1ULL << 15 | 1ULL << 30 | 1ULL << 45));
	assert_int_equal(c.hours, 0x7ff << 8);
	assert_int_equal(c.days, 1 << 1 | 1 << 15);
	assert_int_equal(c.months, 0x1ffe);
	assert_int_equal(c.weekdays, 0x3e);
	assert_false(c.any_day);
	assert_false(c.any_weekday);
	c = read_cron("59 23 31 12 *");
	assert_true(c.minutes == 1ULL << 59);
	assert_int_equal(c.weekdays, 0x7f);
	assert_true(c.any_weekday);
	assert_true(read_cron("* * */2 * *").any_day);
}

static void spellings_are_the_same(void **state)
{
	(void)state;
	assert_same("0 0 1 JAN SUN", "0 0 1 1 0");
	assert_same("0 0 * jan-Mar,DEC mon-fri", "0 0 * 1-3,12 1-5");
	assert_same("0 0 * * 7", "0 0 * * 0");
	assert_same("0 0 * * 5-7", "0 0 * * 0,5,6");
	assert_same("0 0 * * FRI-SUN", "0 0 * * 5,6,0");
	assert_same("0 0 * * SUN-TUE", "0 0 * * 0-2");
	assert_same("0 0 * * 0-7", "0 0 * * *");
	assert_same("0 0 * * */7", "0 0 * * 0");
	assert_same("5/20 * * * *", "5,25,45 * * * *");
	assert_same("10-30/10 * * * *", "10,20,30 * * * *");
	assert_same("*/100 * * * *", "0 * * * *");
	assert_same("00 01 001 * *", "0 1 1 * *");
	assert_same("  0\t1  2 3   4\t ", "0 1 2 3 4");
	assert_same("1,1,1-3,2 * * * *", "1-3 * * * *");
	assert_same("@hourly", "0 * * * *");
	assert_same("@daily", "0 0 * * *");
	assert_same("@midnight", "0 0 * * *");
	assert_same("@weekly", "0 0 * * 0");
	assert_same("@monthly", "0 0 1 * *");
	assert_same("@yearly", "0 0 1 1 *");
	assert_same(" @Annually ", "@yearly");
}

static void mistakes_are_told_with_their_field(void **state)
{
	(void)state;
	assert_refused("0 25 * * *", "cron field 2 (hour): '25' is outside 0..23");
	assert_refused("60 * * * *", "cron field 1 (minute): '60' is outside 0..59");
	assert_refused("* * 0 * *", "cron field 3 (day): '0' is outside 1..31");
	assert_refused("* * * 13 *", "cron field 4 (month): '13' is outside 1..12");
	assert_refused("* * * * 8", "cron field 5 (weekday): '8' is outside 0..7");
	assert_refused("1-99999999999999999999 * * * *",
		"cron field 1 (minute): '99999999999999999999' is outside 0..59");
	assert_refused("* * * FOO *", "cron field 4 (month): 'FOO' is no number and no name");
	assert_refused("* * * * JAN", "cron field 5 (weekday): 'JAN' is no number and no name");
	assert_refused("-1 * * * *", "cron field 1 (minute): '' is no number");
	assert_refused("1, * * * *", "cron field 1 (minute): '' is no number");
	assert_refused("1-2-3 * * * *", "cron field 1 (minute): '2-3' is no number");
	assert_refused("** * * * *", "cron field 1 (minute): '**' is no number");
	assert_refused("*-5 * * * *", "cron field 1 (minute): '*' is no number");
	assert_refused("30-10 * * * *", "cron field 1 (minute): '30-10' begins after its end");
	assert_refused("* * * * SAT-MON", "cron field 5 (weekday): 'SAT-MON' begins after its end");
	assert_refused("*/0 * * * *", "cron field 1 (minute): '*/0' has no step of 1 or more after '/'");
	assert_refused("*/ * * * *", "cron field 1 (minute): '*/' has no step of 1 or more after '/'");
	assert_refused("*/2/3 * * * *", "cron field 1 (minute): '*/2/3' has no step of 1 or more after '/'");
	assert_refused("", "cron: expected 5 fields (minute hour day month weekday), found 0");
	assert_refused("* * * *", "cron: expected 5 fields (minute hour day month weekday), found 4");
	assert_refused("0 * * * * *", "cron: expected 5 fields (minute hour day month weekday), found 6");
	assert_refused("@reboot",
		"cron: '@reboot' is not known; there are @hourly, @daily, @midnight, @weekly, "
		"@monthly, @yearly and @annually");
	assert_refused("@daily *", "cron: expected 5 fields (minute hour day month weekday), found 2");
	assert_refused("* * *\n* *", "cron: expected 5 fields (minute hour day month weekday), found 4");
}

static void long_mistakes_are_cut_between_characters(void **state)
{
	(void)state;
	assert_refused("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx * * * *",
		"cron field 1 (minute): 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx' is no number");
	assert_refused("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\xc3\xa9\xc3\xa9 * * * *",
		"cron field 1 (minute): 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx' is no number");
	assert_refused("\xff\x80 * * * *", "cron field 1 (minute): '\xff\x80' is no number");
}

static void weekdays_are_the_calendars(void **state)
{
	(void)state;
	assert_int_equal(civil_weekday(1970, 1, 1), 4);
	assert_int_equal(civil_weekday(2000, 2, 29), 2);
	assert_int_equal(civil_weekday(2026, 11, 20), 5);
	assert_int_equal(civil_weekday(2038, 1, 19), 2);
	assert_int_equal(civil_weekday(2100, 3, 1), 1);
	assert_int_equal(civil_weekday(1, 1, 1), 1);
	assert_int_equal(civil_weekday(9999, 12, 31), 5);
}

static void day_and_weekday_are_either_or(void **state)
{
	struct cron c = read_cron("0 0 13 * FRI");

	(void)state;
	assert_true(cron_matches(&c, (struct civil){ 2026, 11, 13, 0, 0 }));
	assert_true(cron_matches(&c, (struct civil){ 2026, 11, 20, 0, 0 }));
	assert_true(cron_matches(&c, (struct civil){ 2026, 12, 13, 0, 0 }));
	assert_false(cron_matches(&c, (struct civil){ 2026, 11, 14, 0, 0 }));
	assert_false(cron_matches(&c, (struct civil){ 2026, 11, 13, 0, 1 }));
	assert_false(cron_matches(&c, (struct civil){ 2026, 11, 13, 1, 0 }));
	/* With a `*` in front of one of them, both must agree: odd days that are Mondays. */
	c = read_cron("0 0 */2 * MON");
	assert_true(cron_matches(&c, (struct civil){ 2026, 11, 23, 0, 0 }));
	assert_false(cron_matches(&c, (struct civil){ 2026, 11, 16, 0, 0 }));
	assert_false(cron_matches(&c, (struct civil){ 2026, 11, 21, 0, 0 }));
}

static void next_is_after(void **state)
{
	(void)state;
	assert_next(
		"* * * * *", (struct civil){ 2026, 11, 20, 10, 0 }, (struct civil){ 2026, 11, 20, 10, 1 });
	assert_next("0 3 * * *", (struct civil){ 2026, 11, 20, 2, 59 }, (struct civil){ 2026, 11, 20, 3, 0 });
	assert_next("0 3 * * *", (struct civil){ 2026, 11, 20, 3, 0 }, (struct civil){ 2026, 11, 21, 3, 0 });
	assert_next("* * * * *", (struct civil){ 2026, 12, 31, 23, 59 }, (struct civil){ 2027, 1, 1, 0, 0 });
	assert_next("@yearly", (struct civil){ 2026, 1, 1, 0, 0 }, (struct civil){ 2027, 1, 1, 0, 0 });
	assert_next("0 0 31 * *", (struct civil){ 2026, 1, 31, 0, 0 }, (struct civil){ 2026, 3, 31, 0, 0 });
	assert_next("30 9 * * MON-FRI", (struct civil){ 2026, 11, 20, 9, 30 },
		(struct civil){ 2026, 11, 23, 9, 30 });
	assert_next("0 0 29 2 *", (struct civil){ 2026, 3, 1, 0, 0 }, (struct civil){ 2028, 2, 29, 0, 0 });
	assert_next("0 0 29 2 *", (struct civil){ 2096, 2, 29, 0, 0 }, (struct civil){ 2104, 2, 29, 0, 0 });
}

static void what_never_comes_is_said(void **state)
{
	static const char *const never[] = { "0 0 30 2 *", "0 0 31 4,6,9,11 *", "0 0 30,31 FEB *" };
	struct civil next = { 1, 2, 3, 4, 5 };

	(void)state;
	for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++) {
		struct cron c = read_cron(never[i]);

		assert_false(cron_next(&c, (struct civil){ 2026, 11, 20, 10, 0 }, &next));
		assert_int_equal(next.year, 1);
	}
}

static int days_of(int year, int month)
{
	if (month == 2)
		return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28;
	return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

/* Day by day through each month of a leap year and of another one. */
static void days_follow_each_other(void **state)
{
	static const char *const texts[] = { "0 0 * * *", "0 0 1-31 * *", "0 0 13 * 0-6" };
	struct civil next = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct cron c = read_cron(texts[i]);
		struct civil at = { 2023, 12, 31, 0, 0 };

		for (int year = 2024; year <= 2025; year++)
			for (int month = 1; month <= 12; month++)
				for (int day = 1; day <= days_of(year, month); day++) {
					struct civil expected = { year, month, day, 0, 0 };

					assert_true(cron_next(&c, at, &next));
					assert_memory_equal(&next, &expected, sizeof(next));
					at = next;
				}
	}
}

/* Each day is one weekday on, from a Friday through more than a century and both kinds of century's end. */
static void weekdays_follow_each_other(void **state)
{
	int weekday = 5;

	(void)state;
	for (int year = 1999; year < 2102; year++)
		for (int month = 1; month <= 12; month++)
			for (int day = 1; day <= days_of(year, month); day++, weekday = (weekday + 1) % 7)
				assert_int_equal(civil_weekday(year, month, day), weekday);
}

/* One minute on, the dull way. */
static struct civil tick(struct civil at)
{
	if (++at.minute < 60)
		return at;
	at.minute = 0;
	if (++at.hour < 24)
		return at;
	at.hour = 0;
	if (++at.day <= days_of(at.year, at.month))
		return at;
	at.day = 1;
	if (++at.month <= 12)
		return at;
	at.month = 1;
	at.year++;
	return at;
}

static void agrees_with_looking_at_every_minute(void **state)
{
	static const char *const texts[] = {
		"* * * * *",
		"*/7 * * * *",
		"59 23 * * *",
		"0 0 1 * *",
		"0 0 29 2 *",
		"13 4 31 * *",
		"0 12 * * MON",
		"0 12 13 * FRI",
		"5-50/9 */5 * * *",
		"0 0 */2 * TUE",
		"30 1 * 3,9 SUN",
		"17 6-9/2 5,6 7 3",
		"0 0 1 1 0",
		"@weekly",
		"1/29 22/1 28-31 */2 *",
		"0 0 * FEB 1-5",
		"0 0 31 12 *",
		"45 23 28 2 SAT",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct cron c = read_cron(texts[i]);
		struct civil at = { 2023, 12, 30, 11, 7 };
		struct civil next = { 0 };

		assert_true(cron_next(&c, at, &next));
		/* Past two new years and a 29 February: next is right from every minute on the way. */
		while (at.year < 2026) {
			at = tick(at);
			if (!cron_matches(&c, at))
				continue;
			if (memcmp(&at, &next, sizeof(at)) != 0)
				fail_msg("'%s': %d-%d-%d %d:%d was missed", texts[i], at.year, at.month,
					at.day, at.hour, at.minute);
			assert_true(cron_next(&c, at, &next));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("lists, ranges and steps become bits", fields_become_bits),
		PROMISE("names, words, blanks and Sunday's two numbers mean the same",
			spellings_are_the_same),
		PROMISE("a mistake is reported with its field", mistakes_are_told_with_their_field),
		PROMISE("a long mistake is cut between two characters",
			long_mistakes_are_cut_between_characters),
		PROMISE("weekdays are those of the calendar", weekdays_are_the_calendars),
		PROMISE("weekdays follow each other through months and leap years",
			weekdays_follow_each_other),
		PROMISE("a schedule for every day, written in any way, has every day of the calendar and no other",
			days_follow_each_other),
		PROMISE("day and weekday together are either-or, unless one begins with *",
			day_and_weekday_are_either_or),
		PROMISE("the next match is after its minute, over months, years and leap days",
			next_is_after),
		PROMISE("a day that never comes is said to have no next", what_never_comes_is_said),
		PROMISE("the next match is the one found by looking at every minute of two years",
			agrees_with_looking_at_every_minute),
	};

	return cmocka_run_group_tests_name("cron", tests, NULL, NULL);
}
