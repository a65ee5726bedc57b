/*
 * oxctl deploy, reload and rollback: rollouts, from the beginning to the verdict.
 */
#include "base/json.h"
#include "base/mem.h"
#include "cmd.h"
#include "daemon_call.h"
#include "deploy_watch.h"
#include "options.h"
#include "request.h"

static const char *config;
static const char *profile;
static const char *timeout;
static bool forces;
static bool aborts;
static bool goes_on;
static bool by_definition;
static bool as_json;
static bool all;

const struct opt deploy_options[] = {
	OPTION_CONFIG(&config, "the oxfile; without it the usual one"),
	{ .name = "all", .kind = OPT_FLAG, .at = &all, .help = "every oxfile that apps came from" },
	OPTION_PROFILE(&profile),
	{ .name = "force", .kind = OPT_FLAG, .at = &forces, .help = "also roll apps that did not change" },
	{ .name = "abort",
		.kind = OPT_FLAG,
		.at = &aborts,
		.help = "go back: a deploy of APP that is under way is given up" },
	{ .name = "continue",
		.kind = OPT_FLAG,
		.at = &goes_on,
		.help = "continue a deploy of APP that waits, after its canaries or a failure" },
	OPTION_TIMEOUT(&timeout, "; it continues"),
	OPTION_JSON(&as_json, "print progress and the end as JSON, an object a line"),
	{ .name = NULL },
};

const struct opt reload_options[] = {
	OPTION_CONFIG(&config, "the apps that came from this oxfile"),
	SCOPE_ALL_ROW(&all),
	OPTION_TIMEOUT(&timeout, "; it continues"),
	OPTION_JSON(&as_json, "print progress and the end as JSON, an object a line"),
	{ .name = NULL },
};

const struct opt rollback_options[] = {
	{ .name = "definition-only",
		.kind = OPT_FLAG,
		.at = &by_definition,
		.help = "take back the definition alone, with the files that are there now" },
	OPTION_TIMEOUT(&timeout, "; it continues"),
	OPTION_JSON(&as_json, "print progress and the end as JSON, an object a line"),
	{ .name = NULL },
};

static int ask_deploy(struct daemon_call *t)
{
	int code = deploy_watch(t, as_json);

	daemon_call_release(t);
	return out_finish(code);
}

/* About one app, in the middle of its rollout or after it; NULL: there is only one that can be meant. */
static int call_steering(const char *method, const char *app)
{
	struct daemon_call t = { .method = method, .timeout = timeout, .is_long = true, .e = ERR_INIT };

	t.params = json_new_object();
	if (app)
		json_set_string(t.params, "app", app);
	if (by_definition)
		json_set_bool(t.params, "definition_only", true);
	return ask_deploy(&t);
}

static int steer_deploy(const struct opt_rest *rest)
{
	const char *option = aborts ? "--abort" : "--continue";

	if (rest->count > 1 || (aborts && goes_on) || forces || config || profile)
		return daemon_call_fail(EXIT_USAGE,
			"%s is about one app and nothing else: oxctl deploy %s [APP]", option, option);
	return call_steering(aborts ? "abort" : "continue", rest->count ? rest->items[0] : NULL);
}

/* The usual oxfile, or none where each app is to have its own. */
static int find_oxfile(struct scope *scope, const struct opt_rest *rest, char **path)
{
	struct err none = ERR_INIT;
	char *usual = load_find(config, &none);
	int code = EXIT_DONE;

	/* That it says what is missing matters only where nothing is found. */
	if (!usual || rest->count || all)
		code = scope_read(scope, rest);
	if (code == EXIT_DONE && !scope->all) {
		*path = usual;
		usual = NULL;
	}
	mem_free(usual);
	err_release(&none);
	return code;
}

int cmd_deploy(const struct opt_rest *rest)
{
	struct daemon_call t = {
		.method = "deploy", .timeout = timeout, .is_long = true, .may_launch = true, .e = ERR_INIT
	};
	struct scope scope = { .command = "deploy", .config = config, .all = all };
	char *path = NULL;
	int code = EXIT_DONE;

	if (aborts || goes_on)
		return steer_deploy(rest);
	code = find_oxfile(&scope, rest, &path);
	if (code != EXIT_DONE)
		return code;
	t.path = path;
	t.params = json_new_object();
	/* Without an oxfile each app has the one that it came from. */
	if (path)
		code = request_add_oxfile(t.params, path);
	request_add_env(t.params);
	request_add_umask(t.params);
	request_add_limits(t.params);
	if (profile)
		json_set_string(t.params, "profile", profile);
	if (forces)
		json_set_bool(t.params, "force", true);
	if (rest->count && !scope.all)
		daemon_call_set_strings(t.params, "only", rest->items, rest->count);
	if (code == EXIT_DONE)
		code = deploy_watch(&t, as_json);
	daemon_call_release(&t);
	scope_release(&scope);
	mem_free(path);
	return out_finish(code);
}

int cmd_reload(const struct opt_rest *rest)
{
	struct daemon_call t = { .method = "reload", .timeout = timeout, .is_long = true, .e = ERR_INIT };
	struct scope scope = { .command = "reload", .config = config, .all = all };
	int code = scope_read(&scope, rest);

	if (code != EXIT_DONE)
		return code;
	t.params = json_new_object();
	scope_add(&scope, rest, t.params);
	code = deploy_watch(&t, as_json);
	scope_explain(&scope, &t, code);
	if (code == EXIT_DONE && scope.oxfile && !json_count(json_get(t.result, "apps")))
		code = daemon_call_fail(EXIT_NO_TARGET,
			"there is no app of '%s' to reload; 'oxctl start' starts what it defines",
			scope.oxfile);
	scope_release(&scope);
	daemon_call_release(&t);
	return out_finish(code);
}

int cmd_rollback(const struct opt_rest *rest)
{
	return call_steering("rollback", rest->count ? rest->items[0] : NULL);
}
