#include "control/handle.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/version.h"
#include "control/pending_reply.h"
#include "control/rpc_stream.h"
#include "engine/brain.h"
#include "engine/upgrade.h"
#include "model/fields.h"
#include "os/procfs.h"
#include "os/sig.h"

enum { WHO_COMMAND_MAX = 80 };

void handle_release(struct handle *h)
{
	vec_release(&h->watchers);
	vec_release(&h->readers);
}

/* --- parameters ----------------------------------------------------------------------------------------------------- */

const char *handle_path(const struct request *r)
{
	return json_string(json_get(json_get(request_params(r), "env"), "PATH"), NULL);
}

static int64_t int_param(const struct request *r, const char *name, int64_t fallback)
{
	int64_t value = fallback;

	(void)json_int(json_get(request_params(r), name), &value);
	return value;
}

static bool bool_param(const struct request *r, const char *name)
{
	return json_bool(json_get(request_params(r), name), false);
}

/* The words of a command line up to the first that may hold a secret, such as NAME=value. */
static void add_command(pid_t pid, struct buf *out)
{
	struct buf command = BUF_INIT;
	size_t len = 0;

	if (!procfs_command(pid, &command, WHO_COMMAND_MAX) || !command.len) {
		buf_release(&command);
		return;
	}
	len = strcspn(command.ptr, "=");
	while (len < command.len && len && command.ptr[len - 1] != ' ')
		len--;
	while (len && command.ptr[len - 1] == ' ')
		len--;
	if (len)
		buf_addf(out, " '%.*s%s'", (int)len, command.ptr, len < command.len ? " ..." : "");
	buf_release(&command);
}

void handle_who(const struct request *r, struct buf *out)
{
	struct unixsock_peer peer = request_peer(r);

	buf_addf(out, "uid %d, pid %d", (int)peer.uid, (int)peer.pid);
	add_command(peer.pid, out);
}

/* --- stop, restart, delete, reset, signal, start of what is known ------------------------------------------------------------ */

/* How many of the instances from `from` to `to` run, or are on their way up without a wait after a crash. */
static void count_live(const struct vec *instances, size_t from, size_t to, int64_t *running, int64_t *live)
{
	*running = *live = 0;
	for (size_t k = from; k < to; k++) {
		enum state state = instance_state(instances->items[k]);
		bool is_up = state == STATE_RUNNING || state == STATE_UNHEALTHY;

		*running += is_up;
		*live += is_up || state == STATE_STARTING || state == STATE_BLOCKED;
	}
}

/* As they are before the request; a start brings up those that are not live, and a signal reaches those that have a process. */
static void add_app(struct json *list, enum herd_verb verb, const char *name, const struct vec *instances,
	size_t from, size_t to)
{
	struct json *app = json_push(list, json_new_object());
	int64_t signalled = 0;
	int64_t running = 0;
	int64_t live = 0;

	json_set_string(app, "name", name);
	json_set_int(app, "instances", (int64_t)(to - from));
	count_live(instances, from, to, &running, &live);
	for (size_t k = from; k < to; k++)
		signalled += instance_pid(instances->items[k]) > 0;
	if (verb == HERD_SIGNAL)
		json_set_int(app, "signalled", signalled);
	if (verb != HERD_START)
		return;
	json_set_int(app, "started", (int64_t)(to - from) - live);
	json_set_int(app, "running", running);
}

/* Each app, and how many of its instances are meant; one that has none is there too, if it was meant itself. */
static struct json *apps_of(struct handle *h, enum herd_verb verb, const char *const *targets, size_t count)
{
	struct json *root = json_new_object();
	struct json *list = json_set(root, "apps", json_new_array());
	struct vec instances = VEC_INIT;
	struct vec whole = VEC_INIT;
	size_t k = 0;

	(void)herd_targets(brain_herd(h->brain), targets, count, &instances, NULL);
	(void)herd_target_specs(brain_herd(h->brain), targets, count, &whole, NULL);
	for (size_t i = 0; i < herd_app_count(brain_herd(h->brain)); i++) {
		struct app_status app;
		size_t from = k;
		bool is_whole = false;

		herd_app_status(brain_herd(h->brain), i, &app);
		while (k < instances.len && !strcmp(instance_app(instances.items[k]), app.name))
			k++;
		for (size_t n = 0; n < whole.len && k == from && !is_whole; n++)
			is_whole = !strcmp(((const struct spec *)whole.items[n])->name, app.name);
		if (k > from || is_whole)
			add_app(list, verb, app.name, &instances, from, k);
	}
	vec_release(&instances);
	vec_release(&whole);
	return root;
}

/* By name, or by its number as text. */
static char *read_signal(const char *text)
{
	int64_t number = 0;

	if (str_to_int(text, &number) && number > 0 && number <= INT_MAX)
		return mem_strdup(sig_name((int)number));
	return signal_parse(text);
}

static void ask_about(
	struct handle *h, struct request *r, enum herd_verb verb, const struct handle_targets *targets)
{
	struct pending_reply *w = pending_reply_new(h, r);
	struct buf who = BUF_INIT;
	struct err e = ERR_INIT;
	struct json *result = apps_of(h, verb, targets->items, targets->count);
	struct herd_request ask = {
		.id = pending_reply_id(w),
		.verb = verb,
		.targets = targets->items,
		.count = targets->count,
		.waits_ready = bool_param(r, "wait"),
		.signal = json_string(json_get(request_params(r), "signal"), NULL),
	};
	char *signal = ask.signal ? read_signal(ask.signal) : NULL;
	int rc = 0;

	handle_who(r, &who);
	ask.who = who.ptr;
	brain_begin(h->brain);
	if (ask.signal && !signal) {
		rc = err_set(&e, "there is no signal '%s'", ask.signal);
	} else {
		ask.signal = signal;
		rc = herd_request(brain_herd(h->brain), &ask, brain_now(h->brain), &e);
	}
	if (rc == 0) {
		pending_reply_begin(w, result);
	} else {
		json_free(result);
		pending_reply_refuse(w, &e);
	}
	brain_end(h->brain);
	buf_release(&who);
	err_release(&e);
	mem_free(signal);
}

static int ask_herd(struct handle *h, struct request *r, enum herd_verb verb)
{
	struct handle_targets targets;
	struct err e = ERR_INIT;

	if (handle_targets_find(h, r, &targets, &e) < 0)
		request_refuse(r, &e);
	else if (targets.is_nothing)
		request_answer(r, handle_no_apps());
	else
		ask_about(h, r, verb, &targets);
	handle_targets_release(&targets);
	err_release(&e);
	return 0;
}

static int handle_stop(void *context, struct request *r)
{
	return ask_herd(context, r, HERD_STOP);
}

static int handle_restart(void *context, struct request *r)
{
	return ask_herd(context, r, HERD_RESTART);
}

static int handle_delete(void *context, struct request *r)
{
	return ask_herd(context, r, HERD_DELETE);
}

static int handle_reset(void *context, struct request *r)
{
	return ask_herd(context, r, HERD_RESET);
}

static int handle_signal(void *context, struct request *r)
{
	return ask_herd(context, r, HERD_SIGNAL);
}

int handle_start(void *context, struct request *r)
{
	if (json_get(request_params(r), "name"))
		return handle_apply(context, r);
	return ask_herd(context, r, HERD_START);
}

/* --- scale -------------------------------------------------------------------------------------------------------------------- */

/* 8, "8", "+2", "-1", "max", "50%". */
static int read_scaling(const struct json *j, struct herd_scaling *s, struct err *e)
{
	const char *text = json_string(j, NULL);
	int64_t number = 0;
	bool is_number = json_int(j, &number) || (text && str_to_int(text, &number));

	s->app = json_key(j);
	s->is_relative = text && (*text == '+' || *text == '-');
	if (is_number && (number > APP_INSTANCES_MAX || number < (s->is_relative ? -APP_INSTANCES_MAX : 0)))
		return err_set(e, "%s: %lld instances are outside 0..%d", s->app, (long long)number,
			APP_INSTANCES_MAX);
	s->count = (struct count){ .kind = COUNT_NUMBER, .value = number };
	s->delta = (int)number;
	if (is_number || (text && !s->is_relative && count_parse(text, &s->count)))
		return 0;
	return err_set(e, "%s: '%s' is no count: write 8, +2, -1, max or 50%%", s->app, text ? text : "it");
}

static int app_instances(struct handle *h, const char *name)
{
	for (size_t i = 0; i < herd_app_count(brain_herd(h->brain)); i++) {
		struct app_status app;

		herd_app_status(brain_herd(h->brain), i, &app);
		if (!strcmp(app.name, name))
			return app.instances;
	}
	return 0;
}

static int do_scale(
	struct handle *h, struct request *r, struct herd_scaling *scalings, size_t count, struct err *e)
{
	struct pending_reply *w = pending_reply_new(h, r);
	struct json *result = json_new_object();
	struct json *list = json_set(result, "apps", json_new_array());
	struct buf who = BUF_INIT;

	handle_who(r, &who);
	brain_begin(h->brain);
	for (size_t i = 0; i < count; i++) {
		struct json *app = json_push(list, json_new_object());

		scalings[i].who = who.ptr;
		json_set_string(app, "name", scalings[i].app);
		json_set_int(app, "from", app_instances(h, scalings[i].app));
	}
	if (herd_scale(brain_herd(h->brain), pending_reply_id(w), scalings, count, bool_param(r, "wait"),
		    brain_now(h->brain), e) < 0) {
		json_free(result);
		pending_reply_refuse(w, e);
	} else {
		const struct json *app = json_first(list);

		for (; app; app = json_next(app))
			json_set_int((struct json *)app, "to",
				app_instances(h, json_string(json_get(app, "name"), "")));
		pending_reply_begin(w, result);
	}
	brain_end(h->brain);
	buf_release(&who);
	return 0;
}

static int handle_scale(void *context, struct request *r)
{
	const struct json *counts = json_get(request_params(r), "counts");
	struct herd_scaling *scalings = mem_zalloc(json_count(counts), sizeof(*scalings));
	const struct json *member = NULL;
	struct err e = ERR_INIT;
	size_t count = 0;
	int rc = 0;

	JSON_EACH (counts, member) {
		rc = rc ? rc : read_scaling(member, &scalings[count++], &e);
	}
	if (rc < 0)
		request_error(r, RPC_PARAMS, NULL, "%s", e.text.ptr), rc = 0;
	else
		rc = do_scale(context, r, scalings, count, &e);
	err_release(&e);
	mem_free(scalings);
	return rc;
}

/* --- looking ---------------------------------------------------------------------------------------------------------------------- */

static int handle_ping(void *context, struct request *r)
{
	(void)context;
	request_answer(r, json_new_string("pong"));
	return 0;
}

static int handle_version(void *context, struct request *r)
{
	struct json *object = json_new_object();

	(void)context;
	json_set_string(object, "version", ox_version);
	json_set_int(object, "protocol", 1);
	json_set_bool(object, "once", true);
	request_answer(r, object);
	return 0;
}

static int answer_or_fail(struct request *r, struct json *result, const struct err *e)
{
	if (result)
		request_answer(r, result);
	else
		request_refuse(r, e);
	return 0;
}

static int handle_events(void *context, struct request *r)
{
	struct handle *h = context;
	size_t count = 0;
	const char **targets = handle_strings(r, "targets", &count);
	struct vec known = VEC_INIT;
	struct json *events = NULL;
	struct err e = ERR_INIT;

	if (!count || herd_targets(brain_herd(h->brain), targets, count, &known, &e) == 0)
		events = brain_events(h->brain, targets, count, int_param(r, "since", -1),
			(size_t)int_param(r, "limit", 0));
	answer_or_fail(r, events, &e);
	vec_release(&known);
	err_release(&e);
	mem_free(targets);
	return 0;
}

static int handle_unsubscribe(void *context, struct request *r)
{
	(void)context;
	rpc_stream_unsubscribe(r);
	return 0;
}

static int handle_why(void *context, struct request *r)
{
	struct handle *h = context;
	struct err e = ERR_INIT;
	const char *target = json_string(json_get(request_params(r), "target"), "");

	answer_or_fail(r, brain_why(h->brain, target, (size_t)int_param(r, "limit", 0), &e), &e);
	err_release(&e);
	return 0;
}

static int handle_info(void *context, struct request *r)
{
	struct handle *h = context;

	request_answer(r, brain_info(h->brain));
	return 0;
}

static int handle_shutdown(void *context, struct request *r)
{
	struct handle *h = context;
	/* The request is gone with its answer. */
	bool keeps = bool_param(r, "keep_services");

	request_answer(r, json_new_object());
	if (keeps)
		brain_leave(h->brain);
	else
		brain_shut_down(h->brain);
	return 0;
}

static void on_upgraded(void *context, bool is_ok, const char *words)
{
	struct request *r = context;
	struct json *result = NULL;

	if (!is_ok) {
		request_error(r, RPC_FAILED, NULL, "%s", words);
		return;
	}
	result = json_new_object();
	json_set_string(result, "version", words);
	request_answer(r, result);
}

static int handle_upgrade(void *context, struct request *r)
{
	struct handle *h = context;
	const struct upgrade_wish wish = {
		.keeper = json_string(json_get(request_params(r), "oxherd"), ""),
		.brain = json_string(json_get(request_params(r), "brain"), ""),
	};

	return brain_upgrade(h->brain, &wish, on_upgraded, r, request_err(r));
}

const rpc_server_handler handle_table[METHOD_COUNT] = {
	[METHOD_PING] = handle_ping,
	[METHOD_VERSION] = handle_version,
	[METHOD_STATUS] = handle_status,
	[METHOD_START] = handle_start,
	[METHOD_APPLY] = handle_apply,
	[METHOD_STOP] = handle_stop,
	[METHOD_RESTART] = handle_restart,
	[METHOD_DELETE] = handle_delete,
	[METHOD_SCALE] = handle_scale,
	[METHOD_SIGNAL] = handle_signal,
	[METHOD_RESET] = handle_reset,
	[METHOD_EVENTS] = handle_events,
	[METHOD_SUBSCRIBE] = handle_subscribe,
	[METHOD_UNSUBSCRIBE] = handle_unsubscribe,
	[METHOD_WHY] = handle_why,
	[METHOD_LOGS] = handle_logs,
	[METHOD_PLAN] = handle_plan,
	[METHOD_DEPLOY] = handle_deploy,
	[METHOD_RELOAD] = handle_reload,
	[METHOD_ROLLBACK] = handle_rollback,
	[METHOD_ABORT] = handle_abort,
	[METHOD_CONTINUE] = handle_continue,
	[METHOD_AWAIT] = handle_await,
	[METHOD_SAVE] = handle_save,
	[METHOD_DAEMON_SHUTDOWN] = handle_shutdown,
	[METHOD_DAEMON_UPGRADE] = handle_upgrade,
	[METHOD_DAEMON_INFO] = handle_info,
};
