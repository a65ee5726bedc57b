#include "view/scroll.h"

#include <string.h>

#include "unit.h"

static const char table[] = "PROCESS\na:0\na:1\na:2\na:3\na:4\na:5\n";
static const char verdict[] = "6 of 6 ready\n";

/* What the keys of `typed` are, a letter each. */
static void means(const char *typed, const char *expected)
{
	static const char letters[] = { [SCROLL_NOTHING] = '.',
		[SCROLL_UP] = 'u',
		[SCROLL_DOWN] = 'd',
		[SCROLL_PAGE_UP] = 'U',
		[SCROLL_PAGE_DOWN] = 'D',
		[SCROLL_HOME] = 'h',
		[SCROLL_END] = 'e',
		[SCROLL_QUIT] = 'q' };
	struct scroll_keys keys = { .len = 0 };
	struct buf out = BUF_INIT;

	for (; *typed; typed++) {
		enum scroll_key key = scroll_key(&keys, *typed);

		if (key != SCROLL_NOTHING)
			buf_addc(&out, letters[key]);
	}
	assert_string_equal(out.ptr, expected);
	buf_release(&out);
}

static void keys_are_known(void **state)
{
	(void)state;
	means("jkgGq b", "duheqDU");
	means("\033[A\033[B\033OA\033OB", "udud");
	means("\033[5~\033[6~\033[H\033[F\033[1~\033[4~\033OH\033OF", "UDhehehe");
}

static void other_keys_do_nothing(void **state)
{
	(void)state;
	means("xyz1\r\t\xff", "");
	/* With Ctrl, Alt+q, a function key, Escape alone before a key, and more than any key has. */
	means("\033[1;5A\033q\033[15~\033\033[A", "u");
	means("\033[1111111111111111111111", "");
	means("\033[q", "");
}

static void draws(struct scroll *s, const char *expected)
{
	struct buf out = BUF_INIT;
	struct buf plain = BUF_INIT;

	scroll_draw(s, table, verdict, &out);
	for (const char *c = out.ptr; *c; c++) {
		if (*c == '\033')
			c += strcspn(c, "mHJK");
		else
			buf_addc(&plain, *c);
	}
	assert_string_equal(plain.ptr, expected);
	buf_release(&plain);
	buf_release(&out);
}

static void rows_scroll_between(void **state)
{
	struct scroll s = { .width = 80, .height = 6 };

	(void)state;
	draws(&s, "PROCESS\na:0\na:1\na:2\n6 of 6 ready\nlines 1-3 of 6; arrows scroll, q ends");
	scroll_move(&s, SCROLL_DOWN, table, verdict);
	draws(&s, "PROCESS\na:1\na:2\na:3\n6 of 6 ready\nlines 2-4 of 6; arrows scroll, q ends");
	scroll_move(&s, SCROLL_PAGE_DOWN, table, verdict);
	assert_int_equal(s.top, 3);
	scroll_move(&s, SCROLL_DOWN, table, verdict);
	assert_int_equal(s.top, 3);
	scroll_move(&s, SCROLL_PAGE_UP, table, verdict);
	assert_int_equal(s.top, 1);
	scroll_move(&s, SCROLL_PAGE_UP, table, verdict);
	assert_int_equal(s.top, 0);
	scroll_move(&s, SCROLL_END, table, verdict);
	draws(&s, "PROCESS\na:3\na:4\na:5\n6 of 6 ready\nlines 4-6 of 6; arrows scroll, q ends");
	scroll_move(&s, SCROLL_UP, table, verdict);
	assert_int_equal(s.top, 2);
	scroll_move(&s, SCROLL_HOME, table, verdict);
	scroll_move(&s, SCROLL_UP, table, verdict);
	assert_int_equal(s.top, 0);
}

static void what_fits_does_not_scroll(void **state)
{
	static const char all[] = "PROCESS\na:0\na:1\na:2\na:3\na:4\na:5\n6 of 6 ready\nq ends";
	struct scroll sizes[] = { { .width = 80, .height = 9, .top = 5 }, { .width = 80, .top = 5 } };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		draws(&sizes[i], all);
		scroll_move(&sizes[i], SCROLL_END, table, verdict);
		assert_int_equal(sizes[i].top, 0);
	}
}

static void a_small_screen_is_not_exceeded(void **state)
{
	(void)state;
	for (size_t height = 3; height < 12; height++) {
		struct scroll s = { .width = 10, .height = height };
		struct buf out = BUF_INIT;
		size_t ends = 0;

		scroll_draw(&s, table, "6 of 6 ready\napi: deploy\nweb: deploy\nand so on\n", &out);
		for (const char *c = out.ptr; *c; c++)
			ends += *c == '\n';
		assert_in_range(ends, 2, height - 1);
		assert_non_null(strstr(out.ptr, "a:0"));
		scroll_move(&s, SCROLL_END, table, verdict);
		buf_release(&out);
	}
	draws(&(struct scroll){ .width = 10, .height = 3 }, "PROCESS\na:0\nlines 1-1 ");
}

static void nothing_can_be_drawn(void **state)
{
	struct scroll s = { .width = 80, .height = 24 };
	struct buf out = BUF_INIT;

	(void)state;
	scroll_draw(&s, "", "nothing to show: no app has an instance\n", &out);
	scroll_move(&s, SCROLL_PAGE_DOWN, "", "nothing\n");
	assert_int_equal(s.top, 0);
	assert_non_null(strstr(out.ptr, "nothing to show"));
	buf_release(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("arrows, PgUp and PgDn, Home and End, j and k scroll, and q ends, by the bytes of several terminals",
			keys_are_known),
		PROMISE("keys without a meaning do nothing, and cannot be mistaken", other_keys_do_nothing),
		PROMISE("rows scroll between the titles and the verdict, and never beyond an end",
			rows_scroll_between),
		PROMISE("what fits the screen does not scroll", what_fits_does_not_scroll),
		PROMISE("a small screen is not exceeded, and shows a row", a_small_screen_is_not_exceeded),
		PROMISE("a herd without instances is drawn too", nothing_can_be_drawn),
	};

	return cmocka_run_group_tests_name("scroll", tests, NULL, NULL);
}
