#include "view/complaint.h"

#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "unit.h"

struct complaint_row {
	struct place at;
	const char *line, *text, *hint;
	bool is_warning;
	const char *shown;
};

static void row_renders(struct buf *out, const struct complaint_row *row, bool colour)
{
	struct diag complaint = {
		.file = mem_strdup("oxfile.toml"),
		.at = row->at,
		.line = mem_strdup(row->line),
		.text = mem_strdup(row->text),
		.hint = mem_strdup(row->hint),
		.is_warning = row->is_warning,
	};

	complaint_render_one(out, &complaint, colour);
	mem_free(complaint.file);
	mem_free(complaint.line);
	mem_free(complaint.text);
	mem_free(complaint.hint);
}

static void rows_read(const struct complaint_row *rows, size_t count, bool colour)
{
	for (size_t i = 0; i < count; i++) {
		struct buf out = BUF_INIT;

		row_renders(&out, &rows[i], colour);
		assert_string_equal(out.ptr, rows[i].shown);
		buf_release(&out);
	}
}

static void shows_the_line_and_the_place(void **state)
{
	static const struct complaint_row rows[] = {
		{ { 7, 12 }, "restart_dealy_ms = 5", "unknown key 'restart_dealy_ms'",
			"did you mean 'restart_delay_ms'?", false,
			"oxfile.toml:7:12: unknown key 'restart_dealy_ms'\n"
			"    7 | restart_dealy_ms = 5\n"
			"      |            ^\n"
			"      = did you mean 'restart_delay_ms'?\n" },
		{ { 99999, 1 }, "port = 0", "port: 0 is outside 1..65535", NULL, false,
			"oxfile.toml:99999:1: port: 0 is outside 1..65535\n"
			"99999 | port = 0\n"
			"      | ^\n" },
		{ { 123456, 8 }, "port = 0", "outside", "write a port", true,
			"oxfile.toml:123456:8: warning: outside\n"
			"123456 | port = 0\n"
			"       |        ^\n"
			"       = write a port\n" },
	};

	(void)state;
	rows_read(rows, sizeof(rows) / sizeof(rows[0]), false);
}

static void the_caret_stands_behind_the_end_where_something_is_missing(void **state)
{
	static const struct complaint_row rows[] = {
		{ { 7, 7 }, "port =", "expected a value after '='", NULL, false,
			"oxfile.toml:7:7: expected a value after '='\n"
			"    7 | port =\n"
			"      |       ^\n" },
		{ { 1, 1 }, "", "no processes", NULL, false,
			"oxfile.toml:1:1: no processes\n"
			"    1 |\n"
			"      | ^\n" },
		/* The quoted line is shorter than the place: it was cut. */
		{ { 1, 9 }, "a = 1", "too far", NULL, false,
			"oxfile.toml:1:9: too far\n"
			"    1 | a = 1…\n"
			"      |      ^\n" },
	};

	(void)state;
	rows_read(rows, sizeof(rows) / sizeof(rows[0]), false);
}

static void what_is_not_known_is_left_out(void **state)
{
	static const struct complaint_row rows[] = {
		{ { 0, 0 }, NULL, "no such file", NULL, false, "oxfile.toml: no such file\n" },
		{ { 0, 5 }, "unasked", "cycle: a -> b -> a", "break it", true,
			"oxfile.toml: warning: cycle: a -> b -> a\n"
			"      = break it\n" },
		{ { 123456, 2 }, NULL, "no line to quote", "look there", false,
			"oxfile.toml:123456:2: no line to quote\n"
			"      = look there\n" },
		{ { 3, 0 }, "port = 0", "about the whole line", NULL, false,
			"oxfile.toml:3: about the whole line\n"
			"    3 | port = 0\n" },
	};

	(void)state;
	rows_read(rows, sizeof(rows) / sizeof(rows[0]), false);
}

static void the_caret_counts_what_a_terminal_shows(void **state)
{
	static const struct complaint_row rows[] = {
		{ { 2, 4 }, "\t\ta=", "tabs", NULL, false,
			"oxfile.toml:2:4: tabs\n"
			"    2 |   a=\n"
			"      |    ^\n" },
		{ { 2, 5 }, "\"\xe7\x89\x9b\xe7\x89\x9b\" 1", "wide", NULL, false,
			"oxfile.toml:2:5: wide\n"
			"    2 | \"\xe7\x89\x9b\xe7\x89\x9b\" 1\n"
			"      |       ^\n" },
		{ { 2, 4 }, "\xc3\xbc\xc3\xbc x", "accents", NULL, false,
			"oxfile.toml:2:4: accents\n"
			"    2 | \xc3\xbc\xc3\xbc x\n"
			"      |    ^\n" },
		{ { 2, 4 }, "e\xcc\x81 x", "combining", NULL, false,
			"oxfile.toml:2:4: combining\n"
			"    2 | e\xcc\x81 x\n"
			"      |   ^\n" },
	};

	(void)state;
	rows_read(rows, sizeof(rows) / sizeof(rows[0]), false);
}

static void bytes_of_strangers_are_made_safe(void **state)
{
	static const struct complaint_row rows[] = {
		{ { 2, 4 }, "\033[2J\xff", "bad \033]0;title\a", "did you\nmean", false,
			"oxfile.toml:2:4: bad ?]0;title?\n"
			"    2 | ?[2J?\n"
			"      |    ^\n"
			"      = did you?mean\n" },
	};
	struct buf out = BUF_INIT;
	struct diags d = DIAGS_INIT;

	(void)state;
	rows_read(rows, sizeof(rows) / sizeof(rows[0]), false);
	diags_about(&d, "a\033[31m.toml", NULL, 0);
	diags_error(&d, (struct place){ 1, 1 }, "x");
	complaint_render(&out, &d, false);
	assert_string_equal(out.ptr, "a?[31m.toml:1:1: x\n");
	diags_release(&d);
	buf_release(&out);
}

/* A long line of `unit` with an X at the place: three lines within the width, and the caret right under the X. */
static void long_line_shows_its_place(const char *unit, size_t times, size_t column)
{
	struct buf line = BUF_INIT;
	struct buf out = BUF_INIT;
	struct complaint_row row = { .at = { 7, (int)column }, .text = "here" };
	char *quoted = NULL;
	char *caret = NULL;

	for (size_t i = 1; i <= times; i++)
		buf_adds(&line, i == column ? "X" : unit);
	row.line = line.ptr;
	row_renders(&out, &row, false);
	quoted = strchr(out.ptr, '\n') + 1;
	caret = strchr(quoted, '\n');
	*caret++ = '\0';
	*strchr(caret, '\n') = '\0';
	assert_true(str_width(quoted) <= COMPLAINT_COLUMNS);
	assert_true(str_width(caret) <= COMPLAINT_COLUMNS);
	if (column <= times) {
		char *x = strchr(quoted, 'X');

		assert_non_null(x);
		assert_int_equal(str_width(quoted) - str_width(x), str_width(caret) - 1);
	} else {
		assert_int_equal(str_width(quoted), str_width(caret) - 1);
	}
	buf_release(&line);
	buf_release(&out);
}

static void long_lines_are_cut_around_the_place(void **state)
{
	static const char *const units[] = { "-", "\xc3\xbc", "\xe7\x89\x9b" };

	(void)state;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		for (size_t times = 44; times <= 133; times++)
			for (size_t column = 1; column <= times + 1; column++)
				long_line_shows_its_place(units[i], times, column);
}

static void a_cut_line_looks_cut(void **state)
{
	static char digits[200];
	struct buf out = BUF_INIT;
	struct complaint_row row = { .at = { 7, 100 }, .line = digits, .text = "here" };

	(void)state;
	for (size_t i = 0; i + 1 < sizeof(digits); i++)
		digits[i] = (char)('0' + (i + 1) % 10);
	row_renders(&out, &row, false);
	assert_string_equal(out.ptr,
		"oxfile.toml:7:100: here\n"
		"    7 | …123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890…\n"
		"      |                                                   ^\n");
	/* A line that just fits stays whole. */
	digits[92] = '\0';
	row.at.column = 92;
	buf_clear(&out);
	row_renders(&out, &row, false);
	assert_null(strstr(out.ptr, "…"));
	row.at.column = 93;
	buf_clear(&out);
	row_renders(&out, &row, false);
	assert_non_null(strstr(out.ptr, "| …"));
	buf_release(&out);
}

static void colours_mark_the_parts(void **state)
{
	static const struct complaint_row rows[] = {
		{ { 7, 2 }, "ab", "bad", "good", false,
			"\033[1moxfile.toml:7:2:\033[0m bad\n"
			"\033[2m    7 |\033[0m ab\n"
			"\033[2m      |\033[0m  \033[31m^\033[0m\n"
			"\033[2m      =\033[0m good\n" },
		{ { 7, 2 }, "ab", "odd", NULL, true,
			"\033[1moxfile.toml:7:2:\033[0m \033[33mwarning:\033[0m odd\n"
			"\033[2m    7 |\033[0m ab\n"
			"\033[2m      |\033[0m  \033[33m^\033[0m\n" },
	};

	(void)state;
	rows_read(rows, sizeof(rows) / sizeof(rows[0]), true);
}

static void all_are_shown_in_order_and_the_rest_is_counted(void **state)
{
	static const char text[] = "a = 1\nb = 2\n";
	struct diags d = DIAGS_INIT;
	struct buf out = BUF_INIT;

	(void)state;
	complaint_render(&out, &d, false);
	assert_string_equal(out.ptr, "");
	diags_about(&d, "oxfile.toml", text, sizeof(text) - 1);
	diags_error(&d, (struct place){ 2, 1 }, "second");
	diag_hint(diags_warn(&d, (struct place){ 1, 5 }, "first"), "try 2");
	complaint_render(&out, &d, false);
	assert_string_equal(out.ptr,
		"oxfile.toml:2:1: second\n"
		"    2 | b = 2\n"
		"      | ^\n"
		"oxfile.toml:1:5: warning: first\n"
		"    1 | a = 1\n"
		"      |     ^\n"
		"      = try 2\n");
	for (int i = 0; i < DIAGS_MAX - 2 + 12; i++)
		diags_error(&d, (struct place){ 1, 1 }, "more");
	buf_clear(&out);
	complaint_render(&out, &d, false);
	assert_true(str_ends(out.ptr, "      | ^\n… and 12 more\n"));
	diags_release(&d);
	buf_release(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("a complaint shows the line, the place and the hint", shows_the_line_and_the_place),
		PROMISE("the caret stands behind the end where something is missing",
			the_caret_stands_behind_the_end_where_something_is_missing),
		PROMISE("what is not known is left out", what_is_not_known_is_left_out),
		PROMISE("the caret counts what a terminal shows", the_caret_counts_what_a_terminal_shows),
		PROMISE("bytes of strangers are made safe", bytes_of_strangers_are_made_safe),
		PROMISE("long lines are cut around the place, and the caret is right under it",
			long_lines_are_cut_around_the_place),
		PROMISE("a cut line looks cut, and one that just fits stays whole", a_cut_line_looks_cut),
		PROMISE("colours mark the parts", colours_mark_the_parts),
		PROMISE("all are shown in order and the rest is counted",
			all_are_shown_in_order_and_the_rest_is_counted),
	};

	return cmocka_run_group_tests_name("complaint", tests, NULL, NULL);
}
