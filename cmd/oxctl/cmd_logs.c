/*
 * oxctl logs: what instances have said, and what they say.
 */
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "cmd.h"
#include "control/client.h"
#include "daemon_call.h"
#include "daemon_connect.h"
#include "log_search.h"
#include "model/logline.h"
#include "options.h"
#include "os/clock.h"
#include "os/dirs.h"
#include "request.h"
#include "rules/pattern.h"
#include "rules/time_parse.h"
#include "view/log_line.h"

enum {
	LINES_ALL = -1,
	LINES_DEFAULT = 100,
	FIRST_LINES = 2000, /* looked through by a search, and so many times more in each further round */
	MORE_LINES = 8,
	MOST_LINES = 1000 * 1000 * 1000, /* more than that are all */
};

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

static bool all;

const struct opt logs_options[] = {
	SCOPE_ALL_ROW(&all),
	{ .name = "follow",
		.letter = 'f',
		.kind = OPT_FLAG,
		.at = &follows,
		.help = "also print new lines as they are written" },
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
	OPTION_JSON(&as_json, "print JSON, a line an object"),
	{ .name = "raw",
		.kind = OPT_FLAG,
		.at = &is_raw,
		.help = "print the bytes as they were written, without tags, on a terminal too" },
	{ .name = NULL },
};

struct log_reading {
	struct log_line_style said;
	struct log_search *search; /* or NULL */
	bool holds;                /* what matches is not printed yet */
	struct json *cursor;       /* what the daemon gave, laid over each other; NULL: nothing yet */
};

/* --- what is asked ----------------------------------------------------------------------------------------------------- */

static int add_time_param(struct json *params, const char *key, const char *text, const char *option)
{
	struct err e = ERR_INIT;
	struct time_point w = { .ms = 0 };
	int64_t now = clock_wall_ms();
	int code = EXIT_DONE;

	if (!text)
		return code;
	if (time_parse(text, now, out_local_time(now), &w, &e) < 0)
		code = daemon_call_fail(EXIT_USAGE, "%s: %s", option, e.text.ptr);
	else
		json_set_int(params, key, w.is_local ? out_utc_time(w.ms) : w.ms);
	err_release(&e);
	return code;
}

/* How many of the newest; LINES_ALL. */
static int read_lines(int64_t *count)
{
	bool is_number = lines && *lines && !lines[strspn(lines, "0123456789")];

	*count = lines || since ? LINES_ALL : LINES_DEFAULT;
	if (!lines || !strcmp(lines, "all"))
		return EXIT_DONE;
	if (!is_number)
		return daemon_call_fail(
			EXIT_USAGE, "-n needs a number, 0 or more, or 'all', not '%s'", lines);
	/* One that does not fit is all as well. */
	if (!str_to_int(lines, count) || *count > MOST_LINES)
		*count = LINES_ALL;
	return EXIT_DONE;
}

static int add_query(struct json *params)
{
	int code = EXIT_DONE;

	if (only_err && only_out)
		return daemon_call_fail(
			EXIT_USAGE, "--err and --out leave nothing; without them both are shown");
	if (follows && until)
		return daemon_call_fail(
			EXIT_USAGE, "--until is an end, and -f has none; leave one of them out");
	if (only_err || only_out)
		json_set_string(params, "stream", only_err ? "err" : "out");
	/* The daemon looks for a text; a pattern is for us. */
	if (grep && pattern_is_plain(grep))
		json_set_string(params, "grep", grep);
	code = add_time_param(params, "since_ms", since, "--since");
	if (code == EXIT_DONE)
		code = add_time_param(params, "until_ms", until, "--until");
	return code;
}

/* --- what comes ---------------------------------------------------------------------------------------------------------- */

static void keep_cursor(struct log_reading *r, const struct json *news)
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

static void print_log_line(void *context, const struct json *line)
{
	struct log_reading *r = context;
	struct buf out = BUF_INIT;
	struct buf room = BUF_INIT;
	struct logline l;

	if (as_json)
		add_json(&out, line);
	else if (logline_from_json(&l, line, &room))
		log_line_print(&r->said, &l, &out);
	out_write(&out);
	buf_release(&out);
	buf_release(&room);
}

static bool is_searched(struct log_search *search, const struct json *line)
{
	struct buf room = BUF_INIT;
	struct logline l;
	bool is_it = logline_from_json(&l, line, &room) && log_search_matches(search, &l);

	buf_release(&room);
	return is_it;
}

static void on_log_note(void *context, const char *method, const struct json *params)
{
	struct log_reading *r = context;
	const struct json *line = NULL;

	if (strcmp(method, "log") != 0)
		return;
	JSON_EACH (json_get(params, "lines"), line) {
		if (r->search && !is_searched(r->search, line))
			continue;
		if (r->holds)
			log_search_hold(r->search, line);
		else
			print_log_line(r, line);
	}
	keep_cursor(r, json_get(params, "cursor"));
	(void)out_flush(EXIT_DONE);
}

/* Until the last line, or until the daemon closes the connection: EXIT_NO_DAEMON, without a message. */
static int print_logs(struct log_reading *r, struct client *client, const struct json *params)
{
	struct daemon_call t = { .method = "logs", .is_long = true, .e = ERR_INIT };
	int code = EXIT_DONE;

	t.params = json_clone(params);
	if (r->cursor)
		json_set(t.params, "cursor", json_clone(r->cursor));
	client_on_note(client, on_log_note, r);
	code = daemon_call_try_call(client, &t);
	if (code != EXIT_DONE && code != EXIT_NO_DAEMON)
		daemon_call_tell(&t, code);
	daemon_call_release(&t);
	return code;
}

/* What was logged can be read without a daemon too, by those who know where it is. */
static int fail_without_daemon(int code, const struct err *e)
{
	struct dirs dirs = { .run = NULL };

	if (code == EXIT_NO_DAEMON && dirs_find(&dirs, NULL) == 0)
		daemon_call_fail(code, "%s; the logs are in '%s'", e->text.ptr, dirs.log);
	else
		daemon_call_fail(code, "%s", e->text.ptr);
	dirs_release(&dirs);
	return code;
}

static int print_all_logs(struct log_reading *r, const struct json *params)
{
	struct client *client = NULL;
	struct err e = ERR_INIT;
	int code = daemon_await(&client, &e);

	while (code == EXIT_DONE) {
		code = print_logs(r, client, params);
		if (code != EXIT_NO_DAEMON)
			break;
		code = daemon_reconnect(&client, &e);
	}
	if (e.text.len && code != EXIT_DONE)
		fail_without_daemon(code, &e);
	client_free(client);
	err_release(&e);
	return code;
}

/* --- a search ---------------------------------------------------------------------------------------------------------- */

/* The newest `count` matches, among ever more of the newest lines until they are enough or all. */
static int search_newest(struct log_reading *r, const struct json *params, int64_t count)
{
	struct json *round = json_clone(params);
	int64_t asked = FIRST_LINES;
	int code = EXIT_DONE;

	r->holds = true;
	while (count > 0) {
		log_search_begin(r->search);
		json_free(r->cursor);
		r->cursor = NULL;
		json_set_int(round, "lines", asked);
		code = print_all_logs(r, round);
		if (code != EXIT_DONE || r->search->found >= count || r->search->seen < asked)
			break;
		asked *= MORE_LINES;
	}
	r->holds = false;
	if (code == EXIT_DONE)
		code = log_search_give(r->search, count, print_log_line, r);
	log_search_begin(r->search);
	json_free(round);
	return code;
}

/* Without an earlier answer there is no cursor: then every line there is now is a new one. */
static int follow_search(struct log_reading *r, struct json *params, int64_t count)
{
	if (count == 0)
		json_set_int(params, "lines", 0);
	json_set_bool(params, "follow", true);
	return print_all_logs(r, params);
}

static int show(struct log_reading *r, struct json *params, int64_t count)
{
	int code = EXIT_DONE;

	if (r->search && count != LINES_ALL) {
		code = search_newest(r, params, count);
		return code == EXIT_DONE && follows ? follow_search(r, params, count) : code;
	}
	if (count != LINES_ALL)
		json_set_int(params, "lines", count);
	if (follows)
		json_set_bool(params, "follow", true);
	return print_all_logs(r, params);
}

int cmd_logs(const struct opt_rest *rest)
{
	struct json *params = daemon_call_targets(rest, 0);
	struct log_search search = LOG_SEARCH_INIT;
	struct log_reading r = { .said = LOG_LINE_STYLE_INIT };
	struct buf end = BUF_INIT;
	int64_t count = LINES_ALL;
	int code = add_query(params);

	if (code == EXIT_DONE)
		code = read_lines(&count);
	if (code == EXIT_DONE)
		code = targets_check_all("logs", all, rest);
	if (code == EXIT_DONE && grep && !pattern_is_plain(grep))
		code = log_search_compile(r.search = &search, grep);
	r.said.to_local = out_local_time;
	r.said.colour = out_has_colour() && !is_raw;
	r.said.is_safe = out_is_terminal() && !is_raw;
	r.said.is_bare = is_raw;
	r.said.has_times = has_times && !is_raw;
	out_expect_close();
	if (code == EXIT_DONE)
		code = show(&r, params, count);
	log_line_end(&r.said, &end);
	out_write(&end);
	buf_release(&end);
	log_line_release(&r.said);
	log_search_release(&search);
	json_free(r.cursor);
	json_free(params);
	return out_flush(out_finish(code));
}
