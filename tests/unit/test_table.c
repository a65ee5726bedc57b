#include "view/table.h"

#include <string.h>

#include "base/str.h"
#include "unit.h"

static const struct table_column herd_columns[] = {
	{ .title = "PROCESS" },
	{ .title = "PID", .is_right = true },
	{ .title = "COMMAND", .may_shrink = true },
	{ .title = "NOTE", .may_shrink = true },
};
enum { HERD_COLUMNS = sizeof(herd_columns) / sizeof(herd_columns[0]) };

static void herd_init(struct table *t)
{
	static const char *const words[] = {
		"api:0",
		"812",
		"node server.js --port 3000",
		"", /* an empty last cell */
		"api:1",
		"4102",
		"node server.js",
		"draining",
		"w:0",
		"",
		"sh",
		"blocked",
	};

	table_init(t, herd_columns, HERD_COLUMNS);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		table_cell(t, TINT_NONE, "%s", words[i]);
}

static void herd_reads(size_t width, const char *text)
{
	struct buf out = BUF_INIT;
	struct table t;

	herd_init(&t);
	table_render(&t, &out, width, false);
	assert_string_equal(out.ptr, text);
	buf_release(&out);
	table_release(&t);
}

static void columns_line_up(void **state)
{
	static const char text[] = "PROCESS   PID  COMMAND                     NOTE\n"
				   "api:0     812  node server.js --port 3000\n"
				   "api:1    4102  node server.js              draining\n"
				   "w:0            sh                          blocked\n";

	(void)state;
	herd_reads(0, text);
	herd_reads(51, text);
	herd_reads(1000, text);
}

static void the_widest_column_gives_way(void **state)
{
	(void)state;
	herd_reads(50,
		"PROCESS   PID  COMMAND                    NOTE\n"
		"api:0     812  node server.js --port 30…\n"
		"api:1    4102  node server.js             draining\n"
		"w:0            sh                         blocked\n");
	herd_reads(30,
		"PROCESS   PID  COMMA…  NOTE\n"
		"api:0     812  node …\n"
		"api:1    4102  node …  draini…\n"
		"w:0            sh      blocked\n");
	herd_reads(1,
		"PROCESS   PID  …  …\n"
		"api:0     812  …\n"
		"api:1    4102  …  …\n"
		"w:0            …  …\n");
}

static void no_row_is_wider_than_asked(void **state)
{
	(void)state;
	for (size_t width = 19; width < 60; width++) {
		struct buf out = BUF_INIT;
		struct table t;

		herd_init(&t);
		table_cell(&t, TINT_NONE, "r\xc3\xbc");
		table_cell(&t, TINT_NONE, "1");
		table_cell(&t, TINT_NONE,
			"\xe7\x89\x9b\xe7\x89\x9b\xe7\x89\x9b\xe7\x89\x9b\xe7\x89\x9b\xe7\x89\x9b");
		table_cell(&t, TINT_NONE, "\xe7\x89\x9b\xe7\x89\x9b\xe7\x89\x9b\xe7\x89\x9b");
		table_render(&t, &out, width, false);
		for (char *line = out.ptr; *line; line = line + strlen(line) + 1) {
			char *end = strchr(line, '\n');

			assert_non_null(end);
			*end = '\0';
			assert_true(str_width(line) <= width);
		}
		buf_release(&out);
		table_release(&t);
	}
}

static void wide_characters_count_twice(void **state)
{
	static const struct table_column columns[] = { { .may_shrink = true }, { .is_right = true } };
	struct buf out = BUF_INIT;
	struct table t;

	(void)state;
	table_init(&t, columns, 2);
	table_cell(&t, TINT_NONE, "\xe7\x89\x9b\xe7\x89\x9b\xe7\x89\x9b");
	table_cell(&t, TINT_NONE, "7");
	table_cell(&t, TINT_NONE, "ab");
	table_cell(&t, TINT_NONE, "10");
	table_render(&t, &out, 0, false);
	assert_string_equal(out.ptr, "\xe7\x89\x9b\xe7\x89\x9b\xe7\x89\x9b   7\nab      10\n");
	/* Half of a wide character is not shown: the cell is a column short and filled up. */
	buf_clear(&out);
	table_render(&t, &out, 8, false);
	assert_string_equal(out.ptr, "\xe7\x89\x9b…    7\nab    10\n");
	buf_release(&out);
	table_release(&t);
}

static void colours_take_no_room(void **state)
{
	static const struct table_column columns[] = { { .title = "A" }, { .title = "B", .is_right = true },
		{ .title = "C" } };
	struct buf out = BUF_INIT;
	struct table t;

	(void)state;
	table_init(&t, columns, 3);
	table_cell(&t, TINT_GREEN, "up");
	table_cell(&t, TINT_NONE, "10");
	table_cell(&t, TINT_RED, "%s", "");
	table_render(&t, &out, 0, true);
	assert_string_equal(
		out.ptr, "\033[1mA\033[0m    \033[1mB\033[0m  \033[1mC\033[0m\n\033[32mup\033[0m  10\n");
	buf_release(&out);
	table_release(&t);
}

static void a_cell_cannot_leave_its_place(void **state)
{
	static const struct table_column columns[] = { { .may_shrink = true }, { .may_shrink = true } };
	struct buf out = BUF_INIT;
	struct table t;

	(void)state;
	table_init(&t, columns, 2);
	table_cell(&t, TINT_NONE, "a\nb\t%d\033[2J", 5);
	table_cell(&t, TINT_NONE, "\xff");
	table_render(&t, &out, 0, false);
	assert_string_equal(out.ptr, "a?b 5?[2J  ?\n");
	buf_release(&out);
	table_release(&t);
}

static void an_empty_table_is_its_titles(void **state)
{
	static const struct table_column untitled[] = { { .may_shrink = true }, { .is_right = true } };
	struct buf out = BUF_INIT;
	struct table t;

	(void)state;
	table_init(&t, herd_columns, HERD_COLUMNS);
	table_render(&t, &out, 80, false);
	assert_string_equal(out.ptr, "PROCESS  PID  COMMAND  NOTE\n");
	table_release(&t);

	buf_clear(&out);
	table_init(&t, untitled, 2);
	table_render(&t, &out, 80, false);
	assert_string_equal(out.ptr, "");
	table_cell(&t, TINT_NONE, "alone in its row");
	table_render(&t, &out, 0, false);
	assert_string_equal(out.ptr, "alone in its row\n");
	table_release(&t);

	buf_clear(&out);
	table_init(&t, NULL, 0);
	table_render(&t, &out, 80, false);
	assert_string_equal(out.ptr, "");
	table_release(&t);
	buf_release(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("columns line up, numbers at the right, and no line ends in blanks", columns_line_up),
		PROMISE("the widest column gives way when there is no room", the_widest_column_gives_way),
		PROMISE("no row is wider than asked", no_row_is_wider_than_asked),
		PROMISE("wide characters count twice", wide_characters_count_twice),
		PROMISE("colours take no room, and an empty cell has none", colours_take_no_room),
		PROMISE("a cell cannot leave its place", a_cell_cannot_leave_its_place),
		PROMISE("an empty table is its titles, and half a row is a row",
			an_empty_table_is_its_titles),
	};

	return cmocka_run_group_tests_name("table", tests, NULL, NULL);
}
