#include "base/json_emit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"

static void begin_member(struct buf *out, const char *key)
{
	char last = out->len ? out->ptr[out->len - 1] : '[';
	size_t len = key ? strlen(key) : 0;

	/* Room for all of it at once: this is most of what a status costs. */
	buf_reserve(out, len + 4);
	if (last != '[' && last != '{' && last != ':' && last != '\n')
		out->ptr[out->len++] = ',';
	if (key) {
		out->ptr[out->len++] = '"';
		memcpy(out->ptr + out->len, key, len);
		out->len += len;
		out->ptr[out->len++] = '"';
		out->ptr[out->len++] = ':';
	}
	out->ptr[out->len] = '\0';
}

void emit_open(struct buf *out, const char *key, char bracket)
{
	begin_member(out, key);
	buf_addc(out, bracket);
}

void emit_close(struct buf *out, char bracket)
{
	buf_addc(out, bracket);
}

/* Bytes that stand for themselves. */
static size_t plain_run(const char *text)
{
	size_t len = 0;

	while ((unsigned char)text[len] >= 0x20 && (unsigned char)text[len] < 0x7f && text[len] != '"' &&
		text[len] != '\\')
		len++;
	return len;
}

static const char *add_special(struct buf *out, const char *at)
{
	static const char letters[] = "\"\\\b\f\n\r\t";
	static const char escapes[] = "\"\\bfnrt";
	const char *letter = strchr(letters, *at);
	size_t step = 1;

	if (letter) {
		buf_addc(out, '\\');
		buf_addc(out, escapes[letter - letters]);
	} else if ((unsigned char)*at < 0x80) {
		buf_addf(out, "\\u%04x", (unsigned int)*at);
	} else {
		step = str_utf8(at, strnlen(at, 4), NULL);
		buf_add(out, step ? at : "\xef\xbf\xbd", step ? step : 3);
		step = step ? step : 1;
	}
	return at + step;
}

void emit_string(struct buf *out, const char *key, const char *text)
{
	if (!text) {
		emit_null(out, key);
		return;
	}
	begin_member(out, key);
	buf_addc(out, '"');
	while (*text) {
		size_t len = plain_run(text);

		buf_add(out, text, len);
		text += len;
		if (*text)
			text = add_special(out, text);
	}
	buf_addc(out, '"');
}

void emit_key(struct buf *out, const char *key)
{
	emit_string(out, NULL, key);
	buf_addc(out, ':');
}

void emit_int(struct buf *out, const char *key, int64_t value)
{
	bool is_big = value > JSON_INT_MAX || value < -JSON_INT_MAX;
	uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
	char digits[24];
	size_t at = sizeof(digits);

	begin_member(out, key);
	do
		digits[--at] = (char)('0' + rest % 10);
	while (rest /= 10);
	if (value < 0)
		digits[--at] = '-';
	if (is_big)
		buf_addc(out, '"');
	buf_add(out, digits + at, sizeof(digits) - at);
	if (is_big)
		buf_addc(out, '"');
}

/* With the fewest digits that read back as the same number. */
static void add_number(struct buf *out, double value)
{
	char digits[40];

	for (int precision = 15; precision <= 17; precision++) {
		snprintf(digits, sizeof(digits), "%.*g", precision, value);
		if (strtod(digits, NULL) == value)
			break;
	}
	buf_adds(out, digits);
}

void emit_number(struct buf *out, const char *key, double value)
{
	bool is_whole = value >= (double)-JSON_INT_MAX && value <= (double)JSON_INT_MAX &&
		value == (double)(int64_t)value;

	if (!isfinite(value)) {
		emit_null(out, key);
	} else if (is_whole) {
		emit_int(out, key, (int64_t)value);
	} else {
		begin_member(out, key);
		add_number(out, value);
	}
}

void emit_bool(struct buf *out, const char *key, bool value)
{
	emit_text(out, key, value ? "true" : "false", value ? 4 : 5);
}

void emit_null(struct buf *out, const char *key)
{
	emit_text(out, key, "null", 4);
}

void emit_text(struct buf *out, const char *key, const char *text, size_t len)
{
	begin_member(out, key);
	buf_add(out, text, len);
}

void emit_int_or_null(struct buf *out, const char *key, bool is_known, int64_t value)
{
	if (is_known)
		emit_int(out, key, value);
	else
		emit_null(out, key);
}
