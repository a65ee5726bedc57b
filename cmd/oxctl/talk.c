#include "talk.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/str.h"
#include "cmd.h"
#include "control/client.h"
#include "launch.h"
#include "model/fields.h"
#include "os/clock.h"
#include "os/dirs.h"
#include "os/file.h"
#include "os/procfs.h"
#include "wire/rpc.h"

enum {
	CONNECT_MS = 10000,
	ANSWER_MS = 30000,   /* to a question that takes no time */
	AFTER_MS = 5000,     /* for the answer that the time is over, when it is */
	LOST_RACE_MS = 1000, /* another oxctl started the daemon, or its brain is on its way back */
	NAP_MS = 10,
	BACK_MS = 5000, /* for a daemon that lives to answer again */
	NEXT_MS = 2000, /* for another daemon where the one that we talked to is gone */
	LOCK_TEXT_MAX = 256,
};

/* --- what is asked --- */

void talk_set_strings(struct json *params, const char *key, char *const *items, int count)
{
	struct json *list = json_set(params, key, json_new_array());

	for (int i = 0; i < count; i++)
		json_push(list, json_new_string(items[i]));
}

struct json *talk_targets(const struct opt_rest *rest, int from)
{
	struct json *params = json_new_object();

	if (rest->count > from)
		talk_set_strings(params, "targets", rest->items + from, rest->count - from);
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

int talk_check(const struct talk *t)
{
	int64_t ms = 0;

	if (!t->timeout || read_timeout(t->timeout, &ms))
		return EXIT_DONE;
	return talk_fail(
		EXIT_USAGE, "--timeout needs seconds, or a time such as 500ms or 2m, not '%s'", t->timeout);
}

static void set_deadline(struct talk *t, int64_t *deadline_ms)
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

static int connect_at(struct client **client, const char *path, struct err *e)
{
	int code = EXIT_DONE;

	bool was_killed = false;

	*client = client_connect(path, CONNECT_MS, &code, e);
	/* One that ends takes its socket with it. */
	was_killed = e->number == ECONNREFUSED;
	if (code == EXIT_NO_DAEMON)
		err_set(e, "no daemon is running; start one with 'oxctl start'");
	e->number = was_killed ? ECONNREFUSED : e->number;
	return code;
}

int talk_try_connect(struct client **client, struct err *e)
{
	struct dirs dirs = { .run = NULL };
	char *path = NULL;
	int code = EXIT_FAILED;

	*client = NULL;
	if (dirs_find(&dirs, e) == 0) {
		path = path_join(dirs.run, "oxherd.sock");
		code = connect_at(client, path, e);
	}
	mem_free(path);
	dirs_release(&dirs);
	return code;
}

/* The keeper's pid stands in its lock file, which stays there when it is gone: 0 unless that is a keeper and lives. */
static int64_t keeper_pid(void)
{
	struct dirs dirs = { .run = NULL };
	struct buf text = BUF_INIT;
	struct buf command = BUF_INIT;
	char *path = NULL;
	int64_t pid = 0;

	if (dirs_find(&dirs, NULL) == 0) {
		path = path_join(dirs.run, "oxherd.lock");
		if (file_read(path, LOCK_TEXT_MAX, &text, NULL) == 0)
			pid = strtol(text.ptr, NULL, 10);
	}
	if (pid <= 0 || !procfs_command((pid_t)pid, &command, LOCK_TEXT_MAX) ||
		!strstr(command.ptr, "oxherd"))
		pid = 0;
	buf_release(&command);
	buf_release(&text);
	mem_free(path);
	dirs_release(&dirs);
	return pid;
}

/*
 * Where nobody answers and the keeper lives, its brain is on its way back.  Without a keeper a connection is tried for `patience_ms`.
 */
static int await_daemon(struct client **client, int64_t patience_ms, struct err *e)
{
	int64_t begun = clock_ms();
	int code = talk_try_connect(client, e);

	while (code == EXIT_NO_DAEMON) {
		int64_t pid = keeper_pid();
		int64_t waited = clock_ms() - begun;

		if (!pid && waited >= patience_ms)
			break;
		if (pid && waited >= BACK_MS) {
			err_set(e, "the daemon (pid %lld) does not answer; its log says why", (long long)pid);
			return EXIT_TIMED_OUT;
		}
		(void)poll(NULL, 0, NAP_MS);
		code = talk_try_connect(client, e);
	}
	return code;
}

int talk_reconnect(struct client **client, struct err *e)
{
	client_free(*client);
	*client = NULL;
	/* One that hangs up each time is not asked as fast as it can. */
	(void)poll(NULL, 0, NAP_MS);
	return await_daemon(client, NEXT_MS, e);
}

int talk_await(struct client **client, struct err *e)
{
	return await_daemon(client, 0, e);
}

int talk_connect(struct client **client)
{
	struct err e = ERR_INIT;
	int code = await_daemon(client, 0, &e);
	bool was_killed = code == EXIT_NO_DAEMON && e.number == ECONNREFUSED;

	if (was_killed)
		code = talk_launch(client);
	else if (code != EXIT_DONE)
		talk_fail(code, "%s", e.text.ptr);
	err_release(&e);
	return code;
}

static int connect_within(struct client **client, int64_t timeout_ms, struct err *e)
{
	int64_t deadline = clock_ms() + timeout_ms;
	int code = talk_try_connect(client, e);

	while (code == EXIT_NO_DAEMON && clock_ms() < deadline) {
		(void)poll(NULL, 0, NAP_MS);
		code = talk_try_connect(client, e);
	}
	return code;
}

int talk_launch(struct client **client)
{
	struct err e = ERR_INIT;
	struct err lost = ERR_INIT;
	int code = talk_try_connect(client, &e);

	if (code == EXIT_NO_DAEMON) {
		bool was_killed = e.number == ECONNREFUSED;
		bool is_launched = launch_daemon(&lost) == 0;

		if (was_killed && is_launched)
			talk_fail(EXIT_DONE, "the daemon was gone without a word, and was started again");
		code = connect_within(client, is_launched ? CONNECT_MS : LOST_RACE_MS, &e);
		if (code == EXIT_NO_DAEMON && is_launched)
			err_set(&e, "the daemon was started, and does not answer");
		else if (code == EXIT_NO_DAEMON)
			err_set(&e, "%s", lost.text.ptr);
		if (code == EXIT_NO_DAEMON)
			code = EXIT_FAILED;
	}
	if (code != EXIT_DONE)
		talk_fail(code, "%s", e.text.ptr);
	err_release(&lost);
	err_release(&e);
	return code;
}

/* --- asking --- */

int talk_try_call(struct client *client, struct talk *t)
{
	struct client_call call = { .method = t->method };
	int code = EXIT_DONE;

	set_deadline(t, &call.timeout_ms);
	call.params = t->params;
	call.text = t->text;
	code = client_call(client, &call, &t->e);
	t->result = call.result;
	t->data = call.data;
	t->code = call.code;
	return code;
}

static const char *text_of(const struct json *object, const char *key)
{
	return json_string(json_get(object, key), NULL);
}

static int number_of(const struct json *object, const char *key)
{
	int64_t value = 0;

	return json_int(json_get(object, key), &value) && value > 0 && value < INT32_MAX ? (int)value : 0;
}

static void add_complaint(const struct talk *t, struct diags *d, const struct json *item)
{
	struct place at = { number_of(item, "line"), number_of(item, "column") };
	const char *file = text_of(item, "file");
	const char *text = text_of(item, "text");
	struct diag *complaint = NULL;

	/* The daemon was given an absolute path; people know the file as they named it. */
	if (t->path && str_eq(file, text_of(t->params, "oxfile")))
		file = t->path;
	diags_about(d, file ? file : "oxfile", NULL, 0);
	if (json_bool(json_get(item, "warning"), false))
		complaint = diags_warn(d, at, "%s", text ? text : "");
	else
		complaint = diags_error(d, at, "%s", text ? text : "");
	if (text_of(item, "hint"))
		diag_hint(complaint, "%s", text_of(item, "hint"));
	mem_free(complaint->line);
	complaint->line = mem_strdup(text_of(item, "quote"));
}

static bool tell_complaints(const struct talk *t)
{
	struct diags complaints = DIAGS_INIT;
	const struct json *item = NULL;

	if (!json_is_array(t->data) || !json_count(t->data))
		return false;
	JSON_EACH (t->data, item)
		add_complaint(t, &complaints, item);
	talk_complaints(&complaints);
	diags_release(&complaints);
	return true;
}

int talk_tell(struct talk *t, int code)
{
	if (code == EXIT_DONE)
		return code;
	if (t->code == RPC_CONFIG && tell_complaints(t))
		return code;
	return talk_fail(code, "%s", t->e.text.ptr);
}

int talk_call(struct client *client, struct talk *t)
{
	return talk_tell(t, talk_try_call(client, t));
}

int talk_ask(struct talk *t)
{
	struct client *client = NULL;
	const struct json *note = NULL;
	int code = talk_check(t);

	if (code == EXIT_DONE)
		code = t->may_launch ? talk_launch(&client) : talk_connect(&client);
	if (code == EXIT_DONE)
		code = talk_try_call(client, t);
	if (code == EXIT_NO_DAEMON && client && t->is_question && talk_reconnect(&client, &t->e) == EXIT_DONE)
		code = talk_try_call(client, t);
	if (code != EXIT_DONE && client)
		talk_tell(t, code);
	JSON_EACH (json_get(t->result, "notes"), note)
		talk_fail(EXIT_DONE, "%s", json_string(note, ""));
	client_free(client);
	return code;
}

void talk_release(struct talk *t)
{
	json_free(t->params);
	json_free(t->result);
	json_free(t->data);
	err_release(&t->e);
	*t = (struct talk){ .e = ERR_INIT };
}
