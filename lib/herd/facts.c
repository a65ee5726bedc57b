/*
 * What happened, as the engine tells it: each finds its instance by its ticket, or is counted and forgotten.
 */
#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "herd/herd_private.h"
#include "herd/unready.h"

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

/* What could not be started has said so in its own words: then the rule's are only what it decided, from the comma on. */
static const char *after_the_end(const char *rule)
{
	const char *comma = strchr(rule, ',');

	return comma ? comma : "";
}

static void exit_words(const struct last_exit *end, struct buf *out)
{
	const char *name = end->signal ? sigabbrev_np(end->signal) : NULL;

	if (name)
		buf_addf(out, "ended by SIG%s", name);
	else if (end->signal)
		buf_addf(out, "ended by signal %d", end->signal);
	else if (end->code == LAST_EXIT_UNSEEN)
		buf_adds(out, "and nobody saw how it ended");
	else
		buf_addf(out, "ended with exit code %d", end->code);
}

/* A one-shot may end well; a spare is there to stay. */
static void note_end(struct instance *i, enum restart_verdict verdict, const char *first)
{
	struct buf why = BUF_INIT;

	if (verdict == RESTART_FINISHED && !instance_is_spare(i))
		return;
	if (first)
		buf_adds(&why, first);
	else
		exit_words(&i->last_exit, &why);
	rollout_note_failure(i, why.ptr);
	buf_release(&why);
}

/* An end that nobody asked for: the rule decides, and its words are kept.  `first` is what is known beyond the rule's own words. */
static void judge(struct instance *i, struct end end, const char *first)
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
	struct buf why = BUF_INIT;

	if (i->ready_at)
		restart_ready(history, i->ready_at);
	d = restart_after(instance_spec(i), history, end, h->now, herd_jitter(h));
	i->has_ended = verdicts[d.verdict].is_end;
	note_end(i, d.verdict, first);
	i->ready_at = 0;
	i->delay_ms = d.delay_ms;
	i->restarts += d.verdict == RESTART_AFTER;
	if (first && end.kind == END_SPAWN_FAILED)
		buf_addf(&why, "%s%s", first, after_the_end(d.why));
	else
		buf_addf(&why, "%s%s%s", first ? first : "", first ? "; " : "", d.why);
	if (end.kind == END_OVER_LIMIT && d.verdict == RESTART_AFTER)
		instance_event(i, EVENT_LIMITED, why.ptr);
	else
		instance_event(i, verdicts[d.verdict].event, why.ptr);
	buf_release(&why);
}

/* By the signal that it was sent, or well: nothing that a list of stopped instances needs to say. */
static bool is_usual_end(const struct instance *i)
{
	const char *sent = instance_spec(i)->stop_signal;
	const char *name = i->last_exit.signal ? sigabbrev_np(i->last_exit.signal) : NULL;

	if (!i->last_exit.is_known)
		return true;
	return i->last_exit.signal ? name && str_eq(name, sent ? sent + strlen("SIG") : "TERM")
				   : !i->last_exit.code;
}

/* The event says how it ended; what is kept as the reason of being down is who wanted that, and only an end that is worth a look. */
static void end_as_wanted(struct instance *i, bool has_exited)
{
	const char *reason = instance_stop_words(i);
	struct buf why = BUF_INIT;

	buf_adds(&why, reason);
	if (has_exited && i->last_exit.is_known) {
		buf_adds(&why, ", ");
		exit_words(&i->last_exit, &why);
	}
	i->ready_at = 0;
	instance_event(i, EVENT_DIED, why.ptr);
	if (!has_exited || is_usual_end(i))
		instance_set_why(i, reason);
	buf_release(&why);
}

void instance_gone(struct instance *i, bool has_exited)
{
	bool is_limit = i->down_cause == DOWN_LIMIT;
	bool is_judged = (is_limit || i->down_cause == DOWN_FAILING) && instance_should_run(i);
	char *limit_words = mem_strdup(i->limit_words);

	if (is_limit || i->down_cause == DOWN_FAILING)
		instance_set_down(i, DOWN_NONE);
	if (is_judged && is_limit)
		judge(i, (struct end){ .kind = END_OVER_LIMIT }, limit_words);
	else if (is_judged)
		judge(i, (struct end){ .kind = i->ready_at ? END_UNHEALTHY : END_NEVER_READY }, i->why);
	else
		end_as_wanted(i, has_exited);
	mem_free(limit_words);
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
	instance_mark_dirty(i);
	herd_commit(h);
}

/* Of what the kernel says of a program or a folder: what lasts until somebody does something about it, unlike a want of memory. */
static bool is_lasting(int number)
{
	static const int lasting[] = { ENOENT, EACCES, ENOTDIR, EISDIR, ENOEXEC, ELOOP, ENAMETOOLONG, EPERM,
		E2BIG };

	for (size_t k = 0; k < sizeof(lasting) / sizeof(lasting[0]); k++)
		if (lasting[k] == number)
			return true;
	return false;
}

void herd_spawn_failed(struct herd *h, struct ticket t, int number, const char *words, int64_t now)
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
	timer_disarm(&h->timers, &i->life);
	timer_disarm(&h->timers, &i->tree);
	i->hopeless += is_lasting(number);
	if (i->state == STATE_STOPPING)
		instance_gone(i, false);
	else if (instance_is_going_down(i))
		instance_event(i, EVENT_DIED, words);
	else
		judge(i, (struct end){ .kind = END_SPAWN_FAILED, .code = number }, words);
	herd_commit(h);
}

void herd_exited(struct herd *h, struct ticket t, const struct herd_exit *end, int64_t now)
{
	struct instance *i = herd_by_ticket(h, t, now);
	struct end how = { .kind = END_EXITED };
	struct buf first = BUF_INIT;
	struct buf why = BUF_INIT;

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
		buf_adds(&first, "the kernel was out of memory");
	else if (background_words(i, &end->left, &first) && is_background_start(i, &end->left))
		how.kind = END_NEVER_READY;
	if (first.len)
		buf_addf(&why, "%s: ", first.ptr);
	exit_words(&i->last_exit, &why);
	if (i->state == STATE_STOPPING)
		instance_mark_dirty(i);
	else if (instance_ends_for_limit(i))
		judge(i, (struct end){ .kind = END_OVER_LIMIT }, i->limit_words);
	else if (instance_is_going_down(i))
		instance_event(i, EVENT_DIED, why.ptr);
	else
		judge(i, how, first.len ? first.ptr : NULL);
	buf_release(&first);
	buf_release(&why);
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
	instance_mark_dirty(i);
	herd_commit(h);
}

void herd_ready(struct herd *h, struct ticket t, int64_t now)
{
	struct instance *i = herd_by_ticket(h, t, now);

	if (!i)
		return;
	/* It may have been told to stop, or be ready already, while the word was on its way. */
	if (i->state != STATE_STARTING || !runs(i)) {
		fact_unexpected(h, i, "ready");
		return;
	}
	instance_event(i, EVENT_READY, NULL);
	herd_commit(h);
}

void herd_note(struct herd *h, struct ticket t, const char *words, int64_t now)
{
	struct instance *i = herd_by_ticket(h, t, now);

	if (!i)
		return;
	instance_note(i, words);
	herd_commit(h);
}

void herd_port_free(struct herd *h, struct ticket t, int64_t now)
{
	struct instance *i = herd_by_ticket(h, t, now);
	struct buf why = BUF_INIT;

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
			instance_event(i, EVENT_BLOCK, why.ptr);
		else
			instance_set_why(i, why.ptr);
	} else {
		instance_set_phase(i, PHASE_PORT_FREE);
		if (i->state == STATE_STARTING)
			instance_act(i, ACT_SPAWN);
		else
			instance_event(i, EVENT_START, "its port is free");
	}
	instance_mark_dirty(i);
	buf_release(&why);
	herd_commit(h);
}

void herd_port_taken(struct herd *h, struct ticket t, const char *holder, int64_t now)
{
	struct instance *i = herd_by_ticket(h, t, now);
	struct buf why = BUF_INIT;

	if (!i)
		return;
	if (i->phase != PHASE_CHECKING) {
		fact_unexpected(h, i, "port taken");
		return;
	}
	buf_addf(&why, "port %d is held by %s", i->port, holder ? holder : "somebody else");
	if (i->state == STATE_STARTING)
		instance_event(i, EVENT_BLOCK, why.ptr);
	else
		instance_set_why(i, why.ptr);
	instance_mark_dirty(i);
	buf_release(&why);
	herd_commit(h);
}
