#include "base/str.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Words longer than this are not names that anybody mistyped. */
enum { GUESS_MAX = 64, SHORT = 4 };

bool str_eq(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

bool str_starts(const char *text, const char *prefix)
{
	return !strncmp(text, prefix, strlen(prefix));
}

bool str_ends(const char *text, const char *suffix)
{
	size_t len = strlen(text);
	size_t end = strlen(suffix);

	return len >= end && !strcmp(text + len - end, suffix);
}

bool str_find(const char *const *words, int count, const char *word, int *at)
{
	for (int k = 0; k < count; k++) {
		if (!str_eq(words[k], word))
			continue;
		*at = k;
		return true;
	}
	return false;
}

bool str_to_int(const char *text, int64_t *value)
{
	const char *digits = text + (*text == '-' || *text == '+');
	char *end = NULL;
	long long number = 0;

	if (*digits < '0' || *digits > '9')
		return false;
	errno = 0;
	number = strtoll(text, &end, 10);
	if (errno || *end)
		return false;
	*value = number;
	return true;
}

/* How many bytes the first one announces, and the bits it brings itself. */
static size_t utf8_lead(unsigned char lead, uint32_t *bits)
{
	if (lead < 0x80) {
		*bits = lead;
		return 1;
	}
	if (lead >= 0xc2 && lead < 0xe0) {
		*bits = lead & 0x1fU;
		return 2;
	}
	if (lead >= 0xe0 && lead < 0xf0) {
		*bits = lead & 0x0fU;
		return 3;
	}
	if (lead >= 0xf0 && lead < 0xf5) {
		*bits = lead & 0x07U;
		return 4;
	}
	return 0;
}

size_t str_utf8(const char *text, size_t len, uint32_t *point)
{
	static const uint32_t lowest[] = { 0, 0, 0x80, 0x800, 0x10000 };
	uint32_t value = 0;
	size_t need = len ? utf8_lead((unsigned char)text[0], &value) : 0;

	if (!need || need > len)
		return 0;
	for (size_t i = 1; i < need; i++) {
		unsigned char next = (unsigned char)text[i];

		if ((next & 0xc0) != 0x80)
			return 0;
		value = value << 6 | (next & 0x3fU);
	}
	if (value < lowest[need] || value > 0x10ffff || (value >= 0xd800 && value < 0xe000))
		return 0;
	if (point)
		*point = value;
	return need;
}

size_t str_utf8_count(const char *text, size_t len)
{
	size_t count = 0;

	for (size_t at = 0; at < len; count++) {
		bool is_ascii = (unsigned char)text[at] < 0x80;
		size_t step = is_ascii ? 1 : str_utf8(text + at, len - at, NULL);

		at += step ? step : 1;
	}
	return count;
}

/* Ranges that matter for names, paths and command lines; a terminal's own tables differ at the edges anyway. */
static size_t point_width(uint32_t point)
{
	static const struct {
		uint32_t first;
		uint32_t last;
		size_t width;
	} ranges[] = {
		{ 0x0300, 0x036f, 0 },
		{ 0x0483, 0x0489, 0 },
		{ 0x0591, 0x05bd, 0 },
		{ 0x064b, 0x065f, 0 },
		{ 0x1100, 0x115f, 2 },
		{ 0x1ab0, 0x1aff, 0 },
		{ 0x1dc0, 0x1dff, 0 },
		{ 0x200b, 0x200f, 0 },
		{ 0x20d0, 0x20ff, 0 },
		{ 0x2e80, 0x303e, 2 },
		{ 0x3041, 0xa4cf, 2 },
		{ 0xac00, 0xd7a3, 2 },
		{ 0xf900, 0xfaff, 2 },
		{ 0xfe00, 0xfe0f, 0 },
		{ 0xfe20, 0xfe2f, 0 },
		{ 0xfe30, 0xfe6f, 2 },
		{ 0xff00, 0xff60, 2 },
		{ 0xffe0, 0xffe6, 2 },
		{ 0x1f300, 0x1f64f, 2 },
		{ 0x1f680, 0x1f6ff, 2 },
		{ 0x1f900, 0x1f9ff, 2 },
		{ 0x20000, 0x3fffd, 2 },
	};

	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
		if (point >= ranges[i].first && point <= ranges[i].last)
			return ranges[i].width;
	return 1;
}

size_t str_width(const char *text)
{
	size_t len = strlen(text);
	size_t width = 0;

	for (size_t at = 0; at < len;) {
		uint32_t point = 0;
		size_t step = str_utf8(text + at, len - at, &point);

		width += step ? point_width(point) : 1;
		at += step ? step : 1;
	}
	return width;
}

static size_t least_size(size_t a, size_t b)
{
	return a < b ? a : b;
}

size_t str_distance(const char *a, const char *b)
{
	size_t rows[3][GUESS_MAX + 1];
	size_t a_len = strlen(a);
	size_t b_len = strlen(b);

	if (a_len > GUESS_MAX || b_len > GUESS_MAX)
		return a_len > b_len ? a_len : b_len;
	for (size_t j = 0; j <= b_len; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= a_len; i++) {
		size_t *now = rows[i % 3];
		const size_t *before = rows[(i + 2) % 3];
		const size_t *earlier = rows[(i + 1) % 3];

		now[0] = i;
		for (size_t j = 1; j <= b_len; j++) {
			now[j] = least_size(least_size(before[j], now[j - 1]) + 1,
				before[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				now[j] = least_size(now[j], earlier[j - 2] + 1);
		}
	}
	return rows[a_len % 3][b_len];
}

void str_guess_offer(struct str_guess *guess, const char *word)
{
	size_t distance = str_distance(guess->typed, word);
	size_t typed = strlen(guess->typed);
	size_t len = strlen(word);
	/* A third of the letters may be wrong; of a short word one, as more make another word of it. */
	size_t most = least_size(typed, len) <= SHORT ? 1 : (typed + 2) / 3;

	if (distance > most || distance >= len)
		return;
	if (guess->best && distance >= guess->distance)
		return;
	guess->best = word;
	guess->distance = distance;
}
