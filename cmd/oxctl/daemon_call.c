#include "daemon_call.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/str.h"
#include "cmd.h"
#include "control/client.h"
#include "daemon_paths.h"
#include "interrupt.h"
#include "launch.h"
#include "model/fields.h"
#include "model/snapshot.h"
#include "os/clock.h"
#include "os/dirs.h"
#include "wire/methods.h"
#include "wire/rpc.h"

enum {
	CONNECT_MS = 10000,
	SILENCE_MS = 2000,   /* without a word: the keeper is made to look whether its brain answers */
	NUDGE_MS = 300,      /* without a socket: whether that is there */
	ANSWER_MS = 30000,   /* to a question that takes no time */
	AFTER_MS = 5000,     /* for the daemon's own answer that it timed out */
	LOST_RACE_MS = 1000, /* another oxctl started the daemon, or its brain is on its way back */
	NAP_MS = 10,
	BACK_MS = 10000, /* for a daemon that lives to answer again */
	NEXT_MS = 2000,  /* for another daemon where the one that we talked to is gone */
	TRIES_MAX = 10,  /* at one question, of which each lost the brain */
};

/* --- what is asked --- */

void daemon_call_set_strings(struct json *params, const char *key, char *const *items, int count)
{
	struct json *list = json_set(params, key, json_new_array());

	for (int i = 0; i < count; i++)
		json_push(list, json_new_string(items[i]));
}

struct json *daemon_call_targets(const struct opt_rest *rest, int from)
{
	struct json *params = json_new_object();

	if (rest->count > from)
		daemon_call_set_strings(params, "targets", rest->items + from, rest->count - from);
	return params;
}

/* "10s", "500ms"; a bare number is seconds. */
static bool read_timeout(const char *text, int64_t *ms)
{
	if (str_to_int(text, ms)) {
		*ms *= 1000;
		return *ms >= 0 && *ms / 1000 < INT32_MAX;
	}
	return duration_parse(text, ms) && *ms >= 0;
}

int daemon_call_check(const struct daemon_call *t)
{
	int64_t ms = 0;

	if (!t->timeout || read_timeout(t->timeout, &ms))
		return EXIT_DONE;
	return daemon_call_fail(
		EXIT_USAGE, "--timeout needs seconds, or a time such as 500ms or 2m, not '%s'", t->timeout);
}

static void set_deadline(struct daemon_call *t, int64_t *deadline_ms)
{
	int64_t ms = 0;

	*deadline_ms = t->is_long ? CLIENT_FOREVER : ANSWER_MS;
	if (!t->timeout || !read_timeout(t->timeout, &ms))
		return;
	t->params = t->params ? t->params : json_new_object();
	if (!json_get(t->params, "timeout_ms"))
		json_set_int(t->params, "timeout_ms", ms);
	*deadline_ms = ms + AFTER_MS;
}

/* --- connecting --- */

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

int daemon_call_try_connect(struct client **client, struct err *e)
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
		(void)poll(NULL, 0, NAP_MS);
		code = try_connect(client, e);
	}
	return code;
}

int daemon_call_reconnect(struct client **client, struct err *e)
{
	bool was_left = false;

	client_free(*client);
	*client = NULL;
	/* One that hangs up each time is not asked as fast as it can. */
	(void)poll(NULL, 0, NAP_MS);
	return await_daemon(client, NEXT_MS, &was_left, e);
}

int daemon_call_await(struct client **client, struct err *e)
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
		(void)poll(NULL, 0, NAP_MS);
		code = try_connect(client, e);
	}
	return code;
}

/* After an end that nobody asked for: what has become of the processes that ran then.  An earlier daemon does not say. */
static void tell_restart(struct client *client)
{
	static const char begun[] = "the daemon had died and was started again";
	struct client_call call = { .method = "daemon.info", .timeout_ms = ANSWER_MS };
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
			(long long)adopted, (long long)(adopted + lost));
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
	bool is_launched = launch_daemon(&lost) == 0;
	int code = EXIT_DONE;

	code = connect_within(client, is_launched ? CONNECT_MS : LOST_RACE_MS, e);
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
static int connect_or_launch(struct client **client, bool may_launch, struct err *e)
{
	bool was_left = false;
	int code = await_daemon(client, 0, &was_left, e);

	if (code == EXIT_NO_DAEMON && (may_launch || was_left))
		code = launch(client, was_left, e);
	return code;
}

int daemon_call_connect(struct client **client)
{
	struct err e = ERR_INIT;
	int code = EXIT_DONE;

	*client = NULL;
	code = connect_or_launch(client, false, &e);
	if (code != EXIT_DONE)
		daemon_call_fail(code, "%s", e.text.ptr);
	err_release(&e);
	return code;
}

int daemon_call_launch(struct client **client)
{
	struct err e = ERR_INIT;
	int code = EXIT_DONE;

	*client = NULL;
	code = connect_or_launch(client, true, &e);
	if (code != EXIT_DONE)
		daemon_call_fail(code, "%s", e.text.ptr);
	err_release(&e);
	return code;
}

/* --- asking --- */

/* It was done; what more there is to say of it is the user's to know. */
static void warn(const struct json *result)
{
	const char *warning = json_string(json_get(result, "warning"), NULL);

	if (warning)
		daemon_call_fail(
			EXIT_DONE, "done, but not saved: %s; the daemon tries again every 5 s", warning);
}

static int call_once(struct client *client, struct daemon_call *t)
{
	struct client_call call = { .method = t->method, .once = *t->once ? t->once : NULL };
	int code = EXIT_DONE;

	set_deadline(t, &call.timeout_ms);
	call.params = t->params;
	call.text = t->text;
	interrupt_begin(t->method);
	code = client_call(client, &call, &t->e);
	interrupt_end();
	t->result = call.result;
	warn(t->result);
	t->data = call.data;
	t->code = call.code;
	return code;
}

/* The brain died or was replaced meanwhile: the next one is asked, by the same client. */
static int come_back(struct client *client, struct daemon_call *t)
{
	/* One that hangs up each time is not asked as fast as it can. */
	(void)poll(NULL, 0, NAP_MS);
	return connect_or_launch(&client, false, &t->e);
}

/* A change has a key, so that it is done once however often it is asked for. */
static void choose_key(struct daemon_call *t)
{
	unsigned char random[TALK_KEY_LEN / 2];
	enum method method = method_find(t->method, NULL);

	if (*t->once || t->is_question || method == METHOD_COUNT || !method_changes(method) ||
		getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return;
	for (size_t i = 0; i < sizeof(random); i++)
		(void)snprintf(t->once + 2 * i, 3, "%02x", (unsigned int)random[i]);
}

/* An earlier build takes no notice of keys, and would do it twice. */
static bool knows_keys(struct client *client)
{
	struct client_call call = { .method = "version", .timeout_ms = ANSWER_MS };
	struct err e = ERR_INIT;
	bool does = client_call(client, &call, &e) == EXIT_DONE &&
		json_bool(json_get(call.result, "once"), false);

	json_free(call.result);
	json_free(call.data);
	err_release(&e);
	return does;
}

static int ask_again(struct client *client, struct daemon_call *t)
{
	int code = come_back(client, t);

	if (code == EXIT_DONE && *t->once && !knows_keys(client)) {
		err_set(&t->e,
			"the daemon was replaced before it answered; see 'oxctl status' for what it did");
		return EXIT_FAILED;
	}
	return code == EXIT_DONE ? call_once(client, t) : code;
}

int daemon_call_try_call(struct client *client, struct daemon_call *t)
{
	int code = EXIT_DONE;

	choose_key(t);
	code = call_once(client, t);
	for (int tries = 0; code == EXIT_NO_DAEMON && tries < TRIES_MAX; tries++) {
		if (!t->is_question && !*t->once)
			break;
		code = ask_again(client, t);
	}
	return code;
}

static void add_complaint(const struct daemon_call *t, struct diags *d, const struct json *item)
{
	struct place at = { json_get_count(item, "line"), json_get_count(item, "column") };
	const char *file = json_get_string(item, "file", NULL);
	const char *text = json_get_string(item, "text", NULL);
	struct diag *complaint = NULL;

	/* The daemon was given an absolute path; people know the file as they named it. */
	if (t->path && str_eq(file, json_get_string(t->params, "oxfile", NULL)))
		file = t->path;
	diags_about(d, file ? file : "oxfile", NULL, 0);
	if (json_bool(json_get(item, "warning"), false))
		complaint = diags_warn(d, at, "%s", text ? text : "");
	else
		complaint = diags_error(d, at, "%s", text ? text : "");
	if (json_get_string(item, "hint", NULL))
		diag_hint(complaint, "%s", json_get_string(item, "hint", NULL));
	mem_free(complaint->line);
	complaint->line = mem_strdup(json_get_string(item, "quote", NULL));
}

static bool tell_complaints(const struct daemon_call *t)
{
	struct diags complaints = DIAGS_INIT;
	const struct json *item = NULL;

	if (!json_is_array(t->data) || !json_count(t->data))
		return false;
	JSON_EACH (t->data, item)
		add_complaint(t, &complaints, item);
	daemon_call_complaints(&complaints);
	diags_release(&complaints);
	return true;
}

int daemon_call_tell(struct daemon_call *t, int code)
{
	if (code == EXIT_DONE)
		return code;
	if (t->code == RPC_CONFIG && tell_complaints(t))
		return code;
	return daemon_call_fail(code, "%s", t->e.text.ptr);
}

int daemon_call_call(struct client *client, struct daemon_call *t)
{
	return daemon_call_tell(t, daemon_call_try_call(client, t));
}

int daemon_call_ask(struct daemon_call *t)
{
	struct client *client = NULL;
	const struct json *note = NULL;
	int code = daemon_call_check(t);

	if (code == EXIT_DONE)
		code = t->may_launch ? daemon_call_launch(&client) : daemon_call_connect(&client);
	if (code == EXIT_DONE)
		code = daemon_call_try_call(client, t);
	if (code != EXIT_DONE && client)
		daemon_call_tell(t, code);
	JSON_EACH (json_get(t->result, "notes"), note)
		daemon_call_fail(EXIT_DONE, "%s", json_string(note, ""));
	client_free(client);
	return code;
}

int daemon_call_snapshot(struct daemon_call *t, struct snapshot *s)
{
	return snapshot_from_json(t->result, s, &t->e) < 0 ? EXIT_FAILED : EXIT_DONE;
}

void daemon_call_release(struct daemon_call *t)
{
	json_free(t->params);
	json_free(t->result);
	json_free(t->data);
	err_release(&t->e);
	*t = (struct daemon_call){ .e = ERR_INIT };
}
