#include "base/utc.h"

#include <string.h>

enum { MS_A_DAY = 86400000 };

/* Days since 1970-01-01 of a day of the Gregorian calendar; years begin in March, so that the leap day is the last. */
static int64_t days_of(int64_t year, int month, int day)
{
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t of_era = y - era * 400;
	int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

struct civil {
	int64_t year;
	int month, day;
};

static struct civil civil_of(int64_t days)
{
	struct civil c = { .day = 1 };
	int64_t z = days + 719468;
	int64_t era = (z >= 0 ? z : z - 146096) / 146097;
	int64_t of_era = z - era * 146097;
	int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
	int64_t month = (5 * of_year + 2) / 153;

	c.day = (int)(of_year - (153 * month + 2) / 5 + 1);
	c.month = (int)(month < 10 ? month + 3 : month - 9);
	c.year = year + era * 400 + (c.month <= 2);
	return c;
}

void utc_print(struct buf *out, int64_t ms)
{
	int64_t days = ms / MS_A_DAY - (ms % MS_A_DAY < 0);
	int64_t of_day = ms - days * MS_A_DAY;
	struct civil c = civil_of(days);

	buf_addf(out, "%04lld-%02d-%02dT%02d:%02d:%02d.%03dZ", (long long)c.year, c.month, c.day,
		(int)(of_day / 3600000), (int)(of_day / 60000 % 60), (int)(of_day / 1000 % 60),
		(int)(of_day % 1000));
}

static bool digits(const char *text, int count, int *value)
{
	*value = 0;
	for (int k = 0; k < count; k++) {
		if (text[k] < '0' || text[k] > '9')
			return false;
		*value = *value * 10 + (text[k] - '0');
	}
	return true;
}

bool utc_parse(const char *text, int64_t *ms)
{
	/* "0000-00-00T00:00:00.000Z": a 0 stands for a digit, all else for itself. */
	static const struct {
		int at, len;
	} parts[] = { { 0, 4 }, { 5, 2 }, { 8, 2 }, { 11, 2 }, { 14, 2 }, { 17, 2 }, { 20, 3 } };
	int value[7] = { 0 };
	struct civil c = { .day = 1 };

	if (strlen(text) != 24 || text[4] != '-' || text[7] != '-' || text[10] != 'T' || text[13] != ':' ||
		text[16] != ':' || text[19] != '.' || text[23] != 'Z')
		return false;
	for (int k = 0; k < 7; k++)
		if (!digits(text + parts[k].at, parts[k].len, &value[k]))
			return false;
	if (value[1] < 1 || value[1] > 12 || value[3] > 23 || value[4] > 59 || value[5] > 59)
		return false;
	c = civil_of(days_of(value[0], value[1], value[2]));
	/* The 30th of February is another day when it is counted out. */
	if (c.month != value[1] || c.day != value[2])
		return false;
	*ms = days_of(value[0], value[1], value[2]) * MS_A_DAY +
		(((int64_t)value[3] * 60 + value[4]) * 60 + value[5]) * 1000 + value[6];
	return true;
}
