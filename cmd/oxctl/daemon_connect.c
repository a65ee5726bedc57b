#include "daemon_connect.h"

#include <errno.h>
#include <poll.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/path.h"
#include "cmd.h"
#include "control/client.h"
#include "daemon_paths.h"
#include "launch.h"
#include "os/clock.h"
#include "os/dirs.h"

enum {
	CONNECT_MS = 10000,
	SILENCE_MS = 2000,   /* without a word: the keeper is made to look whether its brain answers */
	NUDGE_MS = 300,      /* without a socket: whether that is there */
	INFO_MS = 30000,     /* to a question that takes no time */
	LAUNCHES = 2,        /* tries to start one */
	LOST_RACE_MS = 1000, /* another oxctl started the daemon, or its brain is on its way back */
	NAP_MS = 10,
	BACK_MS = 10000, /* for a daemon that lives to answer again */
	NEXT_MS = 2000,  /* for another daemon where the one that we talked to is gone */
};

void daemon_nap(void)
{
	(void)poll(NULL, 0, NAP_MS);
}

static void on_silence(void *context)
{
	(void)context;
	daemon_paths_nudge();
}

/* The client that is there is used again. */
static int connect_once(struct client **client, const char *path, int64_t timeout_ms, struct err *e)
{
	int code = EXIT_DONE;

	if (*client)
		return client_reconnect(*client, timeout_ms, e);
	*client = client_connect(path, timeout_ms, &code, e);
	if (*client)
		client_on_silence(*client, SILENCE_MS, on_silence, NULL);
	return code;
}

static int connect_at(struct client **client, const char *path, struct err *e)
{
	int code = connect_once(client, path, SILENCE_MS, e);
	bool was_refused = false;

	/* So many wait for a brain that takes nobody that there is no room for one more. */
	if (code == EXIT_TIMED_OUT) {
		daemon_paths_nudge();
		code = connect_once(client, path, CONNECT_MS, e);
	}
	/* One that ends takes its socket with it. */
	was_refused = e->number == ECONNREFUSED;
	if (code == EXIT_NO_DAEMON)
		err_set(e, "no daemon is running; start one with 'oxctl start'");
	e->number = was_refused ? ECONNREFUSED : e->number;
	return code;
}

static int try_connect(struct client **client, struct err *e)
{
	struct dirs dirs = { .run = NULL };
	char *path = NULL;
	int code = EXIT_FAILED;

	if (dirs_find(&dirs, e) == 0) {
		path = path_join(dirs.run, "oxherd.sock");
		code = connect_at(client, path, e);
	}
	mem_free(path);
	dirs_release(&dirs);
	return code;
}

int daemon_try_connect(struct client **client, struct err *e)
{
	*client = NULL;
	return try_connect(client, e);
}

/* What is to be said where nobody answers: how long it was waited for, and for whom. */
static bool has_answer(
	const struct daemon_paths *w, int64_t waited_ms, int64_t patience_ms, int *code, struct err *e)
{
	if (w->elsewhere) {
		err_set(e,
			"the daemon has its run folder at '%s', and is looked for at another place; set XDG_RUNTIME_DIR or OXHERD_HOME as it was when it was started",
			w->elsewhere);
		*code = EXIT_FAILED;
		return true;
	}
	if (w->pid && waited_ms >= BACK_MS) {
		err_set(e, "the daemon (pid %lld) does not answer; its log says why", (long long)w->pid);
		*code = EXIT_TIMED_OUT;
		return true;
	}
	return !w->pid && waited_ms >= patience_ms;
}

/*
 * Where nobody answers and the keeper lives, its brain is being restarted, or its socket is gone: then the keeper gets a signal.  Without a keeper a
 * connection is tried for `patience_ms`.
 */
static int await_daemon(struct client **client, int64_t patience_ms, bool *was_left, struct err *e)
{
	int64_t begun = clock_ms();
	int64_t nudge_at = begun + NUDGE_MS;
	int code = try_connect(client, e);

	*was_left = false;
	while (code == EXIT_NO_DAEMON) {
		struct daemon_paths w;
		bool over = false;

		daemon_paths_find(&w);
		over = has_answer(&w, clock_ms() - begun, patience_ms, &code, e);
		*was_left = w.was_left || (!w.pid && e->number == ECONNREFUSED);
		daemon_paths_release(&w);
		if (over)
			break;
		if (clock_ms() >= nudge_at) {
			daemon_paths_nudge();
			nudge_at += SILENCE_MS;
		}
		daemon_nap();
		code = try_connect(client, e);
	}
	return code;
}

int daemon_reconnect(struct client **client, struct err *e)
{
	bool was_left = false;

	client_free(*client);
	*client = NULL;
	/* One that hangs up each time is not asked as fast as it can. */
	daemon_nap();
	return await_daemon(client, NEXT_MS, &was_left, e);
}

int daemon_await(struct client **client, struct err *e)
{
	bool was_left = false;

	*client = NULL;
	return await_daemon(client, 0, &was_left, e);
}

static int connect_within(struct client **client, int64_t timeout_ms, struct err *e)
{
	int64_t deadline = clock_ms() + timeout_ms;
	int code = try_connect(client, e);

	while (code == EXIT_NO_DAEMON && clock_ms() < deadline) {
		daemon_nap();
		code = try_connect(client, e);
	}
	return code;
}

/* After an end that nobody asked for: what has become of the processes that ran then.  An earlier daemon does not say. */
static void tell_restart(struct client *client)
{
	static const char begun[] = "the daemon had died and was started again";
	struct client_call call = { .method = "daemon.info", .timeout_ms = INFO_MS };
	struct err e = ERR_INIT;
	int64_t adopted = 0;
	int64_t lost = 0;
	bool is_known = client_call(client, &call, &e) == EXIT_DONE &&
		json_int(json_get(call.result, "adopted"), &adopted) &&
		json_int(json_get(call.result, "lost"), &lost);

	if (is_known && adopted && !lost)
		daemon_call_fail(EXIT_DONE, "%s; its apps kept running", begun);
	else if (is_known && adopted)
		daemon_call_fail(EXIT_DONE, "%s; %lld of %lld instances kept running", begun,
			(long long)adopted, (long long)adopted + (long long)lost);
	else if (is_known && lost)
		daemon_call_fail(EXIT_DONE,
			"%s; no instance was running any more, and those that should are started", begun);
	else
		daemon_call_fail(EXIT_DONE, "%s", begun);
	json_free(call.result);
	json_free(call.data);
	err_release(&e);
}

/* There was none: one is started, and its words are in `e` where it does not begin to serve. */
static int launch(struct client **client, bool was_left, struct err *e)
{
	struct err lost = ERR_INIT;
	bool is_launched = false;
	int code = EXIT_NO_DAEMON;

	/* Where another one was about to begin, or had not quite ended, there may be none a moment later. */
	for (int k = 0; k < LAUNCHES && code == EXIT_NO_DAEMON && (k == 0 || lost.number == EAGAIN); k++) {
		is_launched = launch_daemon(&lost) == 0;
		code = connect_within(client, is_launched ? CONNECT_MS : LOST_RACE_MS, e);
	}
	if (was_left && is_launched && code == EXIT_DONE)
		tell_restart(*client);
	if (code == EXIT_NO_DAEMON && is_launched)
		err_set(e, "the daemon was started, and does not answer");
	else if (code == EXIT_NO_DAEMON)
		err_set(e, "%s", lost.text.ptr);
	err_release(&lost);
	return code == EXIT_NO_DAEMON ? EXIT_FAILED : code;
}

/* One that did not end well is started again: what it ran may live, and wants to be kept. */
int daemon_connect_or_launch(struct client **client, bool may_launch, struct err *e)
{
	bool was_left = false;
	int code = await_daemon(client, 0, &was_left, e);

	if (code == EXIT_NO_DAEMON && (may_launch || was_left))
		code = launch(client, was_left, e);
	return code;
}

static int connect_aloud(struct client **client, bool may_launch)
{
	struct err e = ERR_INIT;
	int code = EXIT_DONE;

	*client = NULL;
	code = daemon_connect_or_launch(client, may_launch, &e);
	if (code != EXIT_DONE)
		daemon_call_fail(code, "%s", e.text.ptr);
	err_release(&e);
	return code;
}

int daemon_connect(struct client **client)
{
	return connect_aloud(client, false);
}

int daemon_launch(struct client **client)
{
	return connect_aloud(client, true);
}
