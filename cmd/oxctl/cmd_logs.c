/*
 * oxctl logs: what instances have said, and what they say.
 */
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "cmd.h"
#include "control/client.h"
#include "model/logline.h"
#include "os/clock.h"
#include "os/dirs.h"
#include "rules/when.h"
#include "talk.h"
#include "view/said.h"

enum { LINES_DEFAULT = 100 };

static bool follows;
static const char *lines;
static const char *since;
static const char *until;
static bool only_err;
static bool only_out;
static const char *grep;
static bool has_times;
static bool as_json;
static bool is_raw;

const struct opt logs_options[] = {
	{ .name = "follow",
		.letter = 'f',
		.kind = OPT_FLAG,
		.at = &follows,
		.help = "go on with what is written from now on" },
	{ .name = "lines",
		.letter = 'n',
		.kind = OPT_STRING,
		.at = &lines,
		.value = "N",
		.help = "only the newest N, or all; 100 if left out" },
	{ .name = "since",
		.kind = OPT_STRING,
		.at = &since,
		.value = "TIME",
		.help = "only what was written then or later" },
	{ .name = "until",
		.kind = OPT_STRING,
		.at = &until,
		.value = "TIME",
		.help = "only what was written then or earlier" },
	{ .name = "err", .kind = OPT_FLAG, .at = &only_err, .help = "only standard error" },
	{ .name = "out", .kind = OPT_FLAG, .at = &only_out, .help = "only standard output" },
	{ .name = "grep",
		.kind = OPT_STRING,
		.at = &grep,
		.value = "PATTERN",
		.help = "only lines in which this extended regular expression is found" },
	{ .name = "time",
		.letter = 't',
		.kind = OPT_FLAG,
		.at = &has_times,
		.help = "with the time of each line" },
	{ .name = "json", .kind = OPT_FLAG, .at = &as_json, .help = "print JSON, a line an object" },
	{ .name = "raw",
		.kind = OPT_FLAG,
		.at = &is_raw,
		.help = "print the bytes as they were written, without tags, on a terminal too" },
	{ .name = NULL },
};

struct reading {
	struct said said;
	struct json *cursor; /* what the daemon gave, laid over each other; NULL: nothing yet */
};

/* --- what is asked ----------------------------------------------------------------------------------------------------- */

static int add_time(struct json *params, const char *key, const char *text, const char *option)
{
	struct err e = ERR_INIT;
	struct when w = { .ms = 0 };
	int64_t now = clock_wall_ms();
	int code = EXIT_DONE;

	if (!text)
		return code;
	if (when_parse(text, now, out_local_time(now), &w, &e) < 0)
		code = talk_fail(EXIT_USAGE, "%s: %s", option, e.text.ptr);
	else
		json_set_int(params, key, w.is_local ? out_utc_time(w.ms) : w.ms);
	err_release(&e);
	return code;
}

static int add_lines(struct json *params)
{
	int64_t count = LINES_DEFAULT;

	if (lines && !strcmp(lines, "all"))
		return EXIT_DONE;
	if (lines && (!str_to_int(lines, &count) || count < 0))
		return talk_fail(EXIT_USAGE, "-n needs a number from 0 up, or 'all', not '%s'", lines);
	if (lines || !since)
		json_set_int(params, "lines", count);
	return EXIT_DONE;
}

static int add_query(struct json *params)
{
	int code = EXIT_DONE;

	if (only_err && only_out)
		return talk_fail(EXIT_USAGE, "--err and --out leave nothing; without them both are shown");
	if (follows && until)
		return talk_fail(EXIT_USAGE, "--until is an end, and -f has none; leave one of them out");
	if (only_err || only_out)
		json_set_string(params, "stream", only_err ? "err" : "out");
	if (grep)
		json_set_string(params, "grep", grep);
	if (follows)
		json_set_bool(params, "follow", true);
	code = add_lines(params);
	if (code == EXIT_DONE)
		code = add_time(params, "since_ms", since, "--since");
	if (code == EXIT_DONE)
		code = add_time(params, "until_ms", until, "--until");
	return code;
}

/* --- what comes ---------------------------------------------------------------------------------------------------------- */

static void keep_cursor(struct reading *r, const struct json *news)
{
	const struct json *file = NULL;
	struct json *files = NULL;

	if (!r->cursor) {
		r->cursor = json_clone(news);
		return;
	}
	/* Ours: what json_get() gives of it may be changed. */
	files = (struct json *)json_get(r->cursor, "files");
	JSON_EACH (json_get(news, "files"), file)
		json_set(files, json_key(file), json_clone(file));
}

static void add_json(struct buf *out, const struct json *line)
{
	struct json *object = json_clone(line);

	if (json_get(object, "bytes"))
		json_set_bool(object, "replaced", true);
	json_write(out, object);
	buf_addc(out, '\n');
	json_free(object);
}

static void on_note(void *context, const char *method, const struct json *params)
{
	struct reading *r = context;
	const struct json *line = NULL;
	struct buf out = BUF_INIT;
	struct buf room = BUF_INIT;
	struct logline l;

	if (strcmp(method, "log") != 0)
		return;
	JSON_EACH (json_get(params, "lines"), line) {
		if (as_json)
			add_json(&out, line);
		else if (logline_from_json(&l, line, &room))
			said_line(&r->said, &l, &out);
	}
	keep_cursor(r, json_get(params, "cursor"));
	out_write(&out);
	(void)out_flush(EXIT_DONE);
	buf_release(&out);
	buf_release(&room);
}

/* Until all is told, or the daemon closes the connection: EXIT_NO_DAEMON, not yet said. */
static int tell(struct reading *r, struct client *client, const struct json *params)
{
	struct talk t = { .method = "logs", .is_long = true, .e = ERR_INIT };
	int code = EXIT_DONE;

	t.params = json_clone(params);
	if (r->cursor)
		json_set(t.params, "cursor", json_clone(r->cursor));
	client_on_note(client, on_note, r);
	code = talk_try_call(client, &t);
	if (code != EXIT_DONE && code != EXIT_NO_DAEMON)
		talk_tell(&t, code);
	talk_release(&t);
	return code;
}

/* What was logged can be read without a daemon too, by those who know where it is. */
static int fail_without_daemon(int code, const struct err *e)
{
	struct dirs dirs = { .run = NULL };

	if (code == EXIT_NO_DAEMON && dirs_find(&dirs, NULL) == 0)
		talk_fail(code, "%s; the logs are in '%s'", e->text.ptr, dirs.log);
	else
		talk_fail(code, "%s", e->text.ptr);
	dirs_release(&dirs);
	return code;
}

static int tell_all(struct reading *r, const struct json *params)
{
	struct client *client = NULL;
	struct err e = ERR_INIT;
	int code = talk_await(&client, &e);

	while (code == EXIT_DONE) {
		code = tell(r, client, params);
		if (code != EXIT_NO_DAEMON)
			break;
		code = talk_reconnect(&client, &e);
	}
	if (e.text.len && code != EXIT_DONE)
		fail_without_daemon(code, &e);
	client_free(client);
	err_release(&e);
	return code;
}

int cmd_logs(const struct opt_rest *rest)
{
	struct json *params = talk_targets(rest, 0);
	struct reading r = { .said = SAID_INIT };
	struct buf end = BUF_INIT;
	int code = add_query(params);

	r.said.to_local = out_local_time;
	r.said.colour = out_has_colour() && !is_raw;
	r.said.is_safe = out_is_terminal() && !is_raw;
	r.said.is_bare = is_raw;
	r.said.has_times = has_times && !is_raw;
	out_expect_close();
	if (code == EXIT_DONE)
		code = tell_all(&r, params);
	said_end(&r.said, &end);
	out_write(&end);
	buf_release(&end);
	said_release(&r.said);
	json_free(r.cursor);
	json_free(params);
	return out_flush(out_finish(code));
}
