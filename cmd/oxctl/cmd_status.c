/*
 * oxctl status: every instance, once or as long as somebody watches.
 */
#include <poll.h>
#include <string.h>

#include "base/json.h"
#include "cmd.h"
#include "control/client.h"
#include "scope.h"
#include "talk.h"
#include "view/list.h"

enum {
	CALM_MS = 100,     /* events of so long are drawn at once */
	REFRESH_MS = 1000, /* processor and memory change without an event */
};

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
		.help = "draw it again whenever something happens" },
	{ .name = "json", .kind = OPT_FLAG, .at = &as_json, .help = "print JSON" },
	{ .name = NULL },
};

/* Named apps show all of their instances. */
static int render(const struct json *status, const struct opt_rest *rest, struct list_text *out)
{
	bool is_whole = is_unfolded || (rest->count && !scope_names_all(rest));
	const struct list_options how = {
		.width = out_width(), .height = is_whole ? 0 : out_height(), .colour = out_has_colour()
	};
	struct err e = ERR_INIT;
	int code = EXIT_DONE;

	if (list_render(status, &how, out, &e) < 0)
		code = talk_fail(EXIT_FAILED, "%s", e.text.ptr);
	err_release(&e);
	return code;
}

static int print_once(const struct opt_rest *rest)
{
	struct talk t = { .method = "status", .is_question = true, .e = ERR_INIT };
	struct list_text shown = { .table = BUF_INIT, .verdict = BUF_INIT };
	struct buf out = BUF_INIT;
	int code = EXIT_DONE;

	t.params = talk_targets(rest, 0);
	t.text = as_json ? &out : NULL;
	code = talk_ask(&t);
	if (code == EXIT_DONE && as_json) {
		out_json_text(&out);
	} else if (code == EXIT_DONE) {
		code = render(t.result, rest, &shown);
		out_write(&shown.table);
		out_write(&shown.verdict);
	}
	list_release(&shown);
	buf_release(&out);
	talk_release(&t);
	return code;
}

/* --- watching --- */

static const char *line_after(const char *line)
{
	const char *end = strchr(line, '\n');

	return end ? end + 1 : line + strlen(line);
}

static size_t count_lines(const char *text)
{
	size_t count = 0;

	for (; *text; text = line_after(text))
		count++;
	return count;
}

/* Each line clears what stood behind it, so that nothing flickers. */
static void add_line(struct buf *screen, const char *line)
{
	buf_add(screen, line, strcspn(line, "\n"));
	buf_adds(screen, "\033[K\n");
}

/* From the corner on.  What does not fit would scroll: then the middle is left out, and the verdict stays. */
static void draw(const char *text)
{
	struct buf screen = BUF_INIT;
	size_t height = out_height();
	size_t lines = count_lines(text);
	size_t shown = height > 4 && lines >= height ? height - 3 : lines;
	size_t i = 0;

	buf_adds(&screen, "\033[H");
	for (const char *line = text; *line; line = line_after(line), i++) {
		if (i < shown || i + 1 == lines)
			add_line(&screen, line);
		else if (i == shown)
			buf_addf(&screen, "… and %zu more\033[K\n", lines - shown - 1);
	}
	buf_adds(&screen, "\033[J");
	out_write(&screen);
	buf_release(&screen);
}

static int refresh(struct client *client, const struct opt_rest *rest)
{
	struct talk t = { .method = "status", .e = ERR_INIT };
	struct list_text out = { .table = BUF_INIT, .verdict = BUF_INIT };
	int code = EXIT_DONE;

	t.params = talk_targets(rest, 0);
	code = talk_try_call(client, &t);
	if (code != EXIT_DONE && code != EXIT_NO_DAEMON)
		talk_tell(&t, code);
	if (code == EXIT_DONE)
		code = render(t.result, rest, &out);
	if (code == EXIT_DONE) {
		buf_add(&out.table, out.verdict.ptr, out.verdict.len);
		draw(out.table.ptr);
	}
	list_release(&out);
	talk_release(&t);
	return out_finish(code);
}

static void note_event(void *context, const char *method, const struct json *params)
{
	(void)method;
	(void)params;
	*(bool *)context = true;
}

/* Until something has happened, or the figures are old. */
static int await_news(struct client *client, bool *has_news)
{
	struct err e = ERR_INIT;
	int code = client_wait(client, CALM_MS, &e);

	if (code == CLIENT_TIMED_OUT && !*has_news) {
		struct pollfd p = { .fd = client_fd(client), .events = POLLIN };

		(void)poll(&p, 1, REFRESH_MS - CALM_MS);
		code = client_wait(client, 0, &e);
	}
	*has_news = false;
	if (code == CLIENT_TIMED_OUT)
		code = EXIT_DONE;
	else if (code != EXIT_NO_DAEMON)
		talk_fail(code, "%s", e.text.ptr);
	err_release(&e);
	return code;
}

/* Until the daemon closes the connection, which is EXIT_NO_DAEMON and not yet said, or something fails. */
static int watch_by(struct client *client, const struct opt_rest *rest)
{
	struct talk t = { .method = "subscribe", .e = ERR_INIT };
	bool has_news = false;
	int code = EXIT_DONE;

	client_on_note(client, note_event, &has_news);
	code = talk_try_call(client, &t);
	if (code != EXIT_DONE && code != EXIT_NO_DAEMON)
		talk_tell(&t, code);
	while (code == EXIT_DONE) {
		code = refresh(client, rest);
		if (code == EXIT_DONE)
			code = await_news(client, &has_news);
	}
	talk_release(&t);
	return code;
}

static int watch(const struct opt_rest *rest)
{
	struct buf clear = BUF_INIT;
	struct client *client = NULL;
	struct err e = ERR_INIT;
	int code = talk_connect(&client);

	buf_adds(&clear, "\033[2J");
	if (code == EXIT_DONE)
		out_write(&clear);
	while (code == EXIT_DONE) {
		code = watch_by(client, rest);
		if (code != EXIT_NO_DAEMON)
			break;
		code = talk_reconnect(&client, &e);
		if (code != EXIT_DONE)
			talk_fail(code, "%s", e.text.ptr);
	}
	buf_release(&clear);
	client_free(client);
	err_release(&e);
	return code;
}

int cmd_status(const struct opt_rest *rest)
{
	if (watches && as_json)
		return talk_fail(
			EXIT_USAGE, "--watch draws on a terminal; for JSON take 'oxctl events -f --json'");
	if (watches && !out_is_terminal())
		return talk_fail(EXIT_USAGE,
			"--watch needs a terminal; elsewhere take 'oxctl status' or 'oxctl events -f'");
	if (scope_check_all("status", all, rest) != EXIT_DONE)
		return EXIT_USAGE;
	return out_finish(watches ? watch(rest) : print_once(rest));
}
