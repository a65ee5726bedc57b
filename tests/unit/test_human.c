#include "view/human.h"

#include <string.h>

#include "base/str.h"
#include "unit.h"

struct number_row {
	int64_t value;
	const char *text;
};

static void numbers_read(const struct number_row *rows, size_t count, void (*write)(struct buf *, int64_t))
{
	for (size_t i = 0; i < count; i++) {
		struct buf out = BUF_INIT;

		write(&out, rows[i].value);
		assert_string_equal(out.ptr, rows[i].text);
		buf_release(&out);
	}
}

static void durations_change_units_at_the_boundary(void **state)
{
	static const struct number_row rows[] = {
		{ 0, "0 ms" },
		{ 1, "1 ms" },
		{ 350, "350 ms" },
		{ 999, "999 ms" },
		{ 1000, "1.00 s" },
		{ 1009, "1.00 s" },
		{ 1240, "1.24 s" },
		{ 1249, "1.24 s" },
		{ 59994, "59.99 s" },
		{ 59995, "59.99 s" },
		{ 59999, "59.99 s" },
		{ 60000, "1m 00s" },
		{ 125999, "2m 05s" },
		{ 3599999, "59m 59s" },
		{ 3600000, "1h 00m" },
		{ 11520000, "3h 12m" },
		{ 86399999, "23h 59m" },
		{ 86400000, "1d 0h" },
		{ 446400000, "5d 4h" },
		{ 86400000LL * 400 + 1, "400d 0h" },
		{ INT64_MAX, "106751991167d 7h" },
		{ -1240, "-1.24 s" },
		{ INT64_MIN, "-106751991167d 7h" },
	};

	(void)state;
	numbers_read(rows, sizeof(rows) / sizeof(rows[0]), human_duration);
}

static void sizes_change_units_at_the_boundary(void **state)
{
	static const struct number_row rows[] = {
		{ 0, "0 B" },
		{ 1, "1 B" },
		{ 1023, "1023 B" },
		{ 1024, "1 KB" },
		{ 1535, "1 KB" },
		{ 1536, "2 KB" },
		{ 812 * 1024, "812 KB" },
		{ 1024 * 1024 - 513, "1023 KB" },
		{ 1024 * 1024 - 512, "1.0 MB" },
		{ 1024 * 1024, "1.0 MB" },
		{ 51066700, "48.7 MB" },
		{ 51380224, "49.0 MB" },
		{ 1024 * 1024 * 1024 - 52429, "1023.9 MB" },
		{ 1024 * 1024 * 1024 - 52428, "1.0 GB" },
		{ 1288490189, "1.2 GB" },
		{ 1LL << 40, "1.0 TB" },
		{ (1LL << 50) - 1, "1.0 PB" },
		{ INT64_MAX, "8.0 EB" },
		{ -2048, "-2 KB" },
		{ INT64_MIN, "-8.0 EB" },
	};

	(void)state;
	numbers_read(rows, sizeof(rows) / sizeof(rows[0]), human_size);
}

static void names_are_joined_as_in_a_sentence(void **state)
{
	static const char *const names[] = { "api", "worker", "scheduler" };
	static const char *const texts[] = { "", "api", "api and worker", "api, worker and scheduler" };

	(void)state;
	for (size_t count = 0; count < sizeof(texts) / sizeof(texts[0]); count++) {
		struct buf out = BUF_INIT;

		human_join(&out, names, count, ", ", " and ");
		assert_string_equal(out.ptr, texts[count]);
		buf_release(&out);
	}
}

static void one_is_singular_and_none_is_plural(void **state)
{
	static const char *const texts[] = { "0 processes", "1 process", "2 processes" };

	(void)state;
	for (size_t count = 0; count < sizeof(texts) / sizeof(texts[0]); count++) {
		struct buf out = BUF_INIT;

		human_count(&out, count, "process", "processes");
		assert_string_equal(out.ptr, texts[count]);
		buf_release(&out);
	}
}

static void a_terminal_gets_nothing_that_moves_it(void **state)
{
	static const struct {
		const char *text;
		size_t len;
		const char *safe;
	} rows[] = {
		{ "", 0, "" }, { "plain text", 10, "plain text" }, { "a\tb", 3, "a b" },
		{ "a\nb\rc", 5, "a?b?c" }, { "\033[31mred", 8, "?[31mred" }, { "a\0b", 3, "a?b" },
		{ "\x7f", 1, "?" },
		{ "\xc2\x9b"
		  "31m",
			5, "?31m" }, /* the one-character form of ESC [ */
		{ "gr\xc3\xbc\xc3\x9f"
		  "e \xe7\x89\x9b",
			11,
			"gr\xc3\xbc\xc3\x9f"
			"e \xe7\x89\x9b" },
		{ "\xff\xfe.", 3, "??." }, { "cut \xe7\x89", 6, "cut ??" },
		{ "\xe2\x80\xae"
		  "evil",
			7, "?evil" }, /* right-to-left override */
		{ "\xe2\x80\xa8\xe2\x81\xa6\xef\xbb\xbf", 9, "???" },
		{ "\xe2\x80\xa7\xe2\x80\xaf", 6,
			"\xe2\x80\xa7\xe2\x80\xaf" }, /* the neighbours of those are text */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf out = BUF_INIT;

		human_safe(&out, rows[i].text, rows[i].len);
		assert_string_equal(out.ptr, rows[i].safe);
		assert_int_equal(str_utf8_count(out.ptr, out.len), str_utf8_count(rows[i].text, rows[i].len));
		buf_release(&out);
	}
}

static void a_character_fits_whole_or_not(void **state)
{
	static const struct {
		const char *text;
		size_t width, bytes;
	} rows[] = {
		{ "", 5, 0 },
		{ "abc", 0, 0 },
		{ "abc", 2, 2 },
		{ "abc", 3, 3 },
		{ "abc", 99, 3 },
		{ "\xc3\xbc\xc3\xbc", 1, 2 },
		{ "\xe7\x89\x9b\xe7\x89\x9b", 1, 0 },
		{ "\xe7\x89\x9b\xe7\x89\x9b", 2, 3 },
		{ "\xe7\x89\x9b\xe7\x89\x9b", 3, 3 },
		{ "e\xcc\x81x", 1, 3 }, /* a combining mark stays with its letter */
		{ "\xff\xff", 1, 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(human_fit(rows[i].text, rows[i].width), rows[i].bytes);
}

static void colour_is_there_only_when_wanted(void **state)
{
	struct buf out = BUF_INIT;

	(void)state;
	for (int tint = TINT_NONE; tint <= TINT_CYAN; tint++)
		human_tint(&out, (enum tint)tint, false);
	human_untint(&out, false);
	assert_string_equal(out.ptr, "");
	human_tint(&out, TINT_NONE, true);
	assert_string_equal(out.ptr, "");
	human_tint(&out, TINT_RED, true);
	buf_adds(&out, "x");
	human_untint(&out, true);
	assert_string_equal(out.ptr, "\033[31mx\033[0m");
	buf_release(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("durations change units at the boundary and never claim more",
			durations_change_units_at_the_boundary),
		PROMISE("sizes change units at the boundary and are never 1024 of anything",
			sizes_change_units_at_the_boundary),
		PROMISE("names are joined as in a sentence", names_are_joined_as_in_a_sentence),
		PROMISE("one is singular and none is plural", one_is_singular_and_none_is_plural),
		PROMISE("a terminal gets nothing that moves it, and every character stays one",
			a_terminal_gets_nothing_that_moves_it),
		PROMISE("a character fits whole or not at all", a_character_fits_whole_or_not),
		PROMISE("colour is there only when it is wanted", colour_is_there_only_when_wanted),
	};

	return cmocka_run_group_tests_name("human", tests, NULL, NULL);
}
