/*
 * What must be true: at each spawn, each signal, each event, each answer, and after each step.  It looks inside the herd too, but what people want, what
 * runs and what the events told is kept here, apart from it.
 */
#include <string.h>

#include "base/str.h"
#include "herd/deploy.h"
#include "model/reason.h"
#include "sim.h"

bool check_is_wanted(const struct sim *s, int app, int number)
{
	const struct want *w = &s->wants[app];

	return w->exists && number < w->count && w->up[number] && !s->is_shutting_down;
}

static const struct instance *instance_of(const struct sim *s, int app, int number)
{
	const struct app *a = app_find(s->h, town_names[app]);

	return a ? app_instance(a, number) : NULL;
}

static bool is_there(const struct instance *i)
{
	return i && !instance_is_retired(i) && !instance_is_spare(i);
}

static bool is_rolling(const struct sim *s, int app)
{
	const struct app *a = app_find(s->h, town_names[app]);

	/* Also one that was over a moment ago, before what came of it was learnt. */
	return a && (a->rollout || s->wants[app].is_told);
}

/* Beside what people want: a spare, or one that will be too many at the end. */
static bool is_extra(const struct sim *s, int app, const struct instance *i)
{
	return i &&
		(instance_is_spare(i) || i->number >= s->wants[app].count || i->number >= i->app->count) &&
		(instance_is_retired(i) || i->app->rollout || s->wants[app].is_told);
}

/* --- at a spawn --- */

static bool needs_are_ready(const struct sim *s, int app, const char **which)
{
	for (int other = 0; other < SIM_APPS; other++) {
		int wanted = 0;
		int ready = 0;

		if (!town_needs(app, other))
			continue;
		*which = town_names[other];
		/* In a rollout a spare, or one too many, is as good as another. */
		for (int n = 0; n < SIM_NUMBERS; n++) {
			enum state state = s->states[other][n];

			/* Those that a rollout is to add are not there before the new build has passed its test. */
			wanted += check_is_wanted(s, other, n) &&
				(!is_rolling(s, other) || is_there(instance_of(s, other, n)));
			ready += s->is_known[other][n] &&
				(state == STATE_RUNNING || state == STATE_FINISHED) &&
				(check_is_wanted(s, other, n) || is_rolling(s, other));
		}
		/* One that will be too many at the end of a rollout is enough where the others were stopped meanwhile. */
		if (ready < wanted || (!wanted && !(is_rolling(s, other) && ready)))
			return false;
	}
	return true;
}

static void check_port_of(struct sim *s, const struct spawn_effect *effect, int app, int number)
{
	const struct instance *i = instance_of(s, app, number);
	int none = 0;
	/* What goes back to another revision has its ports, and may lose them to the next one. */
	bool is_to_last = number < SIM_COUNT_MAX && i && !town_shares(app) && !instance_is_spare(i) &&
		!s->wants[app].is_told && i->revision == i->app->target;
	int *known = is_to_last ? &s->wants[app].port[number] : &none;

	if (*known && *known != effect->port)
		sim_fail(s, "%s had port %d and is given %d", effect->name, *known, effect->port);
	*known = effect->port;
	if (effect->spec->port && !(i && instance_is_spare(i)) &&
		effect->port !=
			effect->spec->port + (effect->gate ? 0 : number * (int)effect->spec->port_step))
		sim_fail(s, "%s is given port %d, and its app begins at %d", effect->name, effect->port,
			(int)effect->spec->port);
	/* One that will be too many at the end may be what was a spare of a revision that needs no ports. */
	if (effect->instances > 1 && number > 0 && !effect->port && !(i && instance_is_spare(i)) &&
		!is_extra(s, app, i))
		sim_fail(s, "%s has no port", effect->name);
	for (size_t k = 0; k < s->procs.len && effect->owns_port; k++) {
		const struct proc *p = s->procs.items[k];

		if (p->is_tree_alive && p->owns_port && p->port == effect->port &&
			(!effect->gate || p->gate != effect->gate))
			sim_fail(s, "%s and %s both have port %d", p->name, effect->name, effect->port);
	}
}

/* While one is rolled out there are two; who crashes starts again by the one that it had. */
static bool is_by_some_revision(const struct instance *i, const struct spec *spec)
{
	int build = town_build(town_version(spec));
	const struct app *a = i ? i->app : NULL;

	if (!a)
		return false;
	return build == town_build(town_version(a->target->spec)) ||
		(a->rollout &&
			(build == town_build(town_version(a->current->spec)) ||
				build == town_build(town_version(i->revision->spec))));
}

void check_spawn(struct sim *s, const struct spawn_effect *effect)
{
	int app = 0;
	int number = 0;
	const char *which = "";
	const struct instance *i = NULL;

	if (!town_parse(effect->name, &app, &number)) {
		sim_fail(s, "'%s' is spawned, which is nobody's", effect->name);
		return;
	}
	for (size_t k = 0; k < s->procs.len; k++) {
		const struct proc *p = s->procs.items[k];

		if (p->is_tree_alive && str_eq(p->name, effect->name))
			sim_fail(s, "two live processes in %s: generations %llu and %llu", effect->name,
				(unsigned long long)p->ticket.generation,
				(unsigned long long)effect->ticket.generation);
		if (p->ticket.generation == effect->ticket.generation)
			sim_fail(s, "generation %llu is given twice",
				(unsigned long long)p->ticket.generation);
	}
	apart_check(s, app, number);
	i = instance_of(s, app, number);
	if (!check_is_wanted(s, app, number) && (!is_extra(s, app, i) || !instance_is_wanted(i)))
		sim_fail(s, "%s is spawned, and nobody wants it", effect->name);
	if (!s->was_changed)
		sim_fail(s, "%s is spawned before changed() was called", effect->name);
	s->was_changed = false;
	if (!needs_are_ready(s, app, &which))
		sim_fail(s, "%s is spawned, and %s is not ready", effect->name, which);
	if (!is_by_some_revision(i, effect->spec))
		sim_fail(s, "%s is spawned by an old definition", effect->name);
	roll_check_spare(s, i, effect);
	disk_check_spawn(s, i, effect);
	check_port_of(s, effect, app, number);
}

/* --- at a stop --- */

/* While others serve, one that the upstream still names is not told to stop. */
static void check_left(struct sim *s, const struct proc *p)
{
	const struct app *a = app_find(s->h, town_names[p->app]);
	const struct instance *i = a ? app_instance(a, p->number) : NULL;

	gate_check_signal(s, p);
	/* Who shares its port leaves no server of its own. */
	if (p->gate)
		return;
	if (i && port_is_mistaken(s, a))
		return;
	if (i && i->ready_at && a->ready > 0 && a->wanted > 0 && !a->is_deleting && a->spec->nginx.output &&
		proxy_is_early(s, i, p->port) && !s->is_shutting_down)
		sim_fail(s, "%s is stopped while its upstream names it", p->name);
}

void check_signal(struct sim *s, const struct proc *p)
{
	check_left(s, p);
	/* A start that failed waits for nobody. */
	if (check_is_wanted(s, p->app, p->number) || s->has_deadline ||
		s->is_failed_start[p->app][p->number] ||
		is_extra(s, p->app, instance_of(s, p->app, p->number)))
		return;
	for (int other = 0; other < SIM_APPS; other++)
		for (int n = 0; n < SIM_NUMBERS; n++)
			if (town_needs(other, p->app) && s->wants[other].exists && s->is_known[other][n] &&
				!check_is_wanted(s, other, n) && state_is_live(s->states[other][n]) &&
				!is_extra(s, other, instance_of(s, other, n)))
				sim_fail(s,
					"%s is stopped before %s:%d, which depends on it and is to stop too",
					p->name, town_names[other], n);
}

/* --- at an event --- */

/* Also where the brain that had asked died before it had noted that: then exit code 0 would be an end for good. */
static void check_asked(struct sim *s, const struct herd_event *event)
{
	for (size_t k = 0; k < s->procs.len; k++) {
		const struct proc *p = s->procs.items[k];

		if (p->ticket.generation == event->run && p->is_asked && event->kind == HERD_EVENT_STATE &&
			event->to == STATE_FINISHED)
			sim_fail(s, "%s was asked to end, and is reported as finished", p->name);
	}
}

static bool has_reason(const struct herd_event *event, enum reason_kind kind)
{
	return event->why && event->why->kind == kind;
}

void check_event(struct sim *s, const struct herd_event *event)
{
	int app = town_app(event->app);
	struct step step = { .is_legal = true, .to = event->to };

	if (event->sequence != ++s->events)
		sim_fail(s, "event %llu came where %llu was due", (unsigned long long)event->sequence,
			(unsigned long long)s->events);
	if (app >= 0 && event->kind == HERD_EVENT_ROLLOUT && event->instance < 0)
		roll_note(s, app, event);
	apart_note(s, app, event);
	diary_trace(s, event);
	/* Of the one before, which was deleted, nothing is down any more. */
	if (app >= 0 && has_reason(event, REASON_APP_ADDED))
		memset(s->is_down_ill[app], 0, sizeof(s->is_down_ill[app]));
	if (app < 0 || event->instance < 0 || event->instance >= SIM_NUMBERS)
		return;
	if (event->kind == HERD_EVENT_STATE)
		step = fsm_step(event->from, event->on);
	if (!step.is_legal || step.to != event->to)
		sim_fail(s, "%s:%d went from %s to %s on %s, which is no legal step", event->app,
			event->instance, state_word(event->from), state_word(event->to),
			event_word(event->on));
	if (event->kind != HERD_EVENT_ADOPTED && s->is_known[app][event->instance] &&
		s->states[app][event->instance] != event->from)
		sim_fail(s, "%s:%d was %s, and an event says that it was %s", event->app, event->instance,
			state_word(s->states[app][event->instance]), state_word(event->from));
	check_asked(s, event);
	diary_check_limited(s, instance_of(s, app, event->instance), event);
	diary_check_pace(s, instance_of(s, app, event->instance), event);
	diary_note(s, app, event);
	s->states[app][event->instance] = event->to;
	s->is_known[app][event->instance] = true;
	s->is_failed_start[app][event->instance] = event->to == STATE_STOPPING &&
		(has_reason(event, REASON_NOT_READY) || has_reason(event, REASON_NOTIFY_FD_CLOSED) ||
			has_reason(event, REASON_NOT_BEHIND_GATE) || event->from == STATE_UNHEALTHY);
	if (event->from == STATE_UNHEALTHY && event->to == STATE_STOPPING &&
		has_reason(event, REASON_CHECKS_FAILED))
		s->is_down_ill[app][event->instance] = true;
}

/* --- at an answer --- */

void check_settled(struct sim *s, uint64_t id, bool is_ok)
{
	struct asked *a = NULL;

	for (int k = 0; k < SIM_REQUESTS; k++)
		if (s->asked[k].id == id)
			a = &s->asked[k];
	if (!a || !id) {
		sim_fail(s, "request %llu is settled, and nobody waits for it", (unsigned long long)id);
		return;
	}
	a->id = 0;
	if (s->again.id == id)
		s->again.id = 0;
	s->settled++;
	if (a->is_shutdown)
		s->ends = true;
	for (size_t k = 0; k < s->procs.len && is_ok && a->is_stop; k++) {
		const struct proc *p = s->procs.items[k];

		if (a->covers[p->app][p->number] && p->is_tree_alive && p->pid <= a->last_pid &&
			!check_is_wanted(s, p->app, p->number) && is_there(instance_of(s, p->app, p->number)))
			sim_fail(s, "a stop is settled, and %s pid %lld lives", p->name, (long long)p->pid);
	}
}

/* --- after each step --- */

static void check_timer(struct sim *s, const struct instance *i, const struct timer *timer)
{
	if (timer_is_armed(timer) && timer->generation != i->generation)
		sim_fail(s, "%s:%d has a timer of generation %llu and is generation %llu", i->app->spec->name,
			i->number, (unsigned long long)timer->generation, (unsigned long long)i->generation);
}

/* It is wanted and nothing runs: then something is under way that will bring it up, or is known to be in the way. */
static const char *stuck_down(const struct instance *i)
{
	if (i->phase == PHASE_LEFTOVERS)
		return timer_is_armed(&i->tree) || i->is_unkillable ? NULL
								    : "waits for leftovers without a timer";
	switch (i->state) {
	case STATE_BACKOFF:
		return timer_is_armed(&i->life) ? NULL : "waits for a restart without a timer";
	case STATE_BLOCKED:
		return app_is_waiting(i->app, NULL) || i->phase == PHASE_CHECKING ? NULL
										  : "is blocked by nothing";
	default:
		return "is down, and nothing is under way";
	}
}

static const char *stuck_live(const struct instance *i)
{
	bool has_process = i->phase == PHASE_UP || i->phase == PHASE_SPAWNING;

	if (i->phase == PHASE_NONE)
		return "has no process in a state that has one";
	if (i->phase == PHASE_STAGGERED)
		return timer_is_armed(&i->app->starts.timer) ? NULL : "waits for its turn without a timer";
	if (i->state == STATE_STARTING && i->phase != PHASE_CHECKING && !timer_is_armed(&i->life))
		return "is starting without a timer";
	if (i->state == STATE_STOPPING && !timer_is_armed(&i->life) && !timer_is_armed(&i->tree) &&
		!i->is_unkillable)
		return "is stopping without a timer";
	if (i->state == STATE_RUNNING && !has_process)
		return "runs without a process";
	if ((i->state == STATE_RUNNING || i->state == STATE_UNHEALTHY) && i->health != HEALTH_NONE &&
		!instance_is_checked(i))
		return "is not checked";
	if ((i->well_since > 0) != instance_is_well(i))
		return "is well, or is not, and counts as the other";
	if (i->drain != DRAIN_NONE && i->drain != DRAIN_DONE &&
		(i->state == STATE_RUNNING || i->state == STATE_UNHEALTHY))
		return timer_is_armed(&i->life) ? NULL : "leaves without a timer";
	if (i->state != STATE_STOPPING && instance_is_going_down(i) && !app_has_dependents_going_down(i->app))
		return "should have received the stop signal";
	return NULL;
}

static void check_instance(struct sim *s, const struct instance *i)
{
	struct reason *why = NULL;
	int app = town_app(i->app->spec->name);
	bool is_wanted = check_is_wanted(s, app, i->number);
	const char *wrong = NULL;

	check_timer(s, i, &i->life);
	check_timer(s, i, &i->tree);
	if (instance_is_spare(i) && !instance_is_retired(i) && !i->app->rollout)
		sim_fail(s, "%s:%d is a spare, and nothing is rolled out", town_names[app], i->number);
	if (instance_is_wanted(i) != is_wanted && !is_extra(s, app, i))
		sim_fail(s, "%s:%d is %s, and the herd does not think so", town_names[app], i->number,
			is_wanted ? "wanted" : "not wanted");
	if (state_is_live(i->state))
		wrong = stuck_live(i);
	else if (instance_should_run(i))
		wrong = stuck_down(i);
	if (wrong)
		sim_fail(s, "%s:%d (%s, %s) %s", town_names[app], i->number, state_word(i->state),
			phase_word(i->phase), wrong);
	if (is_wanted && i->state != STATE_RUNNING) {
		why = instance_reason(i);
		if (!why)
			sim_fail(s, "%s:%d is wanted, %s, and has no reason", town_names[app], i->number,
				state_word(i->state));
	}
	reason_free(why);
}

static void check_counts(struct sim *s, const struct app *a)
{
	int asked = 0;
	int ready = 0;
	int leaving = 0;

	for (size_t k = 0; k < a->instances.len; k++) {
		const struct instance *i = a->instances.items[k];

		asked += instance_is_wanted(i) && !instance_is_spare(i);
		ready += instance_is_wanted(i) && instance_is_ready(i);
		leaving += instance_is_going_down(i);
	}
	if (asked != a->wanted || ready != a->ready || leaving != a->going_down)
		sim_fail(s, "%s counts %d asked, %d ready, %d leaving, and there are %d, %d, %d",
			a->spec->name, a->wanted, a->ready, a->going_down, asked, ready, leaving);
}

void check_step(struct sim *s)
{
	bool seen[SIM_APPS] = { false };

	for (size_t k = 0; k < s->h->apps.len; k++) {
		const struct app *a = s->h->apps.items[k];
		int app = town_app(a->spec->name);

		seen[app] = !a->is_deleting;
		roll_check_app(s, app, a);
		check_counts(s, a);
		check_ill(s, a);
		proxy_check(s, a);
		for (size_t n = 0; n < a->instances.len; n++)
			check_instance(s, a->instances.items[n]);
	}
	for (int app = 0; app < SIM_APPS; app++)
		/* Deleted while it was reported. */
		if (seen[app] != s->wants[app].exists)
			sim_fail(s, "%s %s, and the herd does not think so", town_names[app],
				s->wants[app].exists ? "exists" : "was deleted");
	port_check(s);
	gate_check(s);
	roll_step(s);
	check_whole(s);
}

/* --- when nothing happens any more --- */

/* Something that it needs is stopped, crashed, or waits itself. */
static bool is_held_up(const struct instance *i)
{
	return port_rests(i) ||
		(i->state == STATE_BLOCKED && i->phase == PHASE_NONE && app_is_waiting(i->app, NULL));
}

void check_quiet(struct sim *s)
{
	size_t running = 0;
	size_t live = 0;

	for (size_t k = 0; k < s->h->slots.len; k++) {
		const struct instance *i = s->h->slots.items[k];

		running += i->state == STATE_RUNNING;
		if (instance_should_run(i) && i->state != STATE_RUNNING && !is_held_up(i))
			sim_fail(s, "all is quiet, and %s:%d is wanted and %s", i->app->spec->name, i->number,
				state_word(i->state));
		if (i->state == STATE_RUNNING && !machine_find(s, instance_ticket(i)))
			sim_fail(s, "%s:%d is said to run, and there is no such process", i->app->spec->name,
				i->number);
	}
	for (size_t k = 0; k < s->procs.len; k++)
		live += ((const struct proc *)s->procs.items[k])->is_tree_alive;
	if (live != running)
		sim_fail(s, "all is quiet, %zu processes live, and %zu instances run", live, running);
	if (herd_counts(s->h).timers > herd_counts(s->h).checks)
		sim_fail(s, "all is quiet, and %zu timers are armed", herd_counts(s->h).timers);
	for (int k = 0; k < SIM_REQUESTS; k++)
		if (s->asked[k].id && s->asked[k].is_stop)
			sim_fail(s, "all is quiet, and the stop that was request %llu has no answer",
				(unsigned long long)s->asked[k].id);
	roll_quiet(s);
	gate_quiet(s);
}

void check_empty(struct sim *s)
{
	for (size_t k = 0; k < s->procs.len; k++) {
		const struct proc *p = s->procs.items[k];

		if (p->is_tree_alive)
			sim_fail(s, "the daemon ended, and %s pid %lld lives", p->name, (long long)p->pid);
	}
	if (herd_counts(s->h).timers)
		sim_fail(s, "the daemon ended, and %zu timers are armed", herd_counts(s->h).timers);
	if (herd_counts(s->h).requests)
		sim_fail(s, "the daemon ended, and %zu requests have no answer", herd_counts(s->h).requests);
}

/* --- after the brain's death --- */

void check_relearn_states(struct sim *s)
{
	memset(s->is_known, 0, sizeof(s->is_known));
	memset(s->is_down_ill, 0, sizeof(s->is_down_ill));
	for (size_t k = 0; k < s->h->slots.len; k++) {
		const struct instance *i = s->h->slots.items[k];
		int app = town_app(i->app->spec->name);

		s->states[app][i->number] = i->state;
		s->is_known[app][i->number] = true;
		s->is_down_ill[app][i->number] = i->health_slot == HEALTH_SLOT_HELD;
	}
}

void check_relearn(struct sim *s)
{
	memset(s->wants, 0, sizeof(s->wants));
	for (size_t k = 0; k < s->h->apps.len; k++) {
		const struct app *a = s->h->apps.items[k];
		struct want *w = &s->wants[town_app(a->spec->name)];

		if (a->is_deleting)
			continue;
		w->exists = true;
		w->is_up = a->wants_up;
		w->version = town_version(a->spec);
		w->count = a->rollout ? a->rollout->count : a->count;
		for (int n = 0; n < w->count; n++)
			w->up[n] = is_there(app_instance(a, n)) ? app_instance(a, n)->wants_up : w->is_up;
	}
}
