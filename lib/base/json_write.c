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

/* `to` has room for all that is left of the text, and for a line break with the blanks of the next level. */
struct layout {
	struct buf *out;
	char *to, *limit;
	const char *at, *end;
	size_t level;
};

static void make_layout_room(struct layout *l)
{
	size_t need = (size_t)(l->end - l->at) + 2 * (l->level + 1) + sizeof(": \n");

	if ((size_t)(l->limit - l->to) >= need)
		return;
	l->out->len = (size_t)(l->to - l->out->ptr);
	buf_reserve(l->out, need);
	l->to = l->out->ptr + l->out->len;
	l->limit = l->out->ptr + l->out->cap;
}

static void put_next(struct layout *l)
{
	*l->to++ = *l->at++;
}

static void put_line(struct layout *l)
{
	*l->to++ = '\n';
	memset(l->to, ' ', 2 * l->level);
	l->to += 2 * l->level;
}

/* Copies up to a byte that `ends`.  What is written may be anything, as far as the compiler knows: so the two pointers are its own. */
static void put_until(struct layout *l, const bool ends[256])
{
	const char *at = l->at;
	const char *end = l->end;
	char *to = l->to;

	while (at < end && !ends[(unsigned char)*at])
		*to++ = *at++;
	l->at = at;
	l->to = to;
}

static void put_string_token(struct layout *l)
{
	static const bool ends[256] = { ['"'] = true, ['\\'] = true };

	put_next(l);
	for (put_until(l, ends); l->at < l->end && *l->at == '\\'; put_until(l, ends)) {
		put_next(l);
		if (l->at < l->end)
			put_next(l);
	}
	if (l->at < l->end)
		put_next(l);
}

/* A number or a word. */
static void put_word(struct layout *l)
{
	static const bool ends[256] = {
		[','] = true,
		[':'] = true,
		['{'] = true,
		['}'] = true,
		['['] = true,
		[']'] = true,
		['"'] = true,
	};

	put_until(l, ends);
}

static void put_opening(struct layout *l)
{
	put_next(l);
	if (l->at < l->end && (*l->at == '}' || *l->at == ']')) {
		put_next(l);
		return;
	}
	l->level++;
	put_line(l);
}

static void put_piece(struct layout *l)
{
	switch (*l->at) {
	case '"':
		put_string_token(l);
		break;
	case ':':
		put_next(l);
		*l->to++ = ' ';
		break;
	case ',':
		put_next(l);
		put_line(l);
		break;
	case '{':
	case '[':
		put_opening(l);
		break;
	case '}':
	case ']':
		l->level -= l->level > 0;
		put_line(l);
		put_next(l);
		break;
	default:
		put_word(l);
		break;
	}
}

void json_indent(struct buf *out, const char *text, size_t len)
{
	struct layout l = { .out = out, .at = text, .end = text + len };

	/* About what deep lists grow by. */
	buf_reserve(out, len + len * 2 / 3);
	l.to = out->ptr + out->len;
	l.limit = out->ptr + out->cap;
	while (l.at < l.end) {
		make_layout_room(&l);
		put_piece(&l);
	}
	make_layout_room(&l);
	*l.to++ = '\n';
	*l.to = '\0';
	out->len = (size_t)(l.to - out->ptr);
}
