#include "rules/cron.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

#include "base/assert.h"
#include "base/err.h"

enum {
	FIELDS = 5,
	QUOTED_MAX = 40,  /* of a mistake, in the complaint */
	NUMBER_MAX = 999, /* larger than any that is allowed, and more digits add nothing */
};

static const char *const month_names[] = {
	"JAN",
	"FEB",
	"MAR",
	"APR",
	"MAY",
	"JUN",
	"JUL",
	"AUG",
	"SEP",
	"OCT",
	"NOV",
	"DEC",
	NULL,
};
static const char *const weekday_names[] = { "SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT", NULL };

struct cron_field {
	const char *word;
	int min, max;
	const char *const *names; /* the first one stands for `min` */
};

enum { MINUTE, HOUR, DAY, MONTH, WEEKDAY };

static const struct cron_field cron_fields[FIELDS] = {
	[MINUTE] = { "minute", 0, 59, NULL },
	[HOUR] = { "hour", 0, 23, NULL },
	[DAY] = { "day", 1, 31, NULL },
	[MONTH] = { "month", 1, 12, month_names },
	[WEEKDAY] = { "weekday", 0, 7, weekday_names },
};

static const struct {
	const char *word;
	const char *means;
} words[] = {
	{ "@hourly", "0 * * * *" },
	{ "@daily", "0 0 * * *" },
	{ "@midnight", "0 0 * * *" },
	{ "@weekly", "0 0 * * 0" },
	{ "@monthly", "0 0 1 * *" },
	{ "@yearly", "0 0 1 1 *" },
	{ "@annually", "0 0 1 1 *" },
};

/* A stretch of the text: a field, one item of its list, or a part of that. */
struct slice {
	const char *at;
	size_t len;
};

/* Which field is being read, for words about it. */
struct cron_reader {
	int number;
	const struct cron_field *field;
	struct err *e;
};

/* Never ends in the middle of a character. */
static int shown(struct slice s)
{
	size_t len = s.len;

	if (len > QUOTED_MAX)
		for (len = QUOTED_MAX; len && ((unsigned char)s.at[len] & 0xc0) == 0x80;)
			len--;
	return (int)len;
}

static int complain_cron(const struct cron_reader *r, struct slice s, const char *what)
{
	ASSERT(r->number >= 1 && r->number <= FIELDS, "there is no cron field %d", r->number);
	return err_set(
		r->e, "cron field %d (%s): '%.*s' %s", r->number, r->field->word, shown(s), s.at, what);
}

/* Cuts `s` at the first `mark`: true, and `rest` is what follows it; or false. */
static bool slice_cut(struct slice *s, char mark, struct slice *rest)
{
	const char *found = memchr(s->at, mark, s->len);

	if (!found)
		return false;
	*rest = (struct slice){ found + 1, s->len - (size_t)(found - s->at) - 1 };
	s->len = (size_t)(found - s->at);
	return true;
}

/* Digits and nothing else; -1 if it is no number. */
static int slice_number(struct slice s)
{
	int number = 0;

	for (size_t i = 0; i < s.len; i++) {
		if (s.at[i] < '0' || s.at[i] > '9')
			return -1;
		number = number * 10 + (s.at[i] - '0');
		if (number > NUMBER_MAX)
			number = NUMBER_MAX;
	}
	return s.len ? number : -1;
}

static int slice_name(struct slice s, const struct cron_field *f)
{
	for (int i = 0; f->names && f->names[i]; i++)
		if (s.len == strlen(f->names[i]) && !strncasecmp(s.at, f->names[i], s.len))
			return f->min + i;
	return -1;
}

/* The number or name, or -1 with words. */
static int read_cron_value(const struct cron_reader *r, struct slice s)
{
	int name = slice_name(s, r->field);
	int value = name >= 0 ? name : slice_number(s);

	if (value < 0)
		return complain_cron(r, s, r->field->names ? "is no number and no name" : "is no number");
	if (value < r->field->min || value > r->field->max)
		return err_set(r->e, "cron field %d (%s): '%.*s' is outside %d..%d", r->number,
			r->field->word, shown(s), s.at, r->field->min, r->field->max);
	return value;
}

/* `*`, `5`, `5-10`, each perhaps with `/2`; `5/2` runs to the end. */
static int read_cron_item(const struct cron_reader *r, struct slice item, uint64_t *bits)
{
	struct slice range = item;
	struct slice end = { 0 };
	struct slice every = { 0 };
	bool has_step = slice_cut(&range, '/', &every);
	int step = has_step ? slice_number(every) : 1;
	int first = r->field->min;
	int last = r->field->max;

	if (step < 1)
		return complain_cron(r, item, "has no step of 1 or more after '/'");
	if (range.len != 1 || range.at[0] != '*') {
		bool has_end = slice_cut(&range, '-', &end);

		first = read_cron_value(r, range);
		if (first < 0)
			return -1;
		if (has_end)
			last = read_cron_value(r, end);
		else if (!has_step)
			last = first;
		if (last < 0)
			return -1;
		/* FRI-SUN: the week may end with its Sunday. */
		if (has_end && r->field == &cron_fields[WEEKDAY] && !last && first)
			last = r->field->max;
		if (first > last)
			return complain_cron(r, item, "begins after its end");
	}
	ASSERT(first >= r->field->min && last <= r->field->max && step > 0,
		"cron field %d goes from %d to %d by %d", r->number, first, last, step);
	for (int i = first; i <= last; i += step)
		*bits |= UINT64_C(1) << i;
	return 0;
}

static int read_cron_field(const struct cron_reader *r, struct slice field, uint64_t *bits)
{
	struct slice rest = { 0 };
	bool has_more = true;

	*bits = 0;
	while (has_more) {
		has_more = slice_cut(&field, ',', &rest);
		if (read_cron_item(r, field, bits) < 0)
			return -1;
		field = rest;
	}
	ASSERT(*bits, "cron field %d matches nothing", r->number);
	return 0;
}

static bool is_cron_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* The words of the text; gives how many there are, and keeps the first FIELDS of them. */
static size_t split(const char *text, struct slice found[FIELDS])
{
	size_t count = 0;

	while (true) {
		size_t len = 0;

		while (is_cron_blank(*text))
			text++;
		while (text[len] && !is_cron_blank(text[len]))
			len++;
		if (!len)
			return count;
		if (count < FIELDS)
			found[count] = (struct slice){ text, len };
		count++;
		text += len;
	}
}

static const char *expand_word(struct slice s)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (s.len == strlen(words[i].word) && !strncasecmp(s.at, words[i].word, s.len))
			return words[i].means;
	return NULL;
}

int cron_parse(const char *text, struct cron *c, struct err *e)
{
	struct slice found[FIELDS] = { 0 };
	uint64_t bits[FIELDS] = { 0 };
	size_t count = split(text, found);

	if (count == 1 && found[0].at[0] == '@') {
		text = expand_word(found[0]);
		if (!text)
			return err_set(e,
				"cron: '%.*s' is not known; there are @hourly, @daily, @midnight, @weekly, "
				"@monthly, @yearly and @annually",
				shown(found[0]), found[0].at);
		count = split(text, found);
	}
	if (count != FIELDS)
		return err_set(
			e, "cron: expected 5 fields (minute hour day month weekday), found %zu", count);
	for (int i = 0; i < FIELDS; i++) {
		struct cron_reader r = { .number = i + 1, .field = &cron_fields[i], .e = e };

		if (read_cron_field(&r, found[i], &bits[i]) < 0)
			return -1;
	}
	*c = (struct cron){
		.minutes = bits[MINUTE],
		.hours = (uint32_t)bits[HOUR],
		.days = (uint32_t)bits[DAY],
		.months = (uint32_t)bits[MONTH],
		.weekdays = (uint32_t)((bits[WEEKDAY] | bits[WEEKDAY] >> 7) & 0x7f),
		.any_day = found[DAY].at[0] == '*',
		.any_weekday = found[WEEKDAY].at[0] == '*',
	};
	return 0;
}
