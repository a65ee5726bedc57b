#include "watch.h"

#include <poll.h>
#include <unistd.h>

#include "cmd.h"
#include "control/client.h"
#include "daemon_call.h"
#include "daemon_connect.h"
#include "model/snapshot.h"
#include "os/clock.h"
#include "screen.h"
#include "view/scroll.h"

enum {
	CALM_MS = 100,     /* events of so long are drawn at once */
	REFRESH_MS = 1000, /* processor and memory change without an event */
};

struct status_watch {
	const struct opt_rest *rest;
	watch_render render;
	struct snapshot last; /* what was answered */
	struct list_text shown;
	struct scroll scroll;
	struct scroll_keys keys;
	bool has_news;
	bool is_over; /* `q` was pressed, or there is no terminal any more */
};

static int draw_screen(struct status_watch *w)
{
	struct buf screen = BUF_INIT;

	w->scroll.width = out_width();
	w->scroll.height = out_height();
	w->scroll.colour = out_has_colour();
	scroll_draw(&w->scroll, w->shown.table.ptr, w->shown.verdict.ptr, &screen);
	out_write(&screen);
	buf_release(&screen);
	return out_finish(EXIT_DONE);
}

/* The last answer, for the terminal as it is now. */
static int render_screen(struct status_watch *w)
{
	list_release(&w->shown);
	w->shown = (struct list_text){ .table = BUF_INIT, .verdict = BUF_INIT };
	w->render(&w->last, w->rest, &w->shown);
	return draw_screen(w);
}

static int refresh(struct status_watch *w, struct client *client)
{
	struct daemon_call t = { .method = "status", .e = ERR_INIT };
	int code = EXIT_DONE;

	t.params = daemon_call_targets(w->rest, 0);
	daemon_call_newer(&t, "version", SNAPSHOT_VERSION_MAX);
	code = daemon_call_try_call(client, &t);
	snapshot_release(&w->last);
	if (code == EXIT_DONE)
		code = daemon_call_snapshot(&t, &w->last);
	if (code == EXIT_DONE) {
		code = render_screen(w);
	} else if (code != EXIT_NO_DAEMON) {
		screen_end();
		daemon_call_tell(&t, code);
	}
	daemon_call_release(&t);
	return code;
}

static void note_event(void *context, const char *method, const struct json *params)
{
	struct status_watch *w = context;

	(void)method;
	(void)params;
	w->has_news = true;
}

/* What was typed: moves the list, or ends it. */
static int take_keys(struct status_watch *w)
{
	char bytes[64];
	ssize_t count = read(screen_keys_fd(), bytes, sizeof(bytes));

	w->is_over = count <= 0;
	for (ssize_t i = 0; i < count; i++) {
		enum scroll_key key = scroll_key(&w->keys, bytes[i]);

		if (key == SCROLL_QUIT)
			w->is_over = true;
		scroll_move(&w->scroll, key, w->shown.table.ptr, w->shown.verdict.ptr);
	}
	return w->is_over ? EXIT_DONE : draw_screen(w);
}

/* What the daemon has sent so far. */
static int take_news(struct client *client)
{
	struct err e = ERR_INIT;
	int code = client_wait(client, 0, &e);

	if (code == CLIENT_TIMED_OUT) {
		code = EXIT_DONE;
	} else if (code != EXIT_NO_DAEMON) {
		screen_end();
		daemon_call_fail(code, "%s", e.text.ptr);
	}
	err_release(&e);
	return code;
}

/* One wait: for the daemon, for a key, or for a signal. */
static int await_any(struct status_watch *w, struct client *client, int64_t ms)
{
	struct pollfd fds[] = {
		{ .fd = client_fd(client), .events = POLLIN },
		{ .fd = screen_keys_fd(), .events = POLLIN },
	};
	int code = EXIT_DONE;

	(void)poll(fds, sizeof(fds) / sizeof(fds[0]), (int)ms);
	if (screen_has_changed())
		code = render_screen(w);
	if (code == EXIT_DONE && fds[1].revents)
		code = take_keys(w);
	return code;
}

/* Until something has happened, or the figures are old; keys are answered meanwhile. */
static int await_change(struct status_watch *w, struct client *client)
{
	int64_t now = clock_ms();
	int64_t until = now + REFRESH_MS;
	int64_t calm = 0;
	int code = EXIT_DONE;

	for (; code == EXIT_DONE && !w->is_over; now = clock_ms()) {
		code = take_news(client);
		if (w->has_news && !calm) {
			calm = now + CALM_MS;
			until = calm < until ? calm : until;
		}
		if (code != EXIT_DONE || now >= until)
			break;
		code = await_any(w, client, until - now);
	}
	w->has_news = false;
	return code;
}

/* Until the daemon closes the connection, which is EXIT_NO_DAEMON and not yet said, or something fails. */
static int watch_by(struct status_watch *w, struct client *client)
{
	struct daemon_call t = { .method = "subscribe", .e = ERR_INIT };
	int code = EXIT_DONE;

	client_on_note(client, note_event, w);
	code = daemon_call_try_call(client, &t);
	if (code != EXIT_DONE && code != EXIT_NO_DAEMON) {
		screen_end();
		daemon_call_tell(&t, code);
	}
	while (code == EXIT_DONE && !w->is_over) {
		code = refresh(w, client);
		if (code == EXIT_DONE)
			code = await_change(w, client);
	}
	daemon_call_release(&t);
	return code;
}

int watch_status(const struct opt_rest *rest, watch_render how)
{
	struct status_watch w = { .rest = rest,
		.render = how,
		.last = SNAPSHOT_INIT,
		.shown = { .table = BUF_INIT, .verdict = BUF_INIT } };
	struct client *client = NULL;
	struct err e = ERR_INIT;
	int code = daemon_connect(&client);

	if (code == EXIT_DONE)
		screen_begin();
	while (code == EXIT_DONE && !w.is_over) {
		code = watch_by(&w, client);
		if (code != EXIT_NO_DAEMON)
			break;
		code = daemon_reconnect(&client, &e);
		if (code != EXIT_DONE) {
			screen_end();
			daemon_call_fail(code, "%s", e.text.ptr);
		}
	}
	screen_end();
	client_free(client);
	snapshot_release(&w.last);
	list_release(&w.shown);
	err_release(&e);
	return code;
}
