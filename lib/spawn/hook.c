#include "spawn/hook.h"

#include "base/mem.h"
#include "spawn/launch.h"
#include "spawn/run.h"
#include "spawn/run_words.h"

enum { DEFAULT_UMASK = 022 };

/* Whose hook it is. */
struct hook {
	hook_done done;
	void *context;
	char *app;
	uint64_t rollout;
	struct command command;
};

static void hook_ended(void *context, const struct run_result *result)
{
	struct hook *hook = context;
	struct buf words = BUF_INIT;
	bool is_ok = run_went_well(result);

	if (!is_ok)
		run_failure_words(&hook->command, result, &words);
	hook->done(hook->context, hook->app, hook->rollout, is_ok, words.ptr);
	buf_release(&words);
	command_release(&hook->command);
	mem_free(hook->app);
	mem_free(hook);
}

void hook_start(struct runner *runner, const struct hook_effect *effect, const struct launch_env *caller,
	hook_done done, void *context)
{
	const struct spec *s = effect->spec;
	const struct command *command = effect->is_post ? &s->deploy.post : &s->deploy.pre;
	struct hook *hook = mem_zalloc(1, sizeof(*hook));
	char *folder = launch_folder_of(s, effect->own);
	struct buf name = BUF_INIT;
	struct env env = { .items = NULL };
	struct env said = { .items = NULL };

	*hook = (struct hook){
		.done = done, .context = context, .app = mem_strdup(effect->app), .rollout = effect->rollout
	};
	command_copy(&hook->command, command);
	launch_hook_env(s, effect->revision, caller, &env);
	launch_said(s, &said);
	buf_addf(&name, "%s %s", effect->app, effect->is_post ? "post" : "pre");
	(void)run_start(runner,
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
