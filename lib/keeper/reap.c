#include "keeper/reap.h"

#include <errno.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "base/assert.h"
#include "base/log.h"
#include "keeper/kill.h"
#include "keeper/ledger.h"
#include "keeper/slots.h"
#include "keeper/spawn.h"
#include "os/clock.h"

static int64_t time_us(const struct timeval *t)
{
	return (int64_t)t->tv_sec * 1000000 + t->tv_usec;
}

/* The report of its exec comes first, also where epoll has not announced it. */
static void note_reaped(const struct slots *all, struct slot *s, int status, const struct rusage *used)
{
	ASSERT(WIFEXITED(status) || WIFSIGNALED(status), "%s: pid %d is reaped with status %d", s->name,
		(int)s->pid, status);
	(void)spawn_settle(all, s);
	s->status = status;
	s->at_ms = clock_ms();
	s->wall_ms = clock_wall_ms();
	s->cpu_us = time_us(&used->ru_utime) + time_us(&used->ru_stime);
	s->peak_kb = used->ru_maxrss;
	s->state = s->has_failure ? KEEPER_STATE_FAILED : KEEPER_STATE_EXITED;
}

static void note_slot(struct slots *all, struct slot *s, int status, const struct rusage *used)
{
	bool was_starting = s->state == KEEPER_STATE_STARTING;

	ASSERT(s->is_child, "%s: pid %d is reaped, and is no child", s->name, (int)s->pid);
	note_reaped(all, s, status, used);
	slots_reaped(all, s);
	ASSERT(!slot_lives(s), "%s: pid %d is reaped, and lives", s->name, (int)s->pid);
	if (slot_is_brain(s))
		return;
	if (s->has_failure) {
		ledger_erase(all->ledger, s);
		s->is_gone = true; /* it never ran, so it left nothing behind */
		slots_set_pending(
			all, s, PENDING_FAILED | (s->is_ending || s->is_killing ? PENDING_GONE : 0U));
		slots_set_busy(all, s, false, false);
		return;
	}
	ledger_note(all->ledger, s);
	slots_set_pending(all, s, (was_starting ? PENDING_SPAWNED : 0U) | PENDING_EXITED);
	kill_main_ended(all, s);
}

/* It may be the last of a tree whose end is awaited. */
static void note_orphan(struct slots *all, pid_t pid, int status)
{
	ASSERT(pid > 1, "pid %d is reaped", (int)pid);
	log_debug("reaped orphan %d, status %d", (int)pid, status);
	all->wants_walk |= all->walked > 0;
}

bool reap_is_stopped(pid_t pid)
{
	siginfo_t info = { .si_pid = 0 };

	if (!ASSERT_OR(pid > 1, "it is asked whether pid %d is stopped", (int)pid))
		return false;
	return waitid(P_PID, (id_t)pid, &info, WSTOPPED | WNOHANG) == 0 && info.si_pid == pid;
}

int reap_all(struct slots *all)
{
	int count = 0;

	for (;;) {
		struct rusage used;
		struct slot *s = NULL;
		int status = 0;
		pid_t pid = wait4(-1, &status, WNOHANG, &used);

		if (pid < 0 && errno == EINTR)
			continue;
		if (pid <= 0)
			return count;
		count++;
		s = slots_find_child(all, pid);
		if (s)
			note_slot(all, s, status, &used);
		else
			note_orphan(all, pid, status);
	}
}
