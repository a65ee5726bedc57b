#include "view/complaint.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "view/human.h"

enum {
	NUMBER_WIDTH = 5, /* of the line's number; a longer one moves the bar */
	BAR_WIDTH = sizeof(" | ") - 1,
	DOTS_WIDTH = 1,
	BEFORE_MAX = COMPLAINT_COLUMNS / 2, /* what is kept in front of the place when the front is cut */
};

static void add_tinted_text(struct buf *out, enum tint tint, bool colour, const char *text)
{
	human_tint(out, tint, colour);
	buf_adds(out, text);
	human_untint(out, colour);
}

/* "oxfile.toml:7:12:", as much of it as is known. */
static void add_place(struct buf *out, const struct diag *complaint, bool colour)
{
	human_tint(out, TINT_BOLD, colour);
	human_safe(out, complaint->file, strlen(complaint->file));
	if (complaint->at.line > 0)
		buf_addf(out, ":%d", complaint->at.line);
	if (complaint->at.line > 0 && complaint->at.column > 0)
		buf_addf(out, ":%d", complaint->at.column);
	buf_addc(out, ':');
	human_untint(out, colour);
	buf_addc(out, ' ');
}

/* Where the column stands in the text, in bytes; the end of the text if it is beyond. */
static size_t column_offset(const char *text, size_t len, int column)
{
	size_t at = 0;

	for (int i = 1; i < column && at < len; i++)
		at += str_utf8(text + at, len - at, NULL);
	return at;
}

static size_t width_of(const char *text, size_t len)
{
	return str_width(text) - str_width(text + len);
}

/*
 * The part of the line that is shown, in `shown`; gives how many columns stand in front of the place.
 * The line was made safe before, so every character in it is well-formed.
 */
static size_t cut_around(struct buf *shown, const char *text, size_t place, size_t room)
{
	size_t len = strlen(text);
	size_t from = 0;
	size_t before = 0;
	size_t fits = 0;

	/* The caret needs a column of its own where it points behind the end. */
	if (str_width(text) + (place == len) <= room) {
		buf_adds(shown, text);
		return width_of(text, place);
	}
	while (width_of(text + from, place - from) + DOTS_WIDTH > BEFORE_MAX)
		from += str_utf8(text + from, len - from, NULL);
	if (from) {
		buf_adds(shown, "…");
		room -= DOTS_WIDTH;
	}
	before = (from ? DOTS_WIDTH : 0) + width_of(text + from, place - from);
	fits = human_fit(text + from, room);
	if (from + fits < len)
		fits = human_fit(text + from, room - DOTS_WIDTH);
	buf_add(shown, text + from, fits);
	if (from + fits < len)
		buf_adds(shown, "…");
	return before;
}

/* The line as it is shown, with its number; gives how many columns stand between the bar and the place. */
static size_t add_quoted_line(struct buf *out, const struct diag *complaint, int number_width, bool colour)
{
	struct buf safe = BUF_INIT;
	struct buf shown = BUF_INIT;
	size_t place = 0;
	size_t before = 0;

	human_safe(&safe, complaint->line, strlen(complaint->line));
	place = column_offset(safe.ptr, safe.len, complaint->at.column);
	/* Quoted lines are cut at some length: then the place is in what is missing. */
	if (complaint->at.column > 1 && (size_t)complaint->at.column - 1 > str_utf8_count(safe.ptr, safe.len))
		buf_adds(&safe, "…");
	before = cut_around(&shown, safe.ptr, place, COMPLAINT_COLUMNS - (size_t)number_width - BAR_WIDTH);
	human_tint(out, TINT_DIM, colour);
	buf_addf(out, "%*d |", number_width, complaint->at.line);
	human_untint(out, colour);
	if (shown.len)
		buf_addf(out, " %s", shown.ptr);
	buf_addc(out, '\n');
	buf_release(&shown);
	buf_release(&safe);
	return before;
}

static void add_caret(struct buf *out, size_t before, int number_width, enum tint tint, bool colour)
{
	human_tint(out, TINT_DIM, colour);
	buf_addf(out, "%*s |", number_width, "");
	human_untint(out, colour);
	buf_fill(out, ' ', before + 1);
	add_tinted_text(out, tint, colour, "^");
	buf_addc(out, '\n');
}

void complaint_render_one(struct buf *out, const struct diag *complaint, bool colour)
{
	int number_width = snprintf(NULL, 0, "%d", complaint->at.line);
	bool has_line = complaint->line && complaint->at.line > 0;

	if (number_width < NUMBER_WIDTH || !has_line)
		number_width = NUMBER_WIDTH;
	add_place(out, complaint, colour);
	if (complaint->is_warning) {
		add_tinted_text(out, TINT_YELLOW, colour, "warning:");
		buf_addc(out, ' ');
	}
	human_safe(out, complaint->text, strlen(complaint->text));
	buf_addc(out, '\n');
	if (has_line) {
		size_t before = add_quoted_line(out, complaint, number_width, colour);

		if (complaint->at.column > 0)
			add_caret(out, before, number_width, complaint->is_warning ? TINT_YELLOW : TINT_RED,
				colour);
	}
	if (!complaint->hint)
		return;
	human_tint(out, TINT_DIM, colour);
	buf_addf(out, "%*s =", number_width, "");
	human_untint(out, colour);
	buf_addc(out, ' ');
	human_safe(out, complaint->hint, strlen(complaint->hint));
	buf_addc(out, '\n');
}

void complaint_render(struct buf *out, const struct diags *d, bool colour)
{
	const struct diag *complaint = NULL;
	size_t i = 0;

	VEC_EACH (&d->list, i, complaint)
		complaint_render_one(out, complaint, colour);
	if (d->left_out)
		buf_addf(out, "… and %zu more\n", d->left_out);
}
