/*
 * How a rollout ends: well, with nothing touched, on its way back, or standing still; and in which words.
 */
#include <string.h>

#include "base/assert.h"
#include "base/log.h"
#include "base/mem.h"
#include "herd/deploy.h"
#include "herd/request_wait.h"

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

void rollout_rested(struct app *a, bool is_ok, const char *words)
{
	mem_free(a->verdict);
	a->verdict = mem_strdup(words);
	a->is_verdict_ok = is_ok;
}

void rollout_end(struct rollout *r, bool is_ok, const char *words)
{
	struct app *a = r->app;
	uint64_t number = r->number;
	struct buf text = BUF_INIT;

	ASSERT(a->rollout == r, "%s ends a rollout that is over", a->spec->name);
	buf_adds(&text, words);
	log_info("%s", text.ptr);
	rollout_tell(a, text.ptr);
	a->rollout = NULL;
	drop_spares(a);
	rollout_settle_on(a, a->target);
	rollout_free(r);
	rollout_rested(a, is_ok, text.ptr);
	a->herd->is_changed = true;
	rollouts_settled(a->herd, number, is_ok, text.ptr);
	if (!is_ok)
		fail_dependents(a);
	rollout_wake_dependents(a);
	buf_release(&text);
}

void rollout_succeed(struct rollout *r)
{
	struct app *a = r->app;
	struct buf words = BUF_INIT;
	bool is_ok = true;

	if (!a->wanted && a->count) {
		is_ok = false;
		buf_addf(&words,
			"%s: was stopped while it was deployed; revision %d is used at the next start",
			a->spec->name, r->to->number);
	} else {
		buf_addf(&words, "%s: revision %d runs in %d of %d instance%s (%.1f s)", a->spec->name,
			r->to->number, count_running(a, a->target), a->count, a->count == 1 ? "" : "s",
			(double)(a->herd->now - r->began_at) / 1000);
	}
	if (a->target->is_held)
		revision_location_words(a->target, &words);
	if (a->target->is_held && r->kind == ROLLOUT_RELOAD)
		buf_addf(&words, " (rolled back; 'oxctl deploy %s' takes the newest)", a->spec->name);
	if (r->failure.len) {
		is_ok = false;
		buf_addf(&words, ", but %s", r->failure.ptr);
	}
	if (a->current != a->target && rollout_makes_way_back(a, a->target, r->kind))
		revision_set(&a->previous, a->current);
	rollout_end(r, is_ok, words.ptr);
	buf_release(&words);
}

/* The reason may have the last lines of an instance below it; what is said of now goes in between. */
static void failure_words(const struct rollout *r, const char *now, struct buf *out)
{
	const char *reason = r->failure.len ? r->failure.ptr : "it failed";
	size_t len = strcspn(reason, "\n");

	if (r->is_aborted) {
		buf_addf(out, "%s: aborted: revision %d is not deployed; %s", r->app->spec->name,
			r->to->number, now);
		return;
	}
	buf_addf(out, "%s: revision %d is not deployed: %.*s; %s", r->app->spec->name, r->to->number,
		(int)len, reason, now);
	buf_adds(out, reason + len);
}

/* What runs by the old revision may not start again as it was. */
static void lost_words(const struct app *a, struct buf *out)
{
	struct buf lost = BUF_INIT;

	if (app_has_lost(a, a->current, &lost))
		buf_addf(out, ", but %s: what starts runs the files that are there now", lost.ptr);
	buf_release(&lost);
}

static void now_words(const struct app *a, const char *first, struct buf *out)
{
	buf_addf(out, "%s, %d of %d instance%s run%s revision %d", first, count_running(a, a->current),
		a->count, a->count == 1 ? "" : "s", a->count == 1 ? "s" : "", a->current->number);
	lost_words(a, out);
}

static void give_up(struct rollout *r, const char *first)
{
	struct app *a = r->app;
	struct buf now = BUF_INIT;
	struct buf words = BUF_INIT;

	now_words(a, first, &now);
	failure_words(r, now.ptr, &words);
	app_retarget(a, a->current);
	a->scaled = r->back_scaled;
	rollout_end(r, false, words.ptr);
	buf_release(&now);
	buf_release(&words);
}

void rollout_went_back(struct rollout *r)
{
	give_up(r, "it went back");
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
}

void rollout_stalls_back(struct rollout *r)
{
	struct buf now = BUF_INIT;
	struct buf words = BUF_INIT;

	r->is_stall_reported = true;
	now_words(r->app, "rolling back is stuck", &now);
	failure_words(r, now.ptr, &words);
	log_warn("%s", words.ptr);
	rollouts_settled(r->app->herd, r->number, false, words.ptr);
	fail_dependents(r->app);
	buf_release(&now);
	buf_release(&words);
}

static void halt(struct rollout *r)
{
	struct buf words = BUF_INIT;

	failure_words(r,
		"rollback is off, so it stands still: 'deploy' again, or 'deploy --abort' to go back",
		&words);
	rollout_enter(r, ROLLOUT_HALTED);
	rollout_rested(r->app, false, words.ptr);
	rollouts_settled(r->app->herd, r->number, false, words.ptr);
	fail_dependents(r->app);
	buf_release(&words);
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

	log_warn("%s: %s of revision %d failed: %s", a->spec->name, rollout_kind_word(r->kind), r->to->number,
		r->failure.len ? r->failure.ptr : "it makes no progress");
	if (is_untouched(r))
		give_up(r, "nothing was touched");
	else if (a->spec->deploy.rollback || r->is_aborted || r->phase < ROLLOUT_REPLACE)
		turn_back(r);
	else
		halt(r);
}

void rollout_drop(struct app *a)
{
	struct buf words = BUF_INIT;

	if (!a->rollout)
		return;
	buf_addf(&words, "%s: was deleted", a->spec->name);
	rollout_end(a->rollout, false, words.ptr);
	buf_release(&words);
}
