#include "view/table.h"

#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "view/human.h"

enum { GAP = 2, NOTE_INDENT = 2, NOTE_LINES = 3 };

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

/* What is shown of each column, and how wide. */
struct layout {
	size_t room;
	size_t *widths;
	bool *is_hidden;
	bool has_note_lines;
};

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

static size_t table_total(const struct table *t, const struct layout *l)
{
	size_t total = 0;
	size_t shown = 0;

	for (size_t i = 0; i < t->columns_count; i++)
		if (!l->is_hidden[i]) {
			total += l->widths[i];
			shown++;
		}
	return total + (shown ? (shown - 1) * GAP : 0);
}

static bool table_fits(const struct table *t, const struct layout *l)
{
	return table_total(t, l) <= l->room;
}

static bool is_hollow(const struct table *t, size_t column)
{
	for (size_t i = column; i < t->cells.len; i += t->columns_count) {
		const struct table_cell *cell = t->cells.items[i];

		if (*cell->text && !str_eq(cell->text, "-"))
			return false;
	}
	return true;
}

/* Columns that give way, in their order, until the row fits. */
static void table_hide(const struct table *t, struct layout *l, bool only_hollow)
{
	while (!table_fits(t, l)) {
		size_t next = t->columns_count;

		for (size_t i = 0; i < t->columns_count; i++) {
			const struct table_column *c = &t->columns[i];

			if (c->gives_way && !l->is_hidden[i] && (!only_hollow || is_hollow(t, i)) &&
				(next == t->columns_count || c->gives_way < t->columns[next].gives_way))
				next = i;
		}
		if (next == t->columns_count)
			return;
		l->is_hidden[next] = true;
	}
}

/* Takes from the widest shrinkable until the row fits, or nothing is left to take. */
static void table_shrink(const struct table *t, struct layout *l)
{
	while (!table_fits(t, l)) {
		size_t *widest = NULL;

		for (size_t i = 0; i < t->columns_count; i++)
			if (t->columns[i].may_shrink && !l->is_hidden[i] &&
				(!widest || l->widths[i] > *widest))
				widest = &l->widths[i];
		if (!widest || *widest <= 1)
			return;
		--*widest;
	}
}

static void table_lay_out(const struct table *t, struct layout *l)
{
	size_t last = t->columns_count - 1;

	table_measure(t, l->widths);
	if (!l->room || table_fits(t, l))
		return;
	if (t->columns[last].is_note)
		l->has_note_lines = l->is_hidden[last] = true;
	table_hide(t, l, true);
	for (size_t i = 0; i < t->columns_count && !table_fits(t, l); i++)
		if (t->columns[i].is_name && l->widths[i] > l->room / 2)
			l->widths[i] = l->room / 2;
	table_hide(t, l, false);
	table_shrink(t, l);
}

/* One line on its way out. */
struct table_row {
	struct buf *out;
	const struct table_column *columns;
	const struct layout *layout;
	size_t blanks; /* owed: written only when text follows, so that no line ends in blanks */
	bool colour;
};

/* What is shown of a text that is too wide, with "…" where something is missing. */
static void add_cut(struct buf *out, const char *text, size_t width, bool is_name)
{
	const char *tail = is_name ? strrchr(text, ':') : NULL;
	size_t kept = tail ? str_width(tail) : 0;

	if (width < 1)
		return;
	if (kept + 2 > width)
		kept = 0;
	buf_add(out, text, human_fit(text, width - 1 - kept));
	buf_adds(out, "…");
	buf_adds(out, kept ? tail : "");
}

static void row_cell(struct table_row *row, size_t column, enum tint tint, const char *text)
{
	size_t width = row->layout->widths[column];
	bool is_right = row->columns[column].is_right;
	struct buf shown = BUF_INIT;
	size_t padding = 0;

	if (row->layout->is_hidden[column])
		return;
	if (str_width(text) > width)
		add_cut(&shown, text, width, row->columns[column].is_name);
	else
		buf_adds(&shown, text);
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

/* Below its row: the colour stands in each line, since a terminal may show any of them alone. */
static void row_note(struct table_row *row, const struct table_cell *note)
{
	const struct wrap w = { .width =
					row->layout->room > NOTE_INDENT ? row->layout->room - NOTE_INDENT : 1,
		.most = NOTE_LINES };
	struct buf lines = BUF_INIT;

	wrap_text(&lines, note->text, &w);
	for (const char *line = lines.ptr; *line;) {
		size_t len = strcspn(line, "\n");

		buf_fill(row->out, ' ', NOTE_INDENT);
		human_tint(row->out, note->tint, row->colour);
		buf_add(row->out, line, len);
		if (note->tint != TINT_NONE)
			human_untint(row->out, row->colour);
		buf_addc(row->out, '\n');
		line += len + 1;
	}
	buf_release(&lines);
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

static void table_rows(const struct table *t, struct table_row *row)
{
	const struct table_cell *cell = NULL;
	size_t i = 0;

	VEC_EACH (&t->cells, i, cell) {
		size_t column = i % t->columns_count;
		bool is_last = column + 1 == t->columns_count;

		row_cell(row, column, cell->tint, cell->text);
		if (is_last || i + 1 == t->cells.len)
			row_end(row);
		if (is_last && row->layout->has_note_lines)
			row_note(row, cell);
	}
}

void table_render(const struct table *t, struct buf *out, size_t width, bool colour)
{
	struct layout layout = { .room = width };
	struct table_row row = { .out = out, .columns = t->columns, .layout = &layout, .colour = colour };

	if (!t->columns_count)
		return;
	layout.widths = mem_zalloc(t->columns_count, sizeof(*layout.widths));
	layout.is_hidden = mem_zalloc(t->columns_count, sizeof(*layout.is_hidden));
	table_lay_out(t, &layout);
	if (table_has_titles(t))
		table_titles(t, &row);
	table_rows(t, &row);
	mem_free(layout.widths);
	mem_free(layout.is_hidden);
}

/* --- text in lines --- */

/* How many bytes of `text` make the next line: up to the last blank that fits, or up to the edge where there is none. */
static size_t line_length(const char *text, size_t room)
{
	size_t fits = human_fit(text, room);
	size_t cut = fits;

	if (!text[fits] || text[fits] == ' ')
		return fits;
	while (cut && text[cut] != ' ')
		cut--;
	if (cut)
		return cut;
	/* A wide character may not fit into one column: it is shown all the same, or this would not end. */
	return fits ? fits : str_utf8(text, strlen(text), NULL);
}

static void add_last(struct buf *out, const char *text, size_t room)
{
	size_t fits = human_fit(text, room);

	if (text[fits])
		fits = human_fit(text, room - 1);
	buf_add(out, text, fits);
	buf_adds(out, text[fits] ? "…" : "");
}

void wrap_text(struct buf *out, const char *text, const struct wrap *w)
{
	size_t room = w->width > w->indent ? w->width - w->indent : 1;

	for (size_t line = 1; *text; line++) {
		size_t len = w->width ? line_length(text, room) : strlen(text);

		buf_fill(out, ' ', w->indent);
		if (w->width && line == w->most) {
			add_last(out, text, room);
			buf_addc(out, '\n');
			return;
		}
		buf_add(out, text, len ? len : 1);
		buf_addc(out, '\n');
		text += len ? len : 1;
		text += strspn(text, " ");
	}
}
