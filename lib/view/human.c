#include "view/human.h"

#include <inttypes.h>
#include <string.h>

#include "base/str.h"

enum {
	SECOND = 1000,
	MINUTE = 60 * SECOND,
	HOUR = 60 * MINUTE,
	DAY = 24 * HOUR,
	UTF8_MAX = 4,
};

/* Writes the sign and gives the rest, unsigned because the lowest number has no positive twin. */
static uint64_t human_sign(struct buf *out, int64_t value)
{
	if (value >= 0)
		return (uint64_t)value;
	buf_addc(out, '-');
	return 0 - (uint64_t)value;
}

void human_duration(struct buf *out, int64_t ms)
{
	/* The first unit that is filled, and the smaller one for the rest. */
	static const struct {
		uint64_t unit, part;
		const char *after_unit;
		int digits;
		const char *after_part;
	} rows[] = {
		{ DAY, HOUR, "d ", 1, "h" },
		{ HOUR, MINUTE, "h ", 2, "m" },
		{ MINUTE, SECOND, "m ", 2, "s" },
		{ SECOND, SECOND / 100, ".", 2, " s" },
	};
	uint64_t left = human_sign(out, ms);

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (left < rows[i].unit)
			continue;
		buf_addf(out, "%" PRIu64 "%s%0*" PRIu64 "%s", left / rows[i].unit, rows[i].after_unit,
			rows[i].digits, left % rows[i].unit / rows[i].part, rows[i].after_part);
		return;
	}
	buf_addf(out, "%" PRIu64 " ms", left);
}

void human_size(struct buf *out, int64_t bytes)
{
	static const char *const units[] = { "KB", "MB", "GB", "TB", "PB", "EB" };
	uint64_t size = human_sign(out, bytes);
	uint64_t unit = 1024;
	uint64_t tenths = 0;
	size_t i = 0;

	if (size < unit) {
		buf_addf(out, "%" PRIu64 " B", size);
		return;
	}
	/* Asked of the rounded number, so that 1023.99 MB says 1.0 GB and not 1024.0 MB. */
	if ((size + unit / 2) / unit < 1024) {
		buf_addf(out, "%" PRIu64 " KB", (size + unit / 2) / unit);
		return;
	}
	do {
		unit *= 1024;
		i++;
		tenths = size / unit * 10 + (size % unit * 10 + unit / 2) / unit;
	} while (tenths >= 10240);
	buf_addf(out, "%" PRIu64 ".%" PRIu64 " %s", tenths / 10, tenths % 10, units[i]);
}

void human_join(
	struct buf *out, const char *const *names, size_t count, const char *between, const char *last)
{
	for (size_t i = 0; i < count; i++) {
		if (i)
			buf_adds(out, i + 1 == count ? last : between);
		buf_adds(out, names[i]);
	}
}

void human_count(struct buf *out, size_t count, const char *one, const char *many)
{
	buf_addf(out, "%zu %s", count, count == 1 ? one : many);
}

/* What would move a cursor, break a line, or turn the reading order and so deceive the reader. */
static bool point_is_unsafe(uint32_t point)
{
	static const struct {
		uint32_t first, last;
	} ranges[] = {
		{ 0x0000, 0x001f },
		{ 0x007f, 0x009f },
		{ 0x061c, 0x061c },
		{ 0x200e, 0x200f },
		{ 0x2028, 0x202e },
		{ 0x2066, 0x2069 },
		{ 0xfeff, 0xfeff },
	};

	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
		if (point >= ranges[i].first && point <= ranges[i].last)
			return true;
	return false;
}

void human_safe(struct buf *out, const char *text, size_t len)
{
	for (size_t at = 0; at < len;) {
		uint32_t point = 0;
		size_t step = str_utf8(text + at, len - at, &point);

		if (text[at] == '\t')
			buf_addc(out, ' ');
		else if (!step || point_is_unsafe(point))
			buf_addc(out, '?');
		else
			buf_add(out, text + at, step);
		at += step ? step : 1;
	}
}

void human_safe_text(struct buf *out, const char *text)
{
	human_safe(out, text, strlen(text));
}

size_t human_fit(const char *text, size_t width)
{
	size_t len = strlen(text);
	size_t at = 0;

	while (at < len) {
		char one[UTF8_MAX + 1] = { 0 };
		size_t step = str_utf8(text + at, len - at, NULL);

		step = step ? step : 1;
		memcpy(one, text + at, step);
		if (str_width(one) > width)
			break;
		width -= str_width(one);
		at += step;
	}
	return at;
}

void human_tint(struct buf *out, enum tint tint, bool colour)
{
	static const char *const codes[] = {
		[TINT_NONE] = "",
		[TINT_BOLD] = "\033[1m",
		[TINT_DIM] = "\033[2m",
		[TINT_RED] = "\033[31m",
		[TINT_GREEN] = "\033[32m",
		[TINT_YELLOW] = "\033[33m",
		[TINT_BLUE] = "\033[34m",
		[TINT_MAGENTA] = "\033[35m",
		[TINT_CYAN] = "\033[36m",
	};

	if (colour)
		buf_adds(out, codes[tint]);
}

void human_untint(struct buf *out, bool colour)
{
	if (colour)
		buf_adds(out, "\033[0m");
}
