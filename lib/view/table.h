/*
 * Rows and columns of text, aligned by what a terminal shows (wide characters count twice).  Columns are two
 * blanks apart, and no line ends in blanks.  With a width the widest shrinkable columns are cut with "…" so
 * that no row wraps; where those that may not shrink are too wide for that, it wraps.
 */
#ifndef OX_VIEW_TABLE_H
#define OX_VIEW_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/vec.h"
#include "view/human.h"

struct table_column {
	const char *title; /* NULL in every column: no header line */
	bool is_right;     /* numbers */
	bool may_shrink;
};

struct table {
	const struct table_column *columns; /* borrowed */
	size_t columns_count;
	struct vec cells; /* of struct table_cell *, row by row */
};

void table_init(struct table *t, const struct table_column *columns, size_t count);
void table_release(struct table *t);
/* The next cell, from left to right, row by row; text is made safe for a terminal. */
void table_cell(struct table *t, enum tint tint, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* `width` 0: as wide as it needs. */
void table_render(const struct table *t, struct buf *out, size_t width, bool colour);

#endif
