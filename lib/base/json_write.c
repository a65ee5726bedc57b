/*
 * JSON as text.  Our own, because cJSON rounds numbers when it prints them: 9007199254740991 would become
 * 9.00719925474099e+15.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"

/* How it is laid out: level 0 and up when indented, ONE_LINE throughout otherwise. */
enum { ONE_LINE = -1 };

static void write_string(struct buf *out, const char *text)
{
	static const char *const escapes[0x80] = {
		['"'] = "\\\"",
		['\\'] = "\\\\",
		['\b'] = "\\b",
		['\f'] = "\\f",
		['\n'] = "\\n",
		['\r'] = "\\r",
		['\t'] = "\\t",
	};

	buf_addc(out, '"');
	for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
		if (*c < 0x80 && escapes[*c])
			buf_adds(out, escapes[*c]);
		else if (*c < 0x20 || *c == 0x7f)
			buf_addf(out, "\\u%04x", (unsigned int)*c);
		else
			buf_addc(out, (char)*c);
	}
	buf_addc(out, '"');
}

/* Whole numbers as they are; others with the fewest digits that read back as the same number. */
static void write_number(struct buf *out, double value)
{
	char digits[40];

	if (value >= (double)-JSON_INT_MAX && value <= (double)JSON_INT_MAX &&
		value == (double)(int64_t)value) {
		buf_addf(out, "%" PRId64, (int64_t)value);
		return;
	}
	for (int precision = 15; precision <= 17; precision++) {
		snprintf(digits, sizeof(digits), "%.*g", precision, value);
		if (strtod(digits, NULL) == value)
			break;
	}
	buf_adds(out, digits);
}

static void new_line(struct buf *out, int level)
{
	if (level == ONE_LINE)
		return;
	buf_addc(out, '\n');
	buf_fill(out, ' ', 2 * (size_t)level);
}

static void write_value(struct buf *out, const struct json *j, int level);

static void write_members(struct buf *out, const struct json *j, int level)
{
	bool is_object = json_is_object(j);
	int inner = level == ONE_LINE ? ONE_LINE : level + 1;
	const struct json *member = NULL;

	buf_addc(out, is_object ? '{' : '[');
	JSON_EACH (j, member) {
		if (member != json_first(j))
			buf_addc(out, ',');
		new_line(out, inner);
		if (is_object) {
			write_string(out, json_key(member));
			buf_adds(out, level == ONE_LINE ? ":" : ": ");
		}
		write_value(out, member, inner);
	}
	if (json_first(j))
		new_line(out, level);
	buf_addc(out, is_object ? '}' : ']');
}

static void write_value(struct buf *out, const struct json *j, int level)
{
	const char *text = json_string(j, NULL);
	double number = 0;

	if (json_is_object(j) || json_is_array(j))
		write_members(out, j, level);
	else if (text)
		write_string(out, text);
	else if (json_number(j, &number))
		write_number(out, number);
	else if (json_bool(j, true) == json_bool(j, false))
		buf_adds(out, json_bool(j, false) ? "true" : "false");
	else
		buf_adds(out, "null");
}

void json_write(struct buf *out, const struct json *j)
{
	write_value(out, j, ONE_LINE);
}

void json_write_pretty(struct buf *out, const struct json *j)
{
	write_value(out, j, 0);
	buf_addc(out, '\n');
}
