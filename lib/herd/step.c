/*
 * What is, and what is wanted: one step nearer.  Called for each touched instance, again and again, until none has a step left.
 */
#include "base/assert.h"
#include "herd/deploy.h"
#include "herd/herd_private.h"

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

/* Where no upstream names it, nothing has to be drained first. */
static bool may_stop(struct instance *i)
{
	return (i->drain == DRAIN_NONE && !app_keeps_upstream(i->app)) || instance_may_stop(i);
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
