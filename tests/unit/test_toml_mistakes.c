/*
 * What is not TOML, and what is too much of it: one complaint each, with a hint.
 */
#include <string.h>

#include "base/toml.h"
#include "unit.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void assert_refused(const char *text, size_t len, struct place at, const char *words, const char *hint)
{
	struct diags d = DIAGS_INIT;
	const struct diag *complaint = NULL;

	diags_about(&d, "oxfile.toml", text, len);
	assert_null(toml_parse(text, len, &d));
	assert_int_equal(d.list.len, 1);
	assert_int_equal(d.errors, 1);
	complaint = d.list.items[0];
	assert_string_equal(complaint->text, words);
	assert_int_equal(complaint->at.line, at.line);
	assert_int_equal(complaint->at.column, at.column);
	assert_string_equal(complaint->file, "oxfile.toml");
	assert_string_equal(complaint->hint ? complaint->hint : "", hint ? hint : "");
	diags_release(&d);
}

static void assert_fine(const struct buf *text)
{
	struct diags d = DIAGS_INIT;
	struct toml_value *root = toml_parse(text->ptr, text->len, &d);

	assert_non_null(root);
	assert_int_equal(d.list.len, 0);
	toml_free(root);
	diags_release(&d);
}

#define FORGOTTEN(text) "did you forget the quotes?  " text
#define SEVERAL_LINES(mark)                                                                                  \
	"is a " mark " missing?  Text of several lines stands between " mark mark mark " and " mark mark mark
#define DATES "they look like 2006-01-02, 2006-01-02T15:04:05Z and 15:04; other text stands in quotes"
#define SIGNS "a key that holds blanks or other signs stands in \"quotes\""

static const struct mistake {
	const char *text;
	int line;
	int column;
	const char *words;
	const char *hint;
} mistakes[] = {
	/* values */
	{ "port =", 1, 7, "expected a value after '='", "an empty string is \"\"" },
	{ "port = # 3000\n", 1, 8, "expected a value after '='", "an empty string is \"\"" },
	{ "a == 1", 1, 4, "'=' is not a value", "one '=' is enough" },
	{ "a = ,", 1, 5, "expected a value, found ','", NULL },
	{ "command = npm start # go", 1, 11, "'npm' is not a value", FORGOTTEN("\"npm start\"") },
	{ "a = say \"hi\"", 1, 5, "'say' is not a value", FORGOTTEN("'say \"hi\"'") },
	{ "a = it's \"so\"", 1, 5, "'it's' is not a value", "text stands in quotes" },
	{ "a = [web, api]", 1, 6, "'web' is not a value", FORGOTTEN("\"web\"") },
	{ "a = 10s", 1, 5, "'10s' is not a value", FORGOTTEN("\"10s\"") },
	{ "a = 127.0.0.1:80", 1, 5, "'127.0.0.1:80' is not a value", FORGOTTEN("\"127.0.0.1:80\"") },
	{ "a = 0 3 * * *", 1, 7, "expected the end of the line after the value, found '3'",
		FORGOTTEN("\"0 3 * * *\"") },
	{ "a = True", 1, 5, "'True' is not a value", "TOML writes true" },
	{ "a = off", 1, 5, "'off' is not a value", "TOML writes false" },
	{ "a = null", 1, 5, "'null' is not a value", "TOML has no null: leave the key out" },
	{ "a = \u201chi\u201d", 1, 5, "'\u201chi\u201d' is not a value",
		"\u201c is no quote in TOML: use \" or '" },
	{ "a = 'x' 'y'", 1, 9, "expected the end of the line after the value, found '''", NULL },
	{ "a = 1 b = 2", 1, 7, "expected the end of the line after the value, found 'b'",
		FORGOTTEN("\"1 b = 2\"") },
	/* keys */
	{ "port: 3000", 1, 5, "expected '=' after 'port', found ':'",
		"TOML writes '=' where others write ':'" },
	{ "port", 1, 5, "expected '=' after 'port', found the end of the file", NULL },
	{ "a.\n", 1, 3, "expected a key, found the end of the line", NULL },
	{ "= 1", 1, 1, "expected a key, found '='", NULL },
	{ "a b = 1", 1, 3, "expected '=' after 'a', found 'b'", SIGNS },
	{ "a/b = 1", 1, 2, "expected '=' after 'a', found '/'", SIGNS },
	{ "\u00e9 = 1", 1, 1, "'\u00e9' cannot stand in a key without quotes",
		"letters a-z, digits, '_' and '-' can; other keys stand in \"quotes\"" },
	{ "\"\"\"a\"\"\" = 1", 1, 1, "a key cannot be a string of several lines, with three quotes", NULL },
	{ "port = 1\nb = 2\n port = 3", 3, 2, "key 'port' stands twice (first at line 1)", NULL },
	{ "a.b = 1\na.\"b\" = 2", 2, 3, "key 'a.\"b\"' stands twice (first at line 1)", NULL },
	{ "a = 1\na.b = 2", 2, 1, "'a' is an integer (line 1), nothing can be added to it here", NULL },
	{ "a = {}\na.b = 2", 2, 1, "'a' is an inline table (line 1), nothing can be added to it here",
		"write it inside of the { }" },
	{ "a = {}\n[a.b]", 2, 2, "'a' is an inline table (line 1), nothing can be added to it here",
		"write it inside of the { }" },
	{ "[a.b]\n[a]\nb.c = 1", 3, 1, "'b' is a table (line 1), nothing can be added to it here",
		"write it below the table's own header" },
	/* headers */
	{ "[a", 1, 3, "expected ']' after 'a', found the end of the file", NULL },
	{ "[[a]\n", 1, 4, "expected ']]' after 'a', found ']'", NULL },
	{ "[]", 1, 2, "expected a key, found ']'", NULL },
	{ "[my app]", 1, 5, "expected ']' after 'my', found 'a'", SIGNS },
	{ "[a] b = 1", 1, 5, "expected the end of the line after the header, found 'b'", NULL },
	{ "[a]\n[b]\n [a]", 3, 2, "table '[a]' stands twice (first at line 1)", NULL },
	{ "a.b = 1\n[a]", 2, 1, "table '[a]' was made by dotted keys (line 1), it cannot have a header too",
		"write all of its keys there, or all of them here" },
	{ "\n[apps]\n[[apps]]", 3, 1,
		"'[[apps]]' was a table before, it cannot be an array of tables now (line 2)", NULL },
	{ "apps = []\n[[apps]]", 2, 1,
		"'[[apps]]' was an array before, it cannot be an array of tables now (line 1)", NULL },
	{ "[[apps]]\n[apps]", 2, 1,
		"'[apps]' was an array of tables before, it cannot be a table now (line 1)",
		"[[apps]] begins the next one of them" },
	{ "a = 1\n[a.b]", 2, 2, "'a' is an integer (line 1), nothing can be added to it here", NULL },
	/* strings */
	{ "a = \"x\n\"", 1, 5, "a string must end on the line where it began", SEVERAL_LINES("\"") },
	{ "a = 'x", 1, 5, "a string must end on the line where it began", "is a ' missing?" },
	{ "a = \"\"\"x\n\"\"", 1, 5, "the string that begins here never ends",
		"it ends with three more \"\"\"" },
	{ "a = \"\u00e9\\q\"", 1, 7, "'\\q' is no escape that TOML knows",
		"write \\\\ for a backslash, or use 'single quotes', in which it means itself" },
	{ "a = \"\"\"\n\n  \\u12\"\"\"", 3, 3, "'\\u' wants 4 hex digits after it", NULL },
	{ "a = \"\\ud800\"", 1, 6, "'\\ud800' is no character of Unicode", NULL },
	{ "a = \"\\", 1, 6, "a string ends in the middle of an escape", NULL },
	{ "a = '''x''''''", 1, 14, "three quotes end the string, here are 6 in a row",
		"use \"\"\" around it" },
	/* numbers, dates */
	{ "a = 0755", 1, 5, "'0755': a number cannot begin with 0",
		"octal begins with 0o; text stands in quotes" },
	{ "a = 1__0", 1, 6, "in a number '_' stands between two digits", NULL },
	{ "a = 0x_1", 1, 7, "in a number '_' stands between two digits", NULL },
	{ "a = 0b12", 1, 5, "'0b12' is not a number: after '0b' come the digits 01", NULL },
	{ "a = 9223372036854775808", 1, 5, "'9223372036854775808' does not fit into an integer of 64 bits",
		NULL },
	{ "a = 0x8000000000000000", 1, 5, "'0x8000000000000000' does not fit into an integer of 64 bits",
		NULL },
	{ "a = 1e999", 1, 5, "'1e999' does not fit into a decimal number", NULL },
	{ "a = 2023-02-29", 1, 5, "the day is 29, outside 1..28", NULL },
	{ "a = 24:00", 1, 5, "the hour is 24, outside 0..23", NULL },
	{ "a = 2006-1-2", 1, 5, "'2006-1-2' is neither a date nor a time", DATES },
	/* arrays, inline tables */
	{ "a = [1,\n2", 1, 5, "the array that begins here never ends", "is a ']' missing?" },
	{ "a = [1\n\nb = 2", 3, 1, "expected ',' or ']' in the array that begins at line 1, found 'b'",
		NULL },
	{ "a = [1 2]", 1, 8, "expected ',' or ']' in the array that begins at line 1, found '2'",
		FORGOTTEN("\"1 2\"") },
	{ "a = { b = 1", 1, 5, "the inline table that begins here never ends", "is a '}' missing?" },
	{ "a = { b = 1 ]", 1, 13, "expected ',' or '}' in the inline table that begins at line 1, found ']'",
		NULL },
	{ "a = { , }", 1, 7, "expected a key, found ','", NULL },
	{ "a = { b = 1, b = 2 }", 1, 14, "key 'b' stands twice (first at line 1)", NULL },
	/* bytes */
	{ "a = 1 # \xff\n", 1, 9, "byte 0xff is not UTF-8 text", "save the file as UTF-8" },
	{ "a = '\xed\xa0\x80'", 1, 6, "byte 0xed is not UTF-8 text", "save the file as UTF-8" },
	{ "a = 1\rb = 2", 1, 6, "a carriage return stands alone, without a newline after it",
		"lines end with a newline, or with a carriage return and a newline" },
	{ "\na = \"\u00e9\x01\"", 2, 7, "the control character U+0001 cannot stand in a TOML file",
		"in a string with \"double quotes\" it is written \\x01" },
	{ "a = 1\n\xef\xbb\xbf"
	  "b = 2",
		2, 1, "'\xef\xbb\xbf' cannot stand in a key without quotes",
		"letters a-z, digits, '_' and '-' can; other keys stand in \"quotes\"" },
};

static void a_mistake_gets_one_complaint_with_its_place(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(mistakes); i++) {
		const struct mistake *m = &mistakes[i];

		assert_refused(
			m->text, strlen(m->text), (struct place){ m->line, m->column }, m->words, m->hint);
	}
}

static void a_nul_byte_is_no_text(void **state)
{
	(void)state;
	assert_refused("a = 1 # \0", 9, (struct place){ 1, 9 },
		"the control character U+0000 cannot stand in a TOML file",
		"in a string with \"double quotes\" it is written \\x00");
	assert_refused("\xff\xfe#\0", 4, (struct place){ 1, 1 }, "byte 0xff is not UTF-8 text",
		"this looks like UTF-16; save the file as UTF-8");
}

static void a_long_piece_is_cut_between_characters(void **state)
{
	struct buf text = BUF_INIT;
	struct buf words = BUF_INIT;

	(void)state;
	buf_adds(&text, "a = x");
	for (int i = 0; i < 100; i++)
		buf_adds(&text, "\u00e9");
	buf_adds(&words, "'x");
	for (int i = 0; i < 29; i++)
		buf_adds(&words, "\u00e9");
	buf_adds(&words, "' is not a value");
	assert_refused(text.ptr, text.len, (struct place){ 1, 5 }, words.ptr, "text stands in quotes");
	buf_release(&words);
	buf_release(&text);
}

/* `times` times `open`, then the rest. */
static void fill_nested(struct buf *out, const char *start, const char *open, size_t times, const char *rest)
{
	buf_clear(out);
	buf_adds(out, start);
	for (size_t i = 0; i < times; i++)
		buf_adds(out, open);
	buf_adds(out, rest);
}

static void nesting_ends_at_its_limit(void **state)
{
	static const char words[] = "nested too deep: at most 64 tables and arrays may lie in each other";
	struct buf text = BUF_INIT;

	(void)state;
	fill_nested(&text, "a = ", "[", TOML_DEPTH_MAX, "");
	buf_fill(&text, ']', TOML_DEPTH_MAX);
	assert_fine(&text);
	fill_nested(&text, "a = ", "[", 10000, "");
	assert_refused(text.ptr, text.len, (struct place){ 1, 5 + TOML_DEPTH_MAX }, words, NULL);
	fill_nested(&text, "a = ", "{a=", 10000, "");
	assert_refused(text.ptr, text.len, (struct place){ 1, 5 + 3 * TOML_DEPTH_MAX }, words, NULL);

	fill_nested(&text, "", "a.", TOML_DEPTH_MAX, "b = 1");
	assert_fine(&text);
	fill_nested(&text, "", "a.", TOML_DEPTH_MAX + 1, "b = 1");
	assert_refused(text.ptr, text.len, (struct place){ 1, 1 + 2 * TOML_DEPTH_MAX }, words, NULL);

	fill_nested(&text, "[", "a.", TOML_DEPTH_MAX - 1, "b]\nc = 1");
	assert_fine(&text);
	fill_nested(&text, "[", "a.", TOML_DEPTH_MAX - 1, "b]\nc = []");
	assert_refused(text.ptr, text.len, (struct place){ 2, 5 }, words, NULL);
	fill_nested(&text, "[", "a.", TOML_DEPTH_MAX, "b]\n");
	assert_refused(text.ptr, text.len, (struct place){ 1, 1 }, words, NULL);
	fill_nested(&text, "[[", "a.", TOML_DEPTH_MAX - 1, "b]]\n");
	assert_refused(text.ptr, text.len, (struct place){ 1, 1 }, words, NULL);
	buf_release(&text);
}

static void a_mebibyte_is_read_and_a_byte_more_refused(void **state)
{
	struct buf text = BUF_INIT;
	size_t keys = 0;

	(void)state;
	for (; text.len + 16 < TOML_SIZE_MAX; keys++)
		buf_addf(&text, "k%zu = 1\n", keys);
	buf_addc(&text, '#');
	buf_fill(&text, 'x', TOML_SIZE_MAX - text.len);
	assert_fine(&text);
	buf_addc(&text, '\n');
	assert_refused(text.ptr, text.len, (struct place){ 0, 0 },
		"the file has 1048577 bytes, more than the 1048576 that are read", NULL);
	buf_release(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("a mistake gets one complaint, with its place and a hint",
			a_mistake_gets_one_complaint_with_its_place),
		PROMISE("a NUL byte is no text", a_nul_byte_is_no_text),
		PROMISE("a long piece of the file is cut between characters",
			a_long_piece_is_cut_between_characters),
		PROMISE("nesting ends at its limit, however it is written", nesting_ends_at_its_limit),
		PROMISE("a file of 1 MiB is read, a byte more is refused",
			a_mebibyte_is_read_and_a_byte_more_refused),
	};

	return cmocka_run_group_tests_name("toml mistakes", tests, NULL, NULL);
}
