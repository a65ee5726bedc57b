#include "base/json_emit.h"

#include <math.h>
#include <string.h>

#include "base/json.h"
#include "unit.h"

static void what_is_jotted_is_what_a_tree_would_be(void **state)
{
	struct buf out = BUF_INIT;
	struct buf again = BUF_INIT;
	struct json *j = NULL;

	(void)state;
	emit_open(&out, NULL, '{');
	emit_string(&out, "text", "a\"b\\c\n\t\x01\x7f/ end [");
	emit_string(&out, "none", NULL);
	emit_string(&out, "foul", "a\xc3(\xed\xa0\x80z\xff");
	emit_string(&out, "fine", "\xc3\xa4\xe2\x82\xac\xf0\x9f\x90\x82");
	emit_int(&out, "max", JSON_INT_MAX);
	emit_int(&out, "more", JSON_INT_MAX + 1);
	emit_int(&out, "least", INT64_MIN);
	emit_number(&out, "half", 0.5);
	emit_number(&out, "whole", -3.0);
	emit_number(&out, "nan", NAN);
	emit_bool(&out, "yes", true);
	emit_bool(&out, "no", false);
	emit_open(&out, "list", '[');
	emit_int(&out, NULL, 0);
	emit_open(&out, NULL, '[');
	emit_close(&out, ']');
	emit_text(&out, NULL, "{\"a\":1}", 7);
	emit_null(&out, NULL);
	emit_close(&out, ']');
	emit_key(&out, "/a \"path\"");
	emit_open(&out, NULL, '{');
	emit_close(&out, '}');
	emit_key(&out, "next");
	emit_int(&out, NULL, 1);
	emit_close(&out, '}');
	assert_string_equal(out.ptr,
		"{\"text\":\"a\\\"b\\\\c\\n\\t\\u0001\\u007f/ end [\",\"none\":null,"
		"\"foul\":\"a\xef\xbf\xbd(\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdz\xef\xbf\xbd\","
		"\"fine\":\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x90\x82\",\"max\":9007199254740991,"
		"\"more\":\"9007199254740992\",\"least\":\"-9223372036854775808\",\"half\":0.5,\"whole\":-3,"
		"\"nan\":null,\"yes\":true,\"no\":false,\"list\":[0,[],{\"a\":1},null],\"/a \\\"path\\\"\":{},\"next\":1}");
	j = json_parse(out.ptr, out.len, out.len, NULL);
	assert_non_null(j);
	json_write(&again, j);
	assert_string_equal(again.ptr, out.ptr);
	json_free(j);
	buf_release(&again);
	buf_release(&out);
}

static void a_line_is_laid_out_as_its_tree_is(void **state)
{
	static const char *const lines[] = {
		"{}",
		"[]",
		"0",
		"\"a,b:{}[]\\\"\\\\\"",
		"[[[]],{},[{}]]",
		"{\"a\":{\"b\":[1,-2.5,\"}\",null,true]},\"c\":\"\\\\\",\"d\":[{},[]]}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct json *j = json_parse(lines[i], strlen(lines[i]), 1000, NULL);
		struct json *back = NULL;
		struct buf tree = BUF_INIT;
		struct buf line = BUF_INIT;
		struct buf once_more = BUF_INIT;

		assert_non_null(j);
		json_write_pretty(&tree, j);
		json_indent(&line, lines[i], strlen(lines[i]));
		assert_string_equal(line.ptr, tree.ptr);
		back = json_parse(line.ptr, line.len, line.len, NULL);
		assert_non_null(back);
		json_write(&once_more, back);
		assert_string_equal(once_more.ptr, lines[i]);
		json_free(back);
		json_free(j);
		buf_release(&tree);
		buf_release(&line);
		buf_release(&once_more);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("what is jotted is what a tree would be", what_is_jotted_is_what_a_tree_would_be),
		PROMISE("a line is laid out as its tree is, and is the same JSON",
			a_line_is_laid_out_as_its_tree_is),
	};

	return cmocka_run_group_tests_name("jot", tests, NULL, NULL);
}
