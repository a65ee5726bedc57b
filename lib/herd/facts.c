/*
 * What happened, as the engine tells it: each finds its instance by its ticket, or is counted and forgotten.
 */
#include <errno.h>
#include <string.h>

#include "base/assert.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/signal_name.h"
#include "base/str.h"
#include "herd/facts.h"
#include "herd/herd_private.h"
#include "herd/unready.h"
#include "wire/notice.h"

static struct restart_history *history_of(struct instance *i)
{
	if (!i->history)
		i->history = mem_zalloc(1, sizeof(*i->history));
	return i->history;
}

void instance_forget_crashes(struct instance *i)
{
	if (i->history)
		restart_forget(i->history);
}

/* `cause`, which may be NULL, is what is known beyond it. */
static struct reason end_reason(const struct last_exit *end, const struct reason *cause)
{
	if (!end->signal && end->code == LAST_EXIT_UNSEEN)
		return REASON_OF(ENDED_UNSEEN, .cause = cause);
	return REASON_OF(
		ENDED, .exit_code = end->signal ? -1 : end->code, .signal = end->signal, .cause = cause);
}

/* A one-shot may end well; a spare is there to stay. */
static void note_end(struct instance *i, enum restart_verdict verdict, const struct reason *cause)
{
	struct reason end = end_reason(&i->last_exit, NULL);

	ASSERT_OF(i, i->phase == PHASE_NONE || i->phase == PHASE_LEFTOVERS,
		"has ended, and a process of it runs");
	if (i->app->rollout && (verdict != RESTART_FINISHED || instance_is_spare(i)))
		rollout_note_failure(i, cause ? cause : &end);
}

/* An end that nobody asked for: the rule decides, and says so.  `cause` is what is known beyond the end itself; it may be NULL. */
static void judge(struct instance *i, struct end end, const struct reason *cause)
{
	static const struct {
		enum event event;
		bool is_end;
	} verdicts[] = {
		[RESTART_AFTER] = { EVENT_CRASHED, false },
		[RESTART_FINISHED] = { EVENT_FINISHED, true },
		[RESTART_STOPPED] = { EVENT_DIED, true },
		[RESTART_GIVE_UP] = { EVENT_GAVE_UP, true },
	};
	struct herd *h = i->app->herd;
	struct restart_history *history = history_of(i);
	struct restart_decision d;

	ASSERT(i->phase == PHASE_NONE || i->phase == PHASE_LEFTOVERS, "%s:%d is judged, and its phase is %s",
		i->app->spec->name, i->number, phase_word(i->phase));
	if (i->ready_at)
		restart_ready(history, i->ready_at);
	d = restart_after(instance_spec(i), history, end, h->now, herd_jitter(h));
	i->has_ended = verdicts[d.verdict].is_end;
	note_end(i, d.verdict, cause);
	i->ready_at = 0;
	i->delay_ms = d.delay_ms;
	i->restarts += d.verdict == RESTART_AFTER;
	ASSERT_OF(
		i, d.delay_ms >= 0 && i->has_ended == (d.verdict != RESTART_AFTER), "is judged in two ways");
	d.why.cause = cause;
	if (end.kind == END_OVER_LIMIT && d.verdict == RESTART_AFTER)
		instance_event(i, EVENT_LIMITED, &d.why);
	else
		instance_event(i, verdicts[d.verdict].event, &d.why);
	ASSERT_OF(i, !state_is_live(i->state), "has ended, and lives");
}

/* By the signal that it was sent, or well: nothing that a list of stopped instances needs to say. */
static bool is_usual_end(const struct instance *i)
{
	const char *sent = spec_stop_signal(instance_spec(i));
	const char *name = signal_name(i->last_exit.signal);

	if (!i->last_exit.is_known)
		return true;
	return i->last_exit.signal ? name && str_eq(name, sent) : !i->last_exit.code;
}

/* The event says how it ended; what is kept as the reason of being down is who wanted that, and only an end that is worth a look. */
static void end_as_wanted(struct instance *i, bool has_exited)
{
	const struct reason asked = instance_stop_reason(i);
	const struct reason end = end_reason(&i->last_exit, NULL);
	struct reason why = asked;

	if (has_exited && i->last_exit.is_known)
		why.cause = &end;
	i->ready_at = 0;
	instance_event(i, EVENT_DIED, &why);
	if (!has_exited || is_usual_end(i))
		instance_set_why(i, &asked);
	ASSERT_OF(i, !state_is_live(i->state) && !i->ready_at, "has stopped, and lives");
}

void instance_gone(struct instance *i, bool has_exited)
{
	bool is_limit = i->down_cause == DOWN_LIMIT;
	bool is_judged = (is_limit || i->down_cause == DOWN_FAILING) && instance_should_run(i);
	struct reason *limit = reason_copy(i->limit_reason);

	ASSERT(i->state == STATE_STOPPING && i->phase == PHASE_NONE, "%s:%d has stopped while it was %s",
		i->app->spec->name, i->number, state_word(i->state));
	if (is_limit || i->down_cause == DOWN_FAILING)
		instance_set_down(i, DOWN_NONE);
	if (is_judged && is_limit)
		judge(i, (struct end){ .kind = END_OVER_LIMIT }, limit);
	else if (is_judged)
		judge(i, (struct end){ .kind = i->ready_at ? END_UNHEALTHY : END_NEVER_READY }, i->why);
	else
		end_as_wanted(i, has_exited);
	reason_free(limit);
	ASSERT_OF(i, !state_is_live(i->state), "is gone, and lives");
}

static bool runs(const struct instance *i)
{
	return i->phase == PHASE_SPAWNING || i->phase == PHASE_UP;
}

void herd_spawned(struct herd *h, struct ticket t, int64_t pid, int64_t now)
{
	struct instance *i = herd_by_ticket(h, t, now);

	if (!i)
		return;
	if (i->phase != PHASE_SPAWNING) {
		fact_unexpected(h, i, "spawned");
		return;
	}
	instance_set_phase(i, PHASE_UP);
	i->pid = pid;
	log_debug("%s:%d: started as pid %lld", i->app->spec->name, i->number, (long long)pid);
	if (i->state == STATE_STARTING)
		instance_watch(i, false);
	ASSERT_OF(i, state_is_live(i->state), "has a process, and is down");
	instance_mark_dirty(i);
	herd_commit(h);
}

/* Of what the kernel says of a program, a folder or processors, and the keeper of a message: what lasts until somebody does something about it, unlike a want of memory. */
static bool is_lasting(int number)
{
	static const int lasting[] = { ENOENT, EACCES, ENOTDIR, EISDIR, ENOEXEC, ELOOP, ENAMETOOLONG, EPERM,
		E2BIG, EINVAL, EBADMSG };

	for (size_t k = 0; k < sizeof(lasting) / sizeof(lasting[0]); k++)
		if (lasting[k] == number)
			return true;
	return false;
}

void herd_spawn_failed(struct herd *h, struct ticket t, const struct reason *why, int64_t now)
{
	struct instance *i = herd_by_ticket(h, t, now);

	if (!i)
		return;
	/* One that was adopted between its fork and its exec counted as up. */
	if (!runs(i)) {
		fact_unexpected(h, i, "spawn failed");
		return;
	}
	if (i->phase == PHASE_UP && (i->state == STATE_STARTING || i->checkup))
		h->options.effects->unwatch(h->options.context, t);
	instance_set_phase(i, PHASE_NONE);
	i->pid = 0;
	instance_forget_process(i);
	timer_disarm(&h->timers, &i->life);
	timer_disarm(&h->timers, &i->tree);
	i->hopeless += is_lasting((int)why->number);
	if (i->state == STATE_STOPPING)
		instance_gone(i, false);
	else if (instance_is_going_down(i))
		instance_event(i, EVENT_DIED, why);
	else
		judge(i, (struct end){ .kind = END_SPAWN_FAILED, .code = (int)why->number }, why);
	ASSERT_OF(i, !state_is_live(i->state) && i->phase == PHASE_NONE, "could not be started, and lives");
	herd_commit(h);
}

void herd_exited(struct herd *h, struct ticket t, const struct herd_exit *end, int64_t now)
{
	struct instance *i = herd_by_ticket(h, t, now);
	struct end how = { .kind = END_EXITED };
	struct reason cause;
	struct reason why;
	bool has_left = !end->is_oom && end->left.pid;
	bool has_cause = end->is_oom || has_left;

	if (!i)
		return;
	if (!runs(i)) {
		fact_unexpected(h, i, "exited");
		return;
	}
	how.kind = end->signal ? END_SIGNALED : end->code == LAST_EXIT_UNSEEN ? END_UNSEEN : END_EXITED;
	how.code = end->signal ? end->signal : end->code;
	i->last_exit = (struct last_exit){
		.is_known = true,
		.code = end->code,
		.signal = end->signal,
		.at_ms = end->wall_ms,
	};
	if (i->state == STATE_STARTING || i->checkup)
		h->options.effects->unwatch(h->options.context, t);
	instance_leftovers(i);
	if (end->is_oom)
		cause = REASON_OF(OUT_OF_MEMORY);
	else if (has_left)
		cause = background_reason(i, &end->left);
	if (has_left && is_background_start(i, &end->left))
		how.kind = END_NEVER_READY;
	why = end_reason(&i->last_exit, has_cause ? &cause : NULL);
	if (i->state == STATE_STOPPING)
		instance_mark_dirty(i);
	else if (i->down_cause == DOWN_LIMIT && instance_is_wanted(i))
		judge(i, (struct end){ .kind = END_OVER_LIMIT }, i->limit_reason);
	else if (instance_is_going_down(i))
		instance_event(i, EVENT_DIED, &why);
	else
		judge(i, how, has_cause ? &cause : NULL);
	ASSERT_OF(i, i->state == STATE_STOPPING || !state_is_live(i->state), "has exited, and lives");
	herd_commit(h);
}

void herd_tree_gone(struct herd *h, struct ticket t, int64_t now)
{
	struct instance *i = herd_by_ticket(h, t, now);

	if (!i)
		return;
	if (i->phase != PHASE_LEFTOVERS) {
		fact_unexpected(h, i, "tree gone");
		return;
	}
	instance_set_phase(i, PHASE_NONE);
	i->is_unkillable = false;
	timer_disarm(&h->timers, &i->tree);
	if (i->state == STATE_STOPPING)
		instance_gone(i, true);
	ASSERT_OF(
		i, !state_is_live(i->state) && !timer_is_armed(&i->tree), "has no tree any more, and lives");
	instance_mark_dirty(i);
	herd_commit(h);
}

void herd_ready(struct herd *h, struct ticket t, int64_t now)
{
	struct instance *i = herd_by_ticket(h, t, now);

	if (!i)
		return;
	/* Its stop may have begun, or it may be ready already, while the message was on its way. */
	if (i->state != STATE_STARTING || !runs(i)) {
		fact_unexpected(h, i, "ready");
		return;
	}
	instance_become_ready(i);
	ASSERT_OF(i, i->state != STATE_STARTING, "is ready, and is starting");
	herd_commit(h);
}

void herd_note(struct herd *h, struct ticket t, const struct reason *why, int64_t now)
{
	struct instance *i = herd_by_ticket(h, t, now);

	if (!i)
		return;
	instance_note(i, why);
	herd_commit(h);
}

void herd_port_free(struct herd *h, struct ticket t, int64_t now)
{
	struct instance *i = herd_by_ticket(h, t, now);
	struct reason why;

	if (!i)
		return;
	if (i->phase != PHASE_CHECKING) {
		fact_unexpected(h, i, "port free");
		return;
	}
	/* What it depends on was ready when the check began; if it is not now, the port is looked at again later. */
	if (app_is_waiting(i->app, &why)) {
		instance_set_phase(i, PHASE_NONE);
		if (i->state == STATE_STARTING)
			instance_event(i, EVENT_BLOCK, &why);
		else
			instance_set_why(i, &why);
	} else {
		instance_set_phase(i, PHASE_PORT_FREE);
		if (i->state == STATE_STARTING)
			instance_act(i, ACT_SPAWN);
		else
			instance_event(i, EVENT_START, &REASON_OF(PORT_FREE));
	}
	ASSERT_OF(i, i->phase != PHASE_PORT_FREE, "has its port, and was not started");
	instance_mark_dirty(i);
	herd_commit(h);
}

void herd_port_taken(struct herd *h, struct ticket t, int64_t pid, const char *command, int64_t now)
{
	struct instance *i = herd_by_ticket(h, t, now);
	struct reason why;

	if (!i)
		return;
	if (i->phase != PHASE_CHECKING) {
		fact_unexpected(h, i, "port taken");
		return;
	}
	why = REASON_OF(PORT_TAKEN, .port = i->port, .pid = pid, .command = command);
	if (i->state == STATE_STARTING)
		instance_event(i, EVENT_BLOCK, &why);
	else
		instance_set_why(i, &why);
	instance_mark_dirty(i);
	herd_commit(h);
}

/* --- facts that come in the middle of a step --- */

struct late_fact {
	struct herd_fact fact;
	struct reason *why; /* what fact.why is; owned */
};

static void late_fact_free(void *item)
{
	struct late_fact *late = item;

	reason_free(late->why);
	mem_free(late);
}

static void hear_late(struct herd *h, const struct herd_fact *fact, int64_t now)
{
	switch (fact->kind) {
	case FACT_SPAWN_FAILED:
		herd_spawn_failed(h, fact->ticket, fact->why, now);
		break;
	case FACT_PORT_FREE:
		herd_port_free(h, fact->ticket, now);
		break;
	case FACT_PORT_TAKEN:
		herd_port_taken(h, fact->ticket, fact->why->pid, fact->why->command, now);
		break;
	case FACT_NOTE:
		herd_note(h, fact->ticket, fact->why, now);
		break;
	case FACT_LISTENS:
		herd_listens(h, fact->ticket, fact->why, now);
		break;
	case FACT_READY:
		herd_ready(h, fact->ticket, now);
		break;
	case FACT_SAID_READY:
		herd_notified(h, fact->ticket, &(struct notice){ .is_ready = true }, now);
		break;
	}
}

void herd_fact_later(struct herd *h, const struct herd_fact *fact)
{
	struct late_fact *late = mem_zalloc(1, sizeof(*late));

	late->fact = *fact;
	late->why = reason_copy(fact->why);
	late->fact.why = late->why;
	vec_push(&h->late_facts, late);
	ASSERT(!fact->why || late->why, "a late fact has lost its reason");
}

void herd_facts_hear(struct herd *h, int64_t now)
{
	for (size_t k = 0; k < h->late_facts.len; k++) {
		struct late_fact *late = h->late_facts.items[k];

		hear_late(h, &late->fact, now);
		late_fact_free(late);
	}
	vec_release(&h->late_facts);
}

void late_facts_release(struct herd *h)
{
	vec_release_with(&h->late_facts, late_fact_free);
}
