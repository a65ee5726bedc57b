#include "keeper/kill.h"

#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/log.h"
#include "keeper/groups.h"
#include "keeper/slots.h"
#include "keeper/tree.h"
#include "os/fd.h"
#include "os/pidfd.h"
#include "os/procfs.h"

/* A tree that is torn while we look is looked at again, this often. */
enum { LOOKS_MAX = 8 };

/* A stopped process keeps other signals pending and looks hung; these it hears, or they are meant to stop it. */
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
	if (kill(pid, number) < 0)
		return -1;
	if (wants_cont(number))
		(void)kill(pid, SIGCONT);
	return 0;
}

int kill_pidfd(int fd, int number)
{
	if (syscall(SYS_pidfd_send_signal, fd, number, NULL, 0) < 0)
		return -1;
	if (wants_cont(number))
		(void)syscall(SYS_pidfd_send_signal, fd, SIGCONT, NULL, 0);
	return 0;
}

int kill_main(const struct slot *s, int number)
{
	if (s->pidfd >= 0)
		return kill_pidfd(s->pidfd, number);
	return kill_child(s->is_child ? s->pid : 0, number);
}

/* Where pidfds are missing or forbidden, the shortest possible time between looking and killing. */
static void kill_seen_again(const struct tree_node *n, int number)
{
	struct proc now;

	if (procfs_read(n->pid, &now) && now.start_time == n->start_time)
		(void)kill_child(n->pid, number);
}

/* One that somebody else may reap at any moment: the pidfd is ours for good, so what it is can be checked in peace. */
static void kill_descendant(const struct tree_node *n, int number)
{
	int fd = pidfd_of(n->pid, n->start_time);

	if (fd < 0) {
		if (errno != ESRCH)
			kill_seen_again(n, number);
		return;
	}
	if (kill_pidfd(fd, number) < 0 && errno != ESRCH)
		log_warn_sys(errno, "cannot send signal %d to pid %d", number, (int)n->pid);
	fd_close(&fd);
}

static void kill_node(const struct tree_node *n, int number)
{
	/* Our own children stay what they are until we reap them, and we are not reaping now. */
	if (n->parent == getpid())
		(void)kill_child(n->pid, number);
	else
		kill_descendant(n, number);
}

int kill_signal_tree(const struct slots *all, struct slot *s, int number, const char *token)
{
	const struct tree *t = tree_look(all, token);
	int count = 0;

	for (size_t i = 0; i < t->count; i++) {
		if (t->nodes[i].slot != s)
			continue;
		kill_node(&t->nodes[i], number);
		count++;
	}
	errno = ESRCH;
	return count ? 0 : -1;
}

static int kill_seen(const struct tree *t, bool is_sweep)
{
	int left = 0;

	for (size_t i = 0; i < t->count; i++) {
		const struct tree_node *n = &t->nodes[i];

		if (!n->is_ours || !(is_sweep || (n->slot && n->slot->is_killing)))
			continue;
		/* Whoever inherited it may take its time. */
		if (n->is_dead && n->slot && n->slot->was_adopted)
			continue;
		kill_node(n, SIGKILL);
		left++;
		if (n->slot)
			n->slot->left++;
	}
	return left;
}

static void note_gone(struct slots *all, struct slot *s)
{
	s->is_gone = true;
	s->is_killing = false;
	slots_owe(all, s, OWED_GONE);
}

/* Only a slot whose main process was reaped, and that has left somebody behind or may have, needs a look at the whole machine. */
static bool needs_look(const struct slots *all, bool has_orphans)
{
	for (const struct slot *s = all->first; s; s = s->next)
		if (s->is_killing && (slot_lives(s) ? !s->was_looked_for : has_orphans || s->was_adopted))
			return true;
	return false;
}

/* The common case: whoever ended left nobody, and whoever did not end was killed already. */
static int settle_simple(struct slots *all)
{
	int left = 0;

	for (struct slot *s = all->first; s; s = s->next) {
		if (!s->is_killing)
			continue;
		if (slot_lives(s) || !groups_is_over(all->groups, s))
			left++;
		else
			note_gone(all, s);
	}
	return left;
}

/* What was seen of each is counted: those without anything left are gone, if we saw everything. */
static int settle_seen(struct slots *all, bool is_torn)
{
	int unseen = 0;

	for (struct slot *s = all->first; s; s = s->next) {
		if (!s->is_killing)
			continue;
		s->was_looked_for = !is_torn;
		if (!s->left && !slot_lives(s) && !is_torn && groups_is_over(all->groups, s))
			note_gone(all, s);
		else
			unseen += s->left == 0;
	}
	return unseen;
}

/* Whatever is in there, seen or unseen, and all at once: what is still forking cannot run away from that. */
static void kill_groups(const struct slots *all, bool is_sweep)
{
	if (is_sweep)
		groups_kill_all(all->groups);
	for (const struct slot *s = all->first; s; s = s->next)
		if (s->is_killing)
			groups_kill(all->groups, s);
}

int kill_round(struct slots *all, bool is_sweep, bool is_thorough, const char *token)
{
	bool is_torn = true;
	int left = 0;

	kill_groups(all, is_sweep);
	if (!is_sweep && !is_thorough && !needs_look(all, tree_has_orphans(all)))
		return settle_simple(all);
	for (int look = 0; look < LOOKS_MAX && is_torn; look++) {
		const struct tree *t = NULL;

		for (struct slot *s = all->first; s; s = s->next)
			s->left = 0;
		t = tree_look(all, token);
		is_torn = t->is_torn;
		left = kill_seen(t, is_sweep);
	}
	return left + settle_seen(all, is_torn);
}
