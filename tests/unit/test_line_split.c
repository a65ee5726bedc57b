/* Where lines of logs end. */
#include "rules/line_split.h"

#include <string.h>

#include "base/mem.h"
#include "unit.h"

static void at_the_newline(void **state)
{
	struct line_part cut;

	(void)state;
	assert_true(line_split("one\ntwo\n", 8, false, &cut));
	assert_int_equal(cut.len, 3);
	assert_int_equal(cut.step, 4);
	assert_false(cut.goes_on);
	assert_true(line_split("\n", 1, false, &cut));
	assert_int_equal(cut.len, 0);
	assert_int_equal(cut.step, 1);
}

static void waits_for_the_end(void **state)
{
	struct line_part cut;

	(void)state;
	assert_false(line_split("half", 4, false, &cut));
	assert_true(line_split("half", 4, true, &cut));
	assert_int_equal(cut.step, 4);
	assert_false(line_split("", 0, true, &cut));
}

static void in_pieces(void **state)
{
	size_t len = (size_t)PIECE_MAX + 10;
	char *text = mem_zalloc(len, 1);
	struct line_part cut;

	(void)state;
	memset(text, 'x', len);
	assert_true(line_split(text, len, false, &cut));
	assert_int_equal(cut.step, PIECE_MAX);
	assert_true(cut.goes_on);
	/* A line that just fits is whole. */
	text[PIECE_MAX] = '\n';
	assert_true(line_split(text, len, false, &cut));
	assert_int_equal(cut.len, PIECE_MAX);
	assert_false(cut.goes_on);
	/* "€" has three bytes; its first is the last that would fit. */
	text[PIECE_MAX - 1] = '\xe2';
	text[PIECE_MAX] = '\x82';
	text[PIECE_MAX + 1] = '\xac';
	assert_true(line_split(text, len, false, &cut));
	assert_int_equal(cut.step, PIECE_MAX - 1);
	memset(text, '\x80', len);
	assert_true(line_split(text, len, false, &cut));
	assert_int_equal(cut.step, PIECE_MAX);
	mem_free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("a line ends at its newline", at_the_newline),
		PROMISE("a line without an end is given only when nothing more comes", waits_for_the_end),
		PROMISE("a long line is cut into pieces, never within a character", in_pieces),
	};

	return cmocka_run_group_tests_name("cut", tests, NULL, NULL);
}
