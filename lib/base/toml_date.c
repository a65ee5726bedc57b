#include <string.h>

#include "base/toml_private.h"

/* A date being read: what is left of it, and what was found. */
struct date {
	const char *at;
	const char *end;
	struct toml_datetime when;
	int offset_hour;
	int offset_minute;
	bool has_date;
	bool has_time;
	bool has_offset;
};

enum { NANO_DIGITS = 9, DATE_LEN = 10 };

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

bool toml_looks_like_date(const char *word, size_t len)
{
	size_t digits = 0;

	while (digits < len && is_digit(word[digits]))
		digits++;
	if (digits == 4 && len > 4 && word[4] == '-')
		return true;
	return digits && digits < 3 && digits < len && word[digits] == ':';
}

static bool take_one_of(struct date *d, const char *any_of)
{
	if (d->at == d->end || !strchr(any_of, *d->at))
		return false;
	d->at++;
	return true;
}

static bool take_number(struct date *d, int digits, int *value)
{
	*value = 0;
	for (int i = 0; i < digits; i++) {
		if (d->at == d->end || !is_digit(*d->at))
			return false;
		*value = *value * 10 + (*d->at++ - '0');
	}
	return true;
}

static bool take_day(struct date *d)
{
	d->has_date = true;
	return take_number(d, 4, &d->when.year) && take_one_of(d, "-") && take_number(d, 2, &d->when.month) &&
		take_one_of(d, "-") && take_number(d, 2, &d->when.day);
}

/* Digits beyond the ninth are read and forgotten. */
static bool take_fraction(struct date *d)
{
	int digits = 0;

	for (; d->at < d->end && is_digit(*d->at); d->at++, digits++)
		if (digits < NANO_DIGITS)
			d->when.nanosecond = d->when.nanosecond * 10 + (*d->at - '0');
	for (int i = digits; i < NANO_DIGITS; i++)
		d->when.nanosecond *= 10;
	return digits > 0;
}

static bool take_time(struct date *d)
{
	d->has_time = true;
	if (!take_number(d, 2, &d->when.hour) || !take_one_of(d, ":") || !take_number(d, 2, &d->when.minute))
		return false;
	if (!take_one_of(d, ":"))
		return true;
	if (!take_number(d, 2, &d->when.second))
		return false;
	return !take_one_of(d, ".") || take_fraction(d);
}

static bool take_offset(struct date *d)
{
	int sign = 1;

	if (d->at == d->end)
		return true;
	d->has_offset = true;
	if (take_one_of(d, "Zz"))
		return true;
	sign = *d->at == '-' ? -1 : 1;
	if (!take_one_of(d, "+-") || !take_number(d, 2, &d->offset_hour) || !take_one_of(d, ":") ||
		!take_number(d, 2, &d->offset_minute))
		return false;
	d->when.offset_minutes = sign * (d->offset_hour * 60 + d->offset_minute);
	return true;
}

static bool take_all(struct date *d)
{
	if (d->end - d->at > 4 && d->at[4] == '-') {
		if (!take_day(d))
			return false;
		if (d->at == d->end)
			return true;
		return take_one_of(d, "Tt ") && take_time(d) && take_offset(d) && d->at == d->end;
	}
	return take_time(d) && d->at == d->end;
}

static int days_in_month(int year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	if (month < 1 || month > 12)
		return 31;
	return days[month - 1] + (month == 2 && is_leap);
}

static int check_bounds(struct toml_reader *r, const struct date *d)
{
	const struct {
		const char *name;
		int value;
		int low;
		int high;
	} parts[] = {
		{ "month", d->when.month, d->has_date, 12 },
		{ "day", d->when.day, d->has_date, days_in_month(d->when.year, d->when.month) },
		{ "hour", d->when.hour, 0, 23 },
		{ "minute", d->when.minute, 0, 59 },
		{ "second", d->when.second, 0, 60 }, /* 60: a leap second */
		{ "hour of the offset", d->offset_hour, 0, 23 },
		{ "minute of the offset", d->offset_minute, 0, 59 },
	};

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		if (parts[i].value >= parts[i].low && parts[i].value <= parts[i].high)
			continue;
		diags_error(r->d, toml_here(r), "the %s is %d, outside %d..%d", parts[i].name, parts[i].value,
			parts[i].low, parts[i].high);
		return -1;
	}
	return 0;
}

static enum toml_type type_of(const struct date *d)
{
	if (!d->has_date)
		return TOML_LOCAL_TIME;
	if (!d->has_time)
		return TOML_LOCAL_DATE;
	return d->has_offset ? TOML_DATETIME : TOML_LOCAL_DATETIME;
}

/* The word, and the next one where a blank stands for the T between date and time. */
static size_t date_len(const struct toml_reader *r)
{
	size_t len = toml_word_len(r);
	struct toml_reader next = *r;

	if (len != DATE_LEN || r->end - r->at < DATE_LEN + 2 || r->at[DATE_LEN] != ' ' ||
		!is_digit(r->at[DATE_LEN + 1]))
		return len;
	next.at += DATE_LEN + 1;
	return DATE_LEN + 1 + toml_word_len(&next);
}

struct toml_value *toml_read_date(struct toml_reader *r)
{
	size_t len = date_len(r);
	struct date d = { .at = r->at, .end = r->at + len };
	struct toml_value *v = NULL;

	if (!take_all(&d)) {
		diag_hint(diags_error(r->d, toml_here(r), "'%.*s' is neither a date nor a time",
				  SHOWN(r->at, len)),
			"they look like 2006-01-02, 2006-01-02T15:04:05Z and 15:04; other text stands in quotes");
		return NULL;
	}
	if (check_bounds(r, &d) < 0)
		return NULL;
	v = toml_value_new(r->tree, type_of(&d), toml_here(r));
	v->as.when = toml_take(r->tree, sizeof(*v->as.when));
	*v->as.when = d.when;
	r->at += len;
	return v;
}
