/*
 * How a process is stopped, what is left of its tree too, and how both are killed: each signal once, whichever brain says it again, and no SIGKILL
 * before the grace of the whole tree is over.
 */
#include "base/str.h"
#include "sim.h"

enum { KEEPER_LATER_MS = 1000 }; /* KILL_LATER_MS of keeper/kill.h */

static int64_t grace_now(const struct sim *s, const struct proc *p)
{
	const struct instance *i = herd_slot(s->h, p->ticket.slot);

	return i ? instance_spec(i)->stop_timeout_ms : 0;
}

/* As its definition says when it begins. */
static void begin_grace(const struct sim *s, struct proc *p)
{
	p->grace_ms = grace_now(s, p);
}

/* A brain that lost an apply with its store says it again by the definition that it has; it cannot know that the grace was longer. */
static void repeat_grace(const struct sim *s, struct proc *p)
{
	int64_t grace = grace_now(s, p);

	if (p->is_doubtful && grace < p->grace_ms)
		p->grace_ms = grace;
}

void tree_signal(void *context, struct ticket t, const char *signal)
{
	struct sim *s = context;

	if (machine_hears(s))
		sim_trace(s, "effect: %s for slot %u generation %llu", signal, t.slot,
			(unsigned long long)t.generation);
}

void tree_stop(void *context, struct ticket t, const char *signal, enum reach reach)
{
	struct sim *s = context;
	struct proc *p = machine_find(s, t);

	(void)reach;
	if (!machine_hears(s))
		return;
	sim_trace(s, "effect: %s for slot %u generation %llu", signal, t.slot,
		(unsigned long long)t.generation);
	if (!p) {
		sim_fail(s, "a %s was wished for slot %u generation %llu, which the keeper has not", signal,
			t.slot, (unsigned long long)t.generation);
		return;
	}
	if (p->was_exit_told)
		sim_fail(s, "%s: a %s was requested for a process whose end was reported", p->name, signal);
	/* A new brain says it again; the keeper sends it once, and what was right the first time need not be now. */
	if (p->was_asked_to_stop) {
		repeat_grace(s, p);
		return;
	}
	check_signal(s, p);
	p->was_asked_to_stop = true;
	p->stopped_at = s->now;
	begin_grace(s, p);
	if (p->is_main_alive && p->stop_ms >= 0)
		machine_due(s, HAPPENS_END, t, s->now + p->stop_ms, 15);
}

void tree_shutdown(void *context, struct ticket t, const char *signal)
{
	tree_stop(context, t, signal, REACH_MAIN);
}

void tree_grace(void *context, struct ticket t, const char *signal, int64_t ms)
{
	struct sim *s = context;
	struct proc *p = machine_find(s, t);

	(void)signal;
	if (machine_hears(s) && p)
		p->keeper_grace_ms = ms;
}

static void end_rest(struct sim *s, struct proc *p)
{
	p->is_end_told = true;
	if (!p->is_tree_alive)
		tree_ended(s, p);
	else if (p->rest_ms >= 0)
		machine_due(s, HAPPENS_TREE_END, p->ticket, s->now + p->rest_ms, 0);
}

/* The keeper does not wait for a brain, but for an end that may have been meant: then the brain looks at what is left. */
void tree_main_ended(struct sim *s, struct proc *p)
{
	bool is_stopping = p->is_asked || p->was_asked_to_stop;
	int64_t from = p->was_asked_to_stop ? p->stopped_at : s->now;
	int64_t kill_at = from + p->keeper_grace_ms + KEEPER_LATER_MS;

	if (p->is_end_told || (!is_stopping && !p->code && !p->signal))
		return;
	end_rest(s, p);
	if (!p->is_gone_sent)
		machine_due(s, HAPPENS_TREE_END, p->ticket,
			(kill_at > s->now ? kill_at : s->now) + p->kill_ms, 0);
}

void tree_end(void *context, struct ticket t, const char *signal)
{
	struct sim *s = context;
	struct proc *p = machine_find(s, t);

	if (!machine_hears(s) || !p)
		return;
	sim_trace(s, "effect: %s for the rest of %s, generation %llu", signal, p->name,
		(unsigned long long)t.generation);
	if (p->is_main_alive)
		sim_fail(s, "%s: the rest of its tree gets the stop signal while its main process lives",
			p->name);
	if (p->was_asked_to_stop || p->is_end_wished)
		repeat_grace(s, p);
	else
		begin_grace(s, p);
	p->is_end_wished = true;
	if (!p->is_end_told)
		end_rest(s, p);
}

/* From the stop, or from an end that nobody asked for; a daemon that has waited long enough waits for nobody. */
static void check_grace(struct sim *s, const struct proc *p)
{
	int64_t from = p->was_asked_to_stop ? p->stopped_at : p->ended_at;

	if (!p->is_tree_alive || s->has_deadline)
		return;
	if (!p->was_asked_to_stop && p->is_main_alive)
		sim_fail(s, "%s is killed, and was not told to stop", p->name);
	else if (s->now < from + p->grace_ms)
		sim_fail(s, "%s is killed after %lld ms, and has %lld", p->name, (long long)(s->now - from),
			(long long)p->grace_ms);
}

void tree_kill(void *context, struct ticket t)
{
	struct sim *s = context;
	struct proc *p = machine_find(s, t);

	if (!machine_hears(s) || !p)
		return;
	sim_trace(
		s, "effect: kill the tree of %s, generation %llu", p->name, (unsigned long long)t.generation);
	if (p->is_killed)
		return;
	check_grace(s, p);
	p->is_killed = true;
	machine_due(s, HAPPENS_TREE_END, t, s->now + p->kill_ms, 0);
}

void tree_ended(struct sim *s, struct proc *p)
{
	if (p->is_gone_sent)
		return;
	p->has_children = false;
	machine_end_main(s, p, 0, 9);
	p->is_tree_alive = false;
	gate_ended(s, p);
	p->is_gone_sent = true;
	machine_tell(s, p, HAPPENS_TELL_GONE);
}
