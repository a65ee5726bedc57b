/*
 * oxctl stop, restart, delete and reset: one thing, done to targets.
 */
#include "base/json.h"
#include "base/str.h"
#include "cmd.h"
#include "outcome.h"
#include "reminder.h"
#include "talk.h"

static bool all;
static bool waits;
static bool as_json;
static const char *timeout;

#define ALL_ROW                                                                                              \
	{                                                                                                    \
		.name = "all", .kind = OPT_FLAG, .at = &all, .help = "every app"                             \
	}
#define JSON_ROW                                                                                             \
	{                                                                                                    \
		.name = "json", .kind = OPT_FLAG, .at = &as_json, .help = "print JSON"                       \
	}
#define TIMEOUT_ROW                                                                                          \
	{                                                                                                    \
		.name = "timeout", .kind = OPT_STRING, .at = &timeout, .value = "SECS",                      \
		.help = "wait at most this long (also 500ms, 2m), then exit 5",                              \
	}

const struct opt stop_options[] = { ALL_ROW, TIMEOUT_ROW, JSON_ROW, { .name = NULL } };
const struct opt delete_options[] = { ALL_ROW, TIMEOUT_ROW, JSON_ROW, { .name = NULL } };
const struct opt reset_options[] = { ALL_ROW, JSON_ROW, { .name = NULL } };
const struct opt restart_options[] = {
	ALL_ROW,
	{ .name = "wait",
		.kind = OPT_FLAG,
		.at = &waits,
		.help = "until all of it is ready; exit 1 if something fails" },
	TIMEOUT_ROW,
	JSON_ROW,
	{ .name = NULL },
};

static int run(const char *method, const char *word, bool reminds, const struct opt_rest *rest)
{
	struct talk t = {
		.method = method,
		.timeout = timeout,
		.is_long = true,
		/* Said twice it is the same; a second restart would be one too many, and what was deleted cannot be found again. */
		.is_question = str_eq(method, "stop"),
		.e = ERR_INIT,
	};
	int code = EXIT_DONE;

	if (all && rest->count)
		return talk_fail(EXIT_USAGE, "%s: --all is for every app, and '%s' is one; say either",
			method, rest->items[0]);
	t.params = talk_targets(rest, 0);
	if (waits)
		json_set_bool(t.params, "wait", true);
	code = talk_ask(&t);
	if (code == EXIT_DONE && as_json)
		out_json(t.result);
	else if (code == EXIT_DONE && !outcome_done(t.result, word))
		talk_fail(code, "there is no app to %s", method);
	if (code == EXIT_DONE && reminds)
		reminder_tell(json_get(t.result, "apps"));
	talk_release(&t);
	return out_finish(code);
}

int cmd_stop(const struct opt_rest *rest)
{
	return run("stop", "stopped", false, rest);
}

int cmd_restart(const struct opt_rest *rest)
{
	return run("restart", "restarted", true, rest);
}

int cmd_delete(const struct opt_rest *rest)
{
	if (!rest->count && !all)
		return talk_fail(EXIT_USAGE, "say what to delete, or --all for every app");
	return run("delete", "deleted", false, rest);
}

int cmd_reset(const struct opt_rest *rest)
{
	return run("reset", "reset", false, rest);
}
