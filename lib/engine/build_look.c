#include "engine/build_look.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/path.h"
#include "engine/launch.h"
#include "model/build.h"
#include "os/git.h"

/* What a word may mean beside a file of that name: node finds "server" as server.js, and gunicorn "app.main:api" as app/main.py. */
static const char *const guesses[] = { "", ".js", "/index.js", ".py", "/__init__.py" };

enum { MILLION = 1000000, NS_PER_SECOND = 1000 * MILLION };

static bool take_file(struct build *b, const char *name, const char *path, bool is_found)
{
	char real[PATH_MAX];
	struct stat st;
	struct build_file file = { .name = (char *)name, .path = real, .is_found = is_found };

	if (stat(path, &st) < 0 || !S_ISREG(st.st_mode) || !realpath(path, real))
		return false;
	file.inode = (int64_t)st.st_ino;
	file.size = st.st_size;
	file.mtime_ns = (int64_t)st.st_mtim.tv_sec * NS_PER_SECOND + st.st_mtim.tv_nsec;
	build_add(b, &file);
	return true;
}

static bool is_executable(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & 0111);
}

/* One without a slash is the first of that name in PATH that can be run. */
static void look_at_program(struct build *b, const char *folder, const struct build_word *w, const char *path)
{
	struct buf list = BUF_INIT;

	if (strchr(w->name, '/')) {
		char *whole = path_join(folder, w->name);

		(void)take_file(b, w->name, whole, false);
		mem_free(whole);
		return;
	}
	keep_programs(&list, w->name, path);
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

static void look_at_file(struct build *b, const char *folder, const struct build_word *w)
{
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
		whole = path_join(folder, guess.ptr);
		is_taken = build_is_code(guess.ptr, is_executable(whole)) &&
			take_file(b, guess.ptr, whole, false);
		mem_free(whole);
		buf_release(&guess);
	}
	mem_free(module);
}

static void look_at_words(struct build *b, const struct spec *s, const char *path)
{
	struct vec words = VEC_INIT;
	const struct build_word *w = NULL;
	size_t i = 0;

	build_words(s, &words);
	VEC_EACH (&words, i, w) {
		char *folder = w->folder ? path_join(b->folder, w->folder) : mem_strdup(b->folder);

		if (w->is_program)
			look_at_program(b, folder, w, path);
		else
			look_at_file(b, folder, w);
		mem_free(folder);
	}
	vec_release_with(&words, build_word_free);
}

struct build *build_look(const struct spec *s, const struct caller *caller, const char *folder)
{
	char *named = launch_folder(s);
	struct build *b = build_new(named);
	const struct spawn_wish wish = { .spec = s };
	struct env env = { .items = NULL };
	char real[PATH_MAX];
	struct stat st;

	if (realpath(folder ? folder : named, real) && stat(real, &st) == 0 && S_ISDIR(st.st_mode)) {
		b->folder = mem_strdup(real);
		launch_env(&wish, caller, &env);
		look_at_words(b, s, env_get(&env, "PATH"));
		b->commit = git_commit(real, &b->tree);
	}
	env_release(&env);
	mem_free(named);
	return b;
}
