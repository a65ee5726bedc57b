#include "base/argv.h"

#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/vec.h"

/* What sh reads as more than a letter of a word.  A newline is here too: it ends a command. */
#define SPECIAL   "$`|&;<>(){}*?[~#!\n"
#define BLANK     " \t\n"
#define NOT_PLAIN SPECIAL BLANK "'\"\\"

/* Words of the shell itself, which no program in PATH can stand in for. */
/* clang-format off */
static const char *const shell_words[] = {
	"!", ".", ":", "[[", "alias", "bg", "break", "builtin", "case", "cd", "chdir", "command",
	"continue", "coproc", "declare", "dirs", "disown", "do", "done", "elif", "else", "enable", "esac",
	"eval", "exec", "exit", "export", "fc", "fg", "fi", "for", "function", "getopts", "hash",
	"history", "if", "in", "jobs", "let", "local", "popd", "pushd", "read", "readonly", "return",
	"select", "set", "shift", "shopt", "source", "suspend", "then", "time", "times", "trap", "type",
	"typeset", "ulimit", "umask", "unalias", "unset", "until", "wait", "while", "{", "}",
};
/* clang-format on */

/* A walk over a line, and what it has met so far. */
struct scan {
	const char *at;
	const char *name, *value; /* a variable that is no business of a shell; or NULL */
	bool has_filled;          /* it was there */
	const char *open;         /* the quote or backslash that nothing closed, or NULL */
	bool has_begun;           /* a word was there */
	bool is_special;          /* something that only a shell understands was there */
};

static bool is_name_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* How long `$NAME` or `${NAME}` is that stands here; 0: something else does. */
static size_t variable_length(const char *at, const char *name)
{
	size_t len = strlen(name);

	if (at[0] != '$')
		return 0;
	if (at[1] == '{')
		return !strncmp(at + 2, name, len) && at[2 + len] == '}' ? len + 3 : 0;
	return !strncmp(at + 1, name, len) && !is_name_letter(at[1 + len]) ? len + 1 : 0;
}

/* The variable's value in place of its name, if that is what stands here. */
static bool scan_variable(struct scan *s, struct buf *word)
{
	size_t len = s->name ? variable_length(s->at, s->name) : 0;

	if (!len)
		return false;
	buf_adds(word, s->value);
	s->at += len;
	s->has_filled = true;
	return true;
}

static void scan_single(struct scan *s, struct buf *word)
{
	const char *quote = s->at++;
	const char *end = strchr(s->at, '\'');

	if (!end) {
		s->open = quote;
		return;
	}
	buf_add(word, s->at, (size_t)(end - s->at));
	s->at = end + 1;
}

static void scan_double(struct scan *s, struct buf *word)
{
	const char *quote = s->at++;

	for (; *s->at && *s->at != '"'; s->at++) {
		if (scan_variable(s, word)) {
			s->at--;
			continue;
		}
		if (*s->at == '\\' && s->at[1] == '\n') {
			s->at++;
			continue;
		}
		if (*s->at == '\\' && s->at[1] && strchr("\"\\$`", s->at[1]))
			s->at++;
		else if (*s->at == '$' || *s->at == '`')
			s->is_special = true;
		buf_addc(word, *s->at);
	}
	if (*s->at)
		s->at++;
	else
		s->open = quote;
}

static void scan_backslash(struct scan *s, struct buf *word)
{
	if (!s->at[1]) {
		s->open = s->at;
		return;
	}
	if (s->at[1] != '\n')
		buf_addc(word, s->at[1]);
	s->at += 2;
}

static void scan_letter(struct scan *s, struct buf *word, bool is_first)
{
	char c = *s->at++;
	/* `[` alone is the program of that name; with more around it, it is a pattern. */
	bool is_program = c == '[' && is_first && (!*s->at || strchr(BLANK, *s->at));

	if (strchr(SPECIAL, c) && !is_program)
		s->is_special = true;
	buf_addc(word, c);
}

static void scan_blanks(struct scan *s)
{
	for (;; s->at++) {
		if (*s->at == '\\' && s->at[1] == '\n')
			s->at++;
		else if (!*s->at || !strchr(BLANK, *s->at))
			return;
		/* One at either end of the line separates nothing. */
		else if (*s->at == '\n' && s->has_begun && s->at[strspn(s->at, BLANK)])
			s->is_special = true;
	}
}

/* The next word, unquoted; false at the end of the line or when something stays open. */
static bool scan_word(struct scan *s, struct buf *word)
{
	const char *start = NULL;

	buf_clear(word);
	scan_blanks(s);
	start = s->at;
	while (*s->at && !strchr(BLANK, *s->at) && !s->open) {
		size_t plain = strcspn(s->at, NOT_PLAIN);

		buf_add(word, s->at, plain);
		s->at += plain;
		if (plain)
			continue;
		if (*s->at == '\'')
			scan_single(s, word);
		else if (*s->at == '"')
			scan_double(s, word);
		else if (*s->at == '\\')
			scan_backslash(s, word);
		else if (!scan_variable(s, word))
			scan_letter(s, word, s->at == start);
	}
	s->has_begun = true;
	return s->at != start && !s->open;
}

static bool is_shell_word(const char *word)
{
	for (size_t i = 0; i < sizeof(shell_words) / sizeof(shell_words[0]); i++)
		if (!strcmp(shell_words[i], word))
			return true;
	return false;
}

bool argv_is_assignment(const char *word)
{
	size_t len = strspn(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_");

	return len && word[len] == '=' && !strchr("0123456789", *word);
}

bool argv_needs_shell(const char *line)
{
	struct scan s = { .at = line };
	struct buf word = BUF_INIT;
	bool needs = scan_word(&s, &word) && (is_shell_word(word.ptr) || argv_is_assignment(word.ptr));

	while (!needs && scan_word(&s, &word))
		continue;
	buf_release(&word);
	return needs || s.is_special || s.open;
}

static int split_complain(const struct scan *s, const char *line, size_t words, struct err *e)
{
	size_t column = s->open ? str_utf8_count(line, (size_t)(s->open - line)) + 1 : 0;

	if (s->open && *s->open == '\\')
		return err_set(e, "column %zu: nothing follows the backslash", column);
	if (s->open)
		return err_set(e, "column %zu: the quote %c is never closed", column, *s->open);
	if (words > ARGV_WORDS_MAX)
		return err_set(e, "there are more than %d words", ARGV_WORDS_MAX);
	return words ? 0 : err_set(e, "there is no word in it");
}

int argv_check_quotes(const char *line, struct err *e)
{
	static const char *const unsure[] = { "#", "<<", "`", "$(", "${", "$'" };
	struct scan s = { .at = line };
	struct buf word = BUF_INIT;

	for (size_t i = 0; i < sizeof(unsure) / sizeof(unsure[0]); i++)
		if (strstr(line, unsure[i]))
			return 0;
	while (scan_word(&s, &word))
		continue;
	buf_release(&word);
	return s.open && *s.open != '\\' ? split_complain(&s, line, 0, e) : 0;
}

char **argv_split(const char *line, struct err *e)
{
	struct scan s = { .at = line };
	struct buf word = BUF_INIT;
	struct vec words = VEC_INIT;

	while (words.len <= ARGV_WORDS_MAX && scan_word(&s, &word))
		vec_push(&words, mem_strndup(word.ptr, word.len));
	buf_release(&word);
	if (split_complain(&s, line, words.len, e) < 0) {
		vec_release_with(&words, mem_free);
		return NULL;
	}
	vec_push(&words, NULL);
	return (char **)words.items;
}

char **argv_fill(const char *line, const char *name, const char *value)
{
	struct scan s = { .at = line, .name = name, .value = value };
	struct buf word = BUF_INIT;
	struct vec words = VEC_INIT;

	while (words.len <= ARGV_WORDS_MAX && scan_word(&s, &word)) {
		if (!words.len && (is_shell_word(word.ptr) || argv_is_assignment(word.ptr)))
			s.is_special = true;
		vec_push(&words, mem_strndup(word.ptr, word.len));
	}
	buf_release(&word);
	/* A value that a shell would take apart is left to one. */
	if (s.is_special || s.open || !s.has_filled || !*value || value[strcspn(value, BLANK "*?[\\")] ||
		words.len > ARGV_WORDS_MAX) {
		vec_release_with(&words, mem_free);
		return NULL;
	}
	vec_push(&words, NULL);
	return (char **)words.items;
}

char *argv_fill_word(const char *word, const char *name, const char *value)
{
	bool has_filled = false;
	struct buf out = BUF_INIT;

	for (const char *at = word; *at;) {
		size_t len = variable_length(at, name);
		size_t kept = at[0] == '$' && at[1] == '$' ? variable_length(at + 1, name) : 0;

		/* What only a shell understands is a script for one. */
		if (strchr(BLANK "'\"\\`;|<>()", *at) || (*at == '$' && !len && !kept)) {
			has_filled = false;
			break;
		}
		has_filled |= len || kept;
		if (kept)
			buf_add(&out, at + 1, kept);
		else if (len)
			buf_adds(&out, value);
		else
			buf_addc(&out, *at);
		at += kept ? kept + 1 : (len ? len : 1);
	}
	if (has_filled)
		return buf_detach(&out);
	buf_release(&out);
	return mem_strdup(word);
}

char **argv_dup(char *const *argv)
{
	size_t count = argv_count(argv);
	char **copy = NULL;

	if (!argv)
		return NULL;
	copy = mem_zalloc(count + 1, sizeof(*copy));
	for (size_t i = 0; i < count; i++)
		copy[i] = mem_strdup(argv[i]);
	return copy;
}

void argv_free(char **argv)
{
	for (size_t i = 0; argv && argv[i]; i++)
		mem_free(argv[i]);
	mem_free(argv);
}

size_t argv_count(char *const *argv)
{
	size_t count = 0;

	while (argv && argv[count])
		count++;
	return count;
}

bool argv_equal(char *const *a, char *const *b)
{
	size_t i = 0;

	if (!a || !b)
		return a == b;
	while (a[i] && str_eq(a[i], b[i]))
		i++;
	return !a[i] && !b[i];
}

/* Quotes keep a word from meaning something; only the first one can mean more than its letters. */
static bool is_plain_word(const char *word, bool is_first)
{
	size_t len = strspn(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_@%+=:,./-");

	return len && !word[len] && !(is_first && (is_shell_word(word) || argv_is_assignment(word)));
}

void argv_quote(struct buf *out, char *const *argv)
{
	for (size_t i = 0; argv && argv[i]; i++) {
		if (i)
			buf_addc(out, ' ');
		if (is_plain_word(argv[i], i == 0)) {
			buf_adds(out, argv[i]);
			continue;
		}
		buf_addc(out, '\'');
		for (const char *c = argv[i]; *c; c++) {
			if (*c == '\'')
				buf_adds(out, "'\\''");
			else
				buf_addc(out, *c);
		}
		buf_addc(out, '\'');
	}
}
