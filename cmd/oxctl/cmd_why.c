/*
 * oxctl why: one timeline of an app or an instance.
 */
#include "base/json.h"
#include "cmd.h"
#include "daemon_call.h"
#include "model/snapshot.h"
#include "options.h"
#include "os/clock.h"
#include "view/detail.h"
#include "view/timeline.h"

static int64_t limit;
static bool as_json;

const struct opt why_options[] = {
	{ .name = "lines",
		.letter = 'n',
		.kind = OPT_INT,
		.at = &limit,
		.value = "N",
		.help = "only the newest N entries" },
	OPTION_JSON(&as_json, "print JSON"),
	{ .name = NULL },
};

static int print_why(const struct json *why)
{
	struct timeline t = {
		.to_local = out_local_time,
		.width = out_width(),
		.colour = out_has_colour(),
	};
	struct snapshot s = SNAPSHOT_INIT;
	struct buf out = BUF_INIT;
	struct err e = ERR_INIT;
	int code = EXIT_DONE;

	timeline_begin(&t, clock_wall_ms());
	if (snapshot_from_why(why, &s, &e) < 0)
		code = daemon_call_fail(EXIT_FAILED, "%s", e.text.ptr);
	else
		detail_render(&s, &t, &out);
	out_write(&out);
	snapshot_release(&s);
	buf_release(&out);
	err_release(&e);
	return code;
}

int cmd_why(const struct opt_rest *rest)
{
	struct daemon_call t = { .method = "why", .is_question = true, .e = ERR_INIT };
	int code = EXIT_DONE;

	if (limit < 0)
		return daemon_call_fail(EXIT_USAGE, "-n needs a number from 1 up");
	t.params = json_new_object();
	json_set_string(t.params, "target", rest->items[0]);
	if (limit)
		json_set_int(t.params, "limit", limit);
	code = daemon_call_ask(&t);
	if (code == EXIT_DONE && as_json)
		out_json(t.result);
	else if (code == EXIT_DONE)
		code = print_why(t.result);
	daemon_call_release(&t);
	return out_finish(code);
}
