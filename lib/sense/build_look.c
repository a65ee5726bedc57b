#include "sense/build_look.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/path.h"
#include "model/build.h"
#include "os/git.h"
#include "os/rights.h"
#include "spawn/launch.h"

/* What a word may mean beside a file of that name: node finds "server" as server.js, and gunicorn "app.main:api" as app/main.py. */
static const char *const guesses[] = { "", ".js", "/index.js", ".py", "/__init__.py" };

enum { MILLION = 1000000, NS_PER_SECOND = 1000 * MILLION };

/* Only the links of its folders are taken out: by its own name a program may know what it is to do. */
static char *real_place(const char *path)
{
	char real[PATH_MAX];
	char *folder = path_folder(path);
	char *place = realpath(folder, real) ? path_join(real, path_base(path)) : NULL;

	mem_free(folder);
	return place;
}

static bool take_file(struct build *b, const char *name, const char *path, bool is_found)
{
	char real[PATH_MAX];
	struct stat st;
	struct build_file file = { .name = (char *)name, .path = real, .is_found = is_found };

	if (stat(path, &st) < 0 || !S_ISREG(st.st_mode) || !realpath(path, real))
		return false;
	file.at = real_place(path);
	file.inode = (int64_t)st.st_ino;
	file.size = st.st_size;
	file.mtime_ns = (int64_t)st.st_mtim.tv_sec * NS_PER_SECOND + st.st_mtim.tv_nsec;
	build_add(b, &file);
	mem_free(file.at);
	return true;
}

static bool is_executable(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & 0111);
}

/* Where the words of one command are looked for. */
struct build_search {
	struct build *build;
	const struct build *own; /* as it was made there; NULL: the definition counts */
	const char *path;        /* of programs */
};

/* A process of that build gets the place for the word (spawn/launch.c). */
static char *word_path(
	const struct build_search *s, const struct build_word *w, const char *folder, const char *name)
{
	const char *place = s->own && w->is_whole ? build_place(s->own, name) : NULL;

	return place ? mem_strdup(place) : path_join(folder, name);
}

/* One without a slash is the first of that name in PATH that can be run. */
static void look_at_program(const struct build_search *s, const char *folder, const struct build_word *w)
{
	struct build *b = s->build;
	struct buf list = BUF_INIT;

	if (strchr(w->name, '/')) {
		char *whole = word_path(s, w, folder, w->name);

		(void)take_file(b, w->name, whole, false);
		mem_free(whole);
		return;
	}
	keeper_programs(&list, w->name, s->path);
	for (const char *at = list.ptr; at < list.ptr + list.len; at += strlen(at) + 1) {
		char *whole = path_join(folder, at);
		bool is_it = is_executable(whole) && take_file(b, w->name, whole, true);

		mem_free(whole);
		if (is_it)
			break;
	}
	buf_release(&list);
}

/* "app.main:api" as "app/main"; NULL for what is no such word. */
static char *module_path(const char *name)
{
	size_t len = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.");
	char *path = NULL;

	if (!len || name[len] != ':' || !name[len + 1])
		return NULL;
	path = mem_strndup(name, len);
	for (char *c = path; *c; c++)
		if (*c == '.')
			*c = '/';
	return path;
}

static void look_at_file(const struct build_search *s, const char *folder, const struct build_word *w)
{
	struct build *b = s->build;
	char *module = module_path(w->name);
	const char *name = module ? module : w->name;
	bool may_guess = module || (strchr(name, '/') && !strchr(path_base(name), '.'));
	bool is_taken = false;

	for (size_t i = 0; i < sizeof(guesses) / sizeof(guesses[0]) && !is_taken; i++) {
		struct buf guess = BUF_INIT;
		char *whole = NULL;

		if (i && !may_guess)
			break;
		buf_addf(&guess, "%s%s", name, guesses[i]);
		whole = word_path(s, w, folder, guess.ptr);
		is_taken = build_is_code(guess.ptr, is_executable(whole)) &&
			take_file(b, guess.ptr, whole, false);
		mem_free(whole);
		buf_release(&guess);
	}
	mem_free(module);
}

static void look_at_words(const struct build_search *s, const struct spec *spec)
{
	struct vec words = VEC_INIT;
	const struct build_word *w = NULL;
	size_t i = 0;

	build_words(spec, &words);
	VEC_EACH (&words, i, w) {
		char *folder = path_join(s->build->folder, w->folder ? w->folder : "");

		if (w->is_program)
			look_at_program(s, folder, w);
		else
			look_at_file(s, folder, w);
		mem_free(folder);
	}
	vec_release_with(&words, build_word_free);
}

static void look_at_build(struct build_search *search, const struct spec *s, const char *folder, bool as_root)
{
	char real[PATH_MAX];
	struct stat st;

	if (!realpath(folder, real) || stat(real, &st) < 0 || !S_ISDIR(st.st_mode))
		return;
	search->build->folder = mem_strdup(real);
	look_at_words(search, s);
	search->build->commit = git_commit(real, as_root, &search->build->tree);
}

/* What a process of it is started with. */
static void find_env(const struct build_query *q, const struct launch_env *caller, struct env *env)
{
	const struct spawn_effect effect = { .spec = q->spec };
	struct launch_env asking = { .env = { .items = NULL } };

	if (q->path)
		env_put(&asking.env, "PATH", q->path);
	launch_env(&effect, q->path ? &asking : caller, env);
	env_release(&asking.env);
}

struct build *build_look(const struct build_query *q, const struct launch_env *caller)
{
	char *named = launch_folder(q->spec);
	struct build_search search = { .build = build_new(named), .own = q->own };
	struct env env = { .items = NULL };
	struct rights *rights = rights_find(q->spec->user, q->spec->group);

	find_env(q, caller, &env);
	search.path = env_get(&env, "PATH");
	/* Links and .git are the user's to make: they lead no further than that user gets. */
	if (rights_take(rights) == 0) {
		look_at_build(&search, q->spec, q->own ? q->own->folder : named, !rights);
		rights_return(rights);
	}
	rights_free(rights);
	env_release(&env);
	mem_free(named);
	return search.build;
}
