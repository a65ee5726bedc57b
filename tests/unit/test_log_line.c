/* Lines of logs as they travel and as they are shown. */
#include "view/log_line.h"

#include <string.h>

#include "base/json.h"
#include "model/logline.h"
#include "unit.h"

#define LINE(text)                                                                                           \
	{                                                                                                    \
		.id = "api:0", .stream = "out", .at_ms = LOGLINE_NO_TIME, .bytes = (text),                   \
		.len = sizeof(text) - 1                                                                      \
	}

static void shows(struct log_line_style *s, const struct logline *l, const char *expected)
{
	struct buf out = BUF_INIT;

	log_line_print(s, l, &out);
	assert_string_equal(out.ptr, expected);
	buf_release(&out);
}

static void tags(void **state)
{
	struct log_line_style s = LOG_LINE_STYLE_INIT;
	struct logline l = LINE("listening on 3000");

	(void)state;
	shows(&s, &l, "[api:0] listening on 3000\n");
	l.id = "";
	shows(&s, &l, "[?] listening on 3000\n");
	s.has_times = true;
	shows(&s, &l, "--:--:--.--- [?] listening on 3000\n");
	l.at_ms = 1;
	shows(&s, &l, "00:00:00.001 [?] listening on 3000\n");
	s.has_times = false;
	s.is_bare = true;
	shows(&s, &l, "listening on 3000\n");
	log_line_release(&s);
}

static void colours(void **state)
{
	struct log_line_style s = LOG_LINE_STYLE_INIT;
	struct logline l = LINE("oh no");
	struct buf first = BUF_INIT;
	struct buf again = BUF_INIT;
	struct buf other = BUF_INIT;

	(void)state;
	s.colour = true;
	log_line_print(&s, &l, &first);
	log_line_print(&s, &l, &again);
	assert_string_equal(first.ptr, again.ptr);
	assert_non_null(strstr(first.ptr, "[api:0]\033[0m oh no\n"));
	l.id = "api:1";
	log_line_print(&s, &l, &other);
	assert_true(strncmp(first.ptr, other.ptr, 5) != 0);
	l.stream = "err";
	buf_clear(&other);
	log_line_print(&s, &l, &other);
	assert_non_null(strstr(other.ptr, "\033[31moh no\033[0m\n"));
	buf_release(&first);
	buf_release(&again);
	buf_release(&other);
	log_line_release(&s);
}

static void harmless(void **state)
{
	static const struct {
		struct logline line;
		const char *expected;
	} cases[] = {
		{ LINE("\033[1;31mred\033[0m and \033[38:5:1mmore\033[m"), "[api:0] red and more\n" },
		{ LINE("\033]0;title\007"), "[api:0] ?]0;title?\n" },
		{ LINE("\033[2J\033[H"), "[api:0] ?[2J?[H\n" },
		{ LINE("\033[31"), "[api:0] ?[31\n" },
		{ LINE("\033[31;\033[6n"), "[api:0] ?[31;?[6n\n" },
		{ LINE("\033"), "[api:0] ?\n" },
		{ LINE("a\tb\r"), "[api:0] a\tb\n" },
		{ LINE("50 %\r51 %"), "[api:0] 50 %?51 %\n" },
		{ LINE("nul \0 here"), "[api:0] nul ? here\n" },
		{ LINE("\xc2\x9b"
		       "31m, \xff\xfe, \xe2\x80\xae"
		       "drow"),
			"[api:0] ?31m, ??, ?drow\n" },
		{ LINE("gr\xc3\xbc\xc3\x9f"), "[api:0] gr\xc3\xbc\xc3\x9f\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct log_line_style s = LOG_LINE_STYLE_INIT;

		s.is_safe = true;
		shows(&s, &cases[i].line, cases[i].expected);
		log_line_release(&s);
	}
}

static void raw(void **state)
{
	struct log_line_style s = LOG_LINE_STYLE_INIT;
	struct logline l = LINE("\033[2J\0\xff\r");
	struct buf out = BUF_INIT;

	(void)state;
	s.is_bare = true;
	log_line_print(&s, &l, &out);
	assert_int_equal(out.len, l.len + 1);
	assert_memory_equal(out.ptr, "\033[2J\0\xff\r\n", out.len);
	buf_release(&out);
	log_line_release(&s);
}

static void pieces(void **state)
{
	struct log_line_style s = LOG_LINE_STYLE_INIT;
	struct logline first = LINE("one ");
	struct logline second = LINE("line");
	struct logline other = LINE("between");
	struct buf out = BUF_INIT;

	(void)state;
	first.goes_on = second.is_continued = true;
	other.id = "api:1";
	log_line_print(&s, &first, &out);
	log_line_print(&s, &second, &out);
	log_line_print(&s, &first, &out);
	log_line_print(&s, &other, &out);
	log_line_print(&s, &second, &out);
	log_line_print(&s, &first, &out);
	log_line_end(&s, &out);
	log_line_end(&s, &out);
	assert_string_equal(
		out.ptr, "[api:0] one line\n[api:0] one \n[api:1] between\n[api:0] line\n[api:0] one \n");
	buf_release(&out);
	log_line_release(&s);
}

static void travels(void **state)
{
	static const struct logline lines[] = { LINE("plain"), LINE(""), LINE("nul \0 \xff\xfe"),
		LINE("gr\xc3\xbc\xc3\x9f") };
	struct buf room = BUF_INIT;
	struct logline back;

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct logline l = lines[i];
		struct buf text = BUF_INIT;
		struct json *j = NULL;

		l.at_ms = i ? 1763632800123 : LOGLINE_NO_TIME;
		l.goes_on = i == 1;
		l.is_continued = i == 2;
		logline_write(&l, &text);
		j = json_parse(text.ptr, text.len, text.len, NULL);
		assert_true(json_get(j, "bytes") ? i == 2 : i != 2);
		assert_true(logline_from_json(&back, j, &room));
		assert_int_equal(back.len, l.len);
		assert_memory_equal(back.bytes, l.bytes, l.len);
		assert_string_equal(back.id, "api:0");
		assert_true(back.at_ms == l.at_ms);
		assert_int_equal(back.goes_on, l.goes_on);
		assert_int_equal(back.is_continued, l.is_continued);
		json_free(j);
		buf_release(&text);
	}
	buf_release(&room);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("each line has the tag of who said it, and its time if wanted", tags),
		PROMISE("the same instance always has the same colour, and standard error is red", colours),
		PROMISE("a terminal gets no escape and no control character", harmless),
		PROMISE("raw are the bytes as they were written", raw),
		PROMISE("the pieces of a long line are one line, unless another comes between", pieces),
		PROMISE("a line of any bytes travels as JSON and comes back the same", travels),
	};

	return cmocka_run_group_tests_name("said", tests, NULL, NULL);
}
