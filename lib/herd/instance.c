#include "base/assert.h"
#include "base/mem.h"
#include "herd/deploy.h"
#include "herd/herd_private.h"
#include "herd/request_wait.h"

struct instance *instance_new(struct app *app, int number, uint32_t slot)
{
	struct instance *i = mem_zalloc(1, sizeof(*i));

	ASSERT(slot && number >= 0 && number < APP_INSTANCES_MAX, "%s: instance %d gets slot %u",
		app->spec->name, number, slot);
	i->app = app;
	i->number = number;
	i->slot = slot;
	i->revision = revision_ref(app->rollout ? rollout_birth_revision(app, number) : app->target);
	i->health = spec_has_health(i->revision->spec) ? HEALTH_UNKNOWN : HEALTH_NONE;
	i->state = STATE_STOPPED;
	i->start_by = EVENT_START;
	i->wants_up = app->wants_up;
	i->gone_at = INT64_MIN;
	i->life.owner = i;
	i->tree.owner = i;
	ASSERT_OF(i, i->revision && i->revision->refs > 1, "runs by a revision that is its own alone");
	return i;
}

void instance_free(struct instance *i)
{
	timer_disarm(&i->app->herd->timers, &i->life);
	timer_disarm(&i->app->herd->timers, &i->tree);
	instance_forget_process(i);
	reason_free(i->limit_reason);
	revision_drop(i->revision);
	mem_free(i->history);
	reason_free(i->why);
	mem_free(i);
}

void instance_forget_process(struct instance *i)
{
	if (i->checkup)
		instance_check_end(i);
	if (i->notify)
		instance_notify_end(i);
	if (i->is_held || i->unheld)
		instance_forget_held(i);
}

void instance_forget(struct instance *i)
{
	const struct herd_options *o = &i->app->herd->options;

	o->effects->forget(o->context, i->app->spec->name, i->number);
	instance_free(i);
}

void instance_name(const struct instance *i, struct buf *out)
{
	buf_addf(out, "%s:%d", i->app->spec->name, i->number);
}

int instance_port(const struct instance *i)
{
	return instance_is_spare(i) ? i->port : revision_port(i->revision, i->number);
}

void instance_set_why(struct instance *i, const struct reason *why)
{
	/* Copied first: `why` may be the one that it has, or point into it. */
	struct reason *copy = reason_copy(why);

	reason_free(i->why);
	i->why = copy;
}

bool instance_is_wanted(const struct instance *i)
{
	return i->wants_up && !instance_is_retired(i) && !i->app->herd->is_shutting_down;
}

bool instance_should_run(const struct instance *i)
{
	return instance_is_wanted(i) && !i->has_ended;
}

bool instance_is_ready(const struct instance *i)
{
	/* A one-shot that ended well is as good as ready, until somebody wants it once more. */
	return i->state == STATE_FINISHED ? i->has_ended
					  : i->state == STATE_RUNNING && !instance_is_restarting(i);
}

bool instance_is_well(const struct instance *i)
{
	return i->state == STATE_RUNNING && !instance_is_restarting(i) &&
		(i->health == HEALTH_NONE || i->health == HEALTH_HEALTHY);
}

bool instance_is_going_down(const struct instance *i)
{
	if (!state_is_live(i->state))
		return false;
	return i->state == STATE_STOPPING || instance_is_restarting(i) || !instance_should_run(i);
}

bool instance_is_down(const struct instance *i)
{
	return !state_is_live(i->state) && (i->phase == PHASE_NONE || i->phase == PHASE_CHECKING);
}

static void look_whether_well(struct instance *i)
{
	int64_t now = i->app->herd->now;

	if (!instance_is_well(i))
		i->well_since = 0;
	else if (!i->well_since)
		i->well_since = now ? now : 1;
	ASSERT_OF(i, !i->well_since == !instance_is_well(i), "is well or not, and its time says otherwise");
}

/* What its app counts it as. */
static unsigned int counts_of(const struct instance *i)
{
	bool is_wanted = instance_is_wanted(i);

	return (is_wanted && !instance_is_spare(i) ? COUNTED_WANTED : 0U) |
		(is_wanted && instance_is_ready(i) ? COUNTED_READY : 0U) |
		(instance_is_going_down(i) ? COUNTED_GOING_DOWN : 0U);
}

static void count(struct app *a, unsigned int counted, int by)
{
	ASSERT(by == 1 || by == -1, "%s counts by %d", a->spec->name, by);
	a->wanted += counted & COUNTED_WANTED ? by : 0;
	a->ready += counted & COUNTED_READY ? by : 0;
	a->going_down += counted & COUNTED_GOING_DOWN ? by : 0;
}

static void recount(struct instance *i)
{
	struct app *a = i->app;
	unsigned int now = counts_of(i);
	bool were_going_down = a->going_down > 0;

	if (((now ^ i->counted) & COUNTED_READY) && app_has_upstream(a))
		upstream_is_stale(a);
	if (a->gate)
		gate_is_stale(a);
	count(a, i->counted, -1);
	count(a, now, 1);
	i->counted = now;
	ASSERT(a->wanted >= 0 && a->ready >= 0 && a->going_down >= 0,
		"%s counts %d wanted, %d ready, %d going down", a->spec->name, a->wanted, a->ready,
		a->going_down);
	ASSERT((size_t)a->wanted <= a->instances.len && (size_t)a->going_down <= a->instances.len,
		"%s counts %d wanted and %d going down, of %zu", a->spec->name, a->wanted, a->going_down,
		a->instances.len);
	if (were_going_down && !a->going_down)
		for (size_t k = 0; k < a->needs.len; k++)
			app_mark_dirty(a->needs.items[k]);
	if (app_is_ready(a) == a->was_ready)
		return;
	a->was_ready = !a->was_ready;
	for (size_t k = 0; k < a->needed_by.len; k++)
		app_mark_dirty(a->needed_by.items[k]);
}

void instance_mark_dirty(struct instance *i)
{
	struct herd *h = i->app->herd;

	ASSERT_OF(i, i->gone_at == INT64_MIN, "is gone, and is to take a step");
	h->is_changed = true;
	if (i->app->rollout)
		rollout_is_stale(i->app);
	if (!i->next_dirty) {
		i->next_dirty = i;
		if (h->dirty_first)
			h->dirty_last->next_dirty = i;
		else
			h->dirty_first = i;
		h->dirty_last = i;
	}
	ASSERT_OF(i, h->dirty_first && h->dirty_last->next_dirty == h->dirty_last,
		"stands in a row that has no end");
	look_whether_well(i);
	recount(i);
}

static void tell(struct instance *i, struct herd_event *event)
{
	struct herd *h = i->app->herd;

	ASSERT_OF(i, i->gone_at == INT64_MIN, "is gone, and something happens to it");
	event->at = h->now;
	event->app = i->app->spec->name;
	event->instance = i->number;
	event->pid = i->pid;
	event->run = i->generation;
	event->delay_ms = event->to == STATE_BACKOFF ? i->delay_ms : -1;
	herd_publish(h, event);
}

void instance_last_lines(const struct instance *i, struct buf *out)
{
	const struct herd_options *o = &i->app->herd->options;
	struct buf name = BUF_INIT;

	instance_name(i, &name);
	o->effects->last_lines(o->context, name.ptr, out);
	buf_release(&name);
}

/* What it wrote before an end that nobody asked for. */
static void add_last_lines(const struct instance *i, enum event on, struct buf *out)
{
	if (on == EVENT_CRASHED || on == EVENT_GAVE_UP)
		instance_last_lines(i, out);
}

/* The keeper reports each end until the store has it; a brain that was killed before that may have published it. */
static bool was_published(const struct instance *i, enum event on)
{
	return event_is_end(on) && i->adoption == ADOPTION_END_PUBLISHED && i->app->herd->is_restoring;
}

static void tell_step(struct instance *i, struct herd_event *event)
{
	struct buf lines = BUF_INIT;

	ASSERT_OF(i, event->to == i->state, "tells of a step that it did not take");
	if (was_published(i, event->on))
		return;
	if (event->on == EVENT_READY)
		event->elapsed_ms = i->app->herd->now - i->started_at;
	add_last_lines(i, event->on, &lines);
	event->why = i->why;
	event->lines = lines.len ? lines.ptr : NULL;
	tell(i, event);
	buf_release(&lines);
}

bool instance_event(struct instance *i, enum event on, const struct reason *why)
{
	struct step step = fsm_step(i->state, on);
	struct herd_event event = { .kind = HERD_EVENT_STATE, .from = i->state, .to = step.to, .on = on };

	ASSERT(i->gone_at == INT64_MIN, "%s:%d is gone, and hears %s", i->app->spec->name, i->number,
		event_word(on));
	if (!step.is_legal) {
		fact_unexpected(i->app->herd, i, event_word(on));
		return false;
	}
	i->state = step.to;
	instance_set_why(i, why);
	tell_step(i, &event);
	instance_mark_dirty(i);
	if (i->app->herd->requests.len)
		requests_look(i->app->herd, i);
	instance_act(i, step.action);
	ASSERT_OF(i, i->revision && i->revision->refs > 0, "took a step without a revision");
	ASSERT(!state_is_live(i->state) || i->generation, "%s:%d is %s without an attempt",
		i->app->spec->name, i->number, state_word(i->state));
	return true;
}

void instance_become_ready(struct instance *i)
{
	if (!instance_gate(i) || gate_admits(i))
		instance_event(i, EVENT_READY, NULL);
}

void instance_restore_state(
	struct instance *i, enum state state, enum herd_event_kind kind, const struct reason *why)
{
	struct herd_event event = { .kind = kind, .from = state, .to = state, .why = why };

	ASSERT(i->app->herd->is_restoring, "%s:%d is restored, and nothing else is", i->app->spec->name,
		i->number);
	i->state = state;
	instance_set_why(i, why);
	tell(i, &event);
	instance_mark_dirty(i);
	ASSERT_OF(i, i->state == state, "is restored, and changed meanwhile");
}

void instance_note(struct instance *i, const struct reason *why)
{
	struct herd_event event = { .kind = HERD_EVENT_NOTE, .from = i->state, .to = i->state, .why = why };

	ASSERT_OF(i, why, "notes nothing");
	tell(i, &event);
}

/* --- its next step: what is comes nearer to what is wanted; for each touched instance, until none has a step left --- */

struct reason instance_stop_reason(const struct instance *i)
{
	if (i->app->herd->is_shutting_down)
		return REASON_OF(DAEMON_STOPS);
	if (instance_is_spare(i) && instance_is_retired(i))
		return REASON_OF(SPARE_OVER);
	if (i->down_cause == DOWN_PULLED)
		return REASON_OF(REPLACED, .revision = i->app->target->number);
	if (instance_is_retired(i) && i->app->is_deleting)
		return REASON_OF(DELETED);
	if (instance_is_retired(i))
		return REASON_OF(SCALED_DOWN);
	if (!i->wants_up)
		return REASON_OF(ASKED_TO_STOP);
	ASSERT_OF(i, i->down_cause != DOWN_LIMIT || i->limit_reason,
		"goes down for a limit, and nothing says which");
	return i->down_cause == DOWN_LIMIT ? *i->limit_reason : REASON_OF(RESTART);
}

static void stop_step(struct instance *i)
{
	const struct reason why = instance_stop_reason(i);

	instance_event(i, EVENT_STOP, &why);
}

static void step_down(struct instance *i)
{
	bool waits = i->state == STATE_BLOCKED || i->state == STATE_BACKOFF;
	bool is_to_be_down = !i->wants_up || instance_is_retired(i);

	ASSERT(!state_is_live(i->state) && !instance_is_wanted(i), "%s:%d stays down while it is %s",
		i->app->spec->name, i->number, state_word(i->state));
	instance_set_down(i, DOWN_NONE);
	if (i->drain != DRAIN_NONE)
		instance_drain_cancel(i);
	/* When only the daemon stops, what crashed or finished stays so. */
	if (waits || (is_to_be_down && i->state != STATE_STOPPED))
		stop_step(i);
	/* Not in the same step: being fed touched it, and what is touched must stay. */
	else if (instance_is_retired(i) && i->phase == PHASE_NONE)
		app_remove(i);
}

static enum event start_event(const struct instance *i)
{
	ASSERT_OF(i, !state_is_live(i->state), "runs, and is to start");
	if (i->state == STATE_BACKOFF)
		return i->start_by;
	return i->state == STATE_CRASHED && i->start_by == EVENT_RESET ? EVENT_RESET : EVENT_START;
}

/* During a rollback: its number is beyond the old count, and the old revision has no port for it. */
static bool has_no_place(const struct instance *i)
{
	const struct rollout *r = i->app->rollout;

	return r && !instance_is_spare(i) && i->number >= r->count && i->revision->ports_len > 0 &&
		!instance_port(i);
}

static void step_up(struct instance *i)
{
	bool waits_for_delay = i->state == STATE_BACKOFF && timer_is_armed(&i->life);
	struct reason why;

	ASSERT(!state_is_live(i->state) && instance_is_wanted(i), "%s:%d comes up while it is %s",
		i->app->spec->name, i->number, state_word(i->state));
	/* The slot is not used before the last one's tree is gone; a port that is taken calls by itself. */
	if (i->phase != PHASE_NONE)
		return;
	instance_set_down(i, DOWN_NONE);
	if (i->has_ended || waits_for_delay)
		return;
	if (i->state == STATE_BLOCKED && app_is_waiting(i->app, NULL))
		return;
	if (has_no_place(i)) {
		instance_retire(i);
		instance_mark_dirty(i);
		return;
	}
	if (app_is_waiting(i->app, &why))
		instance_event(i, EVENT_BLOCK, &why);
	else
		instance_event(i, start_event(i), NULL);
}

/* The definition changed while it was on its way out, and now it is wanted again. */
static bool is_outdated(const struct instance *i)
{
	return !i->app->rollout && i->revision != i->app->target && !instance_is_going_down(i);
}

/* What ends for a limit is judged once it is gone: counted, and started again after a delay.  Not one that is to be down anyway. */
static void begin_stop(struct instance *i)
{
	ASSERT(instance_is_going_down(i), "%s:%d stops, and nothing says so", i->app->spec->name, i->number);
	if (i->down_cause == DOWN_LIMIT && !instance_is_wanted(i))
		instance_set_down(i, DOWN_RESTART);
	stop_step(i);
}

/* Where no upstream names it, and no gate passes it connections, nothing has to be drained first. */
static bool may_stop(struct instance *i)
{
	bool has_front = app_keeps_upstream(i->app) || instance_gate(i);

	return (i->drain == DRAIN_NONE && !has_front) || instance_may_stop(i);
}

void instance_step(struct instance *i)
{
	ASSERT_OF(i, i->gone_at == INT64_MIN && !i->next_dirty, "takes a step that it is still to take");
	if (i->health_slot != HEALTH_SLOT_NONE)
		health_slot_review(i);
	if (i->state == STATE_STOPPING)
		return;
	if (state_is_live(i->state) && is_outdated(i)) {
		instance_restart(i);
		instance_mark_dirty(i);
	}
	if (state_is_live(i->state)) {
		/* Where no process was asked for yet nobody can depend on it. */
		bool is_hollow = i->phase == PHASE_CHECKING || i->phase == PHASE_DELAYED ||
			i->phase == PHASE_STAGGERED;

		if (!instance_is_going_down(i)) {
			if (i->state == STATE_UNHEALTHY && instance_step_unhealthy(i))
				return;
			if (i->drain != DRAIN_NONE && i->state != STATE_STARTING)
				instance_drain_cancel(i);
			return;
		}
		if (is_hollow || (!app_has_dependents_going_down(i->app) && may_stop(i)))
			begin_stop(i);
		return;
	}
	if (instance_is_wanted(i))
		step_up(i);
	else
		step_down(i);
}
