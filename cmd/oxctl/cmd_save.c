/*
 * oxctl save: an oxfile for what runs.
 */
#include "base/json.h"
#include "cmd.h"
#include "daemon_call.h"
#include "options.h"
#include "os/file.h"
#include "request.h"

/* What env holds is nobody else's business. */
enum { PRIVATE = 0600 };

static const char *output;
static bool as_json;

static bool all;

const struct opt save_options[] = {
	SCOPE_ALL_ROW(&all),
	{ .name = "output",
		.letter = 'o',
		.kind = OPT_STRING,
		.at = &output,
		.value = "FILE",
		.help = "replace this file, whole or not at all" },
	OPTION_JSON(&as_json, "print it as text in JSON"),
	{ .name = NULL },
};

static int write_saved(const struct json *text)
{
	const char *bytes = json_string(text, NULL);
	struct buf out = BUF_INIT;
	struct err e = ERR_INIT;
	int code = EXIT_DONE;

	if (!bytes)
		return daemon_call_fail(EXIT_FAILED, "the daemon's answer has no text");
	buf_adds(&out, bytes);
	if (!output)
		out_write(&out);
	else if (file_write(output, out.ptr, out.len, PRIVATE, &e) < 0)
		code = daemon_call_fail(EXIT_FAILED, "%s", e.text.ptr);
	buf_release(&out);
	err_release(&e);
	return code;
}

int cmd_save(const struct opt_rest *rest)
{
	struct daemon_call t = { .method = "save", .is_question = true, .e = ERR_INIT };
	int code = targets_check_all("save", all, rest);

	if (code != EXIT_DONE)
		return code;
	t.params = daemon_call_targets(rest, 0);
	code = daemon_call_ask(&t);
	if (code == EXIT_DONE && as_json && output)
		code = daemon_call_fail(
			EXIT_USAGE, "save: --json is printed, and --output writes an oxfile; say either");
	else if (code == EXIT_DONE && as_json)
		out_json(t.result);
	else if (code == EXIT_DONE)
		code = write_saved(json_get(t.result, "text"));
	daemon_call_release(&t);
	return out_finish(code);
}
