#include "model/build.h"

#include "base/json.h"
#include "base/mem.h"
#include "unit.h"

#define A "1a2b3c4d00000000000000000000000000000000"
#define B "5d6e7f8000000000000000000000000000000000"

static struct build *make(const char *named, const char *folder, const char *commit)
{
	struct build *b = build_new(named);

	b->folder = mem_strdup(folder);
	b->commit = mem_strdup(commit);
	b->tree = commit ? mem_strdup(folder) : NULL;
	return b;
}

static void add(struct build *b, const char *name, int64_t inode, int64_t mtime)
{
	struct buf path = BUF_INIT;
	struct build_file file = { .name = (char *)name, .inode = inode, .size = 10, .mtime_ns = mtime };

	buf_addf(&path, "%s/%s", b->folder, name);
	file.path = path.ptr;
	build_add(b, &file);
	buf_release(&path);
}

static void add_program(struct build *b, const char *name, const char *path, int64_t inode)
{
	build_add(b,
		&(struct build_file){
			.name = (char *)name, .path = (char *)path, .inode = inode, .is_found = true });
}

/* Both are freed. */
static void expect_difference(struct build *from, struct build *to, const char *expected)
{
	struct buf words = BUF_INIT;
	bool differs = build_differs(from, to, &words);

	assert_string_equal(words.ptr, expected);
	assert_int_equal(differs, *expected != '\0');
	buf_release(&words);
	build_free(from);
	build_free(to);
}

static void a_link_that_leads_elsewhere_is_another_build(void **state)
{
	(void)state;
	expect_difference(make("/srv/app/current", "/srv/app/releases/1", NULL),
		make("/srv/app/current", "/srv/app/releases/2", NULL), "current -> releases/2");
	expect_difference(make("/srv/app/current/web", "/srv/app/releases/1/web", A),
		make("/srv/app/current/web", "/srv/app/releases/2/web", B),
		"current -> releases/2, git commit 1a2b3c4 -> 5d6e7f8");
	expect_difference(make("/app", "/data/v1", NULL), make("/app", "/data/v2", NULL), "/app -> /data/v2");
	expect_difference(make("/srv/a", "/srv/a", NULL), make("/srv/b", "/srv/b", NULL), "/srv/a -> /srv/b");
	expect_difference(make("/srv/now", "/srv/1", NULL), make("/srv/now", NULL, NULL), "/srv/now is gone");
}

static void a_file_that_was_replaced_is_another_build(void **state)
{
	struct build *a = make("/srv", "/srv", NULL);
	struct build *b = make("/srv", "/srv", NULL);

	(void)state;
	add(a, "dist/server.js", 1, 5);
	add(a, "same.js", 7, 7);
	add_program(a, "node", "/usr/bin/node", 3);
	add(b, "dist/server.js", 2, 5);
	add(b, "same.js", 7, 7);
	add_program(b, "node", "/opt/node/bin/node", 4);
	expect_difference(a, b, "dist/server.js, node: /usr/bin/node -> /opt/node/bin/node");
}

static void a_file_that_a_link_leads_to_has_its_place(void **state)
{
	struct build *a = make("/srv", "/srv", NULL);
	struct build *b = make("/srv", "/srv", NULL);
	struct build_file file = {
		.name = (char *)"current/server.js",
		.path = (char *)"/srv/rel/1/server.js",
		.at = (char *)"/srv/rel/1/server.js",
	};

	(void)state;
	build_add(a, &file);
	assert_string_equal(build_place(a, "current/server.js"), "/srv/rel/1/server.js");
	assert_null(build_place(a, "server.js"));
	/* A link by its own name stays: it may be how a program knows what it is to do. */
	file.name = (char *)"venv/bin/python";
	file.path = (char *)"/usr/bin/python3";
	file.at = (char *)"/srv/venv/bin/python";
	build_add(a, &file);
	assert_null(build_place(a, "venv/bin/python"));
	file.name = (char *)"current/server.js";
	file.path = file.at = (char *)"/srv/rel/2/server.js";
	build_add(b, &file);
	expect_difference(a, b, "current -> rel/2");
	/* Behind a "cd". */
	a = make("/srv", "/srv", NULL);
	b = make("/srv", "/srv", NULL);
	file.name = (char *)"app.py";
	file.path = file.at = (char *)"/srv/rel/1/app.py";
	build_add(a, &file);
	file.path = file.at = (char *)"/srv/rel/2/app.py";
	build_add(b, &file);
	expect_difference(a, b, "app.py: /srv/rel/1/app.py -> /srv/rel/2/app.py");
}

static void what_only_one_has_is_no_change(void **state)
{
	struct build *a = make("/srv", "/srv", NULL);
	struct build *b = make("/srv", "/srv", A);

	(void)state;
	add(a, "once.js", 1, 5);
	add(b, "later.js", 2, 5);
	assert_false(build_differs(NULL, b, NULL));
	assert_false(build_differs(a, NULL, NULL));
	expect_difference(a, b, "");
}

static void what_came_later_is_learnt(void **state)
{
	struct build *a = make("/srv", "/srv", NULL);
	struct build *b = make("/srv", "/srv", A);

	(void)state;
	add(a, "once.js", 1, 5);
	add(b, "later.js", 2, 5);
	build_learn(a, b);
	assert_int_equal(a->len, 2);
	assert_false(build_differs(a, b, NULL));
	mem_free(b->commit);
	b->commit = mem_strdup(B);
	expect_difference(a, b, "git commit 1a2b3c4 -> 5d6e7f8");
}

static void many_files_are_counted(void **state)
{
	struct build *a = make("/srv", "/srv", NULL);
	struct build *b = make("/srv", "/srv", NULL);
	char name[2] = "a";

	(void)state;
	for (; name[0] <= 'z'; name[0]++) {
		add(a, name, 1, 5);
		add(b, name, 2, 5);
	}
	expect_difference(a, b, "a, b, c, d, e, 21 more files");
}

static void what_was_compared_is_named(void **state)
{
	struct spec *s = spec_new("api");
	struct build *a = make("/srv/current", "/srv/releases/1", A);
	struct buf words = BUF_INIT;

	(void)state;
	strings_add(&s->env_file, ".env");
	add(a, "dist/server.js", 1, 5);
	build_compared(s, a, a, &words);
	assert_string_equal(
		words.ptr, "definition, .env, current -> releases/1, dist/server.js, git commit 1a2b3c4");
	buf_clear(&words);
	/* Of a revision that is older than builds, only the definition is known. */
	build_compared(s, NULL, a, &words);
	assert_string_equal(words.ptr, "definition, .env");
	buf_release(&words);
	build_free(a);
	spec_free(s);
}

static char *lost(const struct build *was, struct build *now, const struct build *running)
{
	struct buf words = BUF_INIT;

	(void)build_is_lost(was, now, running, &words);
	build_free(now);
	return buf_detach(&words);
}

#define EXPECT_LOST(was, now, running, expected)                                                             \
	do {                                                                                                 \
		char *words_ = lost(was, now, running);                                                      \
		assert_string_equal(words_, expected);                                                       \
		mem_free(words_);                                                                            \
	} while (0)

static void a_release_folder_that_is_there_is_a_way_back(void **state)
{
	struct build *was = make("/srv/current", "/srv/releases/1", NULL);
	struct build *running = make("/srv/current", "/srv/releases/2", NULL);
	struct build *now = make("/srv/current", "/srv/releases/1", NULL);

	(void)state;
	add(was, "server.js", 1, 5);
	add_program(was, "node", "/usr/bin/node", 3);
	add(now, "server.js", 1, 5);
	/* The machine's own program was upgraded: it is nobody's release. */
	add_program(now, "node", "/usr/bin/node", 4);
	EXPECT_LOST(was, now, running, "");
	EXPECT_LOST(was, make("/srv/current", NULL, NULL), running, "releases/1 is gone");
	EXPECT_LOST(was, make("/srv/current", "/srv/releases/1", NULL), running, "server.js is gone");
	build_free(was);
	build_free(running);
}

static void files_that_were_replaced_in_place_are_no_way_back(void **state)
{
	struct build *was = make("/srv", "/srv", A);
	struct build *now = make("/srv", "/srv", B);

	(void)state;
	add(was, "server.js", 1, 5);
	add(now, "server.js", 1, 9);
	EXPECT_LOST(was, now, NULL, "server.js was replaced, git commit 1a2b3c4 was replaced by 5d6e7f8");
	build_free(was);
}

static void a_commit_of_all_releases_together_says_nothing_of_one(void **state)
{
	struct build *was = make("/srv/current", "/srv/releases/1", A);
	struct build *running = make("/srv/current", "/srv/releases/2", B);
	struct build *now = make("/srv/current", "/srv/releases/1", B);

	(void)state;
	mem_free(was->tree);
	mem_free(running->tree);
	was->tree = mem_strdup("/srv");
	running->tree = mem_strdup("/srv");
	EXPECT_LOST(was, now, running, "");
	build_free(was);
	build_free(running);
}

static void a_build_survives_as_json(void **state)
{
	struct build *a = make("/srv/current", "/srv/releases/1", A);
	struct build *b = NULL;
	struct json *j = NULL;
	struct buf text = BUF_INIT;
	struct buf again = BUF_INIT;

	(void)state;
	add(a, "dist/server.js", INT64_MAX, 1764470000123456789LL);
	add_program(a, "node", "/usr/bin/node", 3);
	build_write(a, NULL, &text);
	j = json_parse(text.ptr, text.len, text.len, NULL);
	b = build_from_json(j);
	build_write(b, NULL, &again);
	assert_string_equal(text.ptr, again.ptr);
	assert_false(build_differs(a, b, NULL));
	assert_null(build_from_json(NULL));
	json_free(j);
	buf_release(&text);
	buf_release(&again);
	build_free(a);
	build_free(b);
}

/* "node* dist/server.js web:x.js": programs have a star, the folder of a "cd" stands before a colon. */
static void expect_words(const char *command, const char *expected)
{
	struct spec *s = spec_new("api");
	struct vec words = VEC_INIT;
	struct buf out = BUF_INIT;
	const struct build_word *w = NULL;
	size_t i = 0;

	assert_int_equal(command_from_line(&s->command, command, NULL), 0);
	build_words(s, &words);
	VEC_EACH (&words, i, w) {
		buf_addf(&out, "%s%s%s%s%s", i ? " " : "", w->folder ? w->folder : "", w->folder ? ":" : "",
			w->name, w->is_program ? "*" : "");
	}
	assert_string_equal(out.ptr, expected);
	vec_release_with(&words, build_word_free);
	buf_release(&out);
	spec_free(s);
}

static void the_words_of_a_command_are_found(void **state)
{
	(void)state;
	expect_words(
		"node dist/server.js --port 3 --config=etc/app.toml", "node* dist/server.js 3 etc/app.toml");
	expect_words("NODE_ENV=production exec node 'my server.js' > out.js 2>&1", "node* my server.js 2");
	expect_words("cd web && node server.js", "web:node* web:server.js");
	expect_words("cd $DIR && node server.js; ./run.sh", "node*");
	expect_words(
		"npm run build; node \"a.js\" $ARGS | tee log.js", "npm* run build node* a.js tee* log.js");
	expect_words("export A=1; echo hi; (ulimit -n 10; ./serve) # all.js", "1 hi 10 ./serve*");
	expect_words("/usr/bin/env A=b", "/usr/bin/env* b");
}

static void only_code_and_programs_count(void **state)
{
	(void)state;
	assert_true(build_is_code("dist/server.js", false));
	assert_true(build_is_code("etc/app.toml", false));
	assert_true(build_is_code("serve", true));
	assert_false(build_is_code("serve", false));
	assert_false(build_is_code("data.db", false));
	assert_false(build_is_code("out.log", false));
	assert_false(build_is_code("db.json", false));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("a link that leads to another folder is another build",
			a_link_that_leads_elsewhere_is_another_build),
		PROMISE("a file that was replaced is another build",
			a_file_that_was_replaced_is_another_build),
		PROMISE("a file that a link leads to has a place of its own",
			a_file_that_a_link_leads_to_has_its_place),
		PROMISE("what only one of two builds has is no change", what_only_one_has_is_no_change),
		PROMISE("what came later is learnt, and then compared", what_came_later_is_learnt),
		PROMISE("of many files a few are named and the rest counted", many_files_are_counted),
		PROMISE("what was compared is named", what_was_compared_is_named),
		PROMISE("a release folder that is still there is a way back",
			a_release_folder_that_is_there_is_a_way_back),
		PROMISE("files that were replaced in place are no way back",
			files_that_were_replaced_in_place_are_no_way_back),
		PROMISE("the commit of a work tree around all releases says nothing of one of them",
			a_commit_of_all_releases_together_says_nothing_of_one),
		PROMISE("a build survives as JSON", a_build_survives_as_json),
		PROMISE("the words of a command that may be files are found, also in a shell's text",
			the_words_of_a_command_are_found),
		PROMISE("only code, settings and programs count, never data that an app writes",
			only_code_and_programs_count),
	};

	return cmocka_run_group_tests_name("build", tests, NULL, NULL);
}
