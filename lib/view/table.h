/*
 * Rows and columns of text, aligned by what a terminal shows (wide characters count twice).  Columns are two blanks apart, and no line
 * ends in blanks.  Where a row does not fit the width, this happens until it does:
 *
 * 1. the note takes lines of its own below its row;
 * 2. columns that give way and hold nothing but "-" are left out, then the name is cut to half of the line, then the other columns that
 *    give way are left out, the lowest number first;
 * 3. the widest of those that may shrink are cut with "…".
 *
 * It wraps only where the columns that may do none of this are too wide.
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
	bool is_name;  /* cut before its last ':', so that the number of an instance stays */
	bool is_note;  /* the last column, if any */
	int gives_way; /* 1 is left out first; 0: never */
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

/* --- text in lines of at most so many columns --- */

struct wrap {
	size_t width;  /* of a whole line; 0: one line, however long */
	size_t indent; /* blanks before each line */
	size_t most;   /* lines; what does not fit into them ends in "…"; 0: any number */
};

/*
 * Appends the words of `text`, broken at blanks, each line with its end.  A word that is longer than a line is broken where the line ends.
 * Nothing for an empty text.
 */
void wrap_text(struct buf *out, const char *text, const struct wrap *w);

#endif
