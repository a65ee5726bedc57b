/*
 * What the herd wishes for beside processes: upstreams, drains, and the hooks of a deploy.
 */
#include "base/argv.h"
#include "base/mem.h"
#include "engine/brain_private.h"
#include "os/clock.h"
#include "sense/build_look.h"
#include "spawn/launch.h"
#include "spawn/run_words.h"

void brain_upstream(void *context, const struct upstream_effect *wish)
{
	struct brain *b = context;

	if (wish->is_gone)
		upstreams_forget(b->upstreams, wish->app);
	else
		upstreams_set(b->upstreams, wish->spec, wish->servers, wish->count, wish->serial);
}

void brain_upstream_told(
	void *context, const char *app, uint64_t serial, enum upstream_outcome outcome, const char *words)
{
	struct brain *b = context;

	herd_upstream_set(b->herd, app, serial, outcome, words, clock_ms());
	brain_end(b);
}

enum { DEFAULT_UMASK = 022 };

void brain_drain(void *context, const struct endpoint *at, int64_t ms)
{
	struct brain *b = context;

	drain_start(b->senses.drains, at, ms);
}

/* Whose hook it is. */
struct hooked {
	struct brain *brain;
	char *app;
	uint64_t rollout;
	struct command command;
};

static void hook_ended(void *context, const struct run_result *result)
{
	struct hooked *hook = context;
	struct brain *b = hook->brain;
	struct buf words = BUF_INIT;
	bool is_ok = run_went_well(result);

	if (!is_ok)
		run_failure_words(&hook->command, result, &words);
	herd_hooked(b->herd, hook->app, hook->rollout, is_ok, words.ptr, clock_ms());
	buf_release(&words);
	command_release(&hook->command);
	mem_free(hook->app);
	mem_free(hook);
	brain_end(b);
}

/* In the folder and the environment of the app, as its user; it belongs to no instance and has no port. */
void brain_hook(void *context, const struct hook_effect *wish)
{
	struct brain *b = context;
	const struct spec *s = wish->spec;
	const struct launch_env *caller = launch_envs_get(&b->launch_envs, wish->caller, s->name);
	const struct command *command = wish->is_post ? &s->deploy.post : &s->deploy.pre;
	struct hooked *hook = mem_zalloc(1, sizeof(*hook));
	char *folder = launch_folder_of(s, wish->own);
	struct buf name = BUF_INIT;
	struct env env = { .items = NULL };
	struct env said = { .items = NULL };

	*hook = (struct hooked){ .brain = b, .app = mem_strdup(wish->app), .rollout = wish->rollout };
	hook->command.text = mem_strdup(command->text);
	hook->command.argv = argv_dup(command->argv);
	launch_hook_env(s, wish->revision, caller, &env);
	launch_said(s, &said);
	buf_addf(&name, "%s %s", wish->app, wish->is_post ? "post" : "pre");
	(void)run_start(b->runner,
		&(struct run_request){
			.name = name.ptr,
			.command = command,
			.folder = folder,
			.env = &env,
			.user = s->user,
			.group = s->group,
			.said = &said,
			.umask = caller ? caller->mask : DEFAULT_UMASK,
			.timeout_ms = s->deploy.hook_timeout_ms,
		},
		hook_ended, hook);
	env_release(&env);
	env_release(&said);
	buf_release(&name);
	mem_free(folder);
}

bool brain_is_port_busy(void *context, int port)
{
	(void)context;
	return !port_is_free(port);
}

struct build *brain_look(void *context, const struct build_query *wish)
{
	struct brain *b = context;
	const struct launch_env *caller = launch_envs_get(&b->launch_envs, wish->caller, wish->spec->name);
	struct launch_env asking = { .env = { .items = NULL } };
	struct build *build = NULL;

	if (!wish->path)
		return build_look(wish->spec, caller, wish->own);
	env_put(&asking.env, "PATH", wish->path);
	build = build_look(wish->spec, &asking, wish->own);
	env_release(&asking.env);
	return build;
}
