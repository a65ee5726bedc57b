/*
 * Five-field cron expressions: minute hour day month weekday, with lists, ranges, steps, names (JAN, MON),
 * `*`, and the words @hourly @daily @midnight @weekly @monthly @yearly @annually.  Weekday 0 and 7 are
 * Sunday, and FRI-SUN is a range. `5/15` is every 15th from 5 to the end.  When both day and weekday are
 * restricted, either one matches, as everywhere; when one of them begins with `*`, both must.  Civil time is
 * an argument: nothing here asks a clock or a time zone.
 */
#ifndef OX_RULES_CRON_H
#define OX_RULES_CRON_H

#include <stdbool.h>
#include <stdint.h>

struct err;

struct cron {
	uint64_t minutes;
	uint32_t hours, days, months, weekdays; /* bit n: n matches */
	bool any_day, any_weekday;              /* the field began with `*` */
};

/* Broken-down local time, as a calendar says it: month 1 to 12; years 1 to 9999.  It must be a time that exists. */
struct civil {
	int year, month, day, hour, minute;
};

/* 0, or -1 with words ("cron field 2 (hour): '25' is outside 0..23") and `c` as it was. */
int cron_parse(const char *text, struct cron *c, struct err *e);
bool cron_matches(const struct cron *c, struct civil at);
/*
 * The first match after `after` (its minute does not count); false when there is none until the end of the
 * eighth year after it (30 February).
 */
bool cron_next(const struct cron *c, struct civil after, struct civil *next);
/* 0 is Sunday. */
int civil_weekday(int year, int month, int day);

#endif
