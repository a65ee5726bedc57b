/*
 * After the brain's own death: what the keeper has meets what the store knows.
 */
#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "herd/herd_private.h"
#include "herd/request_wait.h"

/* An app that the store has never heard of: only there to stop what runs in its name, and gone with it. */
static struct app *stranger(struct herd *h, const char *name)
{
	struct spec *s = spec_new(name);
	struct app *a = NULL;

	spec_set_lost(s);
	s->folder = mem_strdup("/");
	s->restart = RESTART_NEVER;
	a = app_new(h, revision_new(s, 1));
	a->is_deleting = true;
	graph_link(h);
	log_warn("%s: the store does not know it; what runs of it is %s", name,
		h->is_blank ? "kept, as the store was lost" : "stopped");
	ASSERT(app_find(h, name) == a && app_is_lost(a), "%s is made for what runs, and cannot be found",
		name);
	return a;
}

/* With the state lost, every process that runs counts as wanted. */
static void keep(struct instance *i)
{
	struct app *a = i->app;

	ASSERT_OF(i, a->herd->is_blank, "is kept, and the store knew it");
	a->is_deleting = false;
	a->wants_up = i->wants_up = true;
	if (a->count <= i->number)
		a->count = i->number + 1;
}

static bool is_kept(const struct instance *i)
{
	return i->app->herd->is_blank && !instance_is_retired(i);
}

/* Missing numbers become stopped instances. */
static void fill_gaps(struct app *a)
{
	ASSERT(a->herd->is_restoring, "%s is filled up by a herd that is at work", a->spec->name);
	if (a->is_deleting)
		return;
	a->wants_up = false;
	app_resize(a, a->count);
	a->wants_up = true;
}

/* By the name that it was spawned with; what is missing is made, as something to be removed.  NULL: this is no name of ours. */
static struct instance *find_or_make(struct herd *h, const struct herd_live *live)
{
	const char *colon = strrchr(live->name, ':');
	char *name = colon ? mem_strndup(live->name, (size_t)(colon - live->name)) : NULL;
	struct instance *i = NULL;
	struct app *a = NULL;
	int64_t number = 0;

	if (!name || spec_check_name(name, NULL) < 0 || !str_to_int(colon + 1, &number) || number < 0 ||
		number >= APP_INSTANCES_MAX)
		goto out;
	a = app_find(h, name);
	i = a ? app_instance(a, (int)number) : NULL;
	if (i || herd_by_slot(h, live->ticket.slot))
		goto out;
	if (!a)
		a = stranger(h, name);
	ASSERT(!app_instance(a, (int)number), "%s:%lld is made, and is there", name, (long long)number);
	i = app_add_instance(a, (int)number, live->ticket.slot);
	if (h->is_blank && !live->is_stopping && !live->has_ended)
		keep(i);
	else
		instance_retire(i);
out:
	mem_free(name);
	return i;
}

/*
 * By what it was started: the next in turn as far as the store knows, but what is behind a gate was started by a revision that has one.  Where none is
 * known of, it may not listen yet.
 */
static struct revision *started_by(const struct instance *i, const struct herd_live *live)
{
	const struct app *a = i->app;
	struct revision *r = i->takes_target || !a->rollout ? a->target : i->revision;

	ASSERT_OF(i, r->refs > 0, "was started by a revision that is gone");
	if (!live->gate || spec_has_gate(r->spec))
		return r;
	if (spec_has_gate(i->revision->spec))
		return i->revision;
	return spec_has_gate(a->current->spec) ? a->current : spec_has_gate(a->target->spec) ? a->target : r;
}

/* Begun after the last save: nothing of what the store says about the last attempt is true any more. */
static void take_newer(struct instance *i, const struct herd_live *live)
{
	struct herd *h = i->app->herd;

	if (i->slot != live->ticket.slot) {
		if (i->health_slot != HEALTH_SLOT_NONE)
			health_slot_release(i);
		herd_remove_slot(h, i);
		i->slot = live->ticket.slot;
		herd_add_slot(h, i);
	}
	ASSERT_OF(i, herd_by_slot(h, i->slot) == i, "has a slot that is another's");
	i->generation = live->ticket.generation;
	revision_set(&i->revision, started_by(i, live));
	i->takes_target = false;
	if (i->trial == TRIAL_PROVEN)
		i->trial = TRIAL_OPEN;
	i->port = instance_port(i);
	i->started_at = h->now;
	i->ready_at = 0;
	i->health = spec_has_health(instance_spec(i)) ? HEALTH_UNKNOWN : HEALTH_NONE;
	instance_set_down(i, DOWN_NONE);
	instance_set_drain(i, DRAIN_NONE);
	i->is_unkillable = false;
	i->has_ended = false;
	timer_disarm(&h->timers, &i->life);
	timer_disarm(&h->timers, &i->tree);
	/* No step of ours: the keeper has it, whatever the store says. */
	i->phase = PHASE_CHECKING;
}

static bool refuse(struct herd *h, const struct herd_live *live)
{
	if (!live->has_ended)
		log_warn("%s: pid %lld is not its process any more, and is killed", live->name,
			(long long)live->pid);
	h->options.effects->kill_tree(h->options.context, live->ticket);
	return false;
}

static void take(struct instance *i, const struct herd_live *live)
{
	/* What was spawned after the last save was not asked for yet when it was saved. */
	bool is_as_saved = i->phase == PHASE_UP && state_is_live(i->state);
	enum state state = is_as_saved || i->state == STATE_STOPPING ? i->state
		: is_kept(i)                                         ? STATE_RUNNING
								     : STATE_STARTING;
	struct reason *why = NULL;

	ASSERT_OF(i, i->generation == live->ticket.generation, "is adopted by another attempt");
	/*
	 * Its stop began after the last save, or was about to.  Nobody was answered, so it is wanted as before: it goes the usual way out,
	 * and when it has ended it is started again.
	 */
	if (live->is_stopping && state != STATE_STOPPING && i->down_cause != DOWN_LIMIT)
		instance_set_down(i, DOWN_RESTART);
	/* It was started later than the store knows: others keep away from now. */
	if (!is_as_saved && i->phase != PHASE_SPAWNING)
		stagger_note(&i->app->starts.stagger, i->slot, i->app->herd->now);
	/* What it waited for before its spawn is over. */
	if (i->phase == PHASE_CHECKING || i->phase == PHASE_DELAYED)
		timer_disarm(&i->app->herd->timers, &i->life);
	/* The same. */
	i->phase = PHASE_UP;
	i->pid = live->pid;
	/* Of a process that has ended only its end is an event. */
	if (live->has_ended) {
		i->state = state;
		return;
	}
	/* Why it is unhealthy, or is to stop, holds also after this. */
	why = reason_copy(is_kept(i)        ? &REASON_OF(DEFINITION_LOST, .app = i->app->spec->name)
			: state == i->state ? i->why
					    : NULL);
	if (is_kept(i))
		i->ready_at = i->app->herd->now;
	instance_restore_state(i, state, HERD_EVENT_ADOPTED, &REASON_OF(ADOPTED, .pid = live->pid));
	instance_set_why(i, why);
	reason_free(why);
}

bool herd_adopt(struct herd *h, const struct herd_live *live, int64_t now)
{
	struct instance *i = NULL;

	ASSERT(h->is_restoring, "%s is adopted by a herd that is at work", live->name);
	herd_begin(h, now);
	if (live->ticket.generation > h->last_generation)
		h->last_generation = live->ticket.generation;
	if (live->ticket.slot > h->last_slot)
		h->last_slot = live->ticket.slot;
	i = find_or_make(h, live);
	if (i)
		app_adopt_gate(i->app, live->gate);
	if (!i || live->ticket.generation < i->generation)
		return refuse(h, live);
	/* A store that is older than it should be may have another in that slot. */
	if (i->slot != live->ticket.slot && herd_by_slot(h, live->ticket.slot))
		return refuse(h, live);
	if (live->ticket.generation > i->generation) {
		i->state = STATE_STARTING;
		take_newer(i, live);
	}
	/* The store saw its end, and the keeper was not told that we did. */
	if (i->phase == PHASE_NONE)
		return refuse(h, live);
	i->adoption = live->is_end_published ? ADOPTION_END_PUBLISHED : ADOPTION_DONE;
	ASSERT_OF(i, i->generation == live->ticket.generation, "is adopted by another attempt");
	if (i->phase != PHASE_LEFTOVERS)
		take(i, live);
	return true;
}

static void lose(struct instance *i)
{
	struct herd *h = i->app->herd;
	bool was_spawning = i->phase == PHASE_SPAWNING;
	bool had_process = i->phase == PHASE_UP;
	bool has_exited = i->phase == PHASE_LEFTOVERS;
	const struct reason why = was_spawning ? REASON_OF(NEVER_STARTED) : REASON_OF(LOST);

	ASSERT_OF(i, i->adoption == ADOPTION_NONE && i->phase >= PHASE_SPAWNING,
		"is lost, and the keeper has it");
	/* Its stop is over too: a restart without a delay would wait for that timer. */
	timer_disarm(&h->timers, &i->life);
	timer_disarm(&h->timers, &i->tree);
	i->is_unkillable = false;
	instance_set_phase(i, PHASE_NONE);
	i->pid = 0;
	if (had_process)
		instance_restore_state(i, i->state, HERD_EVENT_LOST, &why);
	if (i->state == STATE_STOPPING)
		instance_gone(i, has_exited);
	else if (state_is_live(i->state))
		instance_event(i, EVENT_DIED, &why);
	ASSERT_OF(i, !state_is_live(i->state), "is lost, and lives");
}

/* What was under way with a process is taken up where the store left it; a signal that may not have been sent is sent again. */
static void go_on(struct instance *i)
{
	struct herd *h = i->app->herd;
	bool was_killed = instance_is_killed(i);
	bool has_grace = timer_is_armed(&i->life);
	int64_t at = i->life.at;

	ASSERT_OF(i, i->adoption != ADOPTION_NONE && i->phase >= PHASE_SPAWNING,
		"continues, and the keeper has it not");
	if (i->phase == PHASE_LEFTOVERS && !timer_is_armed(&i->tree))
		instance_arm(i, &i->tree, TIMER_GRACE, instance_spec(i)->stop_timeout_ms);
	if (i->phase == PHASE_LEFTOVERS || was_killed)
		instance_end_tree(i);
	if (i->phase != PHASE_UP)
		return;
	instance_grace(i);
	if (i->state == STATE_STARTING) {
		if (!has_grace)
			instance_arm(i, &i->life, TIMER_NEVER_READY, instance_spec(i)->ready_timeout_ms);
		instance_watch(i, true);
	} else if (state_is_live(i->state) && i->state != STATE_STOPPING) {
		instance_check_resume(i);
		instance_watchdog_resume(i);
		instance_drain_resume(i);
	} else if (i->state == STATE_STOPPING && !was_killed) {
		instance_signal_stop(i);
		if (has_grace)
			timer_arm(&h->timers, &i->life, at);
	}
}

static void resume(struct instance *i)
{
	struct herd *h = i->app->herd;
	const struct endpoint at = instance_endpoint(i);

	ASSERT_OF(i, herd_by_slot(h, i->slot) == i, "is resumed in a slot of another");
	switch (i->phase) {
	case PHASE_SPAWNING:
	case PHASE_UP:
	case PHASE_LEFTOVERS:
		if (i->adoption != ADOPTION_NONE)
			go_on(i);
		else
			lose(i);
		break;
	case PHASE_STAGGERED:
		start_queue_add(i);
		break;
	case PHASE_CHECKING:
		h->options.effects->check_port(h->options.context, &at);
		break;
	default:
		break;
	}
	i->adoption = ADOPTION_NONE;
}

/* The end of one sorts the apps. */
static void resume_rollouts(struct herd *h)
{
	struct vec apps = VEC_INIT;

	for (size_t k = 0; k < h->apps.len; k++)
		vec_push(&apps, h->apps.items[k]);
	for (size_t k = 0; k < apps.len; k++)
		rollout_resume(apps.items[k]);
	vec_release(&apps);
}

void herd_resume(struct herd *h, int64_t now)
{
	ASSERT(h->is_restoring, "a herd is resumed that is at work");
	herd_begin(h, now);
	/* Nothing takes a step yet, so the row of slots stays as it is. */
	for (size_t k = 0; k < h->slots.len; k++)
		resume(h->slots.items[k]);
	for (size_t k = 0; h->is_blank && k < h->apps.len; k++)
		fill_gaps(h->apps.items[k]);
	h->is_restoring = h->is_blank = false;
	resume_rollouts(h);
	requests_resume(h);
	for (size_t k = 0; k < h->apps.len; k++) {
		app_mark_dirty(h->apps.items[k]);
		upstream_is_stale(h->apps.items[k]);
		app_resume_gate(h->apps.items[k]);
		rollout_is_stale(h->apps.items[k]);
	}
	herd_commit(h);
}
