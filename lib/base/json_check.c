#include "base/json_check.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "base/str.h"

struct check {
	const char *text;
	const char *end;
	const char *at;
	int depth;
	struct err *e;
};

static int check_value(struct check *c);

/* Always -1.  The place is counted only here, as most texts are fine. */
static int complain_json(const struct check *c, const char *words)
{
	const char *line_start = c->text;
	size_t line = 1;

	for (const char *p = c->text; p < c->at; p++) {
		if (*p == '\n') {
			line++;
			line_start = p + 1;
		}
	}
	return err_set(c->e, "line %zu, column %zu: %s%s", line,
		str_utf8_count(line_start, (size_t)(c->at - line_start)) + 1, words,
		c->at == c->end ? ", but the text ends here" : "");
}

static bool at_char(const struct check *c, char wanted)
{
	return c->at < c->end && *c->at == wanted;
}

static bool take_char(struct check *c, char wanted)
{
	bool is_there = at_char(c, wanted);

	c->at += is_there;
	return is_there;
}

static bool is_white(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void skip_white(struct check *c)
{
	while (c->at < c->end && is_white(*c->at))
		c->at++;
}

static size_t skip_digits(struct check *c)
{
	const char *start = c->at;

	while (c->at < c->end && *c->at >= '0' && *c->at <= '9')
		c->at++;
	return (size_t)(c->at - start);
}

static int check_number(struct check *c)
{
	const char *start = c->at;

	take_char(c, '-');
	if (!take_char(c, '0') && !skip_digits(c))
		return complain_json(c, "expected a digit");
	if (skip_digits(c)) {
		c->at = start;
		return complain_json(c, "a number does not start with 0");
	}
	if (take_char(c, '.') && !skip_digits(c))
		return complain_json(c, "expected a digit after the point");
	if (take_char(c, 'e') || take_char(c, 'E')) {
		if (!take_char(c, '+'))
			take_char(c, '-');
		if (!skip_digits(c))
			return complain_json(c, "expected a digit in the exponent");
	}
	if (c->at - start <= JSON_NUMBER_MAX)
		return 0;
	c->at = start;
	return complain_json(c, "the number has too many digits");
}

/* The four digits of \uXXXX, or -1. */
static int hex_value(const struct check *c, const char *at)
{
	int value = 0;

	if (c->end - at < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		static const char digits[] = "0123456789abcdef0123456789ABCDEF";
		const char *found = at[i] ? strchr(digits, at[i]) : NULL;

		if (!found)
			return -1;
		value = value * 16 + (int)((found - digits) % 16);
	}
	return value;
}

static int check_unicode(struct check *c)
{
	int value = hex_value(c, c->at + 2);
	int second = -1;

	if (value < 0)
		return complain_json(c, "\\u wants four hexadecimal digits");
	if (value == 0)
		return complain_json(c, "\\u0000 is not taken in a string");
	if (value < 0xd800 || value > 0xdfff) {
		c->at += 6;
		return 0;
	}
	if (value < 0xdc00 && c->end - c->at >= 12 && c->at[6] == '\\' && c->at[7] == 'u')
		second = hex_value(c, c->at + 8);
	if (second < 0xdc00 || second > 0xdfff)
		return complain_json(c, "half of a surrogate pair");
	c->at += 12;
	return 0;
}

static int check_escape(struct check *c)
{
	char letter = c->at + 1 < c->end ? c->at[1] : '\0';

	if (letter == 'u')
		return check_unicode(c);
	if (!letter || !strchr("\"\\/bfnrt", letter))
		return complain_json(c, "no such escape in a string");
	c->at += 2;
	return 0;
}

/* Where the plain part of a string ends: control characters, '"', the backslash, all bytes of UTF-8 beyond ASCII. */
static const bool special[256] = {
	[0x00 ... 0x1f] = true,
	['"'] = true,
	['\\'] = true,
	[0x80 ... 0xff] = true,
};

/* Most of most strings: bytes that stand for themselves. */
static void skip_plain(struct check *c)
{
	const char *at = c->at;
	const char *end = c->end;

	while (at < end && !special[(unsigned char)*at])
		at++;
	c->at = at;
}

static int check_string(struct check *c)
{
	c->at++;
	for (skip_plain(c); c->at < c->end && *c->at != '"'; skip_plain(c)) {
		size_t step = 0;

		if (*c->at == '\\') {
			if (check_escape(c) < 0)
				return -1;
			continue;
		}
		step = str_utf8(c->at, (size_t)(c->end - c->at), NULL);
		if (!step)
			return complain_json(c, "this is not UTF-8");
		if ((unsigned char)*c->at < 0x20)
			return complain_json(c, "a control character in a string must be escaped");
		c->at += step;
	}
	return take_char(c, '"') ? 0 : complain_json(c, "expected '\"' after the string");
}

static int check_member(struct check *c)
{
	if (!at_char(c, '"'))
		return complain_json(c, "expected a key in double quotes");
	if (check_string(c) < 0)
		return -1;
	skip_white(c);
	return take_char(c, ':') ? check_value(c) : complain_json(c, "expected ':'");
}

/* An object or an array; they differ in their ends and in what a member is. */
static int check_members(struct check *c, char close, int (*check_one)(struct check *))
{
	if (++c->depth > JSON_DEPTH_MAX)
		return complain_json(c, "the nesting is too deep");
	c->at++;
	skip_white(c);
	while (!take_char(c, close)) {
		if (check_one(c) < 0)
			return -1;
		skip_white(c);
		if (at_char(c, close))
			continue;
		if (!take_char(c, ','))
			return complain_json(c, close == '}' ? "expected ',' or '}'" : "expected ',' or ']'");
		skip_white(c);
		if (at_char(c, close))
			return complain_json(c, "expected another member after ','");
	}
	c->depth--;
	return 0;
}

static int check_word(struct check *c)
{
	static const char *const words[] = { "true", "false", "null" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		size_t len = strlen(words[i]);

		if ((size_t)(c->end - c->at) >= len && !memcmp(c->at, words[i], len)) {
			c->at += len;
			return 0;
		}
	}
	return complain_json(c, "expected a value");
}

static int check_value(struct check *c)
{
	skip_white(c);
	if (at_char(c, '{'))
		return check_members(c, '}', check_member);
	if (at_char(c, '['))
		return check_members(c, ']', check_value);
	if (at_char(c, '"'))
		return check_string(c);
	if (c->at < c->end && (*c->at == '-' || (*c->at >= '0' && *c->at <= '9')))
		return check_number(c);
	return check_word(c);
}

int json_check(const char *text, size_t len, struct err *e)
{
	struct check c = { .text = text, .e = e };

	if (!len)
		return err_set(e, "the text is empty, expected JSON");
	c.end = text + len;
	c.at = text;
	if (check_value(&c) < 0)
		return -1;
	skip_white(&c);
	return c.at == c.end ? 0 : complain_json(&c, "text after the value");
}
