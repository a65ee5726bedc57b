/*
 * What a call brings: the targets that it names, the oxfiles that it may have read, and the environment that something is started in.
 */
#include <errno.h>

#include "base/diag.h"
#include "base/err.h"
#include "base/str.h"
#include "control/handle.h"
#include "control/oxfile_load.h"
#include "engine/brain.h"
#include "model/snapshot.h"
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
		rc = err_set(e, "'%s' does not come from %s", t->items[0],
			oxfiles->count ? oxfiles->items[0] : "that oxfile");
		e->number = ENOENT;
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
static void lend(struct handle *h, struct oxfile_source *source)
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

	lend(h, &source);
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
		lend(h, &reading);
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
