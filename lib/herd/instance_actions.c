/*
 * What the actions of the state table do to one instance, and what its timers mean.
 */
#include <string.h>

#include "base/assert.h"
#include "base/mem.h"
#include "herd/deploy.h"
#include "herd/unready.h"

static const struct herd_effects *effects_of(const struct instance *i)
{
	return i->app->herd->options.effects;
}

static void *context_of(const struct instance *i)
{
	return i->app->herd->options.context;
}

void instance_arm(struct instance *i, struct timer *timer, enum timer_kind kind, int64_t after_ms)
{
	struct herd *h = i->app->herd;

	ASSERT(after_ms >= 0 && timer->owner == i, "%s:%d arms a timer for %lld ms", i->app->spec->name,
		i->number, (long long)after_ms);
	timer->kind = (int)kind;
	timer->generation = i->generation;
	timer_arm(&h->timers, timer, after_ms < INT64_MAX - h->now ? h->now + after_ms : INT64_MAX);
	ASSERT_OF(i, timer_is_armed(timer) && timer->at >= h->now, "waits for a moment that has passed");
}

static void disarm(struct instance *i, struct timer *timer)
{
	ASSERT_OF(i, timer->owner == i, "disarms another's timer");
	timer_disarm(&i->app->herd->timers, timer);
}

static void unwatch(struct instance *i)
{
	effects_of(i)->unwatch(context_of(i), instance_ticket(i));
}

/* --- starting --- */

void instance_spawn_effect(const struct instance *i, struct spawn_effect *effect, struct buf *name)
{
	instance_name(i, name);
	*effect = (struct spawn_effect){
		.ticket = instance_ticket(i),
		.spec = i->revision->spec,
		.instance = i->number,
		.port = i->port,
		.owns_port = revision_owns_ports(i->revision),
		.instances = i->app->count,
		.revision = i->revision->number,
		.caller = i->revision->caller,
		.own = revision_own(i->revision),
		.name = name->ptr,
		.gate = instance_gate(i),
		.place = i->number,
	};
	ASSERT_OF(i, i->generation && effect->spec, "has no attempt to be known by");
}

/* False: it waits in its app's queue until it may start. */
static bool takes_turn(struct instance *i)
{
	struct app *a = i->app;
	bool is_queueing = a->spec->stagger_ms || a->starts.first;

	if (is_queueing && !start_queue_lets(i))
		return false;
	i->has_turn = true;
	stagger_note(&a->starts.stagger, i->slot, a->herd->now);
	if (is_queueing)
		start_queue_arm(a);
	ASSERT_OF(i, a->starts.stagger.last.slot == i->slot,
		"takes its turn, and is not the last that started");
	return true;
}

static void spawn(struct instance *i)
{
	struct herd *h = i->app->herd;
	struct buf name = BUF_INIT;
	struct spawn_effect effect;

	ASSERT(i->generation && i->state == STATE_STARTING, "%s:%d is spawned while it is %s",
		i->app->spec->name, i->number, state_word(i->state));
	if (!takes_turn(i)) {
		instance_set_phase(i, PHASE_STAGGERED);
		return;
	}
	i->has_turn = false;
	instance_spawn_effect(i, &effect, &name);
	instance_set_phase(i, PHASE_SPAWNING);
	i->started_at = h->now;
	instance_arm(i, &i->life, TIMER_NEVER_READY, instance_spec(i)->ready_timeout_ms);
	/* In the herd's JSON when the keeper hears of it. */
	h->is_changed = false;
	effects_of(i)->changed(context_of(i));
	effects_of(i)->spawn(context_of(i), &effect);
	buf_release(&name);
}

static void check_port(struct instance *i)
{
	struct endpoint at;

	ASSERT_OF(i, i->phase == PHASE_NONE, "begins to look at its port beside something else");
	if (!takes_turn(i)) {
		instance_set_phase(i, PHASE_STAGGERED);
		return;
	}
	i->port = instance_port(i);
	if (!i->port || !revision_owns_ports(i->revision)) {
		spawn(i);
		return;
	}
	instance_set_phase(i, PHASE_CHECKING);
	at = instance_endpoint(i);
	effects_of(i)->check_port(context_of(i), &at);
}

/* Who crashes in the middle of a rollout starts again by what it had, unless that was overtaken. */
static void choose_revision(struct instance *i)
{
	struct app *a = i->app;
	struct revision *born = a->rollout ? rollout_birth_revision(a, i->number) : a->target;
	bool is_overtaken = i->revision != a->target && i->revision != a->current && !instance_is_spare(i);
	bool is_surplus = a->rollout && !instance_is_spare(i) && i->number >= a->rollout->count;

	/* One that will be too many has no part in what comes, and no port in a smaller revision; it stays in a folder of its own. */
	if (is_surplus)
		born = revision_own(i->revision) ? i->revision : a->current;
	if ((i->takes_target || !a->rollout) && !is_surplus)
		revision_set(&i->revision, a->target);
	else if (is_overtaken && (revision_port(born, i->number) || !revision_port(i->revision, i->number)))
		revision_set(&i->revision, born);
	/* What an earlier attempt has proven says nothing of this one. */
	i->takes_target = false;
	if (i->trial == TRIAL_PROVEN)
		i->trial = TRIAL_OPEN;
	ASSERT_OF(i, i->revision->refs > 0 && i->trial != TRIAL_PROVEN,
		"begins an attempt that was proven before");
}

static void begin_attempt(struct instance *i)
{
	struct herd *h = i->app->herd;

	ASSERT_OF(
		i, i->phase == PHASE_NONE || i->phase == PHASE_PORT_FREE, "begins an attempt beside another");
	i->start_by = EVENT_START;
	if (i->phase == PHASE_PORT_FREE) {
		spawn(i);
		return;
	}
	choose_revision(i);
	instance_set_down(i, DOWN_NONE);
	ASSERT(i->generation <= h->last_generation, "%s:%d is of attempt %llu, which nobody made",
		i->app->spec->name, i->number, (unsigned long long)i->generation);
	i->generation = ++h->last_generation;
	i->pid = 0;
	i->has_turn = false;
	i->ready_at = 0;
	i->health = spec_has_health(instance_spec(i)) ? HEALTH_UNKNOWN : HEALTH_NONE;
	if (instance_spec(i)->start_delay_ms > 0 && !i->was_delayed) {
		instance_set_phase(i, PHASE_DELAYED);
		instance_arm(i, &i->life, TIMER_DELAY, instance_spec(i)->start_delay_ms);
		return;
	}
	check_port(i);
}

/* What it depends on was ready when it began to wait. */
static void resume_start(struct instance *i)
{
	struct reason why;

	ASSERT_OF(i, i->phase == PHASE_DELAYED || i->phase == PHASE_STAGGERED,
		"ends a wait that it does not wait");
	instance_set_phase(i, PHASE_NONE);
	if (app_is_waiting(i->app, &why))
		instance_event(i, EVENT_BLOCK, &why);
	else
		check_port(i);
}

static void end_delay(struct instance *i)
{
	i->was_delayed = true;
	resume_start(i);
}

void instance_take_turn(struct instance *i)
{
	ASSERT(i->phase == PHASE_STAGGERED && i->state == STATE_STARTING,
		"%s:%d takes its turn while it is %s", i->app->spec->name, i->number, state_word(i->state));
	i->has_turn = true;
	resume_start(i);
	instance_mark_dirty(i);
}

void instance_watch(struct instance *i, bool is_adopted)
{
	enum ready_kind kind = spec_ready(instance_spec(i));
	const struct endpoint at = instance_endpoint(i);

	ASSERT_OF(i, i->phase == PHASE_UP && i->state == STATE_STARTING,
		"is watched until it is ready, and does not start");
	if (kind == READY_ALIVE)
		instance_arm(i, &i->life, TIMER_ALIVE, ALIVE_MS);
	if (kind == READY_HEALTH)
		instance_check_begin(i);
	else
		effects_of(i)->watch_ready(context_of(i), &at, kind, is_adopted);
}

static void settle(struct instance *i)
{
	ASSERT(i->phase == PHASE_UP || i->phase == PHASE_SPAWNING, "%s:%d is ready, and its phase is %s",
		i->app->spec->name, i->number, phase_word(i->phase));
	disarm(i, &i->life);
	unwatch(i);
	if (i->drain != DRAIN_NONE)
		instance_drain_cancel(i);
	i->ready_at = i->app->herd->now ? i->app->herd->now : 1;
	if (spec_has_health(instance_spec(i)))
		instance_check_begin(i);
	if (instance_spec(i)->watchdog_ms)
		instance_watchdog_begin(i);
	ASSERT_OF(i, i->ready_at && !timer_is_armed(&i->life), "is ready, and its start is timed");
}

/* --- stopping --- */

void instance_kill(struct instance *i, const struct reason *why)
{
	ASSERT_OF(i, why, "is killed for nothing");
	ASSERT(i->phase >= PHASE_SPAWNING, "%s:%d is killed, and has no process", i->app->spec->name,
		i->number);
	instance_note(i, why);
	effects_of(i)->kill_tree(context_of(i), instance_ticket(i));
	instance_arm(i, &i->tree, TIMER_UNKILLABLE, UNKILLABLE_MS);
	ASSERT_OF(i, instance_is_killed(i), "is killed, and nothing says so");
}

void instance_grace(const struct instance *i)
{
	effects_of(i)->grace(context_of(i), instance_ticket(i), spec_stop_signal(instance_spec(i)),
		instance_spec(i)->stop_timeout_ms);
}

/* We put a shell before it, because its command needs one. */
static bool has_shell(const struct spec *s)
{
	char *const *argv = s->command.argv;
	bool is_shell = s->command.text && argv && argv[0] && !strcmp(argv[0], "/bin/sh");

	return is_shell && argv[1] && !strcmp(argv[1], "-c");
}

/*
 * From a keyboard these reach a shell and its programs at once, and some shells take them for that: they ignore them, or wait for the program to end of
 * them.  Other signals end the shell, and its programs get them then.
 */
static bool is_keyboard_signal(const char *signal)
{
	return !strcmp(signal, "SIGINT") || !strcmp(signal, "SIGQUIT");
}

static enum reach stop_reach(const struct instance *i)
{
	const struct spec *s = instance_spec(i);
	bool is_shared = has_shell(s) && is_keyboard_signal(spec_stop_signal(instance_spec(i)));

	return s->stop_signal_to == STOP_TO_TREE || is_shared ? REACH_TREE : REACH_MAIN;
}

void instance_signal_stop(struct instance *i)
{
	ASSERT(i->state == STATE_STOPPING, "%s:%d gets a stop signal while it is %s", i->app->spec->name,
		i->number, state_word(i->state));
	ASSERT_OF(i, i->phase == PHASE_SPAWNING || i->phase == PHASE_UP,
		"gets a stop signal without a process");
	instance_arm(i, &i->life, TIMER_KILL, instance_spec(i)->stop_timeout_ms);
	effects_of(i)->stopping(context_of(i), instance_ticket(i));
	if (instance_spec(i)->shutdown_with_message)
		effects_of(i)->shutdown(
			context_of(i), instance_ticket(i), spec_stop_signal(instance_spec(i)));
	else
		effects_of(i)->stop(
			context_of(i), instance_ticket(i), spec_stop_signal(instance_spec(i)), stop_reach(i));
}

bool instance_is_killed(const struct instance *i)
{
	return i->is_unkillable || (timer_is_armed(&i->tree) && i->tree.kind == TIMER_UNKILLABLE);
}

void instance_end_tree(struct instance *i)
{
	ASSERT_OF(i, i->phase >= PHASE_SPAWNING && i->generation, "ends a tree that it never had");
	if (instance_is_killed(i))
		effects_of(i)->kill_tree(context_of(i), instance_ticket(i));
	else
		effects_of(i)->end_tree(
			context_of(i), instance_ticket(i), spec_stop_signal(instance_spec(i)));
}

/* What its tree has of its grace when the main process has ended: what the stop has left of it, or all after an end that nobody asked for. */
static int64_t grace_left(const struct instance *i)
{
	int64_t now = i->app->herd->now;

	if (i->state != STATE_STOPPING || !timer_is_armed(&i->life) || i->life.kind != TIMER_KILL)
		return instance_spec(i)->stop_timeout_ms;
	return i->life.at > now ? i->life.at - now : 0;
}

static void begin_stop(struct instance *i)
{
	bool has_process = i->phase == PHASE_SPAWNING || i->phase == PHASE_UP;

	ASSERT_OF(i, i->state == STATE_STOPPING, "begins to stop in another state");
	disarm(i, &i->life);
	if (i->drain != DRAIN_NONE)
		instance_drain_finish(i);
	if (i->phase != PHASE_DELAYED && i->phase != PHASE_STAGGERED)
		unwatch(i);
	if (i->checkup)
		instance_check_end(i);
	if (has_process) {
		instance_signal_stop(i);
		return;
	}
	instance_set_phase(i, PHASE_NONE);
	instance_gone(i, false);
}

void instance_leftovers(struct instance *i)
{
	int64_t grace = grace_left(i);

	ASSERT_OF(i, i->phase == PHASE_SPAWNING || i->phase == PHASE_UP, "has ended without a process");
	instance_set_phase(i, PHASE_LEFTOVERS);
	i->pid = 0;
	disarm(i, &i->life);
	if (i->drain != DRAIN_NONE)
		instance_drain_finish(i);
	instance_forget_process(i);
	if (!timer_is_armed(&i->tree) && !i->is_unkillable)
		instance_arm(i, &i->tree, TIMER_GRACE, grace);
	instance_end_tree(i);
	ASSERT_OF(i, timer_is_armed(&i->tree) || i->is_unkillable, "waits for its tree without an end");
}

void instance_stop_checking(struct instance *i)
{
	if (i->phase != PHASE_CHECKING)
		return;
	unwatch(i);
	instance_set_phase(i, PHASE_NONE);
}

/* Nothing runs any more, and nothing is looked for. */
static void rest(struct instance *i)
{
	disarm(i, &i->life);
	instance_stop_checking(i);
	if (i->phase == PHASE_DELAYED || i->phase == PHASE_STAGGERED)
		instance_set_phase(i, PHASE_NONE);
	ASSERT_OF(i, !timer_is_armed(&i->life) && (i->phase == PHASE_NONE || i->phase == PHASE_LEFTOVERS),
		"rests, and something is under way");
}

static void begin_backoff(struct instance *i)
{
	ASSERT(i->delay_ms >= 0, "%s:%d waits for %lld ms", i->app->spec->name, i->number,
		(long long)i->delay_ms);
	ASSERT_OF(i, i->phase == PHASE_NONE || i->phase == PHASE_LEFTOVERS,
		"waits for its next start beside a process");
	if (i->delay_ms > 0)
		instance_arm(i, &i->life, TIMER_BACKOFF, i->delay_ms);
	else
		i->start_by = EVENT_RETRY;
}

static void nothing(struct instance *i)
{
	(void)i;
}

void instance_act(struct instance *i, enum action action)
{
	static void (*const acts[])(struct instance *) = {
		[ACT_NONE] = nothing,
		[ACT_SPAWN] = begin_attempt,
		[ACT_SIGNAL] = begin_stop,
		[ACT_DELAY] = begin_backoff,
		/* No timer of its life runs where nothing else does. */
		[ACT_WATCH] = nothing,
		[ACT_SETTLE] = settle,
		[ACT_REST] = rest,
	};

	acts[action](i);
}

/* --- timers --- */

static void never_ready(struct instance *i)
{
	struct buf name = BUF_INIT;
	struct reason why;

	ASSERT_OF(i, i->state == STATE_STARTING && i->phase >= PHASE_SPAWNING,
		"was to be ready, and does not start");
	instance_name(i, &name);
	why = unready_reason(i, name.ptr);
	instance_fail_start(i, &why);
	buf_release(&name);
}

static void stop_timed_out(struct instance *i)
{
	ASSERT_OF(i, i->phase >= PHASE_SPAWNING, "did not stop in time, and has no process");
	instance_kill(i, &REASON_OF(STOP_TIMED_OUT, .ms = instance_spec(i)->stop_timeout_ms));
}

static void grace_over(struct instance *i)
{
	ASSERT_OF(i, i->phase >= PHASE_SPAWNING, "has a tree that did not end, and no process");
	instance_kill(i, &REASON_OF(LEFTOVERS_TIMED_OUT, .ms = instance_spec(i)->stop_timeout_ms));
}

static void end_backoff(struct instance *i)
{
	i->start_by = EVENT_RETRY;
	instance_mark_dirty(i);
}

static void unkillable(struct instance *i)
{
	i->is_unkillable = true;
	instance_note(i, &REASON_OF(IS_UNKILLABLE));
	instance_mark_dirty(i);
}

static void alive(struct instance *i)
{
	instance_become_ready(i);
}

/* Only a store that is damaged has one that does not go with what the instance is. */
static bool timer_fits(const struct instance *i, enum timer_kind kind)
{
	switch (kind) {
	case TIMER_DELAY:
		return i->phase == PHASE_DELAYED;
	case TIMER_ALIVE:
	case TIMER_NEVER_READY:
		return i->state == STATE_STARTING && i->phase >= PHASE_SPAWNING;
	case TIMER_KILL:
	case TIMER_GRACE:
	case TIMER_UNKILLABLE:
		return i->phase >= PHASE_SPAWNING;
	default:
		return true;
	}
}

void instance_fire(struct instance *i, enum timer_kind kind)
{
	static void (*const fires[TIMER_KIND_COUNT])(struct instance *) = {
		[TIMER_DELAY] = end_delay,
		[TIMER_ALIVE] = alive,
		[TIMER_NEVER_READY] = never_ready,
		[TIMER_KILL] = stop_timed_out,
		[TIMER_GRACE] = grace_over,
		[TIMER_BACKOFF] = end_backoff,
		[TIMER_UNKILLABLE] = unkillable,
		[TIMER_DRAIN] = instance_drain_timeout,
		[TIMER_CHECK] = instance_check,
		[TIMER_WATCHDOG] = instance_watchdog_bite,
		[TIMER_DEADLINE] = nothing,
	};

	ASSERT_OF(i, fires[kind], "has a timer go off that is another's");
	if (timer_fits(i, kind))
		fires[kind](i);
	else
		fact_unexpected(i->app->herd, i, timer_word(kind));
}
