#include "keeper/adopt.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/err.h"
#include "base/log.h"
#include "keeper/env_mark.h"
#include "keeper/gate.h"
#include "keeper/groups.h"
#include "keeper/kill.h"
#include "keeper/ledger.h"
#include "keeper/slots.h"
#include "keeper/tree.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/pidfd.h"
#include "os/procfs.h"

enum { IGNORED_LINES = 8 };

/* It ended while nobody looked. */
static void note_unseen(struct slot *s)
{
	ASSERT(!slot_lives(s), "%s: pid %d has ended unseen, and lives", s->name, (int)s->pid);
	s->state = KEEPER_STATE_EXITED;
	s->status = KEEPER_STATUS_UNKNOWN;
	s->at_ms = clock_ms();
	s->wall_ms = clock_wall_ms();
}

/* 1: it lives and is ours now.  0: it is gone. */
static int adopt_slot(struct slots *all, struct slot *s, struct err *e)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = s };
	int fd = pidfd_of(s->pid, s->start_time);

	if (!ASSERT_OR(!slot_lives(s), "%s: pid %d is adopted twice", s->name, (int)s->pid))
		return 0;
	s->was_adopted = true;
	if (fd < 0 && errno == ESRCH) {
		note_unseen(s);
		return 0;
	}
	if (fd < 0 || epoll_ctl(all->epoll, EPOLL_CTL_ADD, fd, &event) < 0) {
		err_sys(e, errno, "cannot watch '%s' (pid %d), which lives; nothing was touched", s->name,
			(int)s->pid);
		fd_close(&fd);
		return -1;
	}
	s->state = KEEPER_STATE_RUNNING;
	slots_adopted(all, s, fd);
	return 1;
}

static void take_record(struct slot *s, const struct ledger_record *r, int index)
{
	ASSERT(index >= 0 && s->record < 0, "%s has record %d of the ledger, and gets record %d", s->name,
		s->record, index);
	ledger_take(s, r);
	s->record = index;
	s->was_adopted = true;
}

static int adopt_written(struct slots *all, struct err *e)
{
	struct ledger_record r;
	int living = 0;

	for (int index = 0; ledger_next(all->ledger, &index, &r); index++) {
		struct keeper_ticket ticket = { r.slot, r.generation };
		struct slot *s = slots_find(all, ticket) ? NULL : slots_new(all, ticket, r.name);
		int is_alive = 0;

		if (!s)
			continue;
		take_record(s, &r, index);
		if (s->state == KEEPER_STATE_STARTING || s->state == KEEPER_STATE_RUNNING)
			is_alive = adopt_slot(all, s, e);
		if (is_alive < 0)
			return -1;
		living += is_alive;
	}
	return living;
}

/* --- by their marks --- */

struct looking {
	struct slots *all;
	const char *token;
	struct err *e;
	bool for_mains; /* else for what a main process has left behind */
	int living;     /* -1: it went wrong */
	int ignored;    /* marks that proved nothing */
};

/* Left to itself it ends when its keeper does; one that hangs is ended, so that never two of them write the same files. */
static int end_brain(const struct proc *p, struct err *e)
{
	int fd = pidfd_of(p->pid, p->start_time);
	bool is_over = fd < 0 && errno == ESRCH;

	ASSERT(p->pid > 1 && p->pid != getpid(), "pid %d is the brain of the last keeper", (int)p->pid);
	if (fd >= 0 && !pidfd_ends(fd, ADOPT_BRAIN_MS)) {
		log_warn("the brain of the last keeper (pid %d) does not end, and is killed", (int)p->pid);
		(void)kill_pidfd(fd, SIGKILL);
	}
	is_over = is_over || (fd >= 0 && pidfd_ends(fd, ADOPT_KILL_MS));
	fd_close(&fd);
	return is_over ? 0 : err_set(e, "the brain of the last keeper (pid %d) does not end", (int)p->pid);
}

static int adopt_main(const struct looking *l, const struct proc *p, const struct env_mark *b)
{
	struct slot *s = slots_find(l->all, b->ticket);

	s = s ? s : slots_new(l->all, b->ticket, b->name);
	if (!s)
		return err_set(l->e, "more processes of the last keeper live than there are slots");
	ASSERT(!slot_is_brain(s) && b->ticket.generation, "the brain (pid %d) is adopted as a service",
		(int)p->pid);
	log_info("%s: found by its mark, pid %d", b->name, (int)p->pid);
	s->pid = p->pid;
	s->start_time = p->start_time;
	s->at_ms = clock_ms();
	s->wall_ms = clock_wall_ms();
	return adopt_slot(l->all, s, l->e);
}

static int adopt_remains(const struct looking *l, const struct env_mark *b)
{
	struct slot *s = slots_new(l->all, b->ticket, b->name);

	if (!s)
		return err_set(l->e, "more processes of the last keeper live than there are slots");
	ASSERT(!s->pid, "%s: pid %d is what is left of it", s->name, (int)s->pid);
	s->pid = b->pid;
	s->was_adopted = true;
	note_unseen(s);
	return 0;
}

/* Of each slot the ledger knows the newest generation, but for what was started in the moment of the kill. */
static bool is_outdated_ticket(const struct slots *all, struct keeper_ticket ticket)
{
	for (const struct slot *s = all->first; s; s = s->next)
		if (s->record >= 0 && s->ticket.slot == ticket.slot &&
			s->ticket.generation > ticket.generation)
			return true;
	return false;
}

/* What is known of a ticket is right; a mark counts for what is missing. */
static bool is_settled(const struct slots *all, const struct proc *p, struct keeper_ticket ticket)
{
	const struct slot *s = slots_find(all, ticket);

	return s && (slot_lives(s) || s->start_time || s->pid != p->pid);
}

static bool is_in_its_group(const struct looking *l, const struct proc *p, struct keeper_ticket ticket)
{
	struct keeper_ticket other;

	return groups_ticket_of(l->all->groups, p->pid, &other) && other.slot == ticket.slot &&
		other.generation == ticket.generation;
}

/*
 * Whether a mark proves what it says: NULL, or why not.  Where our cgroup says the same it does.  A sealed one was a keeper's, but its process may
 * have shown it to others: so it counts for the user that it was made for.  What came from root's process may be another user's; the process
 * itself may not.  An unsealed one is of a version that had no seals, or of a stranger; the brain, which has no cgroup, must be of our user.
 */
static const char *doubt(const struct looking *l, const struct proc *p, const struct env_mark *b)
{
	uid_t uid = 0;

	if (b->ticket.slot && is_in_its_group(l, p, b->ticket))
		return NULL;
	if (!procfs_uid(p->pid, &uid))
		return "has ended";
	if (b->is_sealed)
		return uid == b->uid || (!b->uid && p->pid != b->pid) ? NULL : "is of another user";
	if (p->start_time >= l->all->secret->since)
		return "has no seal";
	if (!b->ticket.slot)
		return uid == geteuid() ? NULL : "is of another user";
	return "has no seal, and is not in its cgroup";
}

/* A few lines say enough of somebody who tries it with a thousand processes. */
static bool is_believed(struct looking *l, const struct proc *p, const struct env_mark *b)
{
	const char *why = doubt(l, p, b);

	if (!why && b->ticket.slot && is_outdated_ticket(l->all, b->ticket))
		why = "is of an earlier start";
	if (why && l->for_mains && l->ignored++ < IGNORED_LINES)
		log_warn("%.*s: pid %d carries its mark, but that %s; ignored", KEEPER_NAME_MAX, b->name,
			(int)p->pid, why);
	return !why;
}

static bool look_at_process(void *context, const struct proc *p)
{
	struct looking *l = context;
	struct env_mark b;
	int rc = 0;

	if (p->pid == getpid() || !env_mark_of(&b, p->pid, l->token, l->all->secret))
		return true;
	if ((b.ticket.slot && is_settled(l->all, p, b.ticket)) || !is_believed(l, p, &b))
		return true;
	if (!b.ticket.slot)
		rc = l->for_mains && b.pid == p->pid ? end_brain(p, l->e) : 0;
	else if (b.ticket.generation && l->for_mains && b.pid == p->pid)
		rc = adopt_main(l, p, &b);
	else if (b.ticket.generation && !l->for_mains)
		rc = adopt_remains(l, &b);
	l->living = rc < 0 ? -1 : l->living + rc;
	return rc >= 0;
}

static int adopt_marked(struct slots *all, const char *token, struct err *e)
{
	struct looking l = { .all = all, .token = token, .e = e, .for_mains = true };

	if (!procfs_each(look_at_process, &l))
		return err_set(e, "cannot search /proc for processes of an earlier oxherd");
	l.for_mains = false;
	if (l.living >= 0 && !procfs_each(look_at_process, &l))
		return err_set(e, "cannot search /proc for processes of an earlier oxherd");
	return l.living;
}

int adopt_all(struct slots *all, const char *token, struct err *e)
{
	int written = adopt_written(all, e);
	int marked = written < 0 ? -1 : adopt_marked(all, token, e);

	if (marked < 0)
		return -1;
	for (struct slot *s = all->first; s; s = s->next) {
		slots_know_session(all, s);
		ledger_note(all->ledger, s);
	}
	/* Whom they have with them now is remembered, for when they die. */
	if (all->count)
		gate_adopt(all->gate, all, tree_look(all, token));
	if (all->count)
		log_info("adopted %d running processes of the last keeper, and %d that have ended",
			written + marked, all->count - written - marked);
	ASSERT(written + marked <= all->count, "%d processes of %d slots live", written + marked, all->count);
	return written + marked;
}

void adopt_ended(struct slots *all, struct slot *s)
{
	int status = 0;

	if (!ASSERT_OR(s->pidfd >= 0 && s->was_adopted, "%s: pid %d is asked of its end, and was not adopted",
		    s->name, (int)s->pid))
		return;
	if (!pidfd_ends(s->pidfd, 0))
		return;
	if (!pidfd_status(s->pidfd, s->pid, s->start_time, &status))
		status = KEEPER_STATUS_UNKNOWN;
	(void)epoll_ctl(all->epoll, EPOLL_CTL_DEL, s->pidfd, NULL);
	slots_reaped(all, s);
	s->state = KEEPER_STATE_EXITED;
	s->status = status;
	s->at_ms = clock_ms();
	s->wall_ms = clock_wall_ms();
	s->ended_ticks = clock_ticks();
	ledger_note(all->ledger, s);
	slots_set_pending(all, s, PENDING_EXITED);
	kill_main_ended(all, s);
}
