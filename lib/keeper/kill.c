#include "keeper/kill.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/log.h"
#include "keeper/groups.h"
#include "keeper/ledger.h"
#include "keeper/slots.h"
#include "keeper/stop_signal.h"
#include "keeper/tree.h"
#include "os/fd.h"
#include "os/pidfd.h"
#include "os/procfs.h"

/* A tree that is torn while we look is looked at again, this often. */
enum { LOOKS_MAX = 8 };

/* A stopped process keeps other signals pending and looks hung; these reach it, or are meant to stop it. */
static bool wants_cont(int number)
{
	return number != SIGKILL && number != SIGCONT && number != SIGSTOP && number != SIGTSTP &&
		number != SIGTTIN && number != SIGTTOU;
}

int kill_child(pid_t pid, int number)
{
	if (pid <= 1) {
		errno = ESRCH;
		return -1;
	}
	if (!ASSERT_OR(number >= 0 && number <= SIGRTMAX, "pid %d is to get signal %d", (int)pid, number)) {
		errno = EINVAL;
		return -1;
	}
	if (kill(pid, number) < 0)
		return -1;
	if (wants_cont(number))
		(void)kill(pid, SIGCONT);
	return 0;
}

int kill_pidfd(int fd, int number)
{
	if (!ASSERT_OR(fd >= 0 && number > 0, "descriptor %d is to get signal %d", fd, number)) {
		errno = EBADF;
		return -1;
	}
	if (pidfd_signal(fd, number) < 0)
		return -1;
	if (wants_cont(number))
		(void)pidfd_signal(fd, SIGCONT);
	return 0;
}

int kill_main(const struct slot *s, int number)
{
	if (s->pidfd >= 0)
		return kill_pidfd(s->pidfd, number);
	return kill_child(s->is_child ? s->pid : 0, number);
}

/* --- those with a cgroup of their own ------------------------------------------------------------------------------------ */

struct member_signal {
	struct signal_batch batch;
	const struct slot *slot;
	int number;
	struct slot *rest;
};

/* Whose pid was given to another meanwhile is in another cgroup, or began at another time. */
static void signal_member(void *context, pid_t pid)
{
	struct member_signal *m = context;
	struct keeper_ticket ticket;
	struct proc now;

	ASSERT(m->number > 0, "%s: its cgroup is to get signal %d", m->slot->name, m->number);
	if (procfs_read(pid, &now) && groups_ticket_of(m->batch.all->groups, pid, &ticket) &&
		ticket.slot == m->slot->ticket.slot && ticket.generation == m->slot->ticket.generation)
		signal_batch_add(&m->batch,
			&(struct tree_node){ .pid = pid, .parent = now.parent, .start_time = now.start_time },
			m->number, m->rest);
}

static int signal_members(const struct slots *all, const struct slot *s, int number, struct slot *rest)
{
	struct member_signal m = { .batch = { .all = all }, .slot = s, .number = number, .rest = rest };
	int rc = groups_each(all->groups, s, signal_member, &m);

	signal_batch_send(&m.batch);
	ASSERT(!m.batch.count, "%s: %zu signals were not sent", s->name, m.batch.count);
	return rc;
}

/* It was sent, or there was nobody to send it to. */
static void rest_is_signalled(const struct slots *all, struct slot *s)
{
	ASSERT(s->rest_signal && !slot_lives(s), "%s: the rest of its tree had no signal to get", s->name);
	s->rest_signal = 0;
	if (!s->is_rest_noted)
		ledger_note(all->ledger, s);
}

static void note_gone(struct slots *all, struct slot *s)
{
	if (!ASSERT_OR(!slot_lives(s), "%s: nothing is left of its tree, and pid %d lives", s->name,
		    (int)s->pid))
		return;
	s->is_gone = true;
	s->rest_signal = 0;
	slots_kill_at(all, s, 0);
	slots_set_busy(all, s, false, false);
	slots_set_pending(all, s, PENDING_GONE);
	ASSERT(!s->is_ending && !s->is_killing && !s->kill_at,
		"%s: nothing is left of its tree, and its end is awaited", s->name);
}

/* A slot with a cgroup whose end is awaited: nobody is left, or the rest gets its signal. */
static void settle_group(struct slots *all, struct slot *s)
{
	if (slot_lives(s))
		return;
	if (!ASSERT_OR(!s->is_gone && !s->is_walked, "%s: its cgroup is asked of what is not in it", s->name))
		return;
	if (groups_is_over(all, s)) {
		note_gone(all, s);
	} else if (s->rest_signal && !s->is_killing && signal_members(all, s, s->rest_signal, s) == 0) {
		rest_is_signalled(all, s);
	}
}

static bool is_busy(const struct slot *s)
{
	return s->is_ending || s->is_killing;
}

void kill_group_changed(struct slots *all, struct slot *s)
{
	if (is_busy(s) && !s->is_walked)
		settle_group(all, s);
}

/* Is anything left? */
static void settle_ended(struct slots *all, struct slot *s)
{
	kill_group_changed(all, s);
	all->wants_walk |= is_busy(s) && s->is_walked;
}

static void end_rest(struct slots *all, struct slot *s, int number)
{
	if (!ASSERT_OR(number > 0 && number <= SIGRTMAX, "%s: its tree ends with signal %d", s->name, number))
		return;
	if (!(s->signalled & SIGNALLED_REST))
		s->rest_signal = number;
	s->signalled |= SIGNALLED_REST;
	slots_set_busy(all, s, true, s->is_killing);
}

/* What exits with 0 and was not told to stop may have gone into the background: the brain looks at what is left before that gets a signal. */
static bool waits_for_brain(const struct slot *s)
{
	return !s->stop_signal || (!s->is_stopping && s->status == 0);
}

void kill_main_ended(struct slots *all, struct slot *s)
{
	int64_t from = s->stopping_at ? s->stopping_at : s->at_ms;

	if (!ASSERT_OR(!slot_lives(s), "%s: its tree is ended while pid %d lives", s->name, (int)s->pid))
		return;
	ASSERT(s->state == KEEPER_STATE_EXITED, "%s: its main process has ended in state %d", s->name,
		(int)s->state);
	if (!s->is_gone && !waits_for_brain(s)) {
		s->is_self_ended = true;
		if (!s->is_killing)
			slots_kill_at(all, s, from + s->grace_ms + KILL_LATER_MS);
		end_rest(all, s, s->stop_signal);
		all->has_new_end = true;
	}
	settle_ended(all, s);
}

void kill_resume_ends(struct slots *all)
{
	for (struct slot *s = all->first; s; s = s->next)
		if (s->state == KEEPER_STATE_EXITED && !s->is_gone)
			kill_main_ended(all, s);
}

/* --- requests ---------------------------------------------------------------------------------------------------- */

int kill_signal_tree(struct slots *all, struct slot *s, int number)
{
	if (s->is_gone) {
		errno = ESRCH;
		return -1;
	}
	if (!ASSERT_OR(
		    number > 0 && number <= SIGRTMAX, "%s: its tree is to get signal %d", s->name, number)) {
		errno = EINVAL;
		return -1;
	}
	if (groups_can_kill(all->groups, s))
		return signal_members(all, s, number, NULL);
	all->tree_signals += !s->tree_signal;
	ASSERT(all->tree_signals > 0 && all->tree_signals <= all->count, "%d trees of %d wait for a signal",
		all->tree_signals, all->count);
	s->tree_signal = number;
	return 0;
}

void kill_end_tree(struct slots *all, struct slot *s, int number)
{
	if (!ASSERT_OR(!s->is_gone, "%s: nothing is left of its tree, and its end is asked for", s->name))
		return;
	end_rest(all, s, number);
	settle_ended(all, s);
}

void kill_slot(struct slots *all, struct slot *s)
{
	if (!ASSERT_OR(!s->is_gone, "%s is killed, and nothing is left of it", s->name))
		return;
	slots_set_busy(all, s, s->is_ending, true);
	slots_kill_at(all, s, 0);
	s->was_looked_for = false;
	groups_kill(all->groups, s);
	kill_group_changed(all, s);
	ASSERT(!s->kill_at && (s->is_killing || s->is_gone), "%s was killed, and lives on", s->name);
}

bool kill_overdue(struct slots *all, int64_t now)
{
	bool was_killed = false;

	if (!all->kill_at || now < all->kill_at)
		return false;
	all->kill_at = 0;
	for (struct slot *s = all->first; s; s = s->next) {
		if (!s->kill_at || now < s->kill_at) {
			slots_kill_at(all, s, s->kill_at);
			continue;
		}
		log_warn("%s: remaining processes did not exit within their grace: killed", s->name);
		kill_slot(all, s);
		was_killed = true;
	}
	ASSERT(!all->kills_due == !all->kill_at, "%d trees are to be killed, the first at %lld ms",
		all->kills_due, (long long)all->kill_at);
	return was_killed;
}

/* --- rounds --------------------------------------------------------------------------------------------------------------- */

/* For what no event reports. */
static void settle_groups(struct slots *all)
{
	for (struct slot *s = all->first; s; s = s->next) {
		if (!is_busy(s) || s->is_walked)
			continue;
		if (s->is_killing)
			groups_kill(all->groups, s);
		settle_group(all, s);
	}
}

/* Only a slot whose main process was reaped, and that has left somebody behind or may have, needs a look at the whole machine. */
static bool needs_look(const struct slots *all)
{
	bool has_orphans = false;
	bool is_known = false;

	if (all->tree_signals)
		return true;
	for (const struct slot *s = all->first; s && all->walked; s = s->next) {
		if (!is_busy(s) || !s->is_walked)
			continue;
		if (slot_lives(s) ? s->is_killing && !s->was_looked_for : s->was_adopted)
			return true;
		if (slot_lives(s))
			continue;
		has_orphans = is_known ? has_orphans : tree_has_orphans(all);
		is_known = true;
		if (has_orphans)
			return true;
	}
	return false;
}

/* The common case: what has ended left nothing, and what has not was killed already, or is waited for. */
static int settle_simple(struct slots *all)
{
	for (struct slot *s = all->first; s && all->walked; s = s->next)
		if (is_busy(s) && s->is_walked && !slot_lives(s))
			note_gone(all, s);
	ASSERT(all->busy >= 0, "%d trees are ending", all->busy);
	return all->busy;
}

/* What one of a tree is to get; 0: nothing. */
static int signal_for(const struct slot *s, bool is_sweep)
{
	if (is_sweep || (s && s->is_killing))
		return SIGKILL;
	if (!s)
		return 0;
	if (s->tree_signal)
		return s->tree_signal;
	return s->is_ending && !slot_lives(s) ? s->rest_signal : 0;
}

/* Is this the signal for the rest of a tree, whose main process has ended? */
static bool is_rest_signal(const struct slot *s, int number)
{
	return s && number == s->rest_signal && s->is_ending && !slot_lives(s);
}

/*
 * Gives how many of a sweep no slot waits for: what belongs to nobody, and what has left its cgroup, so that its slot is done with it, but has
 * not been reaped.
 */
static int signal_seen(const struct slots *all, const struct tree *t, bool is_sweep)
{
	struct signal_batch batch = { .all = all };
	int strays = 0;

	for (size_t i = 0; i < t->count; i++) {
		const struct tree_node *n = &t->nodes[i];
		int number = n->is_ours ? signal_for(n->slot, is_sweep) : 0;

		if (!n->is_ours || (!n->slot && !is_sweep))
			continue;
		/* Its new parent may take its time. */
		if (n->is_dead && n->slot && n->slot->was_adopted)
			continue;
		if (number)
			signal_batch_add(&batch, n, number, is_rest_signal(n->slot, number) ? n->slot : NULL);
		if (n->slot)
			n->slot->left++;
		strays += is_sweep && !(n->slot && is_busy(n->slot));
	}
	signal_batch_send(&batch);
	ASSERT(!batch.count && strays >= 0, "%zu signals were not sent", batch.count);
	return strays;
}

/* Each gets its signal once; where nothing was seen of one and something may be missing, the next look sends it. */
static void note_signalled(struct slots *all, bool is_torn)
{
	for (struct slot *s = all->first; s; s = s->next) {
		bool is_over = s->left || !is_torn;

		if (s->tree_signal && is_over) {
			s->tree_signal = 0;
			all->tree_signals--;
			ASSERT(all->tree_signals >= 0, "%d trees wait for a signal", all->tree_signals);
		}
		if (is_over && s->rest_signal && s->is_ending && !slot_lives(s))
			rest_is_signalled(all, s);
	}
}

/* What was seen of each is counted: those without anything left are gone, if we saw everything. */
static void settle_seen(struct slots *all, bool is_torn)
{
	for (struct slot *s = all->first; s; s = s->next) {
		if (!is_busy(s) || !s->is_walked)
			continue;
		s->was_looked_for = !is_torn;
		ASSERT(s->left >= 0, "%s has %d processes", s->name, s->left);
		if (!s->left && !slot_lives(s) && !is_torn)
			note_gone(all, s);
	}
}

int kill_round(struct slots *all, bool is_sweep, bool is_thorough, const char *token)
{
	bool is_torn = true;
	int strays = 0;

	if (!ASSERT_OR(token && *token, "trees are looked for without a token"))
		return all->busy;
	all->wants_walk = false;
	if (is_sweep)
		groups_kill_all(all->groups);
	if (is_sweep || is_thorough)
		settle_groups(all);
	if (!is_sweep && !(is_thorough && all->walked) && !needs_look(all))
		return settle_simple(all);
	/* What is killed may be forking; what is asked to end is looked at again when something of it has ended. */
	for (int look = 0; is_torn && look < (all->killing || is_sweep ? LOOKS_MAX : 1); look++) {
		const struct tree *t = NULL;

		for (struct slot *s = all->first; s; s = s->next)
			s->left = 0;
		t = tree_look(all, token);
		is_torn = t->is_torn;
		strays = signal_seen(all, t, is_sweep);
		note_signalled(all, is_torn);
	}
	settle_seen(all, is_torn);
	return all->busy + strays;
}
