#include "view/table.h"

#include <string.h>

#include "base/mem.h"
#include "base/str.h"

enum { GAP = 2 };

struct table_cell {
	enum tint tint;
	char *text;
};

void table_init(struct table *t, const struct table_column *columns, size_t count)
{
	*t = (struct table){ .columns = columns, .columns_count = count, .cells = VEC_INIT };
}

static void cell_free(void *item)
{
	struct table_cell *cell = item;

	mem_free(cell->text);
	mem_free(cell);
}

void table_release(struct table *t)
{
	vec_release_with(&t->cells, cell_free);
	*t = (struct table){ .cells = VEC_INIT };
}

void table_cell(struct table *t, enum tint tint, const char *format, ...)
{
	struct table_cell *cell = mem_zalloc(1, sizeof(*cell));
	struct buf raw = BUF_INIT;
	struct buf safe = BUF_INIT;
	va_list args;

	va_start(args, format);
	buf_addfv(&raw, format, args);
	va_end(args);
	human_safe(&safe, raw.ptr, raw.len);
	buf_release(&raw);
	cell->tint = tint;
	cell->text = buf_detach(&safe);
	vec_push(&t->cells, cell);
}

static bool table_has_titles(const struct table *t)
{
	for (size_t i = 0; i < t->columns_count; i++)
		if (t->columns[i].title)
			return true;
	return false;
}

/* What every column would like to have. */
static void table_measure(const struct table *t, size_t *widths)
{
	const struct table_cell *cell = NULL;
	size_t i = 0;

	for (i = 0; i < t->columns_count; i++)
		widths[i] = t->columns[i].title ? str_width(t->columns[i].title) : 0;
	VEC_EACH (&t->cells, i, cell) {
		size_t *width = &widths[i % t->columns_count];
		size_t own = str_width(cell->text);

		*width = own > *width ? own : *width;
	}
}

/* Takes columns from the widest shrinkable until the row fits, or nothing is left to take. */
static void table_shrink(const struct table *t, size_t *widths, size_t room)
{
	size_t total = (t->columns_count - 1) * GAP;

	for (size_t i = 0; i < t->columns_count; i++)
		total += widths[i];
	while (total > room) {
		size_t *widest = NULL;

		for (size_t i = 0; i < t->columns_count; i++)
			if (t->columns[i].may_shrink && (!widest || widths[i] > *widest))
				widest = &widths[i];
		if (!widest || *widest <= 1)
			return;
		--*widest;
		total--;
	}
}

/* One line on its way out. */
struct table_row {
	struct buf *out;
	const struct table_column *columns;
	const size_t *widths;
	size_t blanks; /* owed: written only when text follows, so that no line ends in blanks */
	bool colour;
};

static void row_cell(struct table_row *row, size_t column, enum tint tint, const char *text)
{
	size_t width = row->widths[column];
	bool is_right = row->columns[column].is_right;
	bool is_cut = str_width(text) > width;
	struct buf shown = BUF_INIT;
	size_t padding = 0;

	buf_add(&shown, text, is_cut ? human_fit(text, width - 1) : strlen(text));
	if (is_cut)
		buf_adds(&shown, "…");
	padding = width - str_width(shown.ptr);
	row->blanks += is_right ? padding : 0;
	if (shown.len) {
		buf_fill(row->out, ' ', row->blanks);
		row->blanks = 0;
		human_tint(row->out, tint, row->colour);
		buf_add(row->out, shown.ptr, shown.len);
		if (tint != TINT_NONE)
			human_untint(row->out, row->colour);
	}
	row->blanks += GAP + (is_right ? 0 : padding);
	buf_release(&shown);
}

static void row_end(struct table_row *row)
{
	buf_addc(row->out, '\n');
	row->blanks = 0;
}

static void table_titles(const struct table *t, struct table_row *row)
{
	for (size_t i = 0; i < t->columns_count; i++)
		row_cell(row, i, TINT_BOLD, t->columns[i].title ? t->columns[i].title : "");
	row_end(row);
}

void table_render(const struct table *t, struct buf *out, size_t width, bool colour)
{
	size_t *widths = NULL;
	struct table_row row = { .out = out, .columns = t->columns, .colour = colour };
	const struct table_cell *cell = NULL;
	size_t i = 0;

	if (!t->columns_count)
		return;
	widths = mem_zalloc(t->columns_count, sizeof(*widths));
	row.widths = widths;
	table_measure(t, widths);
	if (width)
		table_shrink(t, widths, width);
	if (table_has_titles(t))
		table_titles(t, &row);
	VEC_EACH (&t->cells, i, cell) {
		size_t column = i % t->columns_count;

		row_cell(&row, column, cell->tint, cell->text);
		if (column + 1 == t->columns_count || i + 1 == t->cells.len)
			row_end(&row);
	}
	mem_free(widths);
}
