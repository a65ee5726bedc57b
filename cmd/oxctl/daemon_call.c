#include "daemon_call.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "cmd.h"
#include "control/client.h"
#include "daemon_connect.h"
#include "model/fields.h"
#include "model/selector.h"
#include "model/snapshot.h"
#include "wire/methods.h"
#include "wire/rpc.h"

enum {
	ANSWER_MS = 30000, /* to a question that takes no time */
	AFTER_MS = 5000,   /* for the daemon's own answer that it timed out */
	TRIES_MAX = 10,    /* at one question, of which each lost the brain */
};

/* --- Ctrl-C while we wait: the request continues in the daemon, and a message says so before we end with 130 --- */

enum { EXIT_INTERRUPTED = 130 };

#define WATCH "; 'oxctl status --watch' shows it"

static const struct {
	const char *method;
	const char *words;
} interrupts[] = {
	{ "deploy", "the deploy continues" WATCH ", 'oxctl deploy --abort' goes back" },
	{ "continue", "the deploy continues" WATCH ", 'oxctl deploy --abort' goes back" },
	{ "await", "the deploy continues" WATCH ", 'oxctl deploy --abort' goes back" },
	{ "reload", "the reload continues" WATCH ", 'oxctl deploy --abort' goes back" },
	{ "rollback", "the rollback continues" WATCH },
	{ "abort", "it continues to go back" WATCH },
	{ "start", "the start continues" WATCH ", 'oxctl stop' ends it" },
	{ "apply", "the start continues" WATCH ", 'oxctl stop' ends it" },
	{ "restart", "the restart continues" WATCH },
	{ "stop", "the stop continues" WATCH },
	{ "delete", "the deletion continues" WATCH },
	{ "scale", "the scaling continues" WATCH },
	{ "daemon.shutdown", "the daemon continues to stop" },
};

/* Set before the signal can come, and read by its handler alone. */
static const char *volatile interrupt_words;

static void write_to_terminal(const char *text)
{
	(void)!write(STDERR_FILENO, text, strlen(text));
}

static _Noreturn void on_interrupt(int number)
{
	(void)number;
	write_to_terminal("\noxctl: interrupted; ");
	write_to_terminal(interrupt_words);
	write_to_terminal("\n");
	_exit(EXIT_INTERRUPTED);
}

static void interrupt_begin(const char *method)
{
	struct sigaction action = { .sa_handler = on_interrupt };
	struct sigaction before;

	interrupt_words = NULL;
	/* In the background of a script the signal is not for us. */
	if (sigaction(SIGINT, NULL, &before) < 0 || before.sa_handler == SIG_IGN)
		return;
	for (size_t i = 0; i < sizeof(interrupts) / sizeof(interrupts[0]); i++)
		if (str_eq(interrupts[i].method, method))
			interrupt_words = interrupts[i].words;
	if (interrupt_words)
		(void)sigaction(SIGINT, &action, NULL);
}

static void interrupt_end(void)
{
	if (interrupt_words)
		(void)signal(SIGINT, SIG_DFL);
	interrupt_words = NULL;
}

/* --- what is asked --- */

void daemon_call_set_strings(struct json *params, const char *key, char *const *items, int count)
{
	struct json *list = json_set(params, key, json_new_array());

	for (int i = 0; i < count; i++)
		json_push(list, json_new_string(items[i]));
}

bool targets_name_all(const struct opt_rest *rest)
{
	for (int i = 0; i < rest->count; i++)
		if (selector_is_all(rest->items[i]))
			return true;
	return false;
}

int targets_check_all(const char *command, bool all, const struct opt_rest *rest)
{
	if (!all || !rest->count || targets_name_all(rest))
		return EXIT_DONE;
	return daemon_call_fail(EXIT_USAGE, "%s: --all is for every app, and '%s' is one; say either",
		command, rest->items[0]);
}

struct json *daemon_call_targets(const struct opt_rest *rest, int from)
{
	struct json *params = json_new_object();

	if (rest->count > from)
		daemon_call_set_strings(params, "targets", rest->items + from, rest->count - from);
	return params;
}

void daemon_call_newer(struct daemon_call *t, const char *name, int64_t value)
{
	json_set_int(t->params, name, value);
	t->newer = name;
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
	daemon_nap();
	return daemon_connect_or_launch(&client, false, &t->e);
}

/* A change has a key, so that it is done once however often it is asked for. */
static void choose_key(struct daemon_call *t)
{
	unsigned char random[DAEMON_CALL_KEY_LEN / 2];
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

static void leave_out_newer(struct daemon_call *t)
{
	struct json *params = json_new_object();
	const struct json *member = NULL;

	JSON_EACH (t->params, member) {
		if (!str_eq(json_key(member), t->newer))
			json_set(params, json_key(member), json_clone(member));
	}
	json_free(t->params);
	json_free(t->data);
	t->params = params;
	t->data = NULL;
	t->newer = NULL;
	err_release(&t->e);
	t->e = (struct err)ERR_INIT;
}

int daemon_call_try_call(struct client *client, struct daemon_call *t)
{
	int code = EXIT_DONE;

	choose_key(t);
	code = call_once(client, t);
	if (t->code == RPC_PARAMS && t->newer) {
		leave_out_newer(t);
		code = call_once(client, t);
	}
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

void daemon_call_notes(const struct daemon_call *t)
{
	const struct json *note = NULL;

	JSON_EACH (json_get(t->result, "notes"), note)
		daemon_call_fail(EXIT_DONE, "%s", json_string(note, ""));
}

int daemon_call_ask(struct daemon_call *t)
{
	struct client *client = NULL;
	int code = daemon_call_check(t);

	if (code == EXIT_DONE)
		code = t->may_launch ? daemon_launch(&client) : daemon_connect(&client);
	if (code == EXIT_DONE)
		code = daemon_call_try_call(client, t);
	if (code != EXIT_DONE && client)
		daemon_call_tell(t, code);
	daemon_call_notes(t);
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
