/*
 * The herd as it was saved.  The store is ours, but it may be damaged or of another version: whatever makes no sense is an error with words,
 * never a crash.
 */
#include "base/assert.h"
#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "herd/apps.h"
#include "herd/deploy.h"
#include "herd/gone_spares.h"
#include "herd/receipt.h"

static bool in_range(int64_t value, int64_t least, int64_t most)
{
	return value >= least && value <= most;
}

static int load_timer(struct instance *i, struct timer *timer, const struct json *j, struct err *e)
{
	enum timer_kind kind = TIMER_DELAY;
	int64_t after = json_get_int(j, "ms", 0);

	if (!j)
		return 0;
	/* A rollout's and the herd's own are no instance's. */
	if (!timer_parse(json_string(json_get(j, "kind"), NULL), &kind) || after < 0 || kind >= TIMER_ROLLOUT)
		return err_set(e, "a timer makes no sense");
	instance_arm(i, timer, kind, after);
	ASSERT_OF(i, timer_is_armed(timer), "has a timer in the store, and none here");
	return 0;
}

static void load_history(struct instance *i, const struct json *j)
{
	const struct json *recent = json_get(j, "recent");
	const struct json *age = NULL;
	int64_t crashes = json_get_int(j, "crashes", 0);
	int64_t limits = json_get_int(j, "limits", 0);

	if (crashes <= 0 && limits <= 0 && !recent)
		return;
	i->history = mem_zalloc(1, sizeof(*i->history));
	i->history->crashes = crashes > 0 ? crashes : 0;
	i->history->limits = limits > 0 ? limits : 0;
	JSON_EACH (recent, age) {
		int64_t ms = 0;

		if (i->history->recent_len == RESTART_HISTORY_MAX || !json_int(age, &ms))
			break;
		i->history->recent[i->history->recent_len++] = i->app->herd->now - ms;
	}
	i->history->recent_at = i->history->recent_len % RESTART_HISTORY_MAX;
	ASSERT_OF(i,
		i->history->recent_len <= RESTART_HISTORY_MAX && i->history->recent_at < RESTART_HISTORY_MAX,
		"has more restarts than are remembered");
}

static void load_exit(struct instance *i, const struct json *j)
{
	if (!j)
		return;
	i->last_exit = (struct last_exit){
		.is_known = true,
		.code = (int)json_get_int(j, "code", 0),
		.signal = (int)json_get_int(j, "signal", 0),
		.at_ms = json_get_int(j, "at", 0),
	};
}

static bool get_flag(const struct json *object, const char *key)
{
	return json_bool(json_get(object, key), false);
}

static enum tenure load_tenure(const struct json *j)
{
	if (get_flag(j, "is_spare"))
		return get_flag(j, "is_retired") ? TENURE_DROPPED : TENURE_SPARE;
	return get_flag(j, "is_retired") ? TENURE_RETIRED : TENURE_STAYS;
}

/* In the store each is a flag of its own. */
static void load_flags(struct instance *i, const struct json *j)
{
	i->tenure = load_tenure(j);
	i->trial = get_flag(j, "is_proven") ? TRIAL_PROVEN
		: get_flag(j, "has_failed") ? TRIAL_FAILED
					    : TRIAL_OPEN;
	i->trusted = get_flag(j, "is_trusted") ? i->generation : 0;
	i->health_slot = get_flag(j, "has_place") ? HEALTH_SLOT_HELD : HEALTH_SLOT_NONE;
	i->wants_up = get_flag(j, "wants_up");
	i->has_ended = get_flag(j, "has_ended");
	i->takes_target = get_flag(j, "takes_target");
	i->was_delayed = get_flag(j, "was_delayed");
	i->is_unkillable = get_flag(j, "is_unkillable");
}

/* Version 0.1.0 has only words. */
static struct reason *load_reason(const struct json *j, const char *words_key, const char *key)
{
	return reason_read(json_get(j, key) ? json_get(j, key) : json_get(j, words_key));
}

/* The words of a limit stay where it counts no more.  What fails is being stopped. */
static void load_down_cause(struct instance *i, const struct json *j)
{
	struct reason *limit = load_reason(j, "over", "over_reason");
	bool is_restarting = get_flag(j, "is_restarting");
	bool is_failing = get_flag(j, "is_failing") && i->state == STATE_STOPPING;

	if (get_flag(j, "is_pulled"))
		instance_set_down(i, DOWN_PULLED);
	else if (limit && (is_restarting || is_failing))
		instance_set_down_limit(i, limit);
	else if (is_restarting)
		instance_set_down(i, DOWN_RESTART);
	else if (is_failing)
		instance_set_down(i, DOWN_FAILING);
	reason_free(limit);
	ASSERT_OF(i, (i->down_cause == DOWN_LIMIT) == (i->limit_reason != NULL),
		"goes down for a limit, and nothing says which");
}

static void load_numbers(struct instance *i, const struct json *j)
{
	int64_t now = i->app->herd->now;
	int64_t start_by = json_get_int(j, "start_by", EVENT_START);

	i->generation = (uint64_t)json_get_int(j, "generation", 0);
	i->port = (int)json_get_int(j, "port", 0);
	i->pid = json_get_int(j, "pid", 0);
	i->started_at = now - json_get_int(j, "started_ms", 0);
	if (json_get(j, "ready_ms"))
		i->ready_at = now - json_get_int(j, "ready_ms", 0);
	/* 0 would mean that it is not ready. */
	if (json_get(j, "ready_ms") && !i->ready_at)
		i->ready_at = 1;
	(void)health_parse(json_string(json_get(j, "health"), NULL), &i->health);
	if (json_get(j, "well_ms"))
		i->well_since = now - json_get_int(j, "well_ms", 0);
	i->delay_ms = json_get_int(j, "delay_ms", 0);
	i->restarts = json_get_int(j, "restarts", 0);
	i->start_by = start_by == EVENT_RETRY || start_by == EVENT_RESET ? (enum event)start_by : EVENT_START;
	load_flags(i, j);
}

static int load_ports(struct revision *r, const struct json *j, struct err *e)
{
	const struct json *port = NULL;
	int64_t source = json_get_int(j, "port_source", PORT_NONE);
	size_t count = json_count(json_get(j, "ports"));
	int64_t value = 0;

	if (!in_range(source, PORT_NONE, PORT_BLOCK) || count > APP_INSTANCES_MAX)
		return err_set(e, "the ports of '%s' make no sense", r->spec->name);
	r->port_source = (enum port_source)source;
	r->ports = mem_zalloc(count, sizeof(*r->ports));
	JSON_EACH (json_get(j, "ports"), port) {
		if (!json_int(port, &value) || !in_range(value, 0, PORTS_LAST))
			return err_set(e, "a port of '%s' makes no sense", r->spec->name);
		r->ports[r->ports_len++] = (int)value;
	}
	ASSERT(r->ports_len <= (int)count, "revision %d has %d ports of %zu", r->number, r->ports_len, count);
	return 0;
}

/* An app itself, as older stores have it, holds its current revision; further ones are objects of their own. */
static struct revision *load_revision(const struct json *j, struct err *e)
{
	struct spec *spec = spec_from_json(json_get(j, "app"), e);
	struct revision *r = NULL;

	if (!spec)
		return NULL;
	r = revision_new(spec, (int)json_get_int(j, "revision", 1));
	r->caller = json_get_int(j, "caller", 0);
	r->build = build_from_json(json_get(j, "build"));
	r->is_pinned = json_bool(json_get(j, "is_pinned"), false);
	r->is_held = json_bool(json_get(j, "is_held"), false);
	if (load_ports(r, j, e) == 0)
		return r;
	revision_drop(r);
	return NULL;
}

/* The current one for a number that is not known any more. */
static struct revision *find_revision(const struct app *a, const struct vec *revisions, int64_t number)
{
	size_t i = 0;
	struct revision *r = NULL;

	VEC_EACH (revisions, i, r) {
		if (r->number == number)
			return r;
	}
	return a->current;
}

static void drop_revision(void *item)
{
	revision_drop(item);
}

/* Older stores have its words alone. */
static struct wait_result *load_verdict(const struct app *a, const struct json *j)
{
	struct wait_result *r = wait_result_read(json_get(j, "verdict_result"));

	return r ? r
		 : wait_result_from_words(a->spec->name, json_bool(json_get(j, "is_verdict_ok"), false),
			   json_string(json_get(j, "verdict"), NULL));
}

static int load_revisions(struct app *a, struct vec *revisions, const struct json *j, struct err *e)
{
	const struct json *item = NULL;
	struct revision *r = NULL;

	JSON_EACH (json_get(j, "revisions"), item) {
		r = load_revision(item, e);
		if (!r)
			return -1;
		vec_push(revisions, r);
		if (!str_eq(r->spec->name, a->spec->name))
			return err_set(e, "a revision of '%s' makes no sense", a->spec->name);
	}
	app_retarget(a, find_revision(a, revisions, json_get_int(j, "target", 0)));
	a->last_revision = (int)json_get_int(j, "last_revision", a->last_revision);
	a->verdict = load_verdict(a, j);
	if (json_get(j, "previous"))
		revision_set(&a->previous, find_revision(a, revisions, json_get_int(j, "previous", 0)));
	return 0;
}

/* The same. */
static void load_failure(struct rollout *r, const struct json *j)
{
	struct wait_result *old =
		wait_result_from_words(NULL, false, json_string(json_get(j, "failure"), NULL));

	r->why = reason_read(json_get(j, "failure_reason"));
	r->lines = mem_strdup(json_string(json_get(j, "failure_lines"), NULL));
	if (!r->why && old) {
		r->why = reason_copy(old->reason);
		r->lines = mem_strdup(old->lines);
	}
	wait_result_free(old);
}

static int load_rollout(struct app *a, const struct vec *revisions, const struct json *j, struct err *e)
{
	struct rollout *r = NULL;
	int64_t now = a->herd->now;
	int64_t kind = json_get_int(j, "kind", ROLLOUT_DEPLOY);
	int64_t count = json_get_int(j, "count", -1);
	int64_t back = json_get_int(j, "back_count", -1);
	int64_t scaled = json_get_int(j, "back_scaled", -1);

	if (!j) {
		app_retarget(a, a->current);
		return 0;
	}
	r = a->rollout = rollout_new(a, find_revision(a, revisions, json_get_int(j, "to", 0)));
	if (!rollout_phase_parse(json_string(json_get(j, "phase"), ""), &r->phase) ||
		!in_range(kind, ROLLOUT_DEPLOY, ROLLOUT_ROLLBACK) || !in_range(count, 0, APP_INSTANCES_MAX) ||
		!in_range(back, 0, APP_INSTANCES_MAX) || !in_range(scaled, -1, APP_INSTANCES_MAX))
		return err_set(e, "the rollout of '%s' makes no sense", a->spec->name);
	r->number = (uint64_t)json_get_int(j, "number", 0);
	r->kind = (enum rollout_kind)kind;
	r->count = (int)count;
	r->back_count = (int)back;
	r->back_scaled = (int)scaled;
	r->auto_surge = (int)json_get_int(j, "auto_surge", -1);
	r->auto_count = r->count;
	r->is_continued = json_bool(json_get(j, "is_told_on"), false);
	r->is_aborted = json_bool(json_get(j, "is_aborted"), false);
	r->began_at = now - json_get_int(j, "began_ms", 0);
	r->progress_at = now - json_get_int(j, "progress_ms", 0);
	load_failure(r, j);
	return 0;
}

static int load_instance(struct app *a, const struct vec *revisions, const struct json *j, struct err *e)
{
	int64_t number = json_get_int(j, "number", -1);
	int64_t slot = json_get_int(j, "slot", 0);
	struct instance *i = NULL;

	if (!in_range(number, 0, APP_INSTANCES_MAX - 1) || !in_range(slot, 1, UINT32_MAX) ||
		app_instance(a, (int)number) || herd_by_slot(a->herd, (uint32_t)slot))
		return err_set(e, "an instance of '%s' makes no sense", a->spec->name);
	i = app_add_instance(a, (int)number, (uint32_t)slot);
	revision_set(&i->revision, find_revision(a, revisions, json_get_int(j, "revision", 0)));
	load_numbers(i, j);
	load_history(i, j);
	load_exit(i, json_get(j, "last_exit"));
	i->why = load_reason(j, "why", "reason");
	if (!state_parse(json_string(json_get(j, "state"), ""), &i->state) ||
		!phase_parse(json_string(json_get(j, "phase"), ""), &i->phase) ||
		!drain_step_parse(json_string(json_get(j, "leave"), "none"), &i->drain) ||
		!state_has_phase(i->state, i->phase) || (state_is_live(i->state) && !i->generation))
		return err_set(e, "'%s:%d' is in no state", a->spec->name, i->number);
	/* Not by a step: it joins its app's queue when the herd resumes. */
	if (i->phase == PHASE_DELAYED && get_flag(j, "is_staggered"))
		i->phase = PHASE_STAGGERED;
	load_down_cause(i, j);
	if (i->generation > a->herd->last_generation)
		a->herd->last_generation = i->generation;
	if (load_timer(i, &i->life, i->phase == PHASE_STAGGERED ? NULL : json_get(j, "life"), e) < 0 ||
		load_timer(i, &i->tree, json_get(j, "tree"), e) < 0 ||
		load_timer(i, &i->tree, json_get(j, "grace"), e) < 0)
		return -1;
	ASSERT_OF(i, herd_by_slot(a->herd, i->slot) == i && app_instance(a, i->number) == i,
		"is loaded, and cannot be found");
	health_slot_restore(i);
	instance_mark_dirty(i);
	return 0;
}

/* It is nice to have: what makes no sense is left out. */
static void load_gone(struct app *a, const struct vec *revisions, const struct json *j)
{
	int64_t number = json_get_int(j, "number", -1);
	int64_t slot = json_get_int(j, "slot", 0);
	int64_t ago = json_get_int(j, "gone_ms", -1);
	struct instance *i = NULL;

	if (!in_range(number, 0, APP_INSTANCES_MAX - 1) || !in_range(slot, 1, UINT32_MAX) || ago < 0 ||
		app_instance(a, (int)number) || herd_by_slot(a->herd, (uint32_t)slot))
		return;
	i = instance_new(a, (int)number, (uint32_t)slot);
	revision_set(&i->revision, find_revision(a, revisions, json_get_int(j, "revision", 0)));
	load_numbers(i, j);
	load_history(i, j);
	load_exit(i, json_get(j, "last_exit"));
	i->why = load_reason(j, "why", "reason");
	(void)state_parse(json_string(json_get(j, "state"), ""), &i->state);
	(void)drain_step_parse(json_string(json_get(j, "leave"), "none"), &i->drain);
	gone_add(i, a->herd->now - ago);
}

/* What was long ago keeps nobody away any more. */
static void load_start(struct app *a, const struct json *j)
{
	enum { LONG_AGO_MS = 24 * 3600 * 1000 };
	int64_t slot = json_get_int(j, "slot", 0);
	int64_t ago = json_get_int(j, "ms", -1);
	const struct stagger_start *last = &a->starts.stagger.last;

	if (in_range(slot, 1, UINT32_MAX) && in_range(ago, 0, LONG_AGO_MS) &&
		(!last->slot || last->at <= a->herd->now - ago))
		stagger_note(&a->starts.stagger, (uint32_t)slot, a->herd->now - ago);
}

static int load_instances(struct app *a, const struct json *j, struct err *e)
{
	struct vec revisions = VEC_INIT;
	const struct json *instance = NULL;
	int rc = load_revisions(a, &revisions, j, e);

	JSON_EACH (json_get(j, "instances"), instance) {
		rc = rc < 0 ? rc : load_instance(a, &revisions, instance, e);
	}
	JSON_EACH (json_get(j, "gone"), instance) {
		if (rc == 0)
			load_gone(a, &revisions, instance);
	}
	rc = rc < 0 ? rc : load_rollout(a, &revisions, json_get(j, "rollout"), e);
	vec_release_with(&revisions, drop_revision);
	return rc;
}

static int load_app(struct herd *h, const struct json *j, struct err *e)
{
	struct revision *r = load_revision(j, e);
	int64_t count = json_get_int(j, "count", -1);
	int64_t scaled = json_get_int(j, "scaled", -1);
	struct app *a = NULL;

	if (!r)
		return -1;
	if (app_find(h, r->spec->name) || !in_range(count, 0, APP_INSTANCES_MAX) ||
		!in_range(scaled, -1, APP_INSTANCES_MAX)) {
		err_set(e, "'%s' makes no sense", r->spec->name);
		revision_drop(r);
		return -1;
	}
	a = app_new(h, r);
	a->count = (int)count;
	a->scaled = (int)scaled;
	a->wants_up = json_bool(json_get(j, "wants_up"), false);
	a->is_deleting = json_bool(json_get(j, "is_leaving"), false);
	load_start(a, json_get(j, "start_before"));
	load_start(a, json_get(j, "start_last"));
	a->arrival = (size_t)json_get_int(j, "arrival", (int64_t)a->arrival);
	a->gate = json_get_int(j, "gate", 0);
	if (!in_range(a->gate, 0, UINT32_MAX))
		return err_set(e, "the gate of '%s' makes no sense", a->spec->name);
	if (a->arrival > h->arrivals)
		h->arrivals = a->arrival;
	ASSERT(a->count >= 0 && a->count <= APP_INSTANCES_MAX, "%s is loaded with %d instances",
		a->spec->name, a->count);
	return load_instances(a, j, e);
}

static int load_all(struct herd *h, const struct json *j, struct err *e)
{
	const struct json *app = NULL;
	struct vec specs = VEC_INIT;
	struct vec none = VEC_INIT;
	int64_t generation = json_get_int(j, "generation", 0);
	int64_t slot = json_get_int(j, "slot", 0);
	int rc = 0;

	if (json_get_int(j, "version", 0) != 1)
		return err_set(e, "the herd is of a version that is not known here");
	JSON_EACH (json_get(j, "apps"), app) {
		if (load_app(h, app, e) < 0)
			return -1;
	}
	if (generation > 0 && (uint64_t)generation > h->last_generation)
		h->last_generation = (uint64_t)generation;
	h->last_rollout = (uint64_t)json_get_int(j, "rollouts", 0);
	if (in_range(slot, h->last_slot, UINT32_MAX))
		h->last_slot = (uint32_t)slot;
	for (size_t k = 0; k < h->apps.len; k++)
		vec_push(&specs, (void *)((struct app *)h->apps.items[k])->spec);
	rc = graph_check(&specs, &none, e);
	if (rc == 0)
		names_note(&specs);
	vec_release(&specs);
	return rc;
}

struct herd *herd_from_json(
	const struct json *j, const struct herd_options *options, int64_t now, struct err *e)
{
	struct herd *h = herd_new(options);
	int64_t saved = json_get_int(j, "now", now);

	/* Ages and remaining times count from when it was saved; after a new start of the machine, which has a new clock, from now. */
	h->now = saved < now ? saved : now;
	h->is_restoring = true;
	if (load_all(h, j, e) < 0) {
		herd_free(h);
		return NULL;
	}
	h->now = now;
	for (size_t k = 0; k < h->apps.len; k++)
		app_give_gate(h->apps.items[k]);
	graph_link(h);
	receipts_load(h, json_get(j, "receipts"));
	for (size_t k = 0; k < h->apps.len; k++)
		app_mark_dirty(h->apps.items[k]);
	ASSERT(h->is_restoring && h->now == now, "a herd is loaded, and is at work");
	return h;
}

struct herd *herd_blank(const struct herd_options *options)
{
	struct herd *h = herd_new(options);

	h->is_blank = h->is_restoring = true;
	return h;
}
