/*
 * oxctl signal: a signal to the main process of instances.
 */
#include "base/json.h"
#include "cmd.h"
#include "daemon_call.h"
#include "options.h"
#include "request.h"
#include "result_text.h"

static bool as_json;
static bool all;

const struct opt signal_options[] = {
	SCOPE_ALL_ROW(&all),
	OPTION_JSON(&as_json, "print JSON"),
	{ .name = NULL },
};

int cmd_signal(const struct opt_rest *rest)
{
	struct daemon_call t = { .method = "signal", .e = ERR_INIT };
	const struct opt_rest targets = { .items = rest->items + 1, .count = rest->count - 1 };
	int code = targets_check_all("signal", all, &targets);

	if (code == EXIT_DONE && !all && !targets.count)
		code = daemon_call_fail(
			EXIT_USAGE, "signal needs SIGNAL TARGET..., or --all; see 'oxctl help signal'");
	if (code != EXIT_DONE)
		return code;
	t.params = daemon_call_targets(rest, 1);
	/* The protocol wants a target here. */
	if (all)
		json_push(json_set(t.params, "targets", json_new_array()), json_new_string("all"));
	json_set_string(t.params, "signal", rest->items[0]);
	code = daemon_call_ask(&t);
	if (code == EXIT_DONE && as_json)
		out_json(t.result);
	else if (code == EXIT_DONE && !result_text_signalled(t.result, rest->items[0]))
		code = EXIT_FAILED;
	daemon_call_release(&t);
	return out_finish(code);
}
