/*
 * oxctl status: every instance, once, or until q is pressed.
 */
#include "cmd.h"
#include "daemon_call.h"
#include "model/snapshot.h"
#include "options.h"
#include "request.h"
#include "view/list.h"
#include "watch.h"

static bool as_json;
static bool watches;

static bool all;
static bool is_unfolded;

const struct opt status_options[] = {
	SCOPE_ALL_ROW(&all),
	{ .name = "all-instances",
		.kind = OPT_FLAG,
		.at = &is_unfolded,
		.help = "a row for each instance, also where equal ones of an app would share one" },
	{ .name = "watch",
		.letter = 'w',
		.kind = OPT_FLAG,
		.at = &watches,
		.help = "draw it again whenever something happens, until q is pressed" },
	OPTION_JSON(&as_json, "print JSON"),
	{ .name = NULL },
};

/* Named apps show all of their instances. */
static void render_status(const struct snapshot *s, const struct opt_rest *rest, struct list_text *out)
{
	bool is_whole = is_unfolded || (rest->count && !targets_name_all(rest));
	const struct list_options how = {
		.width = out_width(), .height = is_whole ? 0 : out_height(), .colour = out_has_colour()
	};

	list_render(s, &how, out);
}

static int print_list(struct daemon_call *t, const struct opt_rest *rest)
{
	struct list_text shown = { .table = BUF_INIT, .verdict = BUF_INIT };
	struct snapshot s = SNAPSHOT_INIT;
	int code = daemon_call_snapshot(t, &s);

	if (code == EXIT_DONE) {
		render_status(&s, rest, &shown);
		out_write(&shown.table);
		out_write(&shown.verdict);
	} else {
		daemon_call_tell(t, code);
	}
	snapshot_release(&s);
	list_release(&shown);
	return code;
}

static int print_once(const struct opt_rest *rest)
{
	struct daemon_call t = { .method = "status", .is_question = true, .e = ERR_INIT };
	struct buf out = BUF_INIT;
	int code = EXIT_DONE;

	t.params = daemon_call_targets(rest, 0);
	daemon_call_newer(&t, "version", SNAPSHOT_VERSION_MAX);
	t.text = as_json ? &out : NULL;
	code = daemon_call_ask(&t);
	if (code == EXIT_DONE && as_json)
		out_json_text(&out);
	else if (code == EXIT_DONE)
		code = print_list(&t, rest);
	buf_release(&out);
	daemon_call_release(&t);
	return code;
}

int cmd_status(const struct opt_rest *rest)
{
	if (watches && as_json)
		return daemon_call_fail(
			EXIT_USAGE, "--watch draws on a terminal; for JSON take 'oxctl events -f --json'");
	if (watches && !out_is_terminal())
		return daemon_call_fail(EXIT_USAGE,
			"--watch needs a terminal; elsewhere take 'oxctl status' or 'oxctl events -f'");
	if (targets_check_all("status", all, rest) != EXIT_DONE)
		return EXIT_USAGE;
	return out_finish(watches ? watch_status(rest, render_status) : print_once(rest));
}
