#include "base/str.h"

#include <string.h>

#include "unit.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

static void compares(void **state)
{
	(void)state;
	assert_true(str_eq("a", "a"));
	assert_false(str_eq("a", "b"));
	assert_false(str_eq("a", NULL));
	assert_false(str_eq(NULL, "a"));
	assert_true(str_eq(NULL, NULL));
	assert_true(str_starts("oxfile.toml", "ox"));
	assert_true(str_starts("ox", ""));
	assert_false(str_starts("o", "ox"));
	assert_true(str_ends("oxfile.toml", ".toml"));
	assert_true(str_ends("x", ""));
	assert_false(str_ends("toml", ".toml"));
	assert_false(str_ends("toml.", ".toml"));
}

static void reads_whole_numbers(void **state)
{
	static const struct {
		const char *text;
		bool is_number;
		int64_t value;
	} rows[] = {
		{ "0", true, 0 },
		{ "007", true, 7 },
		{ "+5", true, 5 },
		{ "-5", true, -5 },
		{ "9223372036854775807", true, INT64_MAX },
		{ "-9223372036854775808", true, INT64_MIN },
		{ "9223372036854775808", false, 0 },
		{ "-9223372036854775809", false, 0 },
		{ "", false, 0 },
		{ "-", false, 0 },
		{ "+-5", false, 0 },
		{ "--5", false, 0 },
		{ " 5", false, 0 },
		{ "- 5", false, 0 },
		{ "5 ", false, 0 },
		{ "5\n", false, 0 },
		{ "5x", false, 0 },
		{ "0x5", false, 0 },
		{ "5.0", false, 0 },
		{ "1e3", false, 0 },
		{ "\xd9\xa5", false, 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		int64_t value = 42;

		if (str_to_int(rows[i].text, &value) != rows[i].is_number)
			fail_msg("wrong about '%s'", rows[i].text);
		assert_int_equal(value, rows[i].is_number ? rows[i].value : 42);
	}
}

static void reads_a_character(void **state)
{
	static const struct {
		const char *text;
		size_t size;
		uint32_t point;
	} rows[] = {
		{ "a", 1, 'a' },
		{ "\x7f", 1, 0x7f },
		{ "\xc2\x80", 2, 0x80 },
		{ "\xdf\xbf", 2, 0x7ff },
		{ "\xe0\xa0\x80", 3, 0x800 },
		{ "\xed\x9f\xbf", 3, 0xd7ff },
		{ "\xee\x80\x80", 3, 0xe000 },
		{ "\xef\xbf\xbf", 3, 0xffff },
		{ "\xf0\x90\x80\x80", 4, 0x10000 },
		{ "\xf4\x8f\xbf\xbf", 4, 0x10ffff },
		/* overlong */
		{ "\xc0\x80", 0, 0 },
		{ "\xc1\xbf", 0, 0 },
		{ "\xe0\x9f\xbf", 0, 0 },
		{ "\xf0\x8f\xbf\xbf", 0, 0 },
		/* surrogates */
		{ "\xed\xa0\x80", 0, 0 },
		{ "\xed\xbf\xbf", 0, 0 },
		/* above U+10FFFF */
		{ "\xf4\x90\x80\x80", 0, 0 },
		{ "\xf5\x80\x80\x80", 0, 0 },
		{ "\xf8\x88\x80\x80\x80", 0, 0 },
		{ "\xff", 0, 0 },
		/* cut off, or followed by a wrong byte */
		{ "\x80", 0, 0 },
		{ "\xc3", 0, 0 },
		{ "\xe2\x82", 0, 0 },
		{ "\xf0\x9f\x90", 0, 0 },
		{ "\xc3"
		  "a",
			0, 0 },
		{ "\xe2\x82"
		  "a",
			0, 0 },
		{ "\xf0\x9f\xc3\xbc", 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		uint32_t point = 1;

		assert_int_equal(str_utf8(rows[i].text, strlen(rows[i].text), &point), rows[i].size);
		assert_int_equal(point, rows[i].size ? rows[i].point : 1);
		assert_int_equal(str_utf8(rows[i].text, strlen(rows[i].text), NULL), rows[i].size);
		/* What is there is not what may be read. */
		for (size_t len = 0; len < rows[i].size; len++)
			assert_int_equal(str_utf8(rows[i].text, len, &point), 0);
	}
	assert_int_equal(str_utf8("\0", 1, NULL), 1);
}

static void counts_characters(void **state)
{
	(void)state;
	assert_int_equal(str_utf8_count("", 0), 0);
	assert_int_equal(str_utf8_count("a\0b", 3), 3);
	assert_int_equal(str_utf8_count("gr\xc3\xb6\xc3\x9f"
					"e",
				 7),
		5);
	assert_int_equal(str_utf8_count("\xff\xfe"
					"a",
				 3),
		3);
	assert_int_equal(str_utf8_count("\xf0\x9f\x90\x82", 4), 1);
	assert_int_equal(str_utf8_count("\xf0\x9f\x90\x82", 3), 3);
}

static void measures_columns(void **state)
{
	(void)state;
	assert_int_equal(str_width(""), 0);
	assert_int_equal(str_width("abc"), 3);
	assert_int_equal(str_width("gr\xc3\xb6\xc3\x9f"
				   "e"),
		5);
	/* a and a combining acute accent */
	assert_int_equal(str_width("a\xcc\x81"), 1);
	/* two ideographs, an emoji */
	assert_int_equal(str_width("\xe4\xb8\xad\xe6\x96\x87"), 4);
	assert_int_equal(str_width("\xf0\x9f\x90\x82"), 2);
	assert_int_equal(str_width("\xff\xff"), 2);
}

static void measures_distances(void **state)
{
	static const struct {
		const char *a, *b;
		size_t distance;
	} rows[] = {
		{ "", "", 0 },
		{ "", "abc", 3 },
		{ "abc", "", 3 },
		{ "port", "port", 0 },
		{ "prot", "port", 1 },
		{ "por", "port", 1 },
		{ "portt", "port", 1 },
		{ "pert", "port", 1 },
		{ "ab", "ba", 1 },
		{ "abcd", "badc", 2 },
		{ "kitten", "sitting", 3 },
		{ "ca", "abc", 3 },
	};
	char longest[] = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_int_equal(str_distance(rows[i].a, rows[i].b), rows[i].distance);
		assert_int_equal(str_distance(rows[i].b, rows[i].a), rows[i].distance);
	}
	/* At the limit, and over it: nobody mistyped that. */
	assert_int_equal(strlen(longest), 65);
	assert_int_equal(str_distance(longest, longest), 65);
	longest[64] = '\0';
	assert_int_equal(str_distance(longest, longest), 0);
	assert_int_equal(str_distance(longest, ""), 64);
}

static const char *guess(const char *typed)
{
	static const char *const words[] = { "start", "stop", "restart", "reload", "ls", "port", "q",
		"save" };
	struct str_guess guess = { .typed = typed };

	for (size_t i = 0; i < COUNT(words); i++)
		str_guess_offer(&guess, words[i]);
	return guess.best;
}

static void finds_what_was_meant(void **state)
{
	(void)state;
	assert_string_equal(guess("retsart"), "restart");
	assert_string_equal(guess("strat"), "start");
	assert_string_equal(guess("prot"), "port");
	assert_string_equal(guess("sl"), "ls");
	assert_string_equal(guess("stop"), "stop");
	assert_null(guess("configuration"));
	assert_null(guess("xyz"));
	assert_null(guess("x"));
	assert_null(guess(""));
}

static void short_words(void **state)
{
	(void)state;
	assert_null(guess("show"));
	assert_null(guess("serve"));
	assert_string_equal(guess("sabe"), "save");
	assert_string_equal(guess("savve"), "save");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("texts are compared whole, at their start and at their end", compares),
		PROMISE("a whole number is read whole or not at all", reads_whole_numbers),
		PROMISE("a character of UTF-8 is read only if it is well-formed", reads_a_character),
		PROMISE("characters are counted, and a wrong byte is one", counts_characters),
		PROMISE("columns of a terminal are not bytes", measures_columns),
		PROMISE("one slip of the finger is a distance of one", measures_distances),
		PROMISE("a mistyped word finds the nearest one, and nonsense finds none",
			finds_what_was_meant),
		PROMISE("of a word of four letters or fewer one letter may be wrong", short_words),
	};

	return cmocka_run_group_tests_name("str", tests, NULL, NULL);
}
