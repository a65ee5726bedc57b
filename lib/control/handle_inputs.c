/*
 * What a call brings: the targets that it names, the oxfiles that it may have read and the other names that these have, and the environment that
 * something is started in.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/diag.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "control/handle.h"
#include "control/oxfile_load.h"
#include "engine/brain.h"
#include "model/refusal.h"
#include "model/snapshot.h"
#include "os/file.h"
#include "spawn/launch_env.h"

/* --- targets, and where the call names oxfiles, only the apps that came from them ---------------------------------------- */

static bool is_from(const struct spec *s, const struct param_strings *oxfiles)
{
	for (size_t i = 0; i < oxfiles->count; i++)
		if (s->oxfile && str_eq(s->oxfile, oxfiles->items[i]))
			return true;
	return false;
}

/* The names of those that are meant and come from the oxfiles.  That some of a namespace come from elsewhere is no mistake. */
static int find_own(
	struct handle *h, const struct param_strings *oxfiles, struct handle_targets *t, struct err *e)
{
	struct vec specs = VEC_INIT;
	const struct spec *s = NULL;
	size_t i = 0;
	int rc = herd_target_specs(brain_herd(h->brain), t->items, t->count, &specs, e);

	VEC_EACH (&specs, i, s) {
		if (rc == 0 && is_from(s, oxfiles))
			strings_add(&t->own, s->name);
	}
	vec_release(&specs);
	if (rc == 0 && t->count && !t->own.len) {
		rc = refusal_set(e,
			REFUSAL_OF(NO_TARGET, .target = t->items[0],
				.oxfile = oxfiles->count ? oxfiles->items[0] : NULL),
			"'%s' does not come from %s", t->items[0],
			oxfiles->count ? oxfiles->items[0] : "that oxfile");
	}
	return rc;
}

int handle_targets_find(struct handle *h, const struct param_strings *targets,
	const struct param_strings *oxfiles, struct handle_targets *t, struct err *e)
{
	int rc = 0;

	*t = (struct handle_targets){ .items = targets->items, .count = targets->count };
	if (!oxfiles || !oxfiles->is_given)
		return 0;
	rc = find_own(h, oxfiles, t, e);
	t->items = (const char *const *)t->own.items;
	t->count = t->own.len;
	/* No target would be everything. */
	t->is_nothing = !t->count;
	return rc;
}

void handle_answer_no_apps(struct call *c)
{
	call_answer_text(c, "{\"apps\":[]}");
}

void handle_targets_release(struct handle_targets *t)
{
	strings_release(&t->own);
}

/* --- names of oxfiles ----------------------------------------------------------------------------------------------------- */

static bool is_one_oxfile(const char *a, const char *b)
{
	return str_eq(a, b) || (a && b && file_is_same(a, b));
}

static bool is_file_gone(const char *path)
{
	struct stat st;

	return stat(path, &st) < 0 && (errno == ENOENT || errno == ENOTDIR);
}

static void add_oxfile_name(const char *path, struct strings *paths)
{
	if (path && !strings_have(paths, path))
		strings_add(paths, path);
}

static void names_of(struct handle *h, const struct vec *specs, struct strings *paths)
{
	const struct herd *herd = brain_herd(h->brain);

	for (size_t i = 0; specs && i < specs->len; i++)
		add_oxfile_name(((const struct spec *)specs->items[i])->oxfile, paths);
	for (size_t i = 0; !specs && i < herd_app_count(herd); i++) {
		struct app_status app;

		herd_app_status(herd, i, &app);
		add_oxfile_name(app.oxfile, paths);
	}
}

void oxfile_names_find(struct handle *h, const char *path, struct oxfile_names *names)
{
	struct strings known = { .items = NULL };

	*names = (struct oxfile_names){ .also = { .items = NULL } };
	names_of(h, NULL, &known);
	for (size_t i = 0; path && i < known.len; i++) {
		if (str_eq(known.items[i], path))
			continue;
		if (is_one_oxfile(known.items[i], path))
			strings_add(&names->also, known.items[i]);
		else if (is_file_gone(known.items[i]))
			strings_add(&names->gone, known.items[i]);
	}
	strings_release(&known);
}

void oxfile_names_release(struct oxfile_names *names)
{
	strings_release(&names->also);
	strings_release(&names->gone);
}

static bool has_links(const char *path)
{
	char real[PATH_MAX];

	return realpath(path, real) && !str_eq(path, real);
}

void oxfile_names_of(struct handle *h, const struct vec *specs, struct strings *paths)
{
	struct strings known = { .items = NULL };

	names_of(h, specs, &known);
	for (size_t i = 0; i < known.len; i++) {
		size_t at = 0;

		while (at < paths->len && !is_one_oxfile(paths->items[at], known.items[i]))
			at++;
		if (at == paths->len) {
			strings_add(paths, known.items[i]);
		} else if (!has_links(paths->items[at]) && has_links(known.items[i])) {
			mem_free(paths->items[at]);
			paths->items[at] = mem_strdup(known.items[i]);
		}
	}
	strings_release(&known);
}

/* --- oxfiles and environments --------------------------------------------------------------------------------------------- */

static bool first_of(struct handle *h, const char *path, struct app_status *app)
{
	for (size_t i = 0; i < herd_app_count(brain_herd(h->brain)); i++) {
		herd_app_status(brain_herd(h->brain), i, app);
		if (str_eq(app->oxfile, path))
			return true;
	}
	return false;
}

int64_t handle_caller(struct handle *h, const char *path)
{
	struct app_status app;

	return first_of(h, path, &app) ? herd_caller(brain_herd(h->brain), app.name) : 0;
}

/* By whom it was started: borrowed until the launch environments change. */
static void lend_env(struct handle *h, struct oxfile_source *source)
{
	const struct launch_env *caller =
		launch_envs_get(brain_launch_envs(h->brain), handle_caller(h, source->path), "");

	source->env = caller ? &caller->env : NULL;
	if (!source->profile && caller)
		source->profile = caller->profile;
}

struct oxfile *handle_read_again(struct handle *h, const char *path, struct diags *mistakes)
{
	struct oxfile_source source = { .path = path, .will_run = true };

	lend_env(h, &source);
	return oxfile_load(&source, mistakes);
}

struct oxfile *handle_read(struct handle *h, struct call *c, const struct oxfile_source *source)
{
	struct oxfile_source reading = *source;
	struct diags mistakes = DIAGS_INIT;
	struct app_status app;
	struct oxfile *o = NULL;

	if (!c->caller.is_owner && !first_of(h, source->path, &app)) {
		call_forbid(c, "'%s' of '%s', which no app here came from,", method_command(call_method(c)),
			source->path);
		return NULL;
	}
	if (!reading.env)
		lend_env(h, &reading);
	o = oxfile_load(&reading, &mistakes);
	if (!o)
		oxfile_load_refuse(c, source->path, &mistakes);
	diags_release(&mistakes);
	return o;
}

int64_t handle_add_env(struct handle *h, const struct handle_env *from)
{
	struct launch_envs *envs = brain_launch_envs(h->brain);
	int mask = from->umask.is_given ? (int)from->umask.value : -1;
	int64_t number = launch_envs_add(envs, &from->env.env, mask, from->profile);

	launch_envs_limit(envs, number, &from->rlimits.env);
	return number;
}
