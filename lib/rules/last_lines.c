#include "rules/last_lines.h"

#include <string.h>

#include "base/assert.h"
#include "base/mem.h"

enum {
	ROOM = LAST_LINES_BYTES +
		LAST_LINES_BYTES / 4, /* with less spare room each line would move all others */
	FIRST_ROOM = 256,
};

void last_lines_release(struct last_lines *l)
{
	mem_free(l->text);
	*l = (struct last_lines){ .text = NULL };
}

static void clear(struct last_lines *l)
{
	ASSERT(l->len <= l->cap, "%zu bytes of last lines are in room for %zu", l->len, l->cap);
	l->len = 0;
	l->column = 0;
	l->is_within = false;
	l->is_cut = false;
}

/* Room for one more part of a line, which is shorter than the spare room. */
static void drop_oldest(struct last_lines *l, size_t len)
{
	size_t more = l->cap ? l->cap : FIRST_ROOM;

	ASSERT(len <= ROOM - LAST_LINES_BYTES, "a part of %zu bytes does not fit into the last lines", len);
	ASSERT(l->len <= l->cap && l->cap <= ROOM, "%zu bytes of last lines are in room for %zu", l->len,
		l->cap);
	if (l->len + len > ROOM) {
		memmove(l->text, l->text + (l->len - LAST_LINES_BYTES), LAST_LINES_BYTES);
		l->len = LAST_LINES_BYTES;
		l->is_cut = true;
	}
	while (more < l->len + len)
		more *= 2;
	if (more > ROOM)
		more = ROOM;
	if (more != l->cap)
		l->text = mem_resize(l->text, more, 1);
	l->cap = more;
}

static void put_bytes(struct last_lines *l, const char *bytes, size_t len)
{
	drop_oldest(l, len);
	ASSERT(l->len + len <= l->cap, "%zu and %zu bytes do not fit into %zu", l->len, len, l->cap);
	memcpy(l->text + l->len, bytes, len);
	l->len += len;
}

/* A part of one line, without its newline. */
static void append_bytes(struct last_lines *l, const char *bytes, size_t len)
{
	size_t room = l->column < LAST_LINES_WIDTH ? LAST_LINES_WIDTH - l->column : 0;
	size_t fits = len < room ? len : room;

	ASSERT(l->column <= LAST_LINES_WIDTH + 1, "a kept line has %zu columns", l->column);
	if (!l->is_within)
		put_bytes(l, "\n", 1);
	l->is_within = true;
	if (fits)
		put_bytes(l, bytes, fits);
	l->column += fits;
	/* Once: it counts as one more byte. */
	if (len > fits && l->column == LAST_LINES_WIDTH) {
		put_bytes(l, "...", 3);
		l->column++;
	}
}

/* Where the last LAST_LINES_MAX lines begin; NULL: there are fewer line breaks than that. */
static const char *last_begin(const char *bytes, size_t len)
{
	const char *at = bytes + len;

	for (int k = 0; k <= LAST_LINES_MAX && at; k++)
		at = memrchr(bytes, '\n', (size_t)(at - bytes));
	return at;
}

void last_lines_add(struct last_lines *l, const char *bytes, size_t len)
{
	const char *end = bytes + len;
	const char *from = last_begin(bytes, len);

	ASSERT(!from || (from >= bytes && from < end), "the last lines begin outside of %zu bytes", len);
	if (from) {
		clear(l);
		bytes = from + 1;
	}
	while (bytes < end) {
		const char *newline = memchr(bytes, '\n', (size_t)(end - bytes));
		size_t part = (size_t)((newline ? newline : end) - bytes);

		append_bytes(l, bytes, part);
		bytes += part;
		if (!newline)
			break;
		bytes++;
		l->is_within = false;
		l->column = 0;
	}
}

static size_t printed_from(const struct last_lines *l)
{
	bool is_long = l->is_cut || l->len > LAST_LINES_BYTES;
	size_t least = l->len > LAST_LINES_BYTES ? l->len - LAST_LINES_BYTES : 0;
	const char *first = NULL;
	const char *at = NULL;

	ASSERT(l->text && l->len <= l->cap, "%zu bytes of last lines are in room for %zu", l->len, l->cap);
	first = is_long ? memchr(l->text + least, '\n', l->len - least) : l->text;
	at = l->text + l->len;
	for (int k = 0; k < LAST_LINES_MAX && at; k++)
		at = memrchr(l->text, '\n', (size_t)(at - l->text));
	if (!first)
		return l->len;
	return (size_t)((at && at > first ? at : first) - l->text);
}

void last_lines_print(const struct last_lines *l, struct buf *out)
{
	ASSERT(l->text || !l->len, "%zu bytes of last lines are nowhere", l->len);
	if (!l->len)
		return;
	/* The words that it goes into end at a NUL. */
	for (size_t k = printed_from(l); k < l->len; k++)
		buf_addc(out, l->text[k] ? l->text[k] : ' ');
}
