/*
 * oxctl stop, restart, delete and reset: one thing, done to targets.
 */
#include "base/json.h"
#include "base/str.h"
#include "cmd.h"
#include "daemon_call.h"
#include "options.h"
#include "request.h"
#include "result_text.h"
#include "stale_oxfile_note.h"

static bool all;
static bool waits;
static bool as_json;
static const char *timeout;
static const char *config;

const struct opt stop_options[] = { OPTION_CONFIG(&config, "the apps that came from this oxfile"),
	SCOPE_ALL_ROW(&all), OPTION_TIMEOUT(&timeout, ""), OPTION_JSON(&as_json, "print JSON"),
	{ .name = NULL } };
const struct opt delete_options[] = { OPTION_CONFIG(&config, "the apps that came from this oxfile"),
	SCOPE_ALL_ROW(&all), OPTION_TIMEOUT(&timeout, ""), OPTION_JSON(&as_json, "print JSON"),
	{ .name = NULL } };
const struct opt reset_options[] = { OPTION_CONFIG(&config, "the apps that came from this oxfile"),
	SCOPE_ALL_ROW(&all), OPTION_JSON(&as_json, "print JSON"), { .name = NULL } };
const struct opt restart_options[] = {
	OPTION_CONFIG(&config, "the apps that came from this oxfile"),
	SCOPE_ALL_ROW(&all),
	OPTION_WAIT(&waits),
	OPTION_TIMEOUT(&timeout, ""),
	OPTION_JSON(&as_json, "print JSON"),
	{ .name = NULL },
};

/* What is not there is down already, but does not run again either; and a file that was named may be a slip of the finger. */
static int tell_nothing(const struct scope *s)
{
	bool is_restart = str_eq(s->command, "restart");
	bool is_failure = is_restart || s->config;

	if (!s->oxfile)
		return daemon_call_fail(EXIT_DONE, "there is no app to %s", s->command);
	return daemon_call_fail(is_failure ? EXIT_NO_TARGET : EXIT_DONE, "there is no app of '%s' to %s%s",
		s->oxfile, s->command, is_restart ? "; 'oxctl start' starts what it defines" : "");
}

static int run_for_targets(const char *method, const char *word, bool reminds, const struct opt_rest *rest)
{
	struct daemon_call t = {
		.method = method,
		.timeout = timeout,
		.is_long = true,
		/* Said twice it is the same; a second restart would be one too many, and what was deleted cannot be found again. */
		.is_question = str_eq(method, "stop"),
		.e = ERR_INIT,
	};
	struct scope scope = { .command = method, .config = config, .all = all };
	int code = scope_read(&scope, rest);

	if (code != EXIT_DONE)
		return code;
	t.params = json_new_object();
	scope_add(&scope, rest, t.params);
	if (waits)
		json_set_bool(t.params, "wait", true);
	code = daemon_call_ask(&t);
	scope_explain(&scope, &t, code);
	if (code == EXIT_DONE && as_json)
		out_json(t.result);
	else if (code == EXIT_DONE && !result_text_done(t.result, word))
		code = tell_nothing(&scope);
	if (code == EXIT_DONE && reminds)
		stale_oxfile_note(json_get(t.result, "apps"));
	daemon_call_release(&t);
	scope_release(&scope);
	return out_finish(code);
}

int cmd_stop(const struct opt_rest *rest)
{
	return run_for_targets("stop", "stopped", false, rest);
}

int cmd_restart(const struct opt_rest *rest)
{
	return run_for_targets("restart", "restarted", true, rest);
}

int cmd_delete(const struct opt_rest *rest)
{
	return run_for_targets("delete", "deleted", false, rest);
}

int cmd_reset(const struct opt_rest *rest)
{
	return run_for_targets("reset", "reset", false, rest);
}
