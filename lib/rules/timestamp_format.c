#include "rules/timestamp_format.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include "base/assert.h"
#include "base/mem.h"
#include "base/vec.h"

enum value {
	TEXT, /* as it is written */
	YEAR,
	YEAR_OF_CENTURY,
	MONTH,
	MONTH_NAME,
	DAY,
	YEARDAY,
	WEEKDAY,
	ISO_WEEKDAY,
	WEEKDAY_NAME,
	HOUR,
	HOUR_OF_TWELVE,
	MINUTE,
	SECOND,
	TENTHS,
	HUNDREDTHS,
	MILLIS,
	MICROS,
	NANOS,
	EPOCH,
	EPOCH_MS,
	HALF_UPPER,
	HALF_LOWER,
	OFFSET,
	OFFSET_COLON,
	ZONE,
};

/* How a format says it, and how it is written: `width` digits filled up with `fill`, or so many letters of a name (0: all). */
struct stamp_row {
	const char *form;
	enum value value;
	int width;
	char fill;
};

static const struct stamp_row percent_rows[] = {
	{ "Y", YEAR, 4, '0' },
	{ "y", YEAR_OF_CENTURY, 2, '0' },
	{ "m", MONTH, 2, '0' },
	{ "d", DAY, 2, '0' },
	{ "e", DAY, 2, ' ' },
	{ "j", YEARDAY, 3, '0' },
	{ "H", HOUR, 2, '0' },
	{ "k", HOUR, 2, ' ' },
	{ "I", HOUR_OF_TWELVE, 2, '0' },
	{ "l", HOUR_OF_TWELVE, 2, ' ' },
	{ "M", MINUTE, 2, '0' },
	{ "S", SECOND, 2, '0' },
	{ "L", MILLIS, 3, '0' },
	{ "f", MICROS, 6, '0' },
	{ "N", NANOS, 9, '0' },
	{ "s", EPOCH, 1, '0' },
	{ "u", ISO_WEEKDAY, 1, '0' },
	{ "w", WEEKDAY, 1, '0' },
	{ "a", WEEKDAY_NAME, 3, 0 },
	{ "A", WEEKDAY_NAME, 0, 0 },
	{ "b", MONTH_NAME, 3, 0 },
	{ "h", MONTH_NAME, 3, 0 },
	{ "B", MONTH_NAME, 0, 0 },
	{ "p", HALF_UPPER, 0, 0 },
	{ "P", HALF_LOWER, 0, 0 },
	{ "z", OFFSET, 0, 0 },
	{ "Z", ZONE, 0, 0 },
};

static const struct {
	char letter;
	const char *means;
} percent_words[] = {
	{ 'F', "%Y-%m-%d" },
	{ 'T', "%H:%M:%S" },
	{ 'R', "%H:%M" },
	{ 'D', "%m/%d/%y" },
	{ 'r', "%I:%M:%S %p" },
	{ 'c', "%a %b %e %H:%M:%S %Y" },
	{ 'x', "%m/%d/%y" },
	{ 'X', "%H:%M:%S" },
};

static const struct stamp_row word_rows[] = {
	{ "YYYY", YEAR, 4, '0' },
	{ "YY", YEAR_OF_CENTURY, 2, '0' },
	{ "MMMM", MONTH_NAME, 0, 0 },
	{ "MMM", MONTH_NAME, 3, 0 },
	{ "MM", MONTH, 2, '0' },
	{ "M", MONTH, 1, '0' },
	{ "DDDD", YEARDAY, 3, '0' },
	{ "DDD", YEARDAY, 1, '0' },
	{ "DD", DAY, 2, '0' },
	{ "D", DAY, 1, '0' },
	{ "dddd", WEEKDAY_NAME, 0, 0 },
	{ "ddd", WEEKDAY_NAME, 3, 0 },
	{ "HH", HOUR, 2, '0' },
	{ "H", HOUR, 1, '0' },
	{ "hh", HOUR_OF_TWELVE, 2, '0' },
	{ "h", HOUR_OF_TWELVE, 1, '0' },
	{ "mm", MINUTE, 2, '0' },
	{ "m", MINUTE, 1, '0' },
	{ "ss", SECOND, 2, '0' },
	{ "s", SECOND, 1, '0' },
	{ "SSS", MILLIS, 3, '0' },
	{ "SS", HUNDREDTHS, 2, '0' },
	{ "S", TENTHS, 1, '0' },
	{ "A", HALF_UPPER, 0, 0 },
	{ "a", HALF_LOWER, 0, 0 },
	{ "ZZ", OFFSET, 0, 0 },
	{ "Z", OFFSET_COLON, 0, 0 },
	{ "X", EPOCH, 1, '0' },
	{ "x", EPOCH_MS, 1, '0' },
};

struct stamp_part {
	enum value value;
	int width;
	char fill;
	char *text;
};

struct timestamp_format {
	struct vec parts;
};

static const char *const month_names[] = {
	"January",
	"February",
	"March",
	"April",
	"May",
	"June",
	"July",
	"August",
	"September",
	"October",
	"November",
	"December",
};

static const char *const weekday_names[] = {
	"Sunday",
	"Monday",
	"Tuesday",
	"Wednesday",
	"Thursday",
	"Friday",
	"Saturday",
};

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

/* --- reading a format -------------------------------------------------------------------------------------------- */

static void add_stamp_part(struct timestamp_format *s, struct stamp_part part)
{
	vec_push(&s->parts, mem_dup(&part, sizeof(part)));
}

static void add_literal(struct timestamp_format *s, const char *text, size_t len)
{
	ASSERT(s && (text || !len), "%zu characters of a format are nowhere", len);
	if (len)
		add_stamp_part(s, (struct stamp_part){ .value = TEXT, .text = mem_strndup(text, len) });
}

static bool add_row_part(
	struct timestamp_format *s, const struct stamp_row *rows, size_t count, const char *form, size_t len)
{
	for (size_t i = 0; i < count; i++) {
		if (strlen(rows[i].form) != len || strncmp(rows[i].form, form, len) != 0)
			continue;
		add_stamp_part(s,
			(struct stamp_part){
				.value = rows[i].value, .width = rows[i].width, .fill = rows[i].fill });
		return true;
	}
	return false;
}

static void read_percent(struct timestamp_format *s, const char *format);

/* One letter behind a '%'. */
static void read_letter(struct timestamp_format *s, const char *percent)
{
	char letter = percent[1];

	ASSERT(*percent == '%' && letter, "a format's letter does not follow a '%%'");
	if (add_row_part(s, percent_rows, COUNT(percent_rows), &letter, 1))
		return;
	for (size_t i = 0; i < COUNT(percent_words); i++) {
		if (percent_words[i].letter != letter)
			continue;
		/* These hold no words themselves: one level deep. */
		read_percent(s, percent_words[i].means);
		return;
	}
	if (letter == '%')
		add_literal(s, "%", 1);
	else
		add_literal(s, percent, 2);
}

static void read_percent(struct timestamp_format *s, const char *format)
{
	while (*format) {
		size_t len = strcspn(format, "%");

		add_literal(s, format, len);
		format += len;
		if (*format && !format[1])
			add_literal(s, format++, 1);
		else if (*format)
			read_letter(s, format), format += 2;
	}
}

static void read_word_format(struct timestamp_format *s, const char *format)
{
	while (*format) {
		size_t len = 1;
		const char *end = *format == '[' ? strchr(format, ']') : NULL;

		if (end) {
			add_literal(s, format + 1, (size_t)(end - format - 1));
			format = end + 1;
			continue;
		}
		while (format[len] == *format)
			len++;
		if (!add_row_part(s, word_rows, COUNT(word_rows), format, len))
			add_literal(s, format, len);
		format += len;
	}
}

static void stamp_part_free(void *item)
{
	struct stamp_part *part = item;

	mem_free(part->text);
	mem_free(part);
}

struct timestamp_format *timestamp_format_new(const char *format)
{
	struct timestamp_format *s = mem_zalloc(1, sizeof(*s));

	if (strchr(format, '%'))
		read_percent(s, format);
	else
		read_word_format(s, format);
	return s;
}

void timestamp_format_free(struct timestamp_format *s)
{
	if (!s)
		return;
	vec_release_with(&s->parts, stamp_part_free);
	mem_free(s);
}

/* --- printing ------------------------------------------------------------------------------------------------------- */

static int64_t value_number(enum value value, const struct wall_time *at)
{
	switch (value) {
	case YEAR:
		return at->year;
	case YEAR_OF_CENTURY:
		return at->year % 100;
	case MONTH:
		return at->month;
	case DAY:
		return at->day;
	case YEARDAY:
		return at->yearday;
	case WEEKDAY:
		return at->weekday;
	case ISO_WEEKDAY:
		return at->weekday ? at->weekday : 7;
	case HOUR:
		return at->hour;
	case HOUR_OF_TWELVE:
		return at->hour % 12 ? at->hour % 12 : 12;
	case MINUTE:
		return at->minute;
	case SECOND:
		return at->second;
	case TENTHS:
		return at->ms / 100;
	case HUNDREDTHS:
		return at->ms / 10;
	case MILLIS:
		return at->ms;
	case MICROS:
		return at->ms * 1000LL;
	case NANOS:
		return at->ms * 1000000LL;
	case EPOCH_MS:
		return at->epoch_ms;
	default:
		return at->epoch_ms / 1000;
	}
}

static void print_name(const char *const *names, size_t count, int at, int width, struct buf *out)
{
	if (at < 0 || (size_t)at >= count)
		return;
	buf_add(out, names[at], width ? (size_t)width : strlen(names[at]));
}

static void print_offset(int east, const char *colon, struct buf *out)
{
	int minutes = east < 0 ? -east : east;

	buf_addf(out, "%c%02d%s%02d", east < 0 ? '-' : '+', minutes / 60, colon, minutes % 60);
}

static void print_part(const struct stamp_part *part, const struct wall_time *at, struct buf *out)
{
	switch (part->value) {
	case TEXT:
		buf_adds(out, part->text);
		break;
	case MONTH_NAME:
		print_name(month_names, COUNT(month_names), at->month - 1, part->width, out);
		break;
	case WEEKDAY_NAME:
		print_name(weekday_names, COUNT(weekday_names), at->weekday, part->width, out);
		break;
	case HALF_UPPER:
		buf_adds(out, at->hour < 12 ? "AM" : "PM");
		break;
	case HALF_LOWER:
		buf_adds(out, at->hour < 12 ? "am" : "pm");
		break;
	case OFFSET:
		print_offset(at->east_minutes, "", out);
		break;
	case OFFSET_COLON:
		print_offset(at->east_minutes, ":", out);
		break;
	case ZONE:
		buf_adds(out, at->zone);
		break;
	default:
		if (part->fill == ' ')
			buf_addf(out, "%*" PRId64, part->width, value_number(part->value, at));
		else
			buf_addf(out, "%0*" PRId64, part->width, value_number(part->value, at));
	}
}

void timestamp_format_print(const struct timestamp_format *s, const struct wall_time *at, struct buf *out)
{
	size_t begin = out->len;
	const struct stamp_part *part = NULL;
	size_t i = 0;

	VEC_EACH (&s->parts, i, part)
		print_part(part, at, out);
	if (out->len - begin > STAMP_MAX - 2)
		buf_cut(out, begin + STAMP_MAX - 2);
	buf_adds(out, ": ");
	ASSERT(out->len - begin <= STAMP_MAX, "a time stamp has %zu characters", out->len - begin);
}

size_t timestamp_lines(struct timestamp_writer *s, const char *text, size_t len, size_t *eaten)
{
	size_t made = 0;

	*eaten = 0;
	while (*eaten < len && s->size - made > s->stamp_len) {
		const char *line = text + *eaten;
		const char *newline = memchr(line, '\n', len - *eaten);
		size_t piece = newline ? (size_t)(newline - line) + 1 : len - *eaten;

		if (!s->is_mid_line) {
			memcpy(s->room + made, s->stamp, s->stamp_len);
			made += s->stamp_len;
		}
		ASSERT(made <= s->size, "%zu bytes of lines are in room for %zu", made, s->size);
		if (piece > s->size - made)
			piece = s->size - made;
		memcpy(s->room + made, line, piece);
		made += piece;
		*eaten += piece;
		s->is_mid_line = line[piece - 1] != '\n';
	}
	ASSERT(made <= s->size && *eaten <= len, "%zu bytes are made of %zu, and %zu fit", made, *eaten,
		s->size);
	return made;
}
