#include "base/dotenv.h"

#include <string.h>

#include "base/mem.h"
#include "unit.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

/* What was found, one after the other: NAME=value and a bar. */
static void collect(void *context, const char *name, const char *value, struct place at)
{
	(void)at;
	buf_addf(context, "%s=%s|", name, value);
}

static void collect_place(void *context, const char *name, const char *value, struct place at)
{
	(void)value;
	buf_addf(context, "%s %d:%d|", name, at.line, at.column);
}

static void reads(const char *text, const char *expected)
{
	struct buf found = BUF_INIT;
	struct diags d = DIAGS_INIT;

	assert_int_equal(dotenv_parse(text, strlen(text), &d, collect, &found), 0);
	assert_string_equal(found.ptr, expected);
	assert_int_equal(d.list.len, 0);
	buf_release(&found);
	diags_release(&d);
}

static void reads_what_people_write(void **state)
{
	static const struct {
		const char *text, *found;
	} rows[] = {
		{ "", "" },
		{ "\n\n  \n", "" },
		{ "A=1", "A=1|" },
		{ "A=1\nB=2\n", "A=1|B=2|" },
		{ "A=1\r\nB=2\r\n", "A=1|B=2|" },
		{ "A=1\r", "A=1|" },
		{ "# a comment\n  # another\nA=1", "A=1|" },
		{ "export A=1\nexport\tB=2", "A=1|B=2|" },
		{ "export=1\nexport = 2\nexported=3", "export=1|export=2|exported=3|" },
		{ "  A = 1  ", "A=1|" },
		{ "A=\nB= \nC=\"\"\nD=''", "A=|B=|C=|D=|" },
		{ "A= # nothing", "A=|" },
		{ "A=#1", "A=#1|" },
		{ "A=x#y # z", "A=x#y|" },
		{ "A=x\t# z", "A=x|" },
		{ "A=http://h/?a=b&c=d", "A=http://h/?a=b&c=d|" },
		{ "A=it's", "A=it's|" },
		{ "A=a b  c", "A=a b  c|" },
		{ "A=${B} $C `id`", "A=${B} $C `id`|" },
		{ "A=a\\nb", "A=a\\nb|" },
		{ "A='x # y' # z", "A=x # y|" },
		{ "A='a\\n$b\"'", "A=a\\n$b\"|" },
		{ "A='one\ntwo'\nB=3", "A=one\ntwo|B=3|" },
		{ "A=\"one\r\ntwo\"\r\nB=3", "A=one\ntwo|B=3|" },
		{ "A=\"a\\n\\r\\t\\\\\\\"\\$b\"", "A=a\n\r\t\\\"$b|" },
		{ "A=\"a\\x\\'\"", "A=a\\x\\'|" },
		{ "A=\"x\"# z", "A=x|" },
		{ "A=\"{\\\"k\\\": 1}\"", "A={\"k\": 1}|" },
		{ "A=1\nA=2", "A=1|A=2|" },
		{ "\xef\xbb\xbf"
		  "A=1",
			"A=1|" },
		{ "A=gr\xc3\xbc\xc3\x9f"
		  "e\nB=\xff",
			"A=gr\xc3\xbc\xc3\x9f"
			"e|B=\xff|" },
		{ "_a1=x", "_a1=x|" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		reads(rows[i].text, rows[i].found);
}

static void complains(const char *text, size_t len, struct place at, const char *words)
{
	struct buf found = BUF_INIT;
	struct diags d = DIAGS_INIT;
	const struct diag *first = NULL;

	assert_int_equal(dotenv_parse(text, len, &d, collect, &found), -1);
	assert_int_equal(d.errors, 1);
	first = d.list.items[0];
	assert_string_equal(first->text, words);
	assert_int_equal(first->at.line, at.line);
	assert_int_equal(first->at.column, at.column);
	buf_release(&found);
	diags_release(&d);
}

static void says_where_it_is_wrong(void **state)
{
	static const struct {
		const char *text;
		struct place at;
		const char *words;
	} rows[] = {
		{ "A=1\n  B", { 2, 3 }, "there is no '=' in this line" },
		{ "export", { 1, 1 }, "there is no '=' in this line" },
		{ "export B", { 1, 8 }, "there is no '=' in this line" },
		{ "A=1\n\n+B=2", { 3, 1 }, "what stands before '=' is no name for a variable" },
		{ "A/B=2", { 1, 1 }, "what stands before '=' is no name for a variable" },
		{ "A B=2", { 1, 1 }, "what stands before '=' is no name for a variable" },
		{ "=2", { 1, 1 }, "what stands before '=' is no name for a variable" },
		{ "\xc3\xbc=2", { 1, 1 }, "what stands before '=' is no name for a variable" },
		{ "A='x\nB=2", { 1, 3 }, "the quote ' is never closed" },
		{ "A=\"x\\\"", { 1, 3 }, "the quote \" is never closed" },
		{ "A=\"x\\", { 1, 3 }, "the quote \" is never closed" },
		{ "A='\xc3\xbc' y", { 1, 7 }, "text after the closing quote" },
		{ "A='a\nb'y\nB=2", { 2, 3 }, "text after the closing quote" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		complains(rows[i].text, strlen(rows[i].text), rows[i].at, rows[i].words);
	complains("A=1\nB=\0x", 8, (struct place){ 2, 3 }, "a NUL byte");
}

static void tells_every_mistake(void **state)
{
	static const char text[] = "A\nB=1\n+=3\nC='x' y\nD=4";
	struct buf found = BUF_INIT;
	struct diags d = DIAGS_INIT;

	(void)state;
	assert_int_equal(dotenv_parse(text, strlen(text), &d, collect, &found), -1);
	assert_int_equal(d.errors, 3);
	assert_string_equal(
		((struct diag *)d.list.items[0])->hint, "write NAME=value, or start a comment with '#'");
	assert_int_equal(((struct diag *)d.list.items[2])->at.line, 4);
	buf_release(&found);
	diags_release(&d);
}

static void repeats_no_secret(void **state)
{
	static const char text[] = "KEY=abc\nhunter2/hunter2==\nhunter2";
	struct buf found = BUF_INIT;
	struct diags d = DIAGS_INIT;
	struct diag *complaint = NULL;
	size_t i = 0;

	(void)state;
	assert_int_equal(dotenv_parse(text, strlen(text), &d, collect, &found), -1);
	assert_int_equal(d.errors, 2);
	VEC_EACH (&d.list, i, complaint) {
		assert_null(strstr(complaint->text, "hunter2"));
		assert_null(strstr(complaint->hint, "hunter2"));
	}
	buf_release(&found);
	diags_release(&d);
}

static void knows_where_a_name_stands(void **state)
{
	static const char text[] = "\xef\xbb\xbf"
				   "A=1\n\n  export B=\"x\ny\" # z\nC=2";
	struct buf found = BUF_INIT;
	struct diags d = DIAGS_INIT;

	(void)state;
	assert_int_equal(dotenv_parse(text, strlen(text), &d, collect_place, &found), 0);
	assert_string_equal(found.ptr, "A 1:1|B 3:10|C 5:1|");
	buf_release(&found);
	diags_release(&d);
}

static void has_a_limit(void **state)
{
	struct buf text = BUF_INIT;
	struct buf found = BUF_INIT;
	struct diags d = DIAGS_INIT;

	(void)state;
	buf_adds(&text, "A=");
	buf_fill(&text, 'x', DOTENV_SIZE_MAX - 2);
	assert_int_equal(dotenv_parse(text.ptr, text.len, &d, collect, &found), 0);
	assert_int_equal(found.len, DOTENV_SIZE_MAX + 1);
	buf_addc(&text, 'x');
	complains(text.ptr, text.len, (struct place){ 0, 0 }, "the file is larger than 1 MB (1048577 bytes)");
	buf_release(&text);
	buf_release(&found);
	diags_release(&d);
}

static void passes_on_what_shells_cannot_name(void **state)
{
	struct diags d = DIAGS_INIT;
	struct buf out = BUF_INIT;
	static const char text[] = "my.key=1\nexport X-TOKEN = two\n2FA='3'\n";

	(void)state;
	assert_int_equal(dotenv_parse(text, sizeof(text) - 1, &d, collect, &out), 0);
	assert_string_equal(out.ptr, "my.key=1|X-TOKEN=two|2FA=3|");
	buf_release(&out);
	diags_release(&d);
}

static void knows_names(void **state)
{
	(void)state;
	assert_true(dotenv_is_name("A"));
	assert_true(dotenv_is_name("_"));
	assert_true(dotenv_is_name("a_1"));
	assert_false(dotenv_is_name(""));
	assert_false(dotenv_is_name("1a"));
	assert_false(dotenv_is_name("a-b"));
	assert_false(dotenv_is_name("a b"));
	assert_false(dotenv_is_name("a="));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("a .env file is read as people write it", reads_what_people_write),
		PROMISE("a mistake is reported with its line and column", says_where_it_is_wrong),
		PROMISE("one run tells every mistake, with a hint", tells_every_mistake),
		PROMISE("no complaint repeats what may be a secret", repeats_no_secret),
		PROMISE("the place of each name is known", knows_where_a_name_stands),
		PROMISE("a file of 1 MB is read and one byte more is not", has_a_limit),
		PROMISE("names such as my.key and X-TOKEN are passed on", passes_on_what_shells_cannot_name),
		PROMISE("a name is letters, digits and _ and starts with no digit", knows_names),
	};

	return cmocka_run_group_tests_name("dotenv", tests, NULL, NULL);
}
