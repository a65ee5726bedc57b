/*
 * Checks of health: when each is wished for, what its answer means for the instance, and who may be restarted for it.  One cause may make all
 * instances of an app fail; so only as many as deploy.max_unavailable are taken down for their health until they are well again, and the others
 * stay up, unhealthy as they are.
 */
#include "base/assert.h"
#include "base/log.h"
#include "base/mem.h"
#include "herd/herd_private.h"

/* What is known of the health of a process that exists. */
struct checkup {
	struct health_counts counts;
	struct timer timer;
	int64_t first_at, due_at;
	int64_t failed_before; /* what had failed when it was given its place */
	bool is_in_flight;     /* a check is under way */
	bool is_held_up;       /* the last one could not be made, and it was said */
	struct reason *why;    /* what the last one said; NULL when it passed */
};

/* --- checks ------------------------------------------------------------------------------------------------------ */

static void arm(struct instance *i, int64_t at)
{
	const struct herd *h = i->app->herd;

	ASSERT_OF(i, i->checkup && !i->checkup->is_in_flight, "is to be checked twice at once");
	i->checkup->due_at = at;
	instance_arm(i, &i->checkup->timer, TIMER_CHECK, at > h->now ? at - h->now : 0);
}

static void arm_next(struct instance *i)
{
	const struct checkup *c = i->checkup;
	int64_t now = i->app->herd->now;

	ASSERT_OF(i, state_is_live(i->state), "is down, and is to be checked");
	if (i->state == STATE_STARTING)
		arm(i, health_soon(instance_spec(i), c->first_at, now));
	else
		arm(i, health_next(instance_spec(i), i->slot, c->due_at, now));
}

static void open(struct instance *i)
{
	if (!i->checkup) {
		i->checkup = mem_zalloc(1, sizeof(*i->checkup));
		i->checkup->timer.owner = i;
	}
	ASSERT_OF(i, i->checkup->timer.owner == i, "is checked for another");
}

void instance_check_begin(struct instance *i)
{
	int64_t now = i->app->herd->now;

	ASSERT_OF(i, spec_has_health(instance_spec(i)), "is checked, and has no check");
	if (i->checkup)
		return;
	i->health = HEALTH_UNKNOWN;
	open(i);
	i->checkup->first_at = health_first(instance_spec(i), i->started_at, now);
	arm(i, i->checkup->first_at);
	ASSERT_OF(i, instance_is_checked(i), "begins to be checked, and is not");
}

void instance_check_resume(struct instance *i)
{
	int64_t now = i->app->herd->now;

	if (!spec_has_health(instance_spec(i)) || i->checkup)
		return;
	open(i);
	i->checkup->first_at = now;
	arm(i, health_again(instance_spec(i), i->slot, now));
	ASSERT_OF(i, instance_is_checked(i), "is checked again, and is not");
}

void instance_check_end(struct instance *i)
{
	ASSERT_OF(i, i->checkup, "is not checked, and its checks end");
	timer_disarm(&i->app->herd->timers, &i->checkup->timer);
	reason_free(i->checkup->why);
	mem_free(i->checkup);
	i->checkup = NULL;
}

void instance_check_renew(struct instance *i)
{
	bool has_health = spec_has_health(instance_spec(i));
	bool runs = i->state == STATE_RUNNING || i->state == STATE_UNHEALTHY;

	if (has_health == (i->health != HEALTH_NONE))
		return;
	if (!has_health && i->checkup) {
		i->app->herd->options.effects->unwatch(i->app->herd->options.context, instance_ticket(i));
		instance_check_end(i);
	}
	i->health = has_health ? HEALTH_UNKNOWN : HEALTH_NONE;
	if (has_health && runs)
		instance_check_begin(i);
	if (!has_health && i->state == STATE_UNHEALTHY)
		instance_event(i, EVENT_HEALTHY, &REASON_OF(NOT_CHECKED));
}

void instance_check(struct instance *i)
{
	const struct herd *h = i->app->herd;
	struct checkup *c = i->checkup;
	struct buf name = BUF_INIT;
	struct spawn_effect effect;

	if (!c || c->is_in_flight)
		return;
	/* Nothing is looked at in a burst, and nothing is judged by what was asked while everything stood still. */
	if (health_is_late(c->due_at, h->now)) {
		arm(i, health_again(instance_spec(i), i->slot, h->now));
		return;
	}
	ASSERT(i->phase >= PHASE_SPAWNING, "%s:%d is checked, and its phase is %s", i->app->spec->name,
		i->number, phase_word(i->phase));
	c->is_in_flight = true;
	instance_spawn_effect(i, &effect, &name);
	h->options.effects->probe(h->options.context, &effect, i->pid);
	buf_release(&name);
}

bool instance_is_checked(const struct instance *i)
{
	return i->checkup && (i->checkup->is_in_flight || timer_is_armed(&i->checkup->timer));
}

const struct reason *instance_check_reason(const struct instance *i)
{
	return i->checkup ? i->checkup->why : NULL;
}

/* --- answers ----------------------------------------------------------------------------------------------------- */

static void note_answer(struct instance *i, enum probe_answer answer, const struct reason *why)
{
	struct checkup *c = i->checkup;
	bool is_news = answer != PROBE_PASSED && (!c->why || !reason_equal(c->why, why));

	ASSERT_OF(i, answer == PROBE_PASSED || why, "has failed a check, and nothing says why");
	/* Who else answers is for people to know, at once and once. */
	if (is_news && answer == PROBE_STRANGER)
		instance_note(i, why);
	if (!is_news && answer != PROBE_PASSED)
		return;
	reason_free(c->why);
	c->why = is_news ? reason_copy(why) : NULL;
}

static void turn_unhealthy(struct instance *i)
{
	ASSERT_OF(i, i->state == STATE_RUNNING && i->checkup, "turns unhealthy without a check");
	instance_event(i, EVENT_UNHEALTHY,
		&REASON_OF(CHECKS_FAILED, .count = i->checkup->counts.failed, .cause = i->checkup->why));
}

static void take_verdict(struct instance *i, enum health verdict)
{
	bool is_new = verdict != i->health;

	ASSERT_OF(i, i->checkup && i->phase >= PHASE_SPAWNING, "is judged by a check of another");
	i->health = verdict;
	if (i->state == STATE_STARTING) {
		if (verdict == HEALTH_HEALTHY)
			instance_become_ready(i);
	} else if (verdict == HEALTH_UNHEALTHY && i->state == STATE_RUNNING) {
		turn_unhealthy(i);
	} else if (verdict == HEALTH_HEALTHY && i->state == STATE_UNHEALTHY && !instance_is_silent(i)) {
		instance_event(i, EVENT_HEALTHY, NULL);
	} else if (verdict == HEALTH_UNHEALTHY && i->health_slot == HEALTH_SLOT_HELD) {
		instance_mark_dirty(i);
	} else if (is_new) {
		log_info("%s:%d: its health check passes", i->app->spec->name, i->number);
		instance_mark_dirty(i);
	}
}

/* An event once, until one can be made again. */
static void note_hold_up(struct instance *i, enum probe_answer answer, const struct reason *why)
{
	bool was_held_up = i->checkup->is_held_up;

	i->checkup->is_held_up = answer == PROBE_UNKNOWN;
	if (!i->checkup->is_held_up || was_held_up)
		return;
	instance_note(i, &REASON_OF(CHECK_HELD_UP, .cause = why));
}

void herd_probed(
	struct herd *h, struct ticket t, enum probe_answer answer, const struct reason *why, int64_t now)
{
	struct instance *i = herd_by_ticket(h, t, now);

	if (!i)
		return;
	if (!i->checkup || !i->checkup->is_in_flight) {
		fact_unexpected(h, i, "a check");
		return;
	}
	i->checkup->is_in_flight = false;
	note_hold_up(i, answer, why);
	if (answer != PROBE_UNKNOWN) {
		note_answer(i, answer, why);
		take_verdict(i,
			health_after(instance_spec(i), &i->checkup->counts, i->health, answer == PROBE_PASSED,
				i->state == STATE_STARTING));
	}
	if (i->checkup)
		arm_next(i);
	herd_commit(h);
}

/* --- who may be restarted for it ------------------------------------------------------------------------------------ */

void health_slot_release(struct instance *i)
{
	struct app *a = i->app;
	uint32_t next = budget_give(&a->health_budget, i->slot);
	struct instance *heir = next ? herd_by_slot(a->herd, next) : NULL;

	ASSERT_OF(i, i->health_slot != HEALTH_SLOT_NONE, "gives back a health slot that it has not");
	ASSERT_OF(i, !heir || (heir != i && heir->app == a && heir->health_slot == HEALTH_SLOT_WAITING),
		"gives its health slot to one that does not wait");
	instance_set_health_slot(i, HEALTH_SLOT_NONE);
	if (!heir)
		return;
	/* What has just ended for another may end for it too: one more check has to fail. */
	instance_set_health_slot(heir, HEALTH_SLOT_HELD);
	if (heir->checkup)
		heir->checkup->failed_before = heir->checkup->counts.failed;
	instance_mark_dirty(heir);
}

void health_slot_review(struct instance *i)
{
	bool waits = i->health_slot == HEALTH_SLOT_WAITING;
	/* Who is down for good comes back for nobody. */
	bool is_over = !instance_should_run(i) || instance_is_well(i) || i->state == STATE_FINISHED;

	ASSERT_OF(i, i->health_slot != HEALTH_SLOT_NONE, "has no health slot to give back");
	if (is_over || (waits && i->state != STATE_UNHEALTHY))
		health_slot_release(i);
}

/* How many may be down can change only when nobody is. */
static void fit_health_slots(struct app *a)
{
	if (!a->health_budget.len)
		a->health_budget.most = (size_t)a->spec->deploy.max_unavailable;
}

static void take_health_slot(struct instance *i)
{
	struct app *a = i->app;

	fit_health_slots(a);
	ASSERT(i->health_slot == HEALTH_SLOT_NONE, "%s:%d asks for a second health slot", i->app->spec->name,
		i->number);
	instance_set_health_slot(
		i, budget_ask(&a->health_budget, i->slot) ? HEALTH_SLOT_HELD : HEALTH_SLOT_WAITING);
	ASSERT_OF(i, a->health_budget.held > 0 && a->health_budget.held <= a->health_budget.len,
		"asks for a health slot, and nobody has one");
}

void health_slot_restore(struct instance *i)
{
	if (i->health_slot != HEALTH_SLOT_HELD)
		return;
	i->health_slot = HEALTH_SLOT_NONE;
	take_health_slot(i);
}

bool health_slot_take(struct instance *i)
{
	struct app *a = i->app;

	fit_health_slots(a);
	if (i->health_slot == HEALTH_SLOT_HELD)
		return true;
	if (i->health_slot == HEALTH_SLOT_WAITING ||
		(a->health_budget.held >= a->health_budget.most && a->health_budget.held))
		return false;
	take_health_slot(i);
	ASSERT_OF(i, i->health_slot == HEALTH_SLOT_HELD, "has a free health slot in front of it, and waits");
	return i->health_slot == HEALTH_SLOT_HELD;
}

static void request_health_slot(struct instance *i)
{
	ASSERT_OF(i, i->state == STATE_UNHEALTHY, "is well, and asks for a health slot");
	take_health_slot(i);
	if (i->health_slot == HEALTH_SLOT_WAITING)
		instance_note(i, &REASON_OF(LEFT_UNHEALTHY));
}

/* Also when it was another's turn for a while. */
static bool is_ill_still(const struct instance *i)
{
	return instance_is_silent(i) || (i->checkup && i->checkup->counts.failed > i->checkup->failed_before);
}

bool instance_step_unhealthy(struct instance *i)
{
	ASSERT_OF(i, i->state == STATE_UNHEALTHY && !instance_is_going_down(i),
		"goes down already, and is restarted for its health");
	if (i->health_slot == HEALTH_SLOT_NONE)
		request_health_slot(i);
	if (i->health_slot != HEALTH_SLOT_HELD || !is_ill_still(i))
		return false;
	if (!instance_may_stop(i))
		return true;
	instance_set_down(i, DOWN_FAILING);
	instance_event(i, EVENT_STOP, i->why ? i->why : &REASON_OF(UNHEALTHY));
	return true;
}

/* Those that use up more than they may: restarted gently, and not all of an app at once, for they tend to pass a limit together. */
void herd_over_limit(struct herd *h, struct ticket t, const struct reason *why, int64_t now)
{
	struct instance *i = herd_by_ticket(h, t, now);

	if (!i)
		return;
	if ((i->state != STATE_RUNNING && i->state != STATE_UNHEALTHY) || instance_is_going_down(i)) {
		fact_unexpected(h, i, "over its limit");
		return;
	}
	/* Without a place the fact comes again for as long as the limit is passed.  A rollout replaces it anyway, and counts on what serves now. */
	if (!i->app->rollout && health_slot_take(i)) {
		instance_set_down_limit(i, why);
		ASSERT_OF(i, i->health_slot == HEALTH_SLOT_HELD, "goes down for a limit out of its turn");
		instance_note(i, why);
		instance_mark_dirty(i);
	}
	herd_commit(h);
}
