/* The last lines of what passes by. */
#include "rules/last_lines.h"

#include <stdio.h>
#include <string.h>

#include "unit.h"

static void assert_last(const struct last_lines *l, const char *expected)
{
	struct buf out = BUF_INIT;

	last_lines_print(l, &out);
	assert_string_equal(out.ptr, expected);
	buf_release(&out);
}

static void add(struct last_lines *l, const char *text)
{
	last_lines_add(l, text, strlen(text));
}

static void lines_are_kept(void **state)
{
	struct last_lines l = { .text = NULL };

	(void)state;
	assert_last(&l, "");
	add(&l, "one\ntw");
	assert_last(&l, "\none\ntw");
	add(&l, "o\n");
	add(&l, "\nfour\n");
	assert_last(&l, "\none\ntwo\n\nfour");
	last_lines_add(&l, "a\0b\n", 4);
	assert_last(&l, "\none\ntwo\n\nfour\na b");
	last_lines_release(&l);
	assert_last(&l, "");
	add(&l, "new\n");
	assert_last(&l, "\nnew");
	last_lines_release(&l);
}

/* However the lines come in: all at once, a line at a time, a byte at a time. */
static void the_newest_thirty(void **state)
{
	struct buf text = BUF_INIT;
	struct buf expected = BUF_INIT;
	size_t steps[] = { 1, 3, 7, 64, 100000 };

	(void)state;
	for (int k = 0; k < 500; k++)
		buf_addf(&text, "line %d\n", k);
	for (int k = 470; k < 500; k++)
		buf_addf(&expected, "\nline %d", k);
	for (size_t s = 0; s < sizeof(steps) / sizeof(steps[0]); s++) {
		struct last_lines l = { .text = NULL };

		for (size_t at = 0; at < text.len; at += steps[s])
			last_lines_add(
				&l, text.ptr + at, text.len - at < steps[s] ? text.len - at : steps[s]);
		assert_last(&l, expected.ptr);
		last_lines_release(&l);
	}
	buf_release(&text);
	buf_release(&expected);
}

static void long_lines_are_cut(void **state)
{
	struct last_lines l = { .text = NULL };
	struct buf line = BUF_INIT;
	struct buf expected = BUF_INIT;

	(void)state;
	buf_fill(&line, 'x', LAST_LINES_WIDTH);
	add(&l, line.ptr);
	buf_addf(&expected, "\n%s", line.ptr);
	assert_last(&l, expected.ptr);
	/* One byte more is too many, and so are all that follow. */
	add(&l, "y");
	buf_adds(&expected, "...");
	assert_last(&l, expected.ptr);
	for (int k = 0; k < 100; k++)
		add(&l, line.ptr);
	add(&l, "\nshort\n");
	buf_adds(&expected, "\nshort");
	assert_last(&l, expected.ptr);
	last_lines_release(&l);
	buf_release(&line);
	buf_release(&expected);
}

static void memory_is_bounded(void **state)
{
	struct last_lines l = { .text = NULL };
	struct buf line = BUF_INIT;
	struct buf out = BUF_INIT;

	(void)state;
	buf_fill(&line, 'x', 200);
	buf_addc(&line, '\n');
	for (int k = 0; k < 1000; k++) {
		last_lines_add(&l, line.ptr, line.len);
		assert_true(l.len <= l.cap && l.cap <= 2 * LAST_LINES_BYTES);
	}
	/* Whole lines, from a line break on. */
	last_lines_print(&l, &out);
	assert_int_equal(out.len, LAST_LINES_BYTES / 201 * 201);
	assert_int_equal(out.ptr[0], '\n');
	last_lines_release(&l);
	buf_release(&line);
	buf_release(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("lines are kept as they come, the one under way too", lines_are_kept),
		PROMISE("the newest thirty lines are kept, in whatever pieces they come", the_newest_thirty),
		PROMISE("a long line is cut, and says so", long_lines_are_cut),
		PROMISE("a flood takes no more memory than a few lines", memory_is_bounded),
	};

	return cmocka_run_group_tests_name("last_lines", tests, NULL, NULL);
}
