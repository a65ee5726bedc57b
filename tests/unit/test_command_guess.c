/* What was meant by a command whose program is not there. */
#include "rules/command_guess.h"

#include <string.h>

#include "base/argv.h"
#include "base/buf.h"
#include "base/str.h"
#include "unit.h"

static bool is_among(const char *const *words, const char *word)
{
	for (; *words; words++)
		if (str_eq(*words, word))
			return true;
	return false;
}

static bool is_program(void *context, const char *word)
{
	static const char *const programs[] = { "node", "npm", "python3", "sh", "./run", NULL };

	(void)context;
	return is_among(programs, word);
}

static bool is_file(void *context, const char *word)
{
	static const char *const files[] = { "app.js", "server.py", "sub/server.js", "run", "notes.txt",
		NULL };

	(void)context;
	return is_among(files, word);
}

static const char *nearest(void *context, const char *word)
{
	(void)context;
	return str_eq(word, "nodee") ? "node" : NULL;
}

static void guesses(void **state)
{
	static const struct {
		const char *name, *words, *options, *meant;
	} cases[] = {
		{ "npm", "start", "", "oxctl start npm -- npm start" },
		{ "npm", "run dev", "-i 2 ", "oxctl start npm -i 2 -- npm run dev" },
		{ "app.js", "--port 3000", "", "oxctl start app -- node app.js --port 3000" },
		{ "server.py", "run", "", "oxctl start server -- python3 server.py run" },
		{ "web", "'node app.js'", "", "oxctl start web -- node app.js" },
		{ "web", "'node app.js | tee out'", "", "oxctl start web -- sh -c 'node app.js | tee out'" },
		{ "web", "PORT=1 node app.js", "", "PORT=1 oxctl start web -- node app.js" },
		{ "web", "A=1 'B=x y' C= node app.js", "--port 80 ",
			"A=1 B='x y' C= oxctl start web --port 80 -- node app.js" },
		{ "web", "nodee server.js", "", "oxctl start web -- node server.js" },
		{ "web", "app.js -v", "", "oxctl start web -- node app.js -v" },
		{ "web", "sub/server.js", "", "oxctl start web -- node sub/server.js" },
		{ "web", "run fast", "", "oxctl start web -- ./run fast" },
		{ "web", "PORT=1", "", NULL },
		/* No shell takes these for variables. */
		{ "web", "0A=1 node app.js", "", NULL },
		{ "web", "9A=1 node app.js", "", NULL },
		{ "web", "=1 node app.js", "", NULL },
		{ "web", "notes.txt", "", NULL },
		{ "web", "'foo bar'", "", NULL },
		{ "web", "gone.py", "", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char **argv = argv_split(cases[i].words, NULL);
		struct buf out = BUF_INIT;
		const struct command_guess g = {
			.name = cases[i].name,
			.argv = argv,
			.options = cases[i].options,
			.is_program = is_program,
			.is_file = is_file,
			.nearest = nearest,
		};

		assert_int_equal(command_guess(&g, &out), cases[i].meant != NULL);
		assert_string_equal(out.ptr, cases[i].meant ? cases[i].meant : "");
		buf_release(&out);
		argv_free(argv);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("what was probably meant is a command line to paste, or nothing is said", guesses),
	};

	return cmocka_run_group_tests_name("command_guess", tests, NULL, NULL);
}
