#include "rules/command_guess.h"

#include <string.h>

#include "base/argv.h"
#include "base/assert.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/vec.h"

static const struct {
	const char *end, *interpreter;
} scripts[] = {
	{ ".js", "node" },
	{ ".mjs", "node" },
	{ ".cjs", "node" },
	{ ".py", "python3" },
	{ ".rb", "ruby" },
	{ ".php", "php" },
	{ ".pl", "perl" },
	{ ".sh", "sh" },
};

/* What runs such a file and is installed, or NULL. */
static const char *interpreter_of(const struct command_guess *g, const char *file)
{
	for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++)
		if (str_ends(file, scripts[i].end) && strlen(file) > strlen(scripts[i].end))
			return g->is_program(g->context, scripts[i].interpreter) ? scripts[i].interpreter
										 : NULL;
	return NULL;
}

/* "oxctl start NAME OPTIONS-- WORDS", with `first` (or NULL) as the first word. */
static void suggest(const struct command_guess *g, const char *name, const char *first, char *const *rest,
	struct buf *out)
{
	struct vec words = VEC_INIT;

	ASSERT(rest && name, "a command without words is suggested");
	buf_addf(out, "oxctl start %s %s-- ", name, g->options);
	if (first)
		vec_push(&words, (void *)first);
	for (; *rest; rest++)
		vec_push(&words, *rest);
	vec_push(&words, NULL);
	argv_quote(out, (char *const *)words.items);
	vec_release(&words);
}

/* "PORT=1 node app.js": variables stand before oxctl, whose environment the app gets. */
static bool guess_variables(const struct command_guess *g, struct buf *out)
{
	char *const *command = g->argv;
	struct buf variables = BUF_INIT;

	for (; *command && argv_is_assignment(*command); command++) {
		size_t len = strcspn(*command, "=") + 1;
		char *value[] = { *command + len, NULL };

		buf_add(&variables, *command, len);
		if (value[0][0])
			argv_quote(&variables, value);
		buf_addc(&variables, ' ');
	}
	if (*command) {
		buf_add(out, variables.ptr, variables.len);
		suggest(g, g->name, NULL, command, out);
	}
	buf_release(&variables);
	return *command != NULL;
}

/* "node app.js" as one word. */
static bool guess_split(const struct command_guess *g, struct buf *out)
{
	char dash_c[] = "-c";
	char *shell[] = { dash_c, g->argv[0], NULL };
	char **words = NULL;
	bool is_it = false;

	ASSERT(g->argv[0], "nothing is to be split");
	if (g->argv[1] || !strpbrk(g->argv[0], " \t"))
		return false;
	if (argv_needs_shell(g->argv[0])) {
		suggest(g, g->name, "sh", shell, out);
		return true;
	}
	words = argv_split(g->argv[0], NULL);
	is_it = words && g->is_program(g->context, words[0]);
	if (is_it)
		suggest(g, g->name, NULL, words, out);
	argv_free(words);
	return is_it;
}

/* "app.js -- --port 3000": the name is the script. */
static bool guess_script_name(const struct command_guess *g, struct buf *out)
{
	const char *interpreter = g->is_file(g->context, g->name) ? interpreter_of(g, g->name) : NULL;
	const char *dot = strrchr(g->name, '.');
	char *name = NULL;
	struct vec words = VEC_INIT;

	if (!interpreter || !dot)
		return false;
	name = mem_strndup(g->name, (size_t)(dot - g->name));
	vec_push(&words, (void *)g->name);
	for (char *const *word = g->argv; *word; word++)
		vec_push(&words, *word);
	vec_push(&words, NULL);
	suggest(g, name, interpreter, (char *const *)words.items, out);
	vec_release(&words);
	mem_free(name);
	return true;
}

/* "web -- server.js", "web -- run": a file of this folder. */
static bool guess_file(const struct command_guess *g, struct buf *out)
{
	const char *word = g->argv[0];
	const char *interpreter = interpreter_of(g, word);
	struct buf here = BUF_INIT;
	bool is_it = true;

	if (!g->is_file(g->context, word))
		return false;
	buf_addf(&here, "./%s", word);
	if (interpreter)
		suggest(g, g->name, interpreter, g->argv, out);
	else if (!strchr(word, '/') && g->is_program(g->context, here.ptr))
		suggest(g, g->name, here.ptr, g->argv + 1, out);
	else
		is_it = false;
	buf_release(&here);
	return is_it;
}

bool command_guess(const struct command_guess *g, struct buf *out)
{
	const char *near = NULL;

	ASSERT(g->argv && g->argv[0] && g->name, "a guess is made about no command");
	if (argv_is_assignment(g->argv[0]))
		return guess_variables(g, out);
	if (guess_split(g, out) || guess_script_name(g, out))
		return true;
	if (g->is_program(g->context, g->name)) {
		suggest(g, g->name, g->name, g->argv, out);
		return true;
	}
	if (guess_file(g, out))
		return true;
	near = g->nearest(g->context, g->argv[0]);
	if (near)
		suggest(g, g->name, near, g->argv + 1, out);
	return near != NULL;
}
