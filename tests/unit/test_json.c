#include "base/json.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "unit.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

enum { SIZE = 4 * 1024 * 1024 };

static struct json *parse(const char *text)
{
	return json_parse(text, strlen(text), SIZE, NULL);
}

static void refuses_with(const char *text, size_t len, const char *words)
{
	struct err e = ERR_INIT;

	assert_null(json_parse(text, len, SIZE, &e));
	assert_string_equal(e.text.ptr, words);
	err_release(&e);
}

static void becomes(const char *text, const char *expected)
{
	struct buf out = BUF_INIT;
	struct json *j = parse(text);

	if (!j)
		fail_msg("refused: %s", text);
	json_write(&out, j);
	assert_string_equal(out.ptr, expected);
	buf_release(&out);
	json_free(j);
}

static void reads_what_is_json(void **state)
{
	static const struct {
		const char *text, *again;
	} rows[] = {
		{ "null", "null" },
		{ " \t\r\n true \n", "true" },
		{ "false", "false" },
		{ "\"\"", "\"\"" },
		{ "[]", "[]" },
		{ "{}", "{}" },
		{ "[ 1 , [ ] , { } ]", "[1,[],{}]" },
		{ "{ \"a\" : { \"b\" : [ null ] } }", "{\"a\":{\"b\":[null]}}" },
		{ "{\"\":1,\"A\":2,\"a\":3}", "{\"\":1,\"A\":2,\"a\":3}" },
		{ "0", "0" },
		{ "-0", "0" },
		{ "-1", "-1" },
		{ "1.5", "1.5" },
		{ "1.0", "1" },
		{ "1e3", "1000" },
		{ "1E+3", "1000" },
		{ "25e-1", "2.5" },
		{ "0.1", "0.1" },
		{ "0.30000000000000004", "0.30000000000000004" },
		{ "5e-324", "4.94065645841247e-324" },
		{ "9007199254740991", "9007199254740991" },
		{ "-9007199254740991", "-9007199254740991" },
		{ "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\\"\\\\/\\b\\f\\n\\r\\t\"" },
		{ "\"\\u0041\\u00fc\\u20AC\\ud83d\\uDE00\"", "\"A\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80\"" },
		{ "\"\\u0001\\u001f\x7f\"", "\"\\u0001\\u001f\\u007f\"" },
		{ "\"\xf0\x9f\x98\x80\"", "\"\xf0\x9f\x98\x80\"" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		becomes(rows[i].text, rows[i].again);
}

static void refuses_what_is_not(void **state)
{
	static const struct {
		const char *text, *words;
	} rows[] = {
		{ "", "the text is empty, expected JSON" },
		{ "  \n ", "line 2, column 2: expected a value, but the text ends here" },
		{ "{\"a\" 1}", "line 1, column 6: expected ':'" },
		{ "{\n  \"\xc3\xbc\" 1}", "line 2, column 7: expected ':'" },
		{ "{\"a\":1", "line 1, column 7: expected ',' or '}', but the text ends here" },
		{ "[1", "line 1, column 3: expected ',' or ']', but the text ends here" },
		{ "[1 2]", "line 1, column 4: expected ',' or ']'" },
		{ "[1}", "line 1, column 3: expected ',' or ']'" },
		{ "[1,]", "line 1, column 4: expected another member after ','" },
		{ "[,1]", "line 1, column 2: expected a value" },
		{ "{\"a\":1,}", "line 1, column 8: expected another member after ','" },
		{ "{a:1}", "line 1, column 2: expected a key in double quotes" },
		{ "{1:1}", "line 1, column 2: expected a key in double quotes" },
		{ "'a'", "line 1, column 1: expected a value" },
		{ "True", "line 1, column 1: expected a value" },
		{ "nul", "line 1, column 1: expected a value" },
		{ "NaN", "line 1, column 1: expected a value" },
		{ "-Infinity", "line 1, column 2: expected a digit" },
		{ "+1", "line 1, column 1: expected a value" },
		{ ".5", "line 1, column 1: expected a value" },
		{ "-", "line 1, column 2: expected a digit, but the text ends here" },
		{ "01", "line 1, column 1: a number does not start with 0" },
		{ "-01", "line 1, column 1: a number does not start with 0" },
		{ "1.", "line 1, column 3: expected a digit after the point, but the text ends here" },
		{ "1.e5", "line 1, column 3: expected a digit after the point" },
		{ "1e", "line 1, column 3: expected a digit in the exponent, but the text ends here" },
		{ "1e+-2", "line 1, column 4: expected a digit in the exponent" },
		{ "0x10", "line 1, column 2: text after the value" },
		{ "1 2", "line 1, column 3: text after the value" },
		{ "{} // why", "line 1, column 4: text after the value" },
		{ "\xef\xbb\xbf{}", "line 1, column 1: expected a value" },
		{ "\"a", "line 1, column 3: expected '\"' after the string, but the text ends here" },
		{ "\"a\nb\"", "line 1, column 3: a control character in a string must be escaped" },
		{ "\"\\x41\"", "line 1, column 2: no such escape in a string" },
		{ "\"\\", "line 1, column 2: no such escape in a string" },
		{ "\"\\u12g4\"", "line 1, column 2: \\u wants four hexadecimal digits" },
		{ "\"\\u12", "line 1, column 2: \\u wants four hexadecimal digits" },
		{ "\"\\u0000\"", "line 1, column 2: \\u0000 is not taken in a string" },
		{ "\"\\ud83d\"", "line 1, column 2: half of a surrogate pair" },
		{ "\"\\ud83d\\u0041\"", "line 1, column 2: half of a surrogate pair" },
		{ "\"\\ud83d\\ud83d\"", "line 1, column 2: half of a surrogate pair" },
		{ "\"\\ude00\\ud83d\"", "line 1, column 2: half of a surrogate pair" },
		{ "\"a\xff\"", "line 1, column 3: this is not UTF-8" },
		{ "\"\xc0\x80\"", "line 1, column 2: this is not UTF-8" },
		{ "\"\xed\xa0\x80\"", "line 1, column 2: this is not UTF-8" },
		{ "{\"a\":1,\"b\":2,\"a\":3}", "key 'a' stands twice" },
		{ "[{\"x\":{\"a\":1,\"\\u0061\":2}}]", "key 'a' stands twice" },
		{ "9007199254740992",
			"the number 9007199254740992 is beyond 9007199254740991; write it as a string" },
		{ "[-9007199254740993]",
			"the number -9007199254740992 is beyond -9007199254740991; write it as a string" },
		{ "1e400", "the number inf is beyond 9007199254740991; write it as a string" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		refuses_with(rows[i].text, strlen(rows[i].text), rows[i].words);
	refuses_with("[1]\0", 4, "line 1, column 4: text after the value");
	refuses_with("\"a\0b\"", 5, "line 1, column 3: a control character in a string must be escaped");
	refuses_with("\0", 1, "line 1, column 1: expected a value");
	assert_null(parse("{"));
}

static void nest(struct buf *text, size_t depth)
{
	buf_clear(text);
	for (size_t i = 0; i < depth; i++)
		buf_adds(text, i % 2 ? "{\"a\":" : "[");
	buf_addc(text, '1');
	for (size_t i = depth; i > 0; i--)
		buf_addc(text, i % 2 ? ']' : '}');
}

static void has_limits(void **state)
{
	struct buf text = BUF_INIT;
	struct err e = ERR_INIT;
	struct json *j = NULL;

	(void)state;
	nest(&text, JSON_DEPTH_MAX);
	j = parse(text.ptr);
	assert_non_null(j);
	json_free(j);
	nest(&text, JSON_DEPTH_MAX + 1);
	refuses_with(text.ptr, text.len, "line 1, column 193: the nesting is too deep");
	j = json_parse("[1]", 3, 3, NULL);
	assert_non_null(j);
	json_free(j);
	assert_null(json_parse("[1] ", 4, 3, &e));
	assert_string_equal(e.text.ptr, "the text has 4 bytes, more than the 3 that are allowed");
	/* Beside each other is not within each other. */
	buf_clear(&text);
	buf_adds(&text, "[[]");
	for (int i = 0; i < 2 * JSON_DEPTH_MAX; i++)
		buf_adds(&text, ",[{}]");
	buf_adds(&text, "]");
	j = parse(text.ptr);
	assert_non_null(j);
	json_free(j);
	buf_clear(&text);
	buf_adds(&text, "0.");
	buf_fill(&text, '1', 58);
	j = parse(text.ptr);
	assert_non_null(j);
	json_free(j);
	buf_addc(&text, '1');
	refuses_with(text.ptr, text.len, "line 1, column 1: the number has too many digits");
	buf_release(&text);
	err_release(&e);
}

/* Compared one with all others, these would take minutes. */
static void finds_twins_in_a_crowd(void **state)
{
	struct buf text = BUF_INIT;
	struct json *j = NULL;

	(void)state;
	buf_addc(&text, '{');
	for (int i = 0; i < 100000; i++)
		buf_addf(&text, "\"%d\":0,", i * 7919 % 100003);
	buf_adds(&text, "\"x\":0}");
	j = parse(text.ptr);
	assert_non_null(j);
	assert_int_equal(json_count(j), 100001);
	json_free(j);
	buf_cut(&text, text.len - 1);
	buf_adds(&text, ",\"7919\":0}");
	refuses_with(text.ptr, text.len, "key '7919' stands twice");
	buf_release(&text);
}

static void looks_up_by_case(void **state)
{
	struct json *j = parse("{\"Name\":1,\"name\":\"x\",\"list\":[true,null,2.5]}");
	const struct json *member = NULL;
	struct buf keys = BUF_INIT;

	(void)state;
	assert_string_equal(json_string(json_get(j, "name"), NULL), "x");
	assert_null(json_get(j, "NAME"));
	assert_null(json_get(json_get(j, "none"), "x"));
	assert_null(json_get(json_get(j, "list"), "x"));
	assert_null(json_get(NULL, "x"));
	assert_int_equal(json_count(json_get(j, "list")), 3);
	assert_int_equal(json_count(NULL), 0);
	JSON_EACH (j, member)
		buf_addf(&keys, "%s ", json_key(member));
	assert_string_equal(keys.ptr, "Name name list ");
	assert_true(json_is_object(j) && json_is_array(json_get(j, "list")));
	assert_true(json_is_null(json_next(json_first(json_get(j, "list")))));
	assert_false(json_is_object(NULL) || json_is_array(NULL) || json_is_null(NULL));
	buf_release(&keys);
	json_free(j);
	json_free(NULL);
}

static void gives_values_of_their_type(void **state)
{
	struct json *j = parse("{\"s\":\"x\",\"t\":true,\"i\":-3,\"d\":2.5,\"big\":\"9223372036854775807\","
			       "\"plus\":\"+5\",\"over\":\"9223372036854775808\",\"e\":1e2}");
	int64_t i = 7;
	double d = 7;

	(void)state;
	assert_string_equal(json_string(json_get(j, "i"), "other"), "other");
	assert_true(json_bool(json_get(j, "t"), false));
	assert_true(json_bool(json_get(j, "i"), true));
	assert_false(json_bool(NULL, false));
	assert_true(json_int(json_get(j, "i"), &i) && i == -3);
	assert_true(json_int(json_get(j, "big"), &i) && i == INT64_MAX);
	assert_true(json_int(json_get(j, "e"), &i) && i == 100);
	assert_false(json_int(json_get(j, "d"), &i));
	assert_false(json_int(json_get(j, "s"), &i));
	assert_false(json_int(json_get(j, "plus"), &i));
	assert_false(json_int(json_get(j, "over"), &i));
	assert_false(json_int(json_get(j, "t"), &i));
	assert_false(json_int(NULL, &i));
	assert_int_equal(i, 100);
	assert_true(json_number(json_get(j, "d"), &d) && d == 2.5);
	assert_false(json_number(json_get(j, "s"), &d));
	assert_false(json_number(NULL, &d));
	json_free(j);
}

static struct json *build(void)
{
	struct json *j = json_new_object();
	struct json *list = json_set(j, "list", json_new_array());

	json_set_string(j, "text", "a\"b");
	json_set_string(j, "none", NULL);
	json_set_int(j, "max", JSON_INT_MAX);
	json_set_int(j, "more", JSON_INT_MAX + 1);
	json_set_int(j, "least", INT64_MIN);
	json_set_number(j, "half", 0.5);
	json_set_number(j, "nan", NAN);
	json_set_bool(j, "yes", true);
	json_set(j, "null", json_new_null());
	json_push(list, json_new_int(1));
	json_push(json_push(list, json_new_array()), json_new_bool(false));
	json_set(j, "empty", json_new_object());
	return j;
}

static void writes_on_one_line(void **state)
{
	struct json *j = build();
	struct json *copy = json_clone(j);
	struct buf out = BUF_INIT;

	(void)state;
	json_free(j);
	json_write(&out, copy);
	assert_string_equal(out.ptr,
		"{\"list\":[1,[false]],\"text\":\"a\\\"b\",\"none\":null,\"max\":9007199254740991,"
		"\"more\":\"9007199254740992\",\"least\":\"-9223372036854775808\",\"half\":0.5,\"nan\":null,"
		"\"yes\":true,\"null\":null,\"empty\":{}}");
	buf_release(&out);
	json_free(copy);
}

static void writes_for_people(void **state)
{
	struct json *j = parse("{\"a\":[1,{\"b\":[]}],\"c\":{}}");
	struct buf out = BUF_INIT;

	(void)state;
	json_write_pretty(&out, j);
	assert_string_equal(
		out.ptr, "{\n  \"a\": [\n    1,\n    {\n      \"b\": []\n    }\n  ],\n  \"c\": {}\n}\n");
	buf_release(&out);
	json_free(j);
}

static void deep_levels_are_indented_as_well(void **state)
{
	enum { DEPTH = 40 };
	struct buf text = BUF_INIT;
	struct buf out = BUF_INIT;
	struct buf expected = BUF_INIT;

	(void)state;
	buf_fill(&text, '[', DEPTH);
	buf_addc(&text, '1');
	buf_fill(&text, ']', DEPTH);
	for (size_t level = 0; level < DEPTH; level++) {
		buf_fill(&expected, ' ', 2 * level);
		buf_adds(&expected, "[\n");
	}
	buf_fill(&expected, ' ', (size_t)2 * DEPTH);
	buf_adds(&expected, "1\n");
	for (size_t level = DEPTH; level-- > 0;) {
		buf_fill(&expected, ' ', 2 * level);
		buf_adds(&expected, "]\n");
	}
	json_indent(&out, text.ptr, text.len);
	assert_string_equal(out.ptr, expected.ptr);
	buf_release(&text);
	buf_release(&out);
	buf_release(&expected);
}

static void a_key_is_set_once(void **state)
{
	struct json *j = json_new_object();
	struct buf out = BUF_INIT;

	(void)state;
	json_set_int(j, "a", 1);
	json_set_int(j, "b", 2);
	json_set(j, "a", json_clone(json_get(j, "b")));
	json_write(&out, j);
	assert_string_equal(out.ptr, "{\"a\":2,\"b\":2}");
	buf_release(&out);
	json_free(j);
}

static void writes_only_utf8(void **state)
{
	struct json *j = json_new_object();
	struct buf out = BUF_INIT;

	(void)state;
	json_set_string(j, "\xff", "a\xc3\x28\xed\xa0\x80z");
	json_write(&out, j);
	assert_string_equal(
		out.ptr, "{\"\xef\xbf\xbd\":\"a\xef\xbf\xbd(\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdz\"}");
	buf_release(&out);
	json_free(j);
}

static void numbers_come_back(void **state)
{
	static const double numbers[] = { 0.1 + 0.2, 1.0 / 3, -2.2250738585072014e-308, 123456789.123456789,
		1e-7, 9007199254740990.5, DBL_MIN, DBL_EPSILON };

	(void)state;
	for (size_t i = 0; i < COUNT(numbers); i++) {
		struct json *j = json_new_number(numbers[i]);
		struct json *again = NULL;
		struct buf out = BUF_INIT;
		double value = 0;

		json_write(&out, j);
		again = parse(out.ptr);
		assert_true(json_number(again, &value));
		assert_true(value == numbers[i]);
		buf_release(&out);
		json_free(again);
		json_free(j);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("what is JSON is read, and written plainly", reads_what_is_json),
		PROMISE("what is not JSON is refused with the place", refuses_what_is_not),
		PROMISE("depth, size and digits have limits", has_limits),
		PROMISE("a key that stands twice is found among a hundred thousand", finds_twins_in_a_crowd),
		PROMISE("keys are found with their case, and lookups chain", looks_up_by_case),
		PROMISE("a value is given only as the type that it has", gives_values_of_their_type),
		PROMISE("a tree that was built or copied is written on one line", writes_on_one_line),
		PROMISE("a tree is written for people with two spaces a level", writes_for_people),
		PROMISE("deep levels are indented as well", deep_levels_are_indented_as_well),
		PROMISE("setting a key again replaces its value", a_key_is_set_once),
		PROMISE("bytes that are not UTF-8 are never written", writes_only_utf8),
		PROMISE("a number that was written is read as the same number", numbers_come_back),
	};

	return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
