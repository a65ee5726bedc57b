/*
 * A rollout's next steps: a picture for rules/rollout, and its decisions carried out.
 */
#include "base/assert.h"
#include "base/mem.h"
#include "herd/deploy.h"
#include "herd/request_wait.h"
#include "herd/unready.h"

/* A start, a stop and a trial may take as long as they may; beyond that, nothing is under way that would end by itself. */
enum { STALL_MS = 120000, STALL_TRIALS = 10 };

/* On the way back one spare takes the place of another that has failed: not as fast as they fail. */
enum { SPARE_PAUSE_MS = 5000 };

/* --- the picture --- */

/* It decides only about spares of one that was overtaken. */
static bool is_early(const struct rollout *r)
{
	return r->phase == ROLLOUT_WAITING || r->phase == ROLLOUT_PRE;
}

static bool serves(const struct instance *i)
{
	/* What has ended well is as good as one that runs. */
	bool is_done = i->state == STATE_FINISHED && i->has_ended && !instance_is_spare(i);

	return instance_is_wanted(i) && (i->state == STATE_RUNNING || is_done) &&
		!instance_is_going_down(i) && !instance_is_on_trial(i);
}

static struct rollout_slot slot_of(const struct instance *i)
{
	const struct app *a = i->app;
	/* Until it begins the app has as many as before. */
	int count = is_early(a->rollout) ? a->count : a->rollout->count;
	bool is_surplus = !instance_is_spare(i) && i->number >= count;
	bool is_done = i->state == STATE_FINISHED && i->has_ended;
	bool is_well = instance_is_well(i) || is_done;

	ASSERT_OF(i, count >= 0, "is looked at for a rollout that is not there");
	return (struct rollout_slot){
		.seat = instance_is_spare(i) ? SEAT_SPARE
			: is_surplus         ? SEAT_SURPLUS
					     : SEAT_REAL,
		.is_target = i->revision == a->target || i->takes_target,
		.is_wanted = instance_is_wanted(i),
		.is_retired = instance_is_retired(i),
		.serves = serves(i),
		.is_up = instance_is_wanted(i) && (i->state == STATE_RUNNING || i->state == STATE_UNHEALTHY),
		.is_well = is_well && !i->takes_target,
		.is_proven = i->trial == TRIAL_PROVEN,
		.has_failed = i->trial == TRIAL_FAILED,
		.has_ended = i->has_ended,
		.is_stuck = i->is_unkillable && i->takes_target,
		.well_since = is_done ? 0 : i->well_since,
	};
}

/* Who has ports by its count alone, or its server's by a shared .env, may be a worker that listens nowhere: no proxy knows it. */
static bool is_listened(struct rollout *r)
{
	const struct herd_options *o = &r->app->herd->options;
	size_t k = 0;
	const struct instance *i = NULL;

	if (r->has_looked)
		return r->is_listened;
	r->has_looked = true;
	VEC_EACH (&r->app->instances, k, i) {
		bool is_up = i->state == STATE_RUNNING || i->state == STATE_UNHEALTHY;

		if (is_up && i->port && o->is_port_busy && o->is_port_busy(o->context, i->port))
			r->is_listened = true;
	}
	ASSERT(r->has_looked, "%s has not looked who listens", r->app->spec->name);
	return r->is_listened;
}

/* Where we keep the upstream, the proxy never asks a server that is down. */
static int64_t pace_of(struct rollout *r)
{
	const struct spec *s = r->app->spec;
	bool is_found_by_asking =
		revision_port(r->app->target, 0) && !s->nginx.output && s->port_mode != PORT_SHARED;
	int64_t pace = is_found_by_asking
		? rollout_pace(r->count, (int)s->deploy.max_unavailable, s->deploy.fail_timeout_ms)
		: 0;

	return pace > 0 && is_listened(r) ? pace : 0;
}

/* On a port that it was given, whether it is its own or passed on; a worker may share its server's .env file. */
static bool listens_itself(const struct instance *i)
{
	bool is_up = i->state == STATE_RUNNING || i->state == STATE_UNHEALTHY;

	return is_up && instance_listens(i);
}

static bool is_any_listening(const struct app *a)
{
	size_t k = 0;
	const struct instance *i = NULL;

	VEC_EACH (&a->instances, k, i) {
		if (!instance_is_spare(i) && listens_itself(i))
			return true;
	}
	return false;
}

/* Decided once: while the only instance is replaced nobody listens. */
static int surge_of(struct rollout *r)
{
	const struct spec *s = r->app->spec;
	struct rollout_subject subject = {
		.instances = r->count,
		.is_port_written = r->app->target->port_source == PORT_WRITTEN,
		.is_job = s->restart == RESTART_NEVER,
	};

	if (rollout_begins_to_share(r->app))
		return 0;
	if (s->deploy.surge >= 0)
		return (int)s->deploy.surge;
	/* Scaled in the middle of it: what was many may be one now. */
	if (r->auto_surge < 0 || r->auto_count != r->count) {
		r->auto_count = r->count;
		subject.listens = r->count == 1 && !subject.is_port_written && is_any_listening(r->app);
		r->auto_surge = rollout_surge(&subject);
	}
	return r->auto_surge;
}

static struct rollout_rules rules_of(struct rollout *r)
{
	const struct spec *s = r->app->spec;
	int64_t pace_ms = pace_of(r);

	/* Better than to take one down that has to wait for its turn to start again. */
	if (pace_ms < s->stagger_ms)
		pace_ms = s->stagger_ms;
	return (struct rollout_rules){
		.surge = r->is_spareless ? 0 : surge_of(r),
		.at_once = (int)s->deploy.max_unavailable,
		/* What is rolled back has run before. */
		.canary = r->is_continued || r->kind == ROLLOUT_ROLLBACK ? 0 : (int)s->deploy.canary,
		.min_healthy_ms = s->deploy.min_healthy_ms,
		.pace_ms = pace_ms,
		.stall_ms = STALL_MS + s->deploy.drain_ms + s->stop_timeout_ms + s->start_delay_ms +
			s->ready_timeout_ms + STALL_TRIALS * (s->deploy.min_healthy_ms + pace_ms),
	};
}

static struct rollout_decision decide(const struct app *a)
{
	struct rollout_slot *slots = mem_zalloc(a->instances.len, sizeof(*slots));
	struct rollout_picture p = {
		.phase = a->rollout->phase == ROLLOUT_HALTED ? ROLLOUT_PAUSED : a->rollout->phase,
		.slots = slots,
		.now = a->herd->now,
		.progress_at = a->rollout->progress_at,
		.spare_at = a->rollout->spare_at,
		.is_stall_reported = a->rollout->is_stall_reported,
	};
	struct rollout_decision d;

	ASSERT(a->rollout->phase != ROLLOUT_POST, "%s decides while its last command runs", a->spec->name);
	/* Whether anybody listens is looked at when it begins. */
	if (!is_early(a->rollout))
		p.rules = rules_of(a->rollout);
	/* By place, so that a decision's slot is one of the app's instances. */
	for (size_t k = 0; k < a->instances.len; k++)
		slots[p.len++] = slot_of(a->instances.items[k]);
	rollout_mark_held(a, slots);
	d = rollout_decide(&p);
	ASSERT(p.len == a->instances.len, "%s has a picture of %zu of %zu instances", a->spec->name, p.len,
		a->instances.len);
	mem_free(slots);
	ASSERT(d.slot == ROLLOUT_NO_SLOT || d.slot < a->instances.len, "%s decides about slot %zu of %zu",
		a->spec->name, d.slot, a->instances.len);
	return d;
}

/* --- what is decided --- */

/* Nothing of it runs: the next start is by the target. */
static void switch_over(struct instance *i)
{
	ASSERT_OF(i, !state_is_live(i->state), "runs, and is switched over");
	instance_stop_checking(i);
	if (i->state == STATE_BACKOFF)
		timer_disarm(&i->app->herd->timers, &i->life);
	revision_set(&i->revision, i->app->target);
	i->has_ended = false;
	i->was_delayed = false;
	i->start_by = EVENT_START;
	/* An instance that is stopped stays stopped, and there is nothing to test. */
	i->trial = instance_is_wanted(i) ? TRIAL_OPEN : TRIAL_PROVEN;
	ASSERT_OF(i, i->revision == i->app->target && i->phase != PHASE_CHECKING,
		"is switched over, and looks at a port of before");
}

static void replace(struct instance *i)
{
	ASSERT(!instance_is_spare(i), "%s:%d is a spare, and is replaced", i->app->spec->name, i->number);
	i->trial = TRIAL_OPEN;
	instance_forget_crashes(i);
	if (state_is_live(i->state) || i->phase == PHASE_DELAYED) {
		i->takes_target = true;
		if (!instance_is_restarting(i))
			instance_set_down(i, DOWN_PULLED);
	} else {
		switch_over(i);
	}
	instance_mark_dirty(i);
	ASSERT_OF(i, i->takes_target || i->revision == i->app->target, "is replaced by what it has");
}

static void drop(struct app *a, struct instance *i)
{
	struct rollout *r = a->rollout;
	bool has_failed = i->trial == TRIAL_FAILED || i->has_ended;

	ASSERT_OF(i, r && i->app == a, "is dropped by another app");
	if (!instance_is_spare(i)) {
		app_resize(a, r->count);
		return;
	}
	if (r->phase == ROLLOUT_BACK && has_failed)
		r->spare_at = a->herd->now + SPARE_PAUSE_MS;
	spare_drop(i);
}

/* On the way back spares may fail one after the other, which brings nothing nearer. */
static bool is_progress(const struct rollout *r, enum rollout_verb verb)
{
	return r->phase != ROLLOUT_BACK || (verb != ROLLOUT_DO_ADD_SPARE && verb != ROLLOUT_DO_DROP_SPARE);
}

static void pause_it(struct rollout *r)
{
	struct app *a = r->app;

	rollout_enter(r, ROLLOUT_PAUSED);
	rollout_rested(a, rollout_pause_result(r));
	rollouts_settled(a->herd, r->number, a->verdict);
	ASSERT(r->phase == ROLLOUT_PAUSED && a->verdict, "%s pauses, and nothing says so", a->spec->name);
}

/* Whom it waits for. */
static const struct instance *awaited(const struct rollout *r)
{
	size_t k = 0;
	const struct instance *i = NULL;

	VEC_EACH (&r->app->instances, k, i) {
		if (instance_is_wanted(i) && i->trial != TRIAL_PROVEN &&
			(i->revision == r->app->target || i->takes_target))
			return i;
	}
	return NULL;
}

static void note_stall(struct rollout *r)
{
	const struct instance *i = awaited(r);
	struct reason *cause = i ? instance_reason(i) : NULL;
	struct buf name = BUF_INIT;

	if (i)
		instance_name(i, &name);
	rollout_set_failure(r,
		&REASON_OF(NO_PROGRESS, .instance = name.ptr, .state = i ? state_word(i->state) : NULL,
			.cause = cause));
	reason_free(cause);
	buf_release(&name);
	ASSERT(r->why, "%s stands still for nothing", r->app->spec->name);
}

static void note_unkillable(struct rollout *r, const struct instance *i)
{
	struct buf name = BUF_INIT;

	ASSERT_OF(i, i->is_unkillable, "can be stopped, and is said not to");
	instance_name(i, &name);
	rollout_set_failure(r, &REASON_OF(NOT_STOPPED, .instance = name.ptr));
	buf_release(&name);
}

static void fail(struct rollout *r, const struct instance *i)
{
	if (r->phase == ROLLOUT_BACK) {
		rollout_stalls_back(r);
		return;
	}
	if (!r->why && i && i->is_unkillable)
		note_unkillable(r, i);
	else if (!r->why)
		note_stall(r);
	ASSERT(r->why, "%s fails for nothing", r->app->spec->name);
	rollout_fail(r);
}

static void finish(struct rollout *r)
{
	struct app *a = r->app;

	ASSERT(a->rollout == r, "%s finishes a rollout that is over", a->spec->name);
	if (a->count != r->count)
		app_resize(a, r->count);
	if (r->phase == ROLLOUT_BACK)
		rollout_went_back(r);
	else if (a->spec->deploy.post.argv && a->wanted)
		rollout_hook(r, true);
	else
		rollout_succeed(r);
}

static void carry_out(struct rollout *r, const struct rollout_decision *d)
{
	struct app *a = r->app;
	struct instance *i = d->slot < a->instances.len ? a->instances.items[d->slot] : NULL;
	bool is_about_one = d->verb == ROLLOUT_DO_DROP_SPARE || d->verb == ROLLOUT_DO_REPLACE ||
		d->verb == ROLLOUT_DO_PROVE;

	ASSERT(a->rollout == r, "%s carries out a rollout that is over", a->spec->name);
	if (is_progress(r, d->verb))
		r->progress_at = a->herd->now;
	a->herd->is_changed = true;
	if (is_about_one && !i)
		return;
	ASSERT(!i || i->app == a, "%s carries out what is another's", a->spec->name);
	switch (d->verb) {
	case ROLLOUT_DO_ADD_SPARE:
		spare_add(a);
		break;
	case ROLLOUT_DO_DROP_SPARE:
		drop(a, i);
		break;
	case ROLLOUT_DO_OPEN:
		rollout_enter(r, ROLLOUT_REPLACE);
		if (r->count > a->count)
			app_resize(a, r->count);
		break;
	case ROLLOUT_DO_REPLACE:
		replace(i);
		break;
	case ROLLOUT_DO_PROVE:
		i->trial = TRIAL_PROVEN;
		i->trusted = i->generation;
		instance_mark_dirty(i);
		if (app_has_upstream(a))
			upstream_is_stale(a);
		break;
	case ROLLOUT_DO_PAUSE:
		pause_it(r);
		break;
	case ROLLOUT_DO_FAIL:
		fail(r, i);
		break;
	case ROLLOUT_DO_END:
		finish(r);
		break;
	case ROLLOUT_DO_WAIT:
		break;
	}
}

/* --- before it decides anything --- */

static bool waits_for_others(const struct app *a)
{
	for (size_t k = 0; k < a->needs.len; k++) {
		const struct app *need = a->needs.items[k];

		if (need->rollout && !rollout_rests(need->rollout))
			return true;
	}
	return false;
}

static void begin(struct rollout *r)
{
	ASSERT(r->phase == ROLLOUT_WAITING, "%s begins in phase %s", r->app->spec->name,
		rollout_phase_word(r->phase));
	if (r->is_hopeless) {
		rollout_fail(r);
		return;
	}
	if (waits_for_others(r->app)) {
		if (!r->is_wait_published)
			rollout_tell(r->app, NULL);
		r->is_wait_published = true;
		return;
	}
	if (r->app->spec->deploy.pre.argv && r->kind != ROLLOUT_ROLLBACK)
		rollout_hook(r, false);
	else
		rollout_enter(r, ROLLOUT_PROOF);
}

static bool decides(enum rollout_phase phase)
{
	return phase != ROLLOUT_POST;
}

static void wake_at(struct rollout *r, int64_t at)
{
	struct herd *h = r->app->herd;

	if (at < 0)
		timer_disarm(&h->timers, &r->timer);
	else if (!timer_is_armed(&r->timer) || r->timer.at != at)
		timer_arm(&h->timers, &r->timer, at);
	ASSERT(at < 0 || timer_is_armed(&r->timer), "%s waits, and nothing wakes it", r->app->spec->name);
}

static void step(struct app *a)
{
	struct rollout_decision d = { .verb = ROLLOUT_DO_WAIT, .at = -1 };

	a->is_rollout_stale = false;
	if (a->rollout && a->rollout->phase == ROLLOUT_WAITING)
		begin(a->rollout);
	while (a->rollout && decides(a->rollout->phase)) {
		d = decide(a);
		if (d.verb == ROLLOUT_DO_WAIT)
			break;
		carry_out(a->rollout, &d);
	}
	if (!a->rollout)
		return;
	wake_at(a->rollout, decides(a->rollout->phase) ? d.at : -1);
	rollout_tell_steps(a);
	a->is_rollout_stale = false;
	ASSERT(a->rollout->app == a, "%s has the rollout of another", a->spec->name);
}

void rollouts_settle(struct herd *h)
{
	h->has_stale_rollout = false;
	/* While the daemon stops nothing is decided: the next one continues. */
	for (size_t k = 0; k < h->apps.len && !h->is_shutting_down; k++) {
		struct app *a = h->apps.items[k];

		/* The end of one links the graph anew, which sorts the apps: then all are looked at once more. */
		if (!a->is_rollout_stale)
			continue;
		step(a);
		k = (size_t)-1;
	}
}
