/*
 * What must be true of rollouts: no instance that serves is taken away for one while too few others serve, and in the end there is one revision, the right
 * count, and no spare.
 */
#include <string.h>

#include "base/str.h"
#include "herd/deploy.h"
#include "sim.h"
#include "view/reason_text.h"

void roll_note(struct sim *s, int app, const struct herd_event *event)
{
	bool is_over = event->step && str_eq(event->step, "over");
	bool is_back = str_eq(event->phase, "back");
	struct buf why = BUF_INIT;

	reason_text(event->why, &why);
	s->rollouts += is_over;
	s->went_back += is_over && is_back;
	s->wants[app].is_told |= is_over || is_back;
	if (is_back || strstr(why.ptr, "; nothing was touched, "))
		s->turned_back[app] = s->steps + 1;
	if (is_over)
		disk_check_went_back(s, app, why.ptr);
	buf_release(&why);
}

static void learn(struct sim *s, int app)
{
	const struct app *a = app_find(s->h, town_names[app]);
	struct want *w = &s->wants[app];
	int count = a && a->rollout ? a->rollout->count : a ? a->count : 0;

	w->is_told = false;
	if (!a || a->is_deleting)
		return;
	w->version = town_version(a->spec);
	/* What was not deployed gives its ports back. */
	for (int n = 0; n < SIM_COUNT_MAX; n++)
		if (w->port[n] && revision_port(a->target, n) != w->port[n])
			w->port[n] = 0;
	for (int n = w->count; n < count; n++) {
		const struct instance *i = app_instance(a, n);

		/* One on its way out comes back as a new one does. */
		w->up[n] = i && !instance_is_retired(i) ? i->wants_up : w->is_up;
	}
	w->count = count;
}

void roll_check_app(struct sim *s, int app, const struct app *a)
{
	const struct want *w = &s->wants[app];
	int count = a->rollout ? a->rollout->count : a->count;

	if (w->exists && w->is_told)
		learn(s, app);
	if (!w->exists || a->is_deleting)
		return;
	if (w->count != count)
		sim_fail(s, "%s should have %d instances, and the herd says %d", a->spec->name, w->count,
			count);
	if (w->version != town_version(a->spec))
		sim_fail(s, "%s should be version %d, and the herd has version %d", a->spec->name, w->version,
			town_version(a->spec));
}

/* It has done what it was there for. */
static bool is_done(const struct instance *i)
{
	return i->state == STATE_FINISHED && i->has_ended;
}

static bool serves(const struct instance *i)
{
	return instance_is_wanted(i) && i->state == STATE_RUNNING && !instance_is_on_trial(i);
}

/* It goes, or is as good as gone, because a rollout says so. */
static bool is_pulled(const struct instance *i)
{
	return (i->takes_target && i->down_cause == DOWN_PULLED) ||
		(instance_is_spare(i) && instance_is_retired(i) && i->wants_up && !instance_is_restarting(i));
}

/* Some share a port that others have alone: one of the new kind waits until it is free. */
static bool has_both_kinds(const struct app *a)
{
	bool is_shared = spec_has_gate(a->target->spec);

	for (size_t k = 0; k < a->instances.len; k++) {
		const struct instance *i = a->instances.items[k];

		if (i->phase != PHASE_NONE && (instance_gate(i) != 0) != is_shared)
			return true;
	}
	return false;
}

static void look(struct sim *s, const struct app *a, struct seen *row)
{
	int count = a->rollout ? a->rollout->count : a->count;
	bool is_any_taken = false;
	int wanted = 0;
	int left = 0;
	int least = 0;
	/* Beside one that has the port alone nobody can share it, a spare neither. */
	bool begins_to_share = rollout_begins_to_share(a);
	bool is_mixed = has_both_kinds(a);
	/* What was decided before it turned round, in one step, was measured by how many there would have been. */
	uint64_t back = a->rollout && a->rollout->phase == ROLLOUT_BACK ? a->rollout->number : 0;
	bool has_turned = back && s->back[town_app(a->spec->name)] != back;

	for (size_t k = 0; k < a->instances.len; k++) {
		const struct instance *i = a->instances.items[k];
		struct seen *seen = &row[i->number];
		bool is_same = seen->slot == i->slot;
		bool is_same_run = is_same && seen->generation == i->generation;

		/* Those that the same step added, or that were done before it, were not counted on. */
		wanted += !(is_mixed && i->revision == a->target && !serves(i)) && is_same &&
			!seen->was_spare && !seen->was_done && !instance_is_spare(i) &&
			i->state != STATE_FINISHED && i->number < count && instance_is_wanted(i);
		left += serves(i) && !instance_is_going_down(i);
		/* What was on its way out for another reason is taken away by nobody. */
		is_any_taken |= is_same_run && seen->served && !seen->was_pulled && !seen->was_leaving &&
			is_pulled(i) && (instance_is_spare(i) || instance_is_wanted(i)) &&
			i->health != HEALTH_UNHEALTHY && !instance_is_silent(i) &&
			i->down_cause != DOWN_FAILING &&
			(i->state == STATE_RUNNING || i->state == STATE_STOPPING);
		*seen = (struct seen){
			.slot = i->slot,
			.generation = i->generation,
			.served = serves(i),
			.was_pulled = is_pulled(i),
			.was_leaving = instance_is_going_down(i),
			.was_spare = instance_is_spare(i),
			.was_done = is_done(i),
		};
	}
	s->back[town_app(a->spec->name)] = back;
	least = !begins_to_share && town_surge(a->spec, a->rollout ? a->rollout->count : a->count)
		? wanted
		: wanted - (int)a->spec->deploy.max_unavailable;
	if (is_any_taken && a->rollout && !has_turned && !a->is_deleting && !s->is_shutting_down &&
		left < least)
		sim_fail(s, "one of %s is taken away for a rollout, %d serve, and %d have to", a->spec->name,
			left, least);
}

void roll_check_spare(struct sim *s, const struct instance *i, const struct spawn_effect *effect)
{
	/* Where somebody writes 0 in the middle of a deploy, its spare may be there already. */
	bool is_auto = effect->spec->deploy.surge < 0;

	if (i && instance_is_spare(i) && is_auto && i->app->rollout &&
		!town_surge(effect->spec, i->app->rollout->count))
		sim_fail(s, "%s is a second one of what may exist only once", effect->name);
}

void roll_step(struct sim *s)
{
	for (size_t k = 0; k < s->h->apps.len; k++) {
		const struct app *a = s->h->apps.items[k];

		look(s, a, s->seen[town_app(a->spec->name)]);
	}
}

void roll_relearn(struct sim *s)
{
	memset(s->seen, 0, sizeof(s->seen));
	memset(s->back, 0, sizeof(s->back));
}

/* A spare may make up for one that has ended for good, for as long as a rollout stands still. */
static bool is_one_missing(const struct app *a)
{
	for (size_t k = 0; k < a->instances.len; k++) {
		const struct instance *i = a->instances.items[k];

		if (!instance_is_spare(i) && instance_is_wanted(i) && !serves(i) && !is_done(i))
			return true;
	}
	return false;
}

/* On the way back nothing can be replaced before its spare serves, and what that needs is stopped or not there: people have to act. */
static bool is_held_up(const struct instance *i)
{
	return i->app->rollout && i->app->rollout->phase == ROLLOUT_BACK && i->state == STATE_BLOCKED &&
		i->phase == PHASE_NONE && app_is_waiting(i->app, NULL);
}

static void check_one_revision(struct sim *s, const struct app *a)
{
	for (size_t k = 0; k < a->instances.len; k++) {
		const struct instance *i = a->instances.items[k];

		if (instance_is_spare(i) && (!a->rollout || (!is_one_missing(a) && !is_held_up(i))))
			sim_fail(s, "all is quiet, and the spare %s:%d is there", a->spec->name, i->number);
		/* Who is down takes it with the next start. */
		if (!a->rollout && state_is_live(i->state) &&
			(i->revision != a->target || a->current != a->target))
			sim_fail(s, "all is quiet, and %s:%d is not by the revision of %s", a->spec->name,
				i->number, a->spec->name);
	}
	if (a->instances.len != (size_t)a->count && !a->is_deleting && !a->rollout)
		sim_fail(s, "all is quiet, and %s has %zu instances of %d", a->spec->name, a->instances.len,
			a->count);
}

void roll_quiet(struct sim *s)
{
	/* While the daemon stops nothing is decided. */
	if (s->is_shutting_down)
		return;
	for (size_t k = 0; k < s->h->apps.len; k++) {
		const struct app *a = s->h->apps.items[k];

		if (a->rollout && !rollout_rests(a->rollout))
			sim_fail(s, "all is quiet, and %s is being rolled out (%s)", a->spec->name,
				rollout_phase_word(a->rollout->phase));
		check_one_revision(s, a);
	}
	for (size_t k = 0; k < s->procs.len; k++) {
		const struct proc *p = s->procs.items[k];

		if (p->is_tree_alive && !p->is_doubtful && s->wants[p->app].exists &&
			!app_find(s->h, town_names[p->app])->rollout &&
			p->build != town_build(s->wants[p->app].version))
			sim_fail(s, "all is quiet, and %s runs build %d", p->name, p->build);
	}
	for (int k = 0; k < SIM_REQUESTS; k++)
		if (s->asked[k].id && s->asked[k].is_rollout)
			sim_fail(s, "all is quiet, and the rollout that was request %llu has no answer",
				(unsigned long long)s->asked[k].id);
}
