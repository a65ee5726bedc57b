/*
 * oxctl deploy, reload and rollback: rollouts, from the beginning to the verdict.
 */
#include "base/json.h"
#include "base/mem.h"
#include "cmd.h"
#include "request.h"
#include "rolling.h"
#include "talk.h"

static const char *config;
static const char *profile;
static const char *timeout;
static bool forces;
static bool aborts;
static bool goes_on;
static bool by_definition;
static bool as_json;

#define TIMEOUT_OPTION                                                                                       \
	{                                                                                                    \
		.name = "timeout", .kind = OPT_STRING, .at = &timeout, .value = "SECS",                      \
		.help = "wait at most this long (also 500ms, 2m), then exit 5; it goes on"                   \
	}
#define JSON_OPTION                                                                                          \
	{                                                                                                    \
		.name = "json", .kind = OPT_FLAG, .at = &as_json,                                            \
		.help = "print progress and the end as JSON, an object a line"                               \
	}

const struct opt deploy_options[] = {
	{ .name = "config",
		.letter = 'c',
		.kind = OPT_STRING,
		.at = &config,
		.value = "FILE",
		.help = "the oxfile; without it the usual one, else those that the apps came from" },
	{ .name = "env",
		.kind = OPT_STRING,
		.at = &profile,
		.value = "PROFILE",
		.help = "lay this profile over the apps" },
	{ .name = "force", .kind = OPT_FLAG, .at = &forces, .help = "also roll apps that did not change" },
	{ .name = "abort",
		.kind = OPT_FLAG,
		.at = &aborts,
		.help = "go back: a deploy of APP that is under way is given up" },
	{ .name = "continue",
		.kind = OPT_FLAG,
		.at = &goes_on,
		.help = "go on: a deploy of APP that waits for a word, after its canaries or a failure" },
	TIMEOUT_OPTION,
	JSON_OPTION,
	{ .name = NULL },
};

const struct opt reload_options[] = {
	TIMEOUT_OPTION,
	JSON_OPTION,
	{ .name = NULL },
};

const struct opt rollback_options[] = {
	{ .name = "definition-only",
		.kind = OPT_FLAG,
		.at = &by_definition,
		.help = "take back the definition alone, with the files that are there now" },
	TIMEOUT_OPTION,
	JSON_OPTION,
	{ .name = NULL },
};

static int ask(struct talk *t)
{
	int code = rolling_ask(t, as_json);

	talk_release(t);
	return out_finish(code);
}

/* About one app, in the middle of its rollout or after it; NULL: there is only one that can be meant. */
static int steer(const char *method, const char *app)
{
	struct talk t = { .method = method, .timeout = timeout, .is_long = true, .e = ERR_INIT };

	t.params = json_new_object();
	if (app)
		json_set_string(t.params, "app", app);
	if (by_definition)
		json_set_bool(t.params, "definition_only", true);
	return ask(&t);
}

static int steer_deploy(const struct opt_rest *rest)
{
	const char *option = aborts ? "--abort" : "--continue";

	if (rest->count > 1 || (aborts && goes_on) || forces || config || profile)
		return talk_fail(EXIT_USAGE, "%s is about one app and nothing else: oxctl deploy %s [APP]",
			option, option);
	return steer(aborts ? "abort" : "continue", rest->count ? rest->items[0] : NULL);
}

int cmd_deploy(const struct opt_rest *rest)
{
	struct talk t = {
		.method = "deploy", .timeout = timeout, .is_long = true, .may_launch = true, .e = ERR_INIT
	};
	struct err none = ERR_INIT;
	char *path = NULL;
	int code = EXIT_DONE;

	if (aborts || goes_on)
		return steer_deploy(rest);
	path = load_find(config, &none);
	t.path = path;
	t.params = json_new_object();
	/* Without an oxfile here, each app has the one that it came from. */
	if (path)
		code = request_add_oxfile(t.params, path);
	else if (config)
		code = talk_fail(EXIT_USAGE, "%s", none.text.ptr);
	request_add_env(t.params);
	request_add_umask(t.params);
	request_add_limits(t.params);
	if (profile)
		json_set_string(t.params, "profile", profile);
	if (forces)
		json_set_bool(t.params, "force", true);
	if (rest->count)
		talk_set_strings(t.params, "only", rest->items, rest->count);
	if (code == EXIT_DONE)
		code = rolling_ask(&t, as_json);
	talk_release(&t);
	err_release(&none);
	mem_free(path);
	return out_finish(code);
}

int cmd_reload(const struct opt_rest *rest)
{
	struct talk t = { .method = "reload", .timeout = timeout, .is_long = true, .e = ERR_INIT };

	t.params = talk_targets(rest, 0);
	return ask(&t);
}

int cmd_rollback(const struct opt_rest *rest)
{
	return steer("rollback", rest->count ? rest->items[0] : NULL);
}
