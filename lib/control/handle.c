#include "control/handle.h"

#include <limits.h>
#include <string.h>

#include "base/err.h"
#include "base/json_emit.h"
#include "base/mem.h"
#include "base/signal_name.h"
#include "base/str.h"
#include "control/audit.h"
#include "control/pending_reply.h"
#include "engine/brain.h"
#include "model/fields.h"
#include "spawn/upgrade.h"

void handle_release(struct handle *h)
{
	vec_release(&h->watchers);
	vec_release(&h->readers);
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
static void add_touched(enum herd_verb verb, const char *name, const struct vec *instances, size_t from,
	size_t to, struct buf *out)
{
	int64_t signalled = 0;
	int64_t running = 0;
	int64_t live = 0;

	emit_open(out, NULL, '{');
	emit_string(out, "name", name);
	emit_int(out, "instances", (int64_t)(to - from));
	count_live(instances, from, to, &running, &live);
	for (size_t k = from; k < to; k++)
		signalled += instance_pid(instances->items[k]) > 0;
	if (verb == HERD_SIGNAL)
		emit_int(out, "signalled", signalled);
	if (verb == HERD_START) {
		emit_int(out, "started", (int64_t)(to - from) - live);
		emit_int(out, "running", running);
	}
	emit_close(out, '}');
}

/* Each app, and how many of its instances are meant; one that has none is there too, if it was meant itself. */
static void add_all_touched(
	struct handle *h, enum herd_verb verb, const struct handle_targets *targets, struct buf *out)
{
	struct vec instances = VEC_INIT;
	struct vec whole = VEC_INIT;
	size_t k = 0;

	(void)herd_targets(brain_herd(h->brain), targets->items, targets->count, &instances, NULL);
	(void)herd_target_specs(brain_herd(h->brain), targets->items, targets->count, &whole, NULL);
	emit_open(out, "apps", '[');
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
			add_touched(verb, app.name, &instances, from, k, out);
	}
	emit_close(out, ']');
	vec_release(&instances);
	vec_release(&whole);
}

/* By name, or by its number as text. */
static char *read_signal_name(const char *text)
{
	int64_t number = 0;

	if (str_to_int(text, &number) && number > 0 && number <= INT_MAX)
		return mem_strdup(signal_name((int)number));
	return signal_parse(text);
}

/* What stop, restart and the like have in common. */
struct asking {
	enum herd_verb verb;
	const struct param_strings *targets, *oxfiles; /* `oxfiles` may be NULL */
	const char *signal;
	bool waits_ready;
};

static void ask_about(
	struct handle *h, struct call *c, const struct asking *asking, const struct handle_targets *targets)
{
	struct pending_reply *w = pending_reply_new(h, c);
	struct buf who = BUF_INIT;
	struct err e = ERR_INIT;
	struct buf result = BUF_INIT;
	struct herd_request ask = {
		.id = pending_reply_id(w),
		.verb = asking->verb,
		.targets = targets->items,
		.count = targets->count,
		.waits_ready = asking->waits_ready,
		.signal = asking->signal,
	};
	char *signal = ask.signal ? read_signal_name(ask.signal) : NULL;
	int rc = 0;

	audit_who(c, &who);
	ask.who = who.ptr;
	emit_open(&result, NULL, '{');
	add_all_touched(h, asking->verb, targets, &result);
	emit_close(&result, '}');
	brain_begin(h->brain);
	if (ask.signal && !signal) {
		rc = err_set(&e, "there is no signal '%s'", ask.signal);
	} else {
		ask.signal = signal;
		rc = herd_request(brain_herd(h->brain), &ask, brain_now(h->brain), &e);
	}
	if (rc == 0)
		pending_reply_begin(w, &result);
	else
		pending_reply_refuse(w, &e);
	brain_end(h->brain);
	buf_release(&result);
	buf_release(&who);
	err_release(&e);
	mem_free(signal);
}

static void ask_herd(struct handle *h, struct call *c, const struct asking *asking)
{
	struct handle_targets targets;
	struct err e = ERR_INIT;

	if (handle_targets_find(h, asking->targets, asking->oxfiles, &targets, &e) < 0)
		call_refuse(c, &e);
	else if (targets.is_nothing)
		handle_answer_no_apps(c);
	else
		ask_about(h, c, asking, &targets);
	handle_targets_release(&targets);
	err_release(&e);
}

static void handle_stop(void *context, struct call *c)
{
	const struct params_stop *p = &c->params.stop;
	const struct asking asking = { .verb = HERD_STOP, .targets = &p->targets, .oxfiles = &p->oxfiles };

	ask_herd(context, c, &asking);
}

static void handle_restart(void *context, struct call *c)
{
	const struct params_restart *p = &c->params.restart;
	const struct asking asking = {
		.verb = HERD_RESTART,
		.targets = &p->targets,
		.oxfiles = &p->oxfiles,
		.waits_ready = p->wait,
	};

	ask_herd(context, c, &asking);
}

static void handle_delete(void *context, struct call *c)
{
	const struct params_delete *p = &c->params.delete;
	const struct asking asking = { .verb = HERD_DELETE, .targets = &p->targets, .oxfiles = &p->oxfiles };

	ask_herd(context, c, &asking);
}

static void handle_reset(void *context, struct call *c)
{
	const struct params_reset *p = &c->params.reset;
	const struct asking asking = { .verb = HERD_RESET, .targets = &p->targets, .oxfiles = &p->oxfiles };

	ask_herd(context, c, &asking);
}

static void handle_signal(void *context, struct call *c)
{
	const struct params_signal *p = &c->params.signal;
	const struct asking asking = { .verb = HERD_SIGNAL, .targets = &p->targets, .signal = p->signal };

	ask_herd(context, c, &asking);
}

static void handle_start(void *context, struct call *c)
{
	const struct params_start *p = &c->params.start;
	const struct asking asking = {
		.verb = HERD_START,
		.targets = &p->targets,
		.waits_ready = p->wait,
	};

	if (p->name)
		handle_start_new(context, c);
	else
		ask_herd(context, c, &asking);
}

/* --- scale -------------------------------------------------------------------------------------------------------------------- */

/* 8, "8", "+2", "-1", "max", "50%". */
static int read_scaling(const struct param_named_count *named, struct herd_scaling *s, struct err *e)
{
	const char *text = named->count.text;
	int64_t number = named->count.number;
	bool is_number = !text || str_to_int(text, &number);

	s->app = named->name;
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

static void add_scaled(struct handle *h, const struct herd_scaling *scalings, const int *before, size_t count,
	struct buf *out)
{
	emit_open(out, "apps", '[');
	for (size_t i = 0; i < count; i++) {
		emit_open(out, NULL, '{');
		emit_string(out, "name", scalings[i].app);
		emit_int(out, "from", before[i]);
		emit_int(out, "to", app_instances(h, scalings[i].app));
		emit_close(out, '}');
	}
	emit_close(out, ']');
}

static void do_scale(
	struct handle *h, struct call *c, struct herd_scaling *scalings, size_t count, struct err *e)
{
	struct pending_reply *w = pending_reply_new(h, c);
	int *before = mem_zalloc(count, sizeof(*before));
	struct buf result = BUF_INIT;
	struct buf who = BUF_INIT;

	audit_who(c, &who);
	brain_begin(h->brain);
	for (size_t i = 0; i < count; i++) {
		scalings[i].who = who.ptr;
		before[i] = app_instances(h, scalings[i].app);
	}
	if (herd_scale(brain_herd(h->brain), pending_reply_id(w), scalings, count, c->params.scale.wait,
		    brain_now(h->brain), e) < 0) {
		pending_reply_refuse(w, e);
	} else {
		emit_open(&result, NULL, '{');
		add_scaled(h, scalings, before, count, &result);
		emit_close(&result, '}');
		pending_reply_begin(w, &result);
	}
	brain_end(h->brain);
	buf_release(&who);
	buf_release(&result);
	mem_free(before);
}

static void handle_scale(void *context, struct call *c)
{
	const struct param_counts *counts = &c->params.scale.counts;
	struct herd_scaling *scalings = mem_zalloc(counts->count, sizeof(*scalings));
	struct err e = ERR_INIT;
	int rc = 0;

	for (size_t i = 0; i < counts->count && rc == 0; i++)
		rc = read_scaling(&counts->items[i], &scalings[i], &e);
	if (rc < 0)
		call_fail(c, RPC_PARAMS, "%s", e.text.ptr);
	else
		do_scale(context, c, scalings, counts->count, &e);
	err_release(&e);
	mem_free(scalings);
}

/* --- the daemon itself ------------------------------------------------------------------------------------------------------------ */

static void handle_shutdown(void *context, struct call *c)
{
	struct handle *h = context;
	/* The call is gone with its answer. */
	bool keeps = c->params.daemon_shutdown.keep_services;

	call_answer_text(c, "{}");
	if (keeps)
		brain_leave(h->brain);
	else
		brain_shut_down(h->brain);
}

static void on_upgraded(void *context, bool is_ok, const char *words)
{
	struct call *c = context;
	struct buf text = BUF_INIT;

	if (!is_ok) {
		call_fail(c, RPC_FAILED, "%s", words);
		return;
	}
	emit_open(&text, NULL, '{');
	emit_string(&text, "version", words);
	emit_close(&text, '}');
	call_answer(c, &text);
	buf_release(&text);
}

static void handle_upgrade(void *context, struct call *c)
{
	struct handle *h = context;
	const struct upgrade_request request = {
		.keeper = c->params.daemon_upgrade.oxherd,
		.brain = c->params.daemon_upgrade.brain,
	};
	struct err e = ERR_INIT;

	if (upgrade_begin(brain_upgrades(h->brain), &request, on_upgraded, c, &e) < 0)
		call_fail(c, RPC_FAILED, "%s", e.text.ptr);
	err_release(&e);
}

const call_handler handle_table[METHOD_COUNT] = {
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
