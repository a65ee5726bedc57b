/* When a cron expression matches, in the calendar; cron.c reads the text. */
#include "base/assert.h"
#include "rules/cron.h"

enum { YEARS_AHEAD = 8 }; /* 29 February may be that far: 2096 to 2104 */

/* From 0, and within bounds for any number: a month that does not exist gives a wrong date, not a wild read. */
static unsigned int month_index(int month)
{
	return ((unsigned int)month + 11) % 12;
}

int civil_weekday(int year, int month, int day)
{
	/* What each month adds to a year that begins in March, so that a leap day comes last. */
	static const int offset[] = { 0, 3, 2, 5, 0, 3, 5, 1, 4, 6, 2, 4 };
	int y = year - (month < 3);

	return (y + y / 4 - y / 100 + y / 400 + offset[month_index(month)] + day) % 7;
}

static int days_in(int year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

	return days[month_index(month)] + (month == 2 && is_leap);
}

static bool is_day(const struct cron *c, const struct civil *at)
{
	bool day = c->days >> at->day & 1;
	bool weekday = c->weekdays >> civil_weekday(at->year, at->month, at->day) & 1;

	ASSERT(at->day >= 1 && at->day <= days_in(at->year, at->month),
		"there is no day %d in month %d of %d", at->day, at->month, at->year);
	/* A field with `*` in front restricts nothing by itself, so both must agree; two restrictions both hold. */
	return c->any_day || c->any_weekday ? day && weekday : day || weekday;
}

bool cron_matches(const struct cron *c, struct civil at)
{
	ASSERT(at.month >= 1 && at.month <= 12 && at.hour >= 0 && at.hour <= 23 && at.minute >= 0 &&
			at.minute <= 59,
		"month %d, hour %d, minute %d are no time", at.month, at.hour, at.minute);
	return c->months >> at.month & 1 && is_day(c, &at) && c->hours >> at.hour & 1 &&
		c->minutes >> at.minute & 1;
}

static void next_month(struct civil *at)
{
	ASSERT(at->month >= 1 && at->month <= 12, "there is no month %d", at->month);
	at->day = 1;
	at->hour = 0;
	at->minute = 0;
	if (++at->month > 12) {
		at->month = 1;
		at->year++;
	}
}

static void next_day(struct civil *at)
{
	at->hour = 0;
	at->minute = 0;
	if (++at->day > days_in(at->year, at->month))
		next_month(at);
}

static void next_hour(struct civil *at)
{
	at->minute = 0;
	if (++at->hour > 23)
		next_day(at);
}

static void next_minute(struct civil *at)
{
	if (++at->minute > 59)
		next_hour(at);
}

bool cron_next(const struct cron *c, struct civil after, struct civil *next)
{
	struct civil at = after;

	next_minute(&at);
	while (at.year <= after.year + YEARS_AHEAD) {
		if (!(c->months >> at.month & 1))
			next_month(&at);
		else if (!is_day(c, &at))
			next_day(&at);
		else if (!(c->hours >> at.hour & 1))
			next_hour(&at);
		else if (!(c->minutes >> at.minute & 1))
			next_minute(&at);
		else {
			*next = at;
			ASSERT(cron_matches(c, at), "%d-%02d-%02d is found, and does not match", at.year,
				at.month, at.day);
			return true;
		}
	}
	return false;
}
