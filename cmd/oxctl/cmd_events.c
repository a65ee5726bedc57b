/*
 * oxctl events: what happened, and what happens.
 */
#include <poll.h>

#include "base/json.h"
#include "cmd.h"
#include "control/client.h"
#include "daemon_call.h"
#include "daemon_connect.h"
#include "model/event_record.h"
#include "options.h"
#include "os/clock.h"
#include "request.h"
#include "view/timeline.h"

static int64_t limit;
static bool follows;
static bool as_json;

static bool all;

const struct opt events_options[] = {
	SCOPE_ALL_ROW(&all),
	{ .name = "follow",
		.letter = 'f',
		.kind = OPT_FLAG,
		.at = &follows,
		.help = "also print new events as they happen" },
	{ .name = "lines",
		.letter = 'n',
		.kind = OPT_INT,
		.at = &limit,
		.value = "N",
		.help = "only the newest N; all that are remembered if left out" },
	OPTION_JSON(&as_json, "print JSON; with --follow an event a line"),
	{ .name = NULL },
};

/* How far the events have been printed. */
struct event_reading {
	struct client *client;
	const struct opt_rest *rest;
	struct timeline timeline;
	int64_t seq;
	bool is_begun;
	bool has_new;
};

static void add_event(struct event_reading *reading, const struct json *event, struct buf *out)
{
	struct event_record record;
	int64_t seq = 0;

	if (json_int(json_get(event, "seq"), &seq) && seq > reading->seq)
		reading->seq = seq;
	if (!as_json) {
		event_record_read(event, &record);
		timeline_event(&reading->timeline, &record, out);
		return;
	}
	json_write(out, event);
	buf_addc(out, '\n');
}

static void add_params(const struct event_reading *reading, struct json *params)
{
	if (reading->is_begun)
		json_set_int(params, "since", reading->seq);
	else if (limit)
		json_set_int(params, "limit", limit);
}

/*
 * The events since the last question. Following asks for them too: then targets mean what they mean everywhere, and
 * no event is printed twice or lost between the past and the present.
 */
static int print_new_events(struct event_reading *reading)
{
	struct daemon_call t = { .method = "events", .e = ERR_INIT };
	const struct json *event = NULL;
	struct buf out = BUF_INIT;
	int64_t seq = 0;
	int code = EXIT_DONE;

	t.params = daemon_call_targets(reading->rest, 0);
	add_params(reading, t.params);
	code = daemon_call_try_call(reading->client, &t);
	if (code != EXIT_DONE && code != EXIT_NO_DAEMON)
		daemon_call_tell(&t, code);
	if (code == EXIT_DONE && as_json && !follows)
		out_json(t.result);
	else
		JSON_EACH (json_get(t.result, "events"), event)
			add_event(reading, event, &out);
	if (json_int(json_get(t.result, "seq"), &seq) && seq > reading->seq)
		reading->seq = seq;
	reading->is_begun |= code == EXIT_DONE;
	out_write(&out);
	buf_release(&out);
	daemon_call_release(&t);
	return out_flush(code);
}

static void note_new(void *context, const char *method, const struct json *params)
{
	(void)method;
	(void)params;
	((struct event_reading *)context)->has_new = true;
}

static int await_event(struct event_reading *reading)
{
	struct pollfd p = { .fd = client_fd(reading->client), .events = POLLIN };
	struct err e = ERR_INIT;
	/* What came along with an answer is here already, and does not make the socket readable. */
	int code = client_wait(reading->client, 0, &e);

	while (code == CLIENT_TIMED_OUT && !reading->has_new) {
		(void)poll(&p, 1, -1);
		code = client_wait(reading->client, 0, &e);
	}
	reading->has_new = false;
	if (code == CLIENT_TIMED_OUT)
		code = EXIT_DONE;
	else if (code != EXIT_NO_DAEMON)
		daemon_call_fail(code, "%s", e.text.ptr);
	err_release(&e);
	return code;
}

static int follow_events(struct event_reading *reading)
{
	struct daemon_call t = { .method = "subscribe", .e = ERR_INIT };
	int code = EXIT_DONE;

	client_on_note(reading->client, note_new, reading);
	code = daemon_call_try_call(reading->client, &t);
	if (code != EXIT_DONE && code != EXIT_NO_DAEMON)
		daemon_call_tell(&t, code);
	daemon_call_release(&t);
	while (code == EXIT_DONE) {
		code = print_new_events(reading);
		if (code == EXIT_DONE)
			code = await_event(reading);
	}
	return code;
}

/* Numbers of events continue from brain to brain, so the printing continues after the last one. */
static int print_events(struct event_reading *reading)
{
	struct err e = ERR_INIT;
	int code = daemon_connect(&reading->client);

	while (code == EXIT_DONE) {
		code = print_new_events(reading);
		if (code == EXIT_DONE && !follows)
			break;
		if (code == EXIT_DONE)
			code = follow_events(reading);
		if (code != EXIT_NO_DAEMON)
			break;
		code = daemon_reconnect(&reading->client, &e);
		if (code != EXIT_DONE)
			daemon_call_fail(code, "%s", e.text.ptr);
	}
	err_release(&e);
	return code;
}

int cmd_events(const struct opt_rest *rest)
{
	struct event_reading reading = { .rest = rest };
	int code = EXIT_DONE;

	if (limit < 0)
		return daemon_call_fail(EXIT_USAGE, "-n needs a number from 1 up");
	if (targets_check_all("events", all, rest) != EXIT_DONE)
		return EXIT_USAGE;
	reading.timeline = (struct timeline){ .to_local = out_local_time, .colour = out_has_colour() };
	timeline_begin(&reading.timeline, clock_wall_ms());
	out_expect_close();
	code = print_events(&reading);
	client_free(reading.client);
	return out_finish(code);
}
