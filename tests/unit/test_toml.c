#include "base/toml.h"

#include <math.h>
#include <string.h>

#include "unit.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* A text that must be good. */
static struct toml_value *parse_bytes(const char *text, size_t len)
{
	struct diags d = DIAGS_INIT;
	struct toml_value *root = NULL;

	diags_about(&d, "oxfile.toml", text, len);
	root = toml_parse(text, len, &d);
	for (size_t i = 0; i < d.list.len; i++) {
		const struct diag *complaint = d.list.items[i];

		print_error("%d:%d: %s\n", complaint->at.line, complaint->at.column, complaint->text);
	}
	assert_non_null(root);
	assert_int_equal(d.list.len, 0);
	diags_release(&d);
	return root;
}

static struct toml_value *parse(const char *text)
{
	return parse_bytes(text, strlen(text));
}

static void assert_at(struct place at, int line, int column)
{
	assert_int_equal(at.line, line);
	assert_int_equal(at.column, column);
}

static void assert_text(const struct toml_value *v, const char *bytes, size_t len)
{
	size_t got = 0;
	const char *text = NULL;

	assert_non_null(v);
	assert_int_equal(toml_type(v), TOML_STRING);
	text = toml_string(v, &got);
	assert_int_equal(got, len);
	assert_memory_equal(text, bytes, len + 1);
}

static void every_key_and_value_knows_its_place(void **state)
{
	static const char text[] = "\xef\xbb\xbf"
				   "a = 1\n"
				   "\"\xc3\xa9\xf0\x9f\x90\x82\" =\t'x' # \xe2\x9c\x93\n"
				   "b.c = [ 'd\xc3\xa9', \"\"\"\n\xc3\xa9\"\"\", { k = 7 } ]\r\n"
				   "  [ t . u ]\n"
				   "  v = true\n";
	struct toml_value *root = parse(text);
	const struct toml_value *list = toml_get(toml_get(root, "b"), "c");
	const struct toml_value *u = toml_get(toml_get(root, "t"), "u");

	(void)state;
	assert_at(toml_key_place(root, 0), 1, 1);
	assert_at(toml_place(toml_at(root, 0)), 1, 5);
	assert_at(toml_key_place(root, 1), 2, 1);
	assert_at(toml_place(toml_at(root, 1)), 2, 8);
	assert_at(toml_key_place(root, 2), 3, 1);
	assert_at(toml_key_place(toml_get(root, "b"), 0), 3, 3);
	assert_at(toml_place(list), 3, 7);
	assert_at(toml_place(toml_at(list, 0)), 3, 9);
	assert_at(toml_place(toml_at(list, 1)), 3, 15);
	assert_at(toml_place(toml_at(list, 2)), 4, 7);
	assert_at(toml_key_place(toml_at(list, 2), 0), 4, 9);
	assert_at(toml_place(toml_get(toml_at(list, 2), "k")), 4, 13);
	assert_at(toml_key_place(root, 3), 5, 5);
	assert_at(toml_key_place(toml_get(root, "t"), 0), 5, 9);
	assert_at(toml_place(u), 5, 3);
	assert_at(toml_key_place(u, 0), 6, 3);
	toml_free(root);
}

static void a_header_moves_a_table_that_was_only_named(void **state)
{
	struct toml_value *root = parse("[a.b]\nx = 1\n[a]\ny = 2\n[[c]]\n[[c]]\n");

	(void)state;
	assert_at(toml_place(toml_get(root, "a")), 3, 1);
	assert_at(toml_key_place(root, 0), 3, 2);
	assert_at(toml_place(toml_get(root, "c")), 5, 1);
	assert_at(toml_key_place(root, 1), 5, 3);
	assert_at(toml_place(toml_at(toml_get(root, "c"), 1)), 6, 1);
	toml_free(root);
}

static void members_come_in_the_order_of_the_file(void **state)
{
	static const char *const keys[] = { "z", "y", "x", "b", "a" };
	struct toml_value *root = parse("z = 1\ny.k = 1\nx = 1\ny.j = 2\n[b.q]\n[a]\n[b]\n");

	(void)state;
	assert_int_equal(toml_count(root), COUNT(keys));
	for (size_t i = 0; i < COUNT(keys); i++)
		assert_string_equal(toml_key(root, i, NULL), keys[i]);
	assert_string_equal(toml_key(toml_get(root, "y"), 1, NULL), "j");
	assert_null(toml_get(root, "nobody"));
	toml_free(root);
}

static void nul_characters_are_kept(void **state)
{
	struct toml_value *root = parse("a = \"x\\u0000y\"\n\"k\\x00l\" = 1\n");
	size_t len = 0;

	(void)state;
	assert_text(toml_get(root, "a"), "x\0y", 3);
	assert_memory_equal(toml_key(root, 1, &len), "k\0l", 4);
	assert_int_equal(len, 3);
	toml_free(root);
}

static void strings_have_four_forms_and_escapes(void **state)
{
	static const struct {
		const char *toml;
		const char *text;
	} cases[] = {
		{ "\"\"", "" },
		{ "''", "" },
		{ "\"\\b\\t\\n\\f\\r\\e\\\"\\\\\"", "\b\t\n\f\r\x1b\"\\" },
		{ "\"\\x41\\xe9\\u20ac\\U0001f402\"", "A\xc3\xa9\xe2\x82\xac\xf0\x9f\x90\x82" },
		{ "\"\\u007f\\u0080\\u07ff\\u0800\\uffff\\U00010000\\U0010ffff\"",
			"\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf\xf0\x90\x80\x80\xf4\x8f\xbf\xbf" },
		{ "'C:\\new'", "C:\\new" },
		{ "\"\"\"\none\r\ntwo\\\n   \n  three\"\"\"", "one\ntwothree" },
		{ "\"\"\"\"\"quotes\"\"\"\"\"", "\"\"quotes\"\"" },
		{ "'''\r\na\\\n''b'''", "a\\\n''b" },
		{ "''''''''", "''" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct buf text = BUF_INIT;
		struct toml_value *root = NULL;

		buf_addf(&text, "a = %s", cases[i].toml);
		root = parse(text.ptr);
		assert_text(toml_get(root, "a"), cases[i].text, strlen(cases[i].text));
		toml_free(root);
		buf_release(&text);
	}
}

static void integers_reach_from_end_to_end(void **state)
{
	struct toml_value *root =
		parse("a = 9223372036854775807\nb = -9223372036854775808\nc = +1_0\nd = 0xdead_BEEF\n"
		      "e = 0o755\nf = 0b1_1\ng = -0\nh = 0x7fffffffffffffff\n");
	static const int64_t values[] = { INT64_MAX, INT64_MIN, 10, 0xdeadbeef, 0755, 3, 0, INT64_MAX };

	(void)state;
	for (size_t i = 0; i < COUNT(values); i++) {
		assert_int_equal(toml_type(toml_at(root, i)), TOML_INTEGER);
		assert_true(toml_integer(toml_at(root, i)) == values[i]);
	}
	toml_free(root);
}

static void decimal_numbers_and_booleans(void **state)
{
	struct toml_value *root =
		parse("a = 3.25\nb = -1_0.5e-1\nc = 1E+2\nd = -inf\ne = nan\nf = true\ng = false\n");

	(void)state;
	assert_true(toml_float(toml_at(root, 0)) == 3.25);
	assert_true(toml_float(toml_at(root, 1)) == -1.05);
	assert_true(toml_float(toml_at(root, 2)) == 100);
	assert_true(isinf(toml_float(toml_at(root, 3))) && toml_float(toml_at(root, 3)) < 0);
	assert_true(isnan(toml_float(toml_at(root, 4))));
	assert_int_equal(toml_type(toml_at(root, 4)), TOML_FLOAT);
	assert_int_equal(toml_type(toml_at(root, 5)), TOML_BOOL);
	assert_true(toml_bool(toml_at(root, 5)));
	assert_false(toml_bool(toml_at(root, 6)));
	toml_free(root);
}

static void dates_and_times_have_all_their_parts(void **state)
{
	static const struct {
		const char *toml;
		enum toml_type type;
		struct toml_datetime when;
	} cases[] = {
		{ "1979-05-27T07:32:01.5Z", TOML_DATETIME, { 1979, 5, 27, 7, 32, 1, 500000000, 0 } },
		{ "1979-05-27 07:32-07:30", TOML_DATETIME, { 1979, 5, 27, 7, 32, 0, 0, -450 } },
		{ "2024-02-29t00:00:60z", TOML_DATETIME, { 2024, 2, 29, 0, 0, 60, 0, 0 } },
		{ "2000-12-31T23:59:59.1234567899+23:59", TOML_DATETIME,
			{ 2000, 12, 31, 23, 59, 59, 123456789, 1439 } },
		{ "1979-05-27T07:32", TOML_LOCAL_DATETIME, { 1979, 5, 27, 7, 32, 0, 0, 0 } },
		{ "1979-05-27 # and nothing else", TOML_LOCAL_DATE, { 1979, 5, 27, 0, 0, 0, 0, 0 } },
		{ "07:32", TOML_LOCAL_TIME, { 0, 0, 0, 7, 32, 0, 0, 0 } },
		{ "23:59:00.000000001", TOML_LOCAL_TIME, { 0, 0, 0, 23, 59, 0, 1, 0 } },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct buf text = BUF_INIT;
		struct toml_value *root = NULL;

		buf_addf(&text, "a = %s", cases[i].toml);
		root = parse(text.ptr);
		assert_int_equal(toml_type(toml_at(root, 0)), cases[i].type);
		assert_memory_equal(toml_datetime(toml_at(root, 0)), &cases[i].when, sizeof(cases[i].when));
		toml_free(root);
		buf_release(&text);
	}
}

static void inline_tables_span_lines(void **state)
{
	struct toml_value *root =
		parse("t = { # first\n\ta = 1, # one\n\n\tb.c = [2,\n3, # three\n],\n} # last\n");
	const struct toml_value *t = toml_get(root, "t");

	(void)state;
	assert_int_equal(toml_count(t), 2);
	assert_int_equal(toml_integer(toml_get(t, "a")), 1);
	assert_int_equal(toml_count(toml_get(toml_get(t, "b"), "c")), 2);
	assert_at(toml_place(toml_at(toml_get(toml_get(t, "b"), "c"), 1)), 5, 1);
	toml_free(root);
}

static void rows_and_subtables_find_their_parent(void **state)
{
	struct toml_value *root = parse("[[a]]\nn = 1\n[a.s]\nx = 1\n[[a.r]]\n[[a]]\nn = 2\n[a.s]\nx = 2\n"
					"[d]\ne.f = 1\n[d.e.g]\nh = 1\n[[d.e.i]]\n[x.y.z]\n[x]\ny.w = 1\n");
	const struct toml_value *a = toml_get(root, "a");
	const struct toml_value *e = toml_get(toml_get(root, "d"), "e");

	(void)state;
	assert_int_equal(toml_type(a), TOML_ARRAY);
	assert_int_equal(toml_count(a), 2);
	assert_int_equal(toml_integer(toml_get(toml_get(toml_at(a, 0), "s"), "x")), 1);
	assert_int_equal(toml_count(toml_get(toml_at(a, 0), "r")), 1);
	assert_int_equal(toml_integer(toml_get(toml_get(toml_at(a, 1), "s"), "x")), 2);
	assert_int_equal(toml_count(e), 3);
	assert_int_equal(toml_count(toml_get(toml_get(root, "x"), "y")), 2);
	toml_free(root);
}

static void an_empty_text_is_an_empty_table(void **state)
{
	static const char *const texts[] = { "", "\n", "\r\n", " \t", "# nothing", "\xef\xbb\xbf",
		"\xef\xbb\xbf\n\n#\n" };

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		struct toml_value *root = parse(texts[i]);

		assert_int_equal(toml_type(root), TOML_TABLE);
		assert_int_equal(toml_count(root), 0);
		assert_at(toml_place(root), 1, 1);
		toml_free(root);
	}
	toml_free(parse_bytes(NULL, 0));
	toml_free(NULL);
}

static void a_type_has_a_name_that_people_use(void **state)
{
	(void)state;
	assert_string_equal(toml_type_name(TOML_STRING), "a string");
	assert_string_equal(toml_type_name(TOML_INTEGER), "an integer");
	assert_string_equal(toml_type_name(TOML_TABLE), "a table");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("every key and value knows its line and column, counted in characters",
			every_key_and_value_knows_its_place),
		PROMISE("a table that was only named on the way stands where its header stands",
			a_header_moves_a_table_that_was_only_named),
		PROMISE("members come in the order of the file", members_come_in_the_order_of_the_file),
		PROMISE("NUL characters in strings and keys are kept", nul_characters_are_kept),
		PROMISE("strings have four forms, and escapes in two of them",
			strings_have_four_forms_and_escapes),
		PROMISE("integers reach from end to end of 64 bits, in four bases",
			integers_reach_from_end_to_end),
		PROMISE("decimal numbers and booleans are what they say", decimal_numbers_and_booleans),
		PROMISE("dates and times have all their parts", dates_and_times_have_all_their_parts),
		PROMISE("inline tables may span lines and hold comments", inline_tables_span_lines),
		PROMISE("rows and sub-tables find their parent", rows_and_subtables_find_their_parent),
		PROMISE("a text without keys is an empty table", an_empty_text_is_an_empty_table),
		PROMISE("a type has a name that people use", a_type_has_a_name_that_people_use),
	};

	return cmocka_run_group_tests_name("toml", tests, NULL, NULL);
}
