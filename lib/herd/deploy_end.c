/*
 * How a rollout ends: well, with nothing touched, on its way back, or standing still.
 */
#include "base/assert.h"
#include "base/log.h"
#include "herd/deploy.h"
#include "herd/request_wait.h"
#include "view/wait_text.h"

static int count_running(const struct app *a, const struct revision *r)
{
	int count = 0;
	size_t k = 0;
	const struct instance *i = NULL;

	VEC_EACH (&a->instances, k, i) {
		count += i->revision == r && !instance_is_spare(i) && !instance_is_retired(i) &&
			instance_is_wanted(i) && instance_is_ready(i);
	}
	return count;
}

static void drop_spares(struct app *a)
{
	for (size_t k = 0; k < a->instances.len; k++)
		if (instance_is_spare(a->instances.items[k]))
			spare_drop(a->instances.items[k]);
}

/* Rollouts that wait for this one will not begin. */
static void fail_dependents(struct app *a)
{
	for (size_t k = 0; k < a->needed_by.len; k++) {
		struct app *other = a->needed_by.items[k];

		if (!other->rollout || other->rollout->phase != ROLLOUT_WAITING)
			continue;
		rollout_set_failure(other->rollout, &REASON_OF(NEED_NOT_DEPLOYED, .app = a->spec->name));
		other->rollout->is_hopeless = true;
		rollout_is_stale(other);
	}
}

void rollout_rested(struct app *a, struct wait_result *verdict)
{
	wait_result_free(a->verdict);
	a->verdict = verdict;
	ASSERT(a->verdict, "%s rests, and nothing says how", a->spec->name);
}

static struct wait_result *result_of(const struct rollout *r, bool is_ok, const struct reason *why)
{
	return wait_result_new(r->app->spec->name, is_ok, why, r->lines);
}

/* The rollout is gone after it; the verdict is taken over. */
static void end_rollout(struct rollout *r, struct wait_result *verdict)
{
	struct app *a = r->app;
	uint64_t number = r->number;

	ASSERT(a->rollout == r, "%s ends a rollout that is over", a->spec->name);
	rollout_tell(a, verdict);
	a->rollout = NULL;
	drop_spares(a);
	rollout_settle_on(a, a->target);
	rollout_free(r);
	rollout_rested(a, verdict);
	a->herd->is_changed = true;
	rollouts_settled(a->herd, number, verdict);
	if (!verdict->is_ok)
		fail_dependents(a);
	rollout_wake_dependents(a);
	ASSERT(!a->rollout && a->verdict == verdict, "%s has ended a rollout, and has one", a->spec->name);
}

static struct wait_result *success_of(const struct rollout *r)
{
	const struct app *a = r->app;
	bool was_stopped = !a->wanted && a->count;
	struct buf location = BUF_INIT;
	struct wait_result *result = NULL;
	struct reason why = {
		.kind = was_stopped ? REASON_STOPPED_MEANWHILE : REASON_DEPLOYED,
		.app = a->spec->name,
		.revision = r->to->number,
		.verb = rollout_kind_word(r->kind),
		.running = count_running(a, a->target),
		.count = a->count,
		.ms = a->herd->now - r->began_at,
		.is_rolled_back = a->target->is_held,
		.cause = r->why,
	};

	if (a->target->is_held)
		revision_location(a->target, &location);
	why.location = location.ptr;
	result = result_of(r, !was_stopped && !r->why, &why);
	buf_release(&location);
	return result;
}

void rollout_succeed(struct rollout *r)
{
	struct app *a = r->app;
	struct wait_result *verdict = success_of(r);

	if (a->current != a->target && rollout_makes_way_back(a, a->target, r->kind))
		revision_set(&a->previous, a->current);
	end_rollout(r, verdict);
}

/* What runs by the old revision may not start again as it was: that is said too, where it is known what is lost. */
static struct wait_result *failure_of(const struct rollout *r, enum reason_stands stands)
{
	const struct app *a = r->app;
	struct buf lost = BUF_INIT;
	struct wait_result *result = NULL;
	struct reason why = {
		.kind = REASON_NOT_DEPLOYED,
		.app = a->spec->name,
		.revision = r->to->number,
		.cause = r->why,
		.is_aborted = r->is_aborted,
		.stands = stands,
		.running = count_running(a, a->current),
		.count = a->count,
		.current = a->current->number,
	};

	if (stands != REASON_STANDS_STILL)
		(void)app_has_lost(a, a->current, &lost);
	why.lost = lost.ptr;
	result = result_of(r, false, &why);
	buf_release(&lost);
	return result;
}

static void give_up(struct rollout *r, enum reason_stands stands)
{
	struct app *a = r->app;
	struct wait_result *verdict = failure_of(r, stands);

	app_retarget(a, a->current);
	a->scaled = r->back_scaled;
	end_rollout(r, verdict);
	ASSERT(a->target == a->current, "%s has given up, and runs by two revisions", a->spec->name);
}

void rollout_went_back(struct rollout *r)
{
	ASSERT(r->phase == ROLLOUT_BACK, "%s went back, and went forward", r->app->spec->name);
	give_up(r, REASON_STANDS_WENT_BACK);
}

static void turn_back(struct rollout *r)
{
	struct app *a = r->app;

	app_retarget(a, a->current);
	graph_link(a->herd);
	r->count = r->back_count;
	a->scaled = r->back_scaled;
	for (size_t k = 0; k < a->instances.len; k++) {
		struct instance *i = a->instances.items[k];

		if (i->revision == a->target)
			rollout_call_off(i);
		i->trial = i->revision == a->target && !i->takes_target ? TRIAL_PROVEN : TRIAL_OPEN;
		instance_mark_dirty(i);
	}
	rollout_enter(r, ROLLOUT_BACK);
	fail_dependents(a);
	ASSERT(r->phase == ROLLOUT_BACK && a->target == a->current, "%s goes back, and goes forward",
		a->spec->name);
}

void rollout_stalls_back(struct rollout *r)
{
	struct wait_result *verdict = failure_of(r, REASON_STANDS_STUCK);
	struct buf text = BUF_INIT;

	ASSERT(r->phase == ROLLOUT_BACK && !r->is_stall_reported, "%s stands still twice on its way back",
		r->app->spec->name);
	r->is_stall_reported = true;
	wait_result_text(verdict, &text);
	log_warn("%s", text.ptr);
	rollouts_settled(r->app->herd, r->number, verdict);
	fail_dependents(r->app);
	wait_result_free(verdict);
	buf_release(&text);
}

static void halt(struct rollout *r)
{
	rollout_enter(r, ROLLOUT_HALTED);
	rollout_rested(r->app, failure_of(r, REASON_STANDS_STILL));
	rollouts_settled(r->app->herd, r->number, r->app->verdict);
	fail_dependents(r->app);
}

/* One that was overtaken may have replaced some. */
static bool is_untouched(const struct rollout *r)
{
	const struct app *a = r->app;
	size_t k = 0;
	const struct instance *i = NULL;

	if (r->phase != ROLLOUT_WAITING && r->phase != ROLLOUT_PRE && r->phase != ROLLOUT_PROOF)
		return false;
	VEC_EACH (&a->instances, k, i) {
		if (!instance_is_spare(i) && !instance_is_retired(i) && i->revision != a->current)
			return false;
	}
	return a->count == r->back_count;
}

void rollout_fail(struct rollout *r)
{
	const struct app *a = r->app;

	ASSERT(a->rollout == r && r->phase != ROLLOUT_BACK, "%s fails on its way back", a->spec->name);
	if (is_untouched(r))
		give_up(r, REASON_STANDS_UNTOUCHED);
	else if (a->spec->deploy.rollback || r->is_aborted || r->phase < ROLLOUT_REPLACE)
		turn_back(r);
	else
		halt(r);
}

void rollout_drop(struct app *a)
{
	if (a->rollout)
		end_rollout(a->rollout,
			wait_result_new(a->spec->name, false,
				&REASON_OF(DELETED_MEANWHILE, .app = a->spec->name), NULL));
	ASSERT(!a->rollout, "%s is deleted, and is rolled out", a->spec->name);
}
