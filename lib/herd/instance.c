#include "base/assert.h"
#include "base/mem.h"
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
