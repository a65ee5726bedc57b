#include "view/table.h"

#include "lines.h"
#include "unit.h"

static void reads(const char *text, struct wrap w, const char *expected)
{
	struct buf out = BUF_INIT;

	wrap_text(&out, text, &w);
	assert_string_equal(out.ptr, expected);
	buf_release(&out);
}

static void breaks_at_blanks(void **state)
{
	(void)state;
	reads("port 3002 is held by pid 812", (struct wrap){ .width = 15, .indent = 2 },
		"  port 3002 is\n  held by pid\n  812\n");
	reads("ab cd", (struct wrap){ .width = 5 }, "ab cd\n");
	reads("ab cd", (struct wrap){ .width = 2 }, "ab\ncd\n");
	reads("ab cd", (struct wrap){ .indent = 1 }, " ab cd\n");
	reads("", (struct wrap){ .width = 5 }, "");
}

static void long_words_are_broken(void **state)
{
	(void)state;
	reads("/srv/releases/17", (struct wrap){ .width = 8 }, "/srv/rel\neases/17\n");
	reads("\xe7\x89\x9b\xe7\x89\x9b\xe7\x89\x9b", (struct wrap){ .width = 5 },
		"\xe7\x89\x9b\xe7\x89\x9b\n\xe7\x89\x9b\n");
	/* No room for half of it. */
	reads("\xe7\x89\x9b\xe7\x89\x9b", (struct wrap){ .width = 1 }, "\xe7\x89\x9b\n\xe7\x89\x9b\n");
}

static void the_last_line_is_cut(void **state)
{
	(void)state;
	reads("one two three four", (struct wrap){ .width = 8, .most = 2 }, "one two\nthree f…\n");
	reads("one two three", (struct wrap){ .width = 8, .most = 2 }, "one two\nthree\n");
}

static void no_line_is_wider(void **state)
{
	static const char text[] = "exit code 3 /srv/a-rather-long-path-without-any-blank/server.js "
				   "\xe7\x89\x9b\xe7\x89\x9b\xe7\x89\x9b and   more of it";

	(void)state;
	for (size_t width = 4; width < 100; width++) {
		struct buf out = BUF_INIT;

		wrap_text(&out, text, &(struct wrap){ .width = width, .indent = 2, .most = 5 });
		lines_fit(out.ptr, width);
		buf_release(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("text is broken at blanks, each line behind its indent", breaks_at_blanks),
		PROMISE("a word longer than a line is broken at the edge, and never within a character",
			long_words_are_broken),
		PROMISE("what does not fit into the lines allowed ends in an ellipsis", the_last_line_is_cut),
		PROMISE("no line is wider than asked", no_line_is_wider),
	};

	return cmocka_run_group_tests_name("wrap", tests, NULL, NULL);
}
