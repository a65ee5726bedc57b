/*
 * oxctl signal: a signal to the main process of instances.
 */
#include "base/json.h"
#include "cmd.h"
#include "outcome.h"
#include "talk.h"

static bool as_json;

const struct opt signal_options[] = {
	{ .name = "json", .kind = OPT_FLAG, .at = &as_json, .help = "print JSON" },
	{ .name = NULL },
};

int cmd_signal(const struct opt_rest *rest)
{
	struct talk t = { .method = "signal", .e = ERR_INIT };
	struct buf word = BUF_INIT;
	int code = EXIT_DONE;

	t.params = talk_targets(rest, 1);
	json_set_string(t.params, "signal", rest->items[0]);
	code = talk_ask(&t);
	buf_addf(&word, "%s sent", rest->items[0]);
	if (code == EXIT_DONE && as_json)
		out_json(t.result);
	else if (code == EXIT_DONE)
		outcome_done(t.result, word.ptr);
	buf_release(&word);
	talk_release(&t);
	return out_finish(code);
}
