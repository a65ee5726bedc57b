/*
 * Which oxfile a request may have read, and in which environment.
 */
#include "base/diag.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "control/handle.h"
#include "control/oxfile_load.h"
#include "engine/brain.h"
#include "model/snapshot.h"
#include "spawn/launch_env.h"

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

/* By whom it was started; `env` is to be freed. */
static void lend(struct handle *h, struct oxfile_source *reading, struct json **env)
{
	const struct launch_env *caller =
		launch_envs_get(brain_launch_envs(h->brain), handle_caller(h, reading->path), "");

	*env = launch_env_to_json(caller);
	reading->env = *env;
	if (!reading->profile && caller)
		reading->profile = caller->profile;
}

struct oxfile *handle_read_again(struct handle *h, const char *path, struct diags *mistakes)
{
	struct oxfile_source reading = { .path = path, .will_run = true };
	struct json *env = NULL;
	struct oxfile *o = NULL;

	lend(h, &reading, &env);
	o = oxfile_load(&reading, mistakes);
	json_free(env);
	return o;
}

struct oxfile *handle_read(struct handle *h, struct request *r, const char *path, bool will_run)
{
	struct oxfile_source reading = oxfile_load_of(r, path);
	struct diags mistakes = DIAGS_INIT;
	struct app_status app;
	struct json *env = NULL;
	struct oxfile *o = NULL;

	if (!request_is_owner(r) && !first_of(h, path, &app)) {
		request_forbid_member(r, "'%s' of '%s', which no app here came from,",
			method_command(request_method(r)), path);
		return NULL;
	}
	reading.will_run = will_run;
	if (!reading.env)
		lend(h, &reading, &env);
	o = oxfile_load(&reading, &mistakes);
	if (!o)
		oxfile_load_refuse(r, path, &mistakes);
	json_free(env);
	diags_release(&mistakes);
	return o;
}
