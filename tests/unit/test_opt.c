#include "base/opt.h"

#include <string.h>

#include "base/argv.h"
#include "base/err.h"
#include "unit.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

static struct {
	const char *config;
	int64_t lines;
	bool is_json, follows;
} set;

static const struct opt table[] = {
	{ "config", 'c', OPT_STRING, &set.config, "FILE", "which oxfile" },
	{ "lines", 'n', OPT_INT, &set.lines, "COUNT", "how many" },
	{ "json", '\0', OPT_FLAG, &set.is_json, NULL, "print JSON" },
	{ "follow", 'f', OPT_FLAG, &set.follows, NULL, "go on" },
	{ .name = NULL },
};

/* Reads a line as main() would; what is left is in the words of argv, which the caller frees. */
static int parse(const char *line, char ***argv, struct opt_rest *rest, struct err *e)
{
	memset(&set, 0, sizeof(set));
	*argv = argv_split(line, NULL);
	assert_non_null(*argv);
	return opt_parse(table, (int)argv_count(*argv), *argv, rest, e);
}

static void is_read_in_every_spelling(void **state)
{
	static const char *const lines[] = {
		"--config x --lines 5 --json --follow",
		"--config=x --lines=5 --json -f",
		"-c x -n 5 --json -f",
		"-cx -n5 --json -f",
		"-fn5 --json -cx",
		"-fcx --json --lines -0 -n 5",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(lines); i++) {
		struct opt_rest rest;
		struct err e = ERR_INIT;
		char **argv = NULL;

		assert_int_equal(parse(lines[i], &argv, &rest, &e), 0);
		assert_string_equal(set.config, "x");
		assert_int_equal(set.lines, 5);
		assert_true(set.is_json && set.follows);
		assert_int_equal(rest.count, 0);
		argv_free(argv);
		err_release(&e);
	}
}

static void leaves_arguments(void **state)
{
	static const struct {
		const char *line, *left;
		int after_dashes;
	} rows[] = {
		{ "api worker", "api worker", -1 },
		{ "api -f worker --lines 3 last", "api worker last", -1 },
		{ "-f api", "api", -1 },
		{ "api -- -f --json", "api -f --json", 1 },
		{ "-- -- x", "-- x", 0 },
		{ "api --", "api", 1 },
		{ "-f api -n 3 -- -x", "api -x", 1 },
		{ "- -1 -f -25", "- -1 -25", -1 },
		{ "-c -- x", "x", -1 },
		{ "'' --json", "''", -1 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct opt_rest rest;
		struct buf left = BUF_INIT;
		char **argv = NULL;

		assert_int_equal(parse(rows[i].line, &argv, &rest, NULL), 0);
		assert_int_equal(argv_count(rest.items), rest.count);
		argv_quote(&left, rest.items);
		assert_string_equal(left.ptr, rows[i].left);
		assert_int_equal(rest.after_dashes, rows[i].after_dashes);
		buf_release(&left);
		argv_free(argv);
	}
}

static void says_what_is_wrong(void **state)
{
	static const struct {
		const char *line, *words;
	} rows[] = {
		{ "--josn", "unknown option '--josn' (did you mean '--json'?)" },
		{ "--confg=x", "unknown option '--confg' (did you mean '--config'?)" },
		{ "--wherever", "unknown option '--wherever'" },
		{ "-x", "unknown option '-x'" },
		{ "-fx", "unknown option '-x'" },
		{ "-\xc3\xbcx", "unknown option '-\xc3\xbc'" },
		{ "-json", "unknown option '-json' (did you mean '--json'?)" },
		{ "api --config", "option '--config' needs a FILE" },
		{ "-fc", "option '-c' needs a FILE" },
		{ "--lines x", "option '--lines' needs a number, not 'x'" },
		{ "--lines=", "option '--lines' needs a number, not ''" },
		{ "-n5x", "option '-n' needs a number, not '5x'" },
		{ "-n 99999999999999999999", "option '-n' needs a number, not '99999999999999999999'" },
		{ "--json=yes", "option '--json' takes no value" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct opt_rest rest;
		struct err e = ERR_INIT;
		char **argv = NULL;

		assert_int_equal(parse(rows[i].line, &argv, &rest, &e), -1);
		assert_string_equal(e.text.ptr, rows[i].words);
		argv_free(argv);
		err_release(&e);
	}
}

static void takes_the_last(void **state)
{
	struct opt_rest rest;
	char **argv = NULL;

	(void)state;
	assert_int_equal(parse("-c a --config=b -n 1 -n -7", &argv, &rest, NULL), 0);
	assert_string_equal(set.config, "b");
	assert_int_equal(set.lines, -7);
	argv_free(argv);
}

static void takes_a_digit_where_a_row_has_it(void **state)
{
	bool is_one = false;
	const struct opt digits[] = {
		{ "one", '1', OPT_FLAG, &is_one, NULL, "one a line" },
		{ .name = NULL },
	};
	char one[] = "-1";
	char two[] = "-2";
	char *argv[] = { two, one, NULL };
	struct opt_rest rest;

	(void)state;
	assert_int_equal(opt_parse(digits, 2, argv, &rest, NULL), 0);
	assert_true(is_one);
	assert_int_equal(rest.count, 1);
	assert_ptr_equal(rest.items[0], two);
}

static void prints_its_help(void **state)
{
	struct buf out = BUF_INIT;

	(void)state;
	opt_help(&out, table);
	assert_string_equal(out.ptr,
		"  -c, --config FILE   which oxfile\n"
		"  -n, --lines COUNT   how many\n"
		"      --json          print JSON\n"
		"  -f, --follow        go on\n");
	buf_release(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("an option is read in every spelling that people type", is_read_in_every_spelling),
		PROMISE("what is no option is left in its order, and -- ends the options", leaves_arguments),
		PROMISE("a wrong option is told with what to type instead", says_what_is_wrong),
		PROMISE("the last value of an option wins", takes_the_last),
		PROMISE("a number is an argument unless a row has that letter",
			takes_a_digit_where_a_row_has_it),
		PROMISE("the table prints its own help, in columns", prints_its_help),
	};

	return cmocka_run_group_tests_name("opt", tests, NULL, NULL);
}
