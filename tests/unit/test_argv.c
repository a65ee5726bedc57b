#include "base/argv.h"

#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "unit.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

enum { WORDS_TRIED = 6, ROUNDS = 20000 };

static void tells_what_needs_a_shell(void **state)
{
	static const struct {
		const char *line;
		bool needs;
	} rows[] = {
		{ "node server.js", false },
		{ "npm start -- --port=3000", false },
		{ "echo 'a && b'", false },
		{ "echo \"a | b; c > d (e) {f} * ? [g] ~ # !\"", false },
		{ "echo a\\&b", false },
		{ "echo \"\\$HOME \\`id\\`\"", false },
		{ "python -c 'print(\"$x\")'", false },
		{ "test -f x", false },
		{ "[ -f x ]", false },
		{ "true", false },
		{ "false", false },
		{ "kill 1", false },
		{ "printf %s\\\\n x", false },
		{ "env A=b prog", false },
		{ "./cd", false },
		{ "prog cd", false },
		{ "1A=b", false },
		{ "=b", false },
		{ "a-b=c", false },
		{ "--x=y", false },
		{ "iffy", false },
		{ "", false },
		{ "\n  node server.js\n", false },
		{ "node \\\n  server.js", false },
		{ "größe ü", false },
		{ "a && b", true },
		{ "a || b", true },
		{ "a | b", true },
		{ "a & ", true },
		{ "a; b", true },
		{ "a < b", true },
		{ "a > b", true },
		{ "(a)", true },
		{ "echo $HOME", true },
		{ "echo \"$HOME\"", true },
		{ "echo `id`", true },
		{ "echo \"`id`\"", true },
		{ "ls *.js", true },
		{ "ls a?", true },
		{ "ls [ab]", true },
		{ "ls a[", true },
		{ "ls {a,b}", true },
		{ "ls ~/x", true },
		{ "node x # why", true },
		{ "! true", true },
		{ "a\nb", true },
		{ "\na\n\nb\n", true },
		{ "PORT=3000 node x", true },
		{ "_a1= node x", true },
		{ "cd /srv", true },
		{ "'cd' /srv", true },
		{ "exec node x", true },
		{ "export A", true },
		{ ". ./env", true },
		{ "source env", true },
		{ "set -e", true },
		{ "unset A", true },
		{ "ulimit -n 5", true },
		{ "umask 022", true },
		{ "trap x TERM", true },
		{ "eval x", true },
		{ "if true", true },
		{ "for i in 1", true },
		{ "while true", true },
		{ "until true", true },
		{ "case x in", true },
		{ "{ a", true },
		{ "time a", true },
		{ "wait", true },
		{ "alias x", true },
		{ ": x", true },
		{ "echo 'open", true },
		{ "echo \"open", true },
		{ "echo open\\", true },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		if (argv_needs_shell(rows[i].line) != rows[i].needs)
			fail_msg("wrong about: %s", rows[i].line);
	}
}

static void cuts_as_a_shell_does(void **state)
{
	static const struct {
		const char *line;
		const char *words[5];
	} rows[] = {
		{ "a b  c\td", { "a", "b", "c", "d" } },
		{ "  a  ", { "a" } },
		{ "\na\nb\n", { "a", "b" } },
		{ "'a b' c", { "a b", "c" } },
		{ "'a\\b\"c'", { "a\\b\"c" } },
		{ "\"a b\"'c d'e", { "a bc de" } },
		{ "a\"\"b '' \"\"", { "ab", "", "" } },
		{ "\"\\\" \\\\ \\$ \\` \\n\"", { "\" \\ $ ` \\n" } },
		{ "a\\ b \\'c \\\\", { "a b", "'c", "\\" } },
		{ "a\\\nb \\\n c", { "ab", "c" } },
		{ "\"a\\\nb\"", { "ab" } },
		{ "'a\\\nb'", { "a\\\nb" } },
		{ "'it'\\''s'", { "it's" } },
		{ "\"it's\"", { "it's" } },
		{ "[ x ]", { "[", "x", "]" } },
		{ "ü \xff", { "ü", "\xff" } },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct err e = ERR_INIT;
		char **words = argv_split(rows[i].line, &e);

		assert_non_null(words);
		if (!argv_equal(words, (char *const *)rows[i].words))
			fail_msg("cut wrongly: %s", rows[i].line);
		argv_free(words);
		err_release(&e);
	}
}

static void complains(const char *line, const char *words)
{
	struct err e = ERR_INIT;

	assert_null(argv_split(line, &e));
	assert_string_equal(e.text.ptr, words);
	err_release(&e);
}

static void says_what_is_wrong(void **state)
{
	(void)state;
	complains("", "there is no word in it");
	complains(" \t\n", "there is no word in it");
	complains("ü 'b", "column 3: the quote ' is never closed");
	complains("a \"b'", "column 3: the quote \" is never closed");
	complains("a b\\", "column 4: nothing follows the backslash");
	assert_null(argv_split("'", NULL));
}

static void has_a_limit(void **state)
{
	struct buf line = BUF_INIT;
	char **words = NULL;

	(void)state;
	for (int i = 0; i < ARGV_WORDS_MAX; i++)
		buf_adds(&line, "x ");
	words = argv_split(line.ptr, NULL);
	assert_int_equal(argv_count(words), ARGV_WORDS_MAX);
	argv_free(words);
	buf_adds(&line, "x");
	complains(line.ptr, "there are more than 4096 words");
	buf_release(&line);
}

/* The same words each time: a small generator of our own. */
static unsigned int next_number(unsigned int *seed)
{
	*seed = *seed * 1664525U + 1013904223U;
	return *seed >> 16;
}

static void make_word(struct buf *word, unsigned int *seed)
{
	static const char letters[] = "ab=_./ '\"\\$`\n\t*~#;|&(){}[]!?<>\x01\xc3\xff";

	buf_clear(word);
	for (unsigned int len = next_number(seed) % 7; len; len--)
		buf_addc(word, letters[next_number(seed) % (sizeof(letters) - 1)]);
}

static void quotes_what_it_can_cut(void **state)
{
	unsigned int seed = 1;

	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		struct buf words[WORDS_TRIED] = { 0 };
		char *argv[WORDS_TRIED + 1] = { NULL };
		struct buf line = BUF_INIT;
		char **again = NULL;

		for (unsigned int i = 0; i <= next_number(&seed) % WORDS_TRIED; i++) {
			buf_init(&words[i]);
			make_word(&words[i], &seed);
			argv[i] = words[i].ptr;
		}
		argv_quote(&line, argv);
		again = argv_split(line.ptr, NULL);
		assert_non_null(again);
		assert_true(argv_equal(argv, again));
		if (argv_needs_shell(line.ptr) && !argv_needs_shell(argv[0]) && !strchr(argv[0], '='))
			fail_msg("quoted, and still for a shell: %s", line.ptr);
		argv_free(again);
		buf_release(&line);
		for (size_t i = 0; argv[i]; i++)
			buf_release(&words[i]);
	}
}

static void quotes_only_what_must_be(void **state)
{
	static const char *const plain[] = { "node", "--port=3000", "a/b.js", "", "it's", "a b", NULL };
	static const char *const first[] = { "A=b", "A=b", NULL };
	static const char *const word[] = { "if", "if", NULL };
	struct buf out = BUF_INIT;

	(void)state;
	argv_quote(&out, (char *const *)plain);
	assert_string_equal(out.ptr, "node --port=3000 a/b.js '' 'it'\\''s' 'a b'");
	buf_clear(&out);
	argv_quote(&out, (char *const *)first);
	assert_string_equal(out.ptr, "'A=b' A=b");
	buf_clear(&out);
	argv_quote(&out, (char *const *)word);
	assert_string_equal(out.ptr, "'if' if");
	buf_clear(&out);
	argv_quote(&out, NULL);
	assert_string_equal(out.ptr, "");
	buf_release(&out);
}

static void assert_filled(const char *line, const char *value, const char *words)
{
	char **argv = argv_fill(line, "PORT", value);
	struct buf out = BUF_INIT;

	for (char **word = argv; word && *word; word++)
		buf_addf(&out, "%s%s", word == argv ? "" : "|", *word);
	assert_string_equal(argv ? out.ptr : "(shell)", words);
	argv_free(argv);
	buf_release(&out);
}

static void fills_a_variable_as_a_shell_does(void **state)
{
	(void)state;
	assert_filled("python -m http.server $PORT", "3000", "python|-m|http.server|3000");
	assert_filled("serve --to=0.0.0.0:${PORT}/x", "80", "serve|--to=0.0.0.0:80/x");
	assert_filled("serve \"on $PORT and ${PORT}\" '$PORT' \\$PORT \"\\$PORT\"", "80",
		"serve|on 80 and 80|$PORT|$PORT|$PORT");
	assert_filled("serve $PORT$PORT", "80", "serve|8080");
	/* Nothing to replace, another variable, or other syntax beside it. */
	assert_filled("serve 3000", "80", "(shell)");
	assert_filled("serve '$PORT'", "80", "(shell)");
	assert_filled("serve $PORTS", "80", "(shell)");
	assert_filled("serve ${PORT:-3000}", "80", "(shell)");
	assert_filled("serve $PORT $HOST", "80", "(shell)");
	assert_filled("serve $PORT > log", "80", "(shell)");
	assert_filled("exec serve $PORT", "80", "(shell)");
	assert_filled("A=$PORT serve", "80", "(shell)");
	assert_filled("serve \"$PORT", "80", "(shell)");
	/* Values that a shell would take apart, or leave away. */
	assert_filled("serve $PORT", "", "(shell)");
	assert_filled("serve $PORT", "80 81", "(shell)");
	assert_filled("serve $PORT", "/run/*.sock", "(shell)");
}

static void fills_words_that_no_shell_reads(void **state)
{
	static const char *const rows[][2] = {
		{ "$PORT", "80" },
		{ "http://[::1]:${PORT}/?a=b&c#d", "http://[::1]:80/?a=b&c#d" },
		{ "$$PORT", "$PORT" },
		{ "a$${PORT}b$PORT", "a${PORT}b80" },
		{ "echo $PORT", "echo $PORT" },
		{ "$PORT;x", "$PORT;x" },
		{ "$PORT$HOST", "$PORT$HOST" },
		{ "'$PORT'", "'$PORT'" },
		{ "a$$b", "a$$b" },
		{ "$PORTS", "$PORTS" },
		{ "plain", "plain" },
		{ "", "" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char *word = argv_fill_word(rows[i][0], "PORT", "80");

		assert_string_equal(word, rows[i][1]);
		mem_free(word);
	}
}

static void copies_and_compares(void **state)
{
	static const char *const short_one[] = { "x", "", NULL };
	static const char *const long_one[] = { "x", "", "y", NULL };
	char *const *a = (char *const *)short_one;
	char *const *longer = (char *const *)long_one;
	char **copy = argv_dup(a);

	(void)state;
	assert_true(argv_equal(a, copy));
	assert_ptr_not_equal(a[0], copy[0]);
	assert_false(argv_equal(a, longer));
	assert_false(argv_equal(longer, a));
	assert_true(argv_equal(NULL, NULL));
	assert_false(argv_equal(a, NULL));
	assert_false(argv_equal(NULL, a));
	assert_int_equal(argv_count(longer), 3);
	assert_int_equal(argv_count(NULL), 0);
	assert_null(argv_dup(NULL));
	argv_free(copy);
	argv_free(NULL);
}

static void only_a_quote_that_stays_open_is_wrong(void **state)
{
	static const struct {
		const char *line;
		const char *words; /* NULL: it may be right */
	} rows[] = {
		{ "node 'x y.js", "column 6: the quote ' is never closed" },
		{ "node \"x y.js", "column 6: the quote \" is never closed" },
		{ "cd /srv && node 'x", "column 17: the quote ' is never closed" },
		{ "echo it's", "column 8: the quote ' is never closed" },
		{ "echo \"it's\"", NULL },
		{ "echo 'say \"'", NULL },
		{ "echo \\'", NULL },
		{ "echo \\", NULL },
		{ "serve # it's mine", NULL },
		{ "cat <<EOF\nit's\nEOF", NULL },
		{ "echo \"$(echo \"x\")\"", NULL },
		{ "echo ${x:-'}", NULL },
		{ "echo `echo \\'`", NULL },
		{ "echo $'it\\'s'", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct err e = ERR_INIT;

		assert_int_equal(argv_check_quotes(rows[i].line, &e), rows[i].words ? -1 : 0);
		assert_string_equal(e.text.ptr, rows[i].words ? rows[i].words : "");
		err_release(&e);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("a line with anything that only a shell understands needs one",
			tells_what_needs_a_shell),
		PROMISE("a line is cut into the words that sh would make", cuts_as_a_shell_does),
		PROMISE("a line that cannot be cut is reported with the column", says_what_is_wrong),
		PROMISE("4096 words are taken and one more is not", has_a_limit),
		PROMISE("words that were quoted are cut into the same words, without a shell",
			quotes_what_it_can_cut),
		PROMISE("a word is quoted only where it must be", quotes_only_what_must_be),
		PROMISE("a variable is filled in as a shell does it, where nothing else needs a shell",
			fills_a_variable_as_a_shell_does),
		PROMISE("a word that no shell reads is filled in where there is no other syntax",
			fills_words_that_no_shell_reads),
		PROMISE("an argv is copied whole, and equals only the same words", copies_and_compares),
		PROMISE("a quote that no shell could close is wrong, and one that may mean something else is not",
			only_a_quote_that_stays_open_is_wrong),
	};

	return cmocka_run_group_tests_name("argv", tests, NULL, NULL);
}
