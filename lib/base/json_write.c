/*
 * JSON as text.  Our own, because cJSON rounds numbers when it prints them: 9007199254740991 would become
 * 9.00719925474099e+15.
 */
#include <stdbool.h>
#include <string.h>

#include "base/json.h"
#include "base/json_emit.h"

static void write_value(struct buf *out, const struct json *j);

static void write_members(struct buf *out, const struct json *j)
{
	bool is_object = json_is_object(j);
	const struct json *member = NULL;

	emit_open(out, NULL, is_object ? '{' : '[');
	JSON_EACH (j, member) {
		if (is_object)
			emit_key(out, json_key(member));
		write_value(out, member);
	}
	emit_close(out, is_object ? '}' : ']');
}

static void write_value(struct buf *out, const struct json *j)
{
	const char *text = json_string(j, NULL);
	double number = 0;

	if (json_is_object(j) || json_is_array(j))
		write_members(out, j);
	else if (text)
		emit_string(out, NULL, text);
	else if (json_number(j, &number))
		emit_number(out, NULL, number);
	else if (json_bool(j, true) == json_bool(j, false))
		emit_bool(out, NULL, json_bool(j, false));
	else
		emit_null(out, NULL);
}

/* Whatever stands in `out` is not ours to continue. */
void json_write(struct buf *out, const struct json *j)
{
	struct buf text = BUF_INIT;

	if (out->len) {
		write_value(&text, j);
		buf_add(out, text.ptr, text.len);
	} else {
		write_value(out, j);
	}
	buf_release(&text);
}

void json_write_pretty(struct buf *out, const struct json *j)
{
	struct buf text = BUF_INIT;

	write_value(&text, j);
	json_indent(out, text.ptr, text.len);
	buf_release(&text);
}

/* --- laid out --- */

/* What ends a number or a word, and stands between values. */
static bool is_mark(char c)
{
	static const bool marks[256] = {
		[','] = true,
		[':'] = true,
		['{'] = true,
		['}'] = true,
		['['] = true,
		[']'] = true,
	};

	return marks[(unsigned char)c];
}

static const char *string_end(const char *at, const char *end)
{
	for (at++; at < end && *at != '"'; at++)
		if (*at == '\\')
			at++;
	return at < end ? at + 1 : end;
}

static void new_line(struct buf *out, size_t level)
{
	static const char blank[] = "\n                                ";

	/* One step for what is usual. */
	if (1 + 2 * level < sizeof(blank)) {
		buf_add(out, blank, 1 + 2 * level);
		return;
	}
	buf_addc(out, '\n');
	buf_fill(out, ' ', 2 * level);
}

static const char *indent_mark(struct buf *out, const char *at, const char *end, size_t *level)
{
	if (*at == ':') {
		buf_add(out, ": ", 2);
		return at + 1;
	}
	buf_addc(out, *at);
	if (*at == ',') {
		new_line(out, *level);
	} else if (at + 1 < end && (at[1] == '}' || at[1] == ']')) {
		buf_addc(out, *++at);
	} else {
		new_line(out, ++*level);
	}
	return at + 1;
}

void json_indent(struct buf *out, const char *text, size_t len)
{
	const char *end = text + len;
	size_t level = 0;

	/* About what deep lists grow by. */
	buf_reserve(out, len + len * 2 / 3);
	for (const char *at = text; at < end;) {
		const char *from = at;

		if (is_mark(*at) && *at != '}' && *at != ']') {
			at = indent_mark(out, at, end, &level);
			continue;
		}
		if (is_mark(*at)) {
			level -= level > 0;
			new_line(out, level);
			at++;
		} else if (*at == '"') {
			at = string_end(at, end);
		} else {
			while (at < end && !is_mark(*at) && *at != '"')
				at++;
		}
		buf_add(out, from, (size_t)(at - from));
	}
	buf_addc(out, '\n');
}
