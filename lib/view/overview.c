#include "view/overview.h"

#include <string.h>

enum { INDENT = 2, GAP = 2, COLUMN = INDENT + OVERVIEW_NAME + GAP + OVERVIEW_BRIEF };

/* The blanks that a row needs behind it are written before the next one of its line, so that no line ends in blanks. */
struct line {
	struct buf *out;
	size_t filled; /* columns of text in this line so far */
	int rows, most;
};

static void line_end(struct line *l)
{
	if (l->rows)
		buf_addc(l->out, '\n');
	l->rows = 0;
	l->filled = 0;
}

static void line_row(struct line *l, const struct overview_row *row)
{
	size_t start = (size_t)l->rows * COLUMN;
	size_t name = strlen(row->name);

	buf_fill(l->out, ' ', start - l->filled + INDENT);
	buf_adds(l->out, row->name);
	buf_fill(l->out, ' ', (name < OVERVIEW_NAME ? OVERVIEW_NAME - name : 0) + GAP);
	buf_adds(l->out, row->brief);
	l->filled = start + INDENT + (name < OVERVIEW_NAME ? OVERVIEW_NAME : name) + GAP + strlen(row->brief);
	if (++l->rows == l->most)
		line_end(l);
}

void overview_print(struct buf *out, const char *const *groups, const struct overview_row *rows, size_t count,
	size_t width)
{
	struct line l = { .out = out, .most = width && width < OVERVIEW_WIDTH ? 1 : 2 };

	for (int group = 0; groups[group]; group++) {
		buf_addf(out, "%s\n", groups[group]);
		for (size_t i = 0; i < count; i++)
			if (rows[i].group == group)
				line_row(&l, &rows[i]);
		line_end(&l);
	}
}
