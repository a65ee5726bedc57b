/*
 * Which words of a command may be files of its build.  A shell's text is only cut into words, never understood: what a variable or a
 * substitution makes of a word is unknown, and such a word is left out.
 */
#include <string.h>

#include "base/argv.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/str.h"
#include "model/build.h"

static const char *const code_ends[] = {
	".js",
	".mjs",
	".cjs",
	".jsx",
	".ts",
	".mts",
	".cts",
	".tsx",
	".py",
	".pyc",
	".pyz",
	".rb",
	".ru",
	".php",
	".phar",
	".pl",
	".pm",
	".lua",
	".sh",
	".bash",
	".jar",
	".war",
	".wasm",
	".so",
	".dll",
	".exe",
	".beam",
	".ex",
	".exs",
	".jl",
	".r",
	".R",
	".clj",
	".groovy",
	".tcl",
	".yaml",
	".yml",
	".toml",
	".ini",
	".conf",
	".cfg",
	".properties",
	".xml",
};

/* What stands before a program in a shell, and programs that say nothing of a build. */
static const char *const prefixes[] = { "exec", "time", "command", "env", "nohup", "nice", "!", "then", "do",
	"else", "elif", "if", "while", "until", "{" };
static const char *const plain[] = { "echo", "printf", "test", "[", "true", "false", ":", "sleep", "export",
	"set", "ulimit", "umask", "trap", "wait", "kill", "read", "exit", "unset", "fi", "done", "for",
	"case", "esac", "}" };

#define COUNT(list) ((int)(sizeof(list) / sizeof((list)[0])))

static bool has_word(const char *const *list, int count, const char *word)
{
	int at = 0;

	return str_find(list, count, word, &at);
}

bool build_is_code(const char *name, bool is_executable)
{
	for (int i = 0; i < COUNT(code_ends); i++)
		if (str_ends(name, code_ends[i]))
			return true;
	return is_executable;
}

void build_word_free(void *word)
{
	struct build_word *w = word;

	mem_free(w->name);
	mem_free(w->folder);
	mem_free(w);
}

static void add_build_word(struct vec *words, const char *name, const char *folder, bool is_program)
{
	struct build_word *w = NULL;

	if (!*name || strlen(name) > BUILD_NAME_MAX || words->len == BUILD_WORDS_MAX)
		return;
	w = mem_zalloc(1, sizeof(*w));
	w->name = mem_strdup(name);
	w->folder = mem_strdup(folder);
	w->is_program = is_program;
	vec_push(words, w);
}

/* "--config=etc/app.toml" names a file too. */
static void add_argument(struct vec *words, const char *text, const char *folder)
{
	const char *equals = strchr(text, '=');

	if (equals)
		add_build_word(words, equals + 1, folder, false);
	else if (*text != '-')
		add_build_word(words, text, folder, false);
}

/* --- a shell's text -------------------------------------------------------------------------------------------------------- */

struct cutter {
	const char *at;
	struct vec *words;
	char *folder;     /* where "cd" has led to; NULL: nowhere */
	bool is_command;  /* the next word is a program */
	bool is_redirect; /* the next word is where output goes */
	bool is_cd;       /* the next word is a folder */
	bool is_lost;     /* a "cd" to an unknown folder: files after it are not compared */
};

static void take_cd(struct cutter *c, const char *word)
{
	char *folder = path_join(c->folder ? c->folder : "", word);

	mem_free(c->folder);
	c->folder = folder;
	c->is_cd = false;
}

static void take_program(struct cutter *c, const char *word)
{
	if (!c->is_lost)
		add_build_word(c->words, word, c->folder, true);
	else if (!strchr(word, '/'))
		add_build_word(c->words, word, NULL, true);
}

static void take_word(struct cutter *c, const char *word, bool is_told)
{
	if (c->is_redirect) {
		c->is_redirect = false;
	} else if (c->is_cd) {
		c->is_lost |= !is_told;
		take_cd(c, word);
	} else if (c->is_command) {
		if (argv_is_assignment(word) || has_word(prefixes, COUNT(prefixes), word))
			return;
		c->is_command = false;
		c->is_cd = str_eq(word, "cd");
		if (is_told && !c->is_cd && !has_word(plain, COUNT(plain), word))
			take_program(c, word);
	} else if (is_told && !c->is_lost) {
		add_argument(c->words, word, c->folder);
	}
}

/* One word and its quotes; false where something in it is a shell's to say. */
static bool cut_word(struct cutter *c, struct buf *word)
{
	bool is_told = true;
	char quote = '\0';

	for (; *c->at; c->at++) {
		if (quote ? *c->at == quote : *c->at == '"' || *c->at == '\'') {
			quote = quote ? '\0' : *c->at;
			continue;
		}
		if (!quote && strchr(" \t\n;&|()<>", *c->at))
			break;
		if (*c->at == '\\' && quote != '\'' && c->at[1])
			c->at++;
		else if (quote != '\'' && strchr("$`*?", *c->at))
			is_told = false;
		buf_addc(word, *c->at);
	}
	return is_told;
}

/* What stands between words. */
static void cut_between(struct cutter *c)
{
	char met = *c->at++;

	if (met == '<' || met == '>')
		c->is_redirect = true;
	/* "2>&1" has its & behind the >. */
	else if (strchr("\n;&|(", met) && !c->is_redirect)
		c->is_command = true;
}

static void add_shell_words(const char *text, struct vec *words)
{
	struct cutter c = { .at = text, .words = words, .is_command = true };
	struct buf word = BUF_INIT;

	while (*c.at) {
		bool is_told = false;

		if (strchr(" \t\n;&|()<>", *c.at)) {
			cut_between(&c);
			continue;
		}
		buf_clear(&word);
		if (*c.at == '#') {
			c.at += strcspn(c.at, "\n");
			continue;
		}
		is_told = cut_word(&c, &word);
		take_word(&c, word.ptr, is_told);
	}
	buf_release(&word);
	mem_free(c.folder);
}

/* --- */

static bool is_shell(char *const *argv)
{
	static const char *const shells[] = { "sh", "bash", "dash", "zsh", "ksh" };

	return has_word(shells, COUNT(shells), path_base(argv[0])) && argv[1] && str_eq(argv[1], "-c") &&
		argv[2];
}

static bool is_one_of(char *const *argv, const struct build_word *w)
{
	for (size_t i = 0; argv[i]; i++)
		if (str_eq(argv[i], w->name))
			return true;
	return false;
}

void build_words(const struct spec *s, struct vec *words)
{
	char *const *argv = s->command.argv;

	if (!argv || !argv[0])
		return;
	if (is_shell(argv)) {
		add_shell_words(argv[2], words);
		return;
	}
	add_build_word(words, argv[0], NULL, true);
	for (size_t i = 1; argv[i]; i++)
		add_argument(words, argv[i], NULL);
	for (size_t i = 0; i < words->len; i++)
		((struct build_word *)words->items[i])->is_whole = is_one_of(argv, words->items[i]);
}
