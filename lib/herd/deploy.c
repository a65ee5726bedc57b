/*
 * The life of a rollout: how it begins, fails, goes back and ends.  What it does next is decided in rules/rollout and carried out in
 * deploy_step.c.
 */
#include <string.h>

#include "base/assert.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "herd/deploy.h"
#include "herd/request_wait.h"

enum { LAPSES_MAX = 3 };

static const char *const kind_words[] = {
	[ROLLOUT_DEPLOY] = "deploy",
	[ROLLOUT_RELOAD] = "reload",
	[ROLLOUT_ROLLBACK] = "rollback",
};

const char *rollout_kind_word(enum rollout_kind kind)
{
	return kind_words[kind];
}

bool rollout_is_forward(const struct rollout *r)
{
	return r->phase != ROLLOUT_BACK;
}

bool rollout_waits_for_word(const struct rollout *r)
{
	return r->phase == ROLLOUT_PAUSED || r->phase == ROLLOUT_HALTED;
}

bool rollout_rests(const struct rollout *r)
{
	return rollout_waits_for_word(r) || (r->phase == ROLLOUT_BACK && r->is_stall_reported);
}

void rollout_free(struct rollout *r)
{
	if (!r)
		return;
	timer_disarm(&r->app->herd->timers, &r->timer);
	revision_drop(r->to);
	reason_free(r->why);
	mem_free(r->lines);
	mem_free(r);
}

struct rollout *rollout_new(struct app *a, struct revision *to)
{
	struct rollout *r = mem_zalloc(1, sizeof(*r));

	r->app = a;
	r->to = revision_ref(to);
	r->auto_surge = -1;
	r->timer.owner = a;
	r->timer.kind = TIMER_ROLLOUT;
	ASSERT(!timer_is_armed(&r->timer) && r->to->refs > 1,
		"%s begins a rollout to a revision that is gone", a->spec->name);
	return r;
}

void rollout_is_stale(struct app *a)
{
	a->is_rollout_stale = a->rollout != NULL;
	a->herd->has_stale_rollout |= a->is_rollout_stale;
	ASSERT(!a->is_rollout_stale || a->herd->has_stale_rollout,
		"%s has something to decide, and nobody looks", a->spec->name);
}

void rollout_fire(struct app *a)
{
	ASSERT(a->rollout, "%s has no rollout, and its timer goes off", a->spec->name);
	rollout_is_stale(a);
	a->herd->is_changed = true;
}

bool instance_is_on_trial(const struct instance *i)
{
	/* Also one of a rollout that was overtaken before this one was proven. */
	return i->app->rollout && i->revision != i->app->current && !instance_is_trusted(i);
}

struct revision *rollout_birth_revision(const struct app *a, int number)
{
	const struct rollout *r = a->rollout;
	bool is_early = r->phase == ROLLOUT_WAITING || r->phase == ROLLOUT_PRE || r->phase == ROLLOUT_PROOF;

	/* Where the ports move, the old revision has none for a number that it never had. */
	if (!is_early || !revision_port(a->current, number) != !revision_port(a->target, number))
		return a->target;
	return a->current;
}

/* --- begin --- */

void rollout_wake_dependents(struct app *a)
{
	for (size_t k = 0; k < a->needed_by.len; k++)
		rollout_is_stale(a->needed_by.items[k]);
}

void rollout_enter(struct rollout *r, enum rollout_phase phase)
{
	struct app *a = r->app;

	ASSERT(a->rollout == r, "%s continues a rollout that is over", a->spec->name);
	r->phase = phase;
	r->progress_at = a->herd->now;
	a->herd->is_changed = true;
	rollout_tell(a, NULL);
	rollout_is_stale(a);
	if (rollout_waits_for_word(r))
		rollout_wake_dependents(a);
}

void rollout_hook(struct rollout *r, bool is_post)
{
	struct app *a = r->app;
	const struct herd_options *o = &a->herd->options;
	const struct hook_effect effect = {
		.app = a->spec->name,
		.rollout = r->number,
		.spec = a->spec,
		.is_post = is_post,
		.revision = a->target->number,
		.caller = a->target->caller,
		.own = revision_own(a->target),
	};

	ASSERT(r->phase == (is_post ? ROLLOUT_REPLACE : ROLLOUT_WAITING), "%s runs its %s hook in phase %s",
		a->spec->name, is_post ? "post" : "pre", rollout_phase_word(r->phase));
	rollout_enter(r, is_post ? ROLLOUT_POST : ROLLOUT_PRE);
	o->effects->hook(o->context, &effect);
}

/* What goes back goes back to what was there before the first of them. */
static void supersede(struct app *a, const struct revision *next, struct rollout *r)
{
	struct wait_result *verdict = NULL;

	ASSERT(a->rollout && a->rollout != r, "%s overtakes no rollout", a->spec->name);
	verdict = wait_result_new(a->spec->name, false,
		&REASON_OF(OVERTAKEN, .app = a->spec->name, .revision = a->rollout->to->number,
			.next_revision = next->number),
		NULL);
	rollouts_settled(a->herd, a->rollout->number, verdict);
	r->back_count = a->rollout->back_count;
	r->back_scaled = a->rollout->back_scaled;
	rollout_free(a->rollout);
	wait_result_free(verdict);
}

void rollout_call_off(struct instance *i)
{
	if (i->down_cause == DOWN_PULLED)
		instance_set_down(i, i->state == STATE_STOPPING ? DOWN_RESTART : DOWN_NONE);
	i->takes_target = false;
	instance_mark_dirty(i);
	ASSERT_OF(i, i->down_cause != DOWN_PULLED && !i->takes_target, "is called off, and is replaced");
}

void rollout_begin(struct app *a, struct revision *to, const struct rollout_start *start)
{
	struct rollout *r = rollout_new(a, to);

	ASSERT(start->count >= 0 && start->count <= APP_INSTANCES_MAX, "%s is rolled out to %d instances",
		a->spec->name, start->count);
	r->back_count = a->count;
	r->back_scaled = a->scaled;
	if (a->rollout)
		supersede(a, to, r);
	a->rollout = r;
	r->number = ++a->herd->last_rollout;
	r->kind = start->kind;
	r->count = start->count;
	r->began_at = a->herd->now;
	app_overtake(a, to);
	app_retarget(a, to);
	for (size_t k = 0; k < a->instances.len; k++) {
		struct instance *i = a->instances.items[k];

		i->trial = TRIAL_OPEN;
		i->lapses = 0;
		i->published_step = ROLLOUT_STEP_WAITS;
		rollout_call_off(i);
	}
	graph_link(a->herd);
	r->phase = ROLLOUT_WAITING;
	r->progress_at = a->herd->now;
	a->herd->is_changed = true;
	rollout_is_stale(a);
	app_mark_dirty(a);
	ASSERT(a->rollout == r && a->target == to && r->number, "%s has begun a rollout, and has another",
		a->spec->name);
}

void rollout_settle_on(struct app *a, struct revision *r)
{
	size_t k = 0;
	struct instance *i = NULL;

	ASSERT(!a->rollout, "%s settles in the middle of a rollout", a->spec->name);
	revision_set(&a->current, r);
	app_retarget(a, r);
	VEC_EACH (&a->instances, k, i) {
		i->takes_target = false;
		if (i->down_cause == DOWN_PULLED)
			instance_set_down(i, DOWN_RESTART);
		i->trial = TRIAL_OPEN;
		if (!state_is_live(i->state) && !instance_is_retired(i))
			revision_set(&i->revision, r);
		instance_mark_dirty(i);
	}
	graph_link(a->herd);
	if (app_has_upstream(a))
		upstream_is_stale(a);
	ASSERT(a->current == r && a->target == r, "%s settles on revision %d, and runs by another",
		a->spec->name, r->number);
}

/* Nothing of it runs, and nothing of it is wanted: then there is nothing to roll. */
static bool is_all_down(const struct app *a)
{
	size_t k = 0;
	const struct instance *i = NULL;

	VEC_EACH (&a->instances, k, i) {
		if (!instance_is_retired(i) && (instance_is_wanted(i) || state_is_live(i->state)))
			return false;
	}
	return true;
}

void app_roll(struct app *a, struct revision *to, const struct rollout_start *start)
{
	ASSERT(to && to->refs > 0 && !a->is_deleting, "%s is rolled out, and is deleted", a->spec->name);
	if (a->rollout || !is_all_down(a)) {
		rollout_begin(a, to, start);
		return;
	}
	app_overtake(a, to);
	if (rollout_makes_way_back(a, to, start->kind))
		revision_set(&a->previous, a->current);
	rollout_settle_on(a, to);
	if (a->count != start->count)
		app_resize(a, start->count);
}

/* --- what is noticed --- */

void rollout_set_failure(struct rollout *r, const struct reason *why)
{
	reason_free(r->why);
	r->why = reason_copy(why);
	mem_free(r->lines);
	r->lines = NULL;
	ASSERT(!why || r->why, "%s fails, and nothing says why", r->app->spec->name);
}

/* A proven instance that crashes is tested again, at most LAPSES_MAX times, so that every deploy ends. */
static bool has_lapsed(struct instance *i)
{
	if (i->trial != TRIAL_PROVEN || i->has_ended)
		return false;
	return !rollout_is_forward(i->app->rollout) || i->lapses++ < LAPSES_MAX;
}

void rollout_note_failure(struct instance *i, const struct reason *why)
{
	struct rollout *r = i->app->rollout;
	const struct herd_options *o = &i->app->herd->options;
	struct buf name = BUF_INIT;
	struct buf lines = BUF_INIT;

	ASSERT(r, "%s:%d fails in no rollout", i->app->spec->name, i->number);
	if (i->takes_target || instance_is_retired(i) || i->revision != i->app->target)
		return;
	rollout_is_stale(i->app);
	if (has_lapsed(i)) {
		i->trial = TRIAL_OPEN;
		return;
	}
	ASSERT_OF(i, !instance_is_retired(i) && why, "fails in a rollout for nothing");
	i->trial = TRIAL_FAILED;
	if (!r->why && rollout_is_forward(r)) {
		instance_name(i, &name);
		rollout_set_failure(r,
			&REASON_OF(INSTANCE_FAILED, .instance = name.ptr, .is_spare = instance_is_spare(i),
				.cause = why));
		o->effects->last_lines(o->context, name.ptr, &lines);
		r->lines = lines.len ? mem_strdup(lines.ptr) : NULL;
	}
	buf_release(&name);
	buf_release(&lines);
}

void rollout_note_upstream(struct app *a, const char *words)
{
	struct rollout *r = a->rollout;

	if (!r || (r->phase != ROLLOUT_PROOF && r->phase != ROLLOUT_REPLACE))
		return;
	rollout_set_failure(r, &REASON_OF(UPSTREAM_UNCHANGED, .detail = words));
	rollout_fail(r);
}

void herd_hooked(
	struct herd *h, const char *app, uint64_t rollout, bool is_ok, const char *words, int64_t now)
{
	struct app *a = app_find(h, app);
	struct rollout *r = a ? a->rollout : NULL;
	bool is_pre = r && r->phase == ROLLOUT_PRE;

	herd_begin(h, now);
	if (!r || r->number != rollout || (!is_pre && r->phase != ROLLOUT_POST)) {
		h->counts.stale_facts++;
		return;
	}
	ASSERT(r->app == a, "%s hears of the hook of another", a->spec->name);
	if (!is_ok)
		rollout_set_failure(
			r, &REASON_OF(HOOK_FAILED, .hook = is_pre ? "pre" : "post", .detail = words));
	if (!is_pre)
		rollout_succeed(r);
	else if (is_ok)
		rollout_enter(r, ROLLOUT_PROOF);
	else
		rollout_fail(r);
	herd_commit(h);
}

/* A hook that ran when the brain died was killed with it: nobody knows how far it came. */
void rollout_resume(struct app *a)
{
	struct rollout *r = a->rollout;

	if (!r)
		return;
	rollout_is_stale(a);
	ASSERT(r->app == a && r->timer.owner == a, "%s resumes the rollout of another", a->spec->name);
	if (r->phase != ROLLOUT_PRE && r->phase != ROLLOUT_POST)
		return;
	rollout_set_failure(r, &REASON_OF(HOOK_CUT_OFF, .hook = r->phase == ROLLOUT_PRE ? "pre" : "post"));
	if (r->phase == ROLLOUT_PRE)
		rollout_fail(r);
	else
		rollout_succeed(r);
}
