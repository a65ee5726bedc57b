#include "keeper/stop_signal.h"

#include <errno.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/log.h"
#include "keeper/kill.h"
#include "keeper/ledger.h"
#include "keeper/slots.h"
#include "keeper/tree.h"
#include "os/fd.h"
#include "os/pidfd.h"
#include "os/procfs.h"

/* Our own children stay what they are until we reap them; a pidfd is ours for good, so what it means can be checked in peace. */
void signal_batch_add(struct signal_batch *v, const struct tree_node *n, int number, struct slot *rest)
{
	struct signal_target t = { .pid = n->pid, .fd = -1, .number = number, .rest = rest };

	if (!ASSERT_OR(n->pid > 1 && number > 0, "pid %d is to get signal %d", (int)n->pid, number))
		return;
	ASSERT(v->count <= SIGNAL_BATCH_MAX, "%zu signals are sent at once", v->count);
	if (n->parent != getpid()) {
		t.start_time = n->start_time;
		t.fd = pidfd_of(n->pid, n->start_time);
		if (t.fd < 0 && errno == ESRCH)
			return;
	}
	if (v->count == SIGNAL_BATCH_MAX)
		signal_batch_send(v);
	v->targets[v->count++] = t;
}

/* Where pidfds are missing or forbidden, the shortest possible time between looking and killing. */
static void send_seen_again(const struct signal_target *t)
{
	struct proc now;

	ASSERT(t->start_time, "pid %d is looked at again, and nobody knows when it began", (int)t->pid);
	if (procfs_read(t->pid, &now) && now.start_time == t->start_time)
		(void)kill_child(t->pid, t->number);
}

static void send_one(struct signal_target *t)
{
	if (!ASSERT_OR(
		    t->pid > 1 && t->pid != getpid(), "signal %d would reach pid %d", t->number, (int)t->pid))
		return;
	if (t->fd < 0 && t->start_time)
		send_seen_again(t);
	else if (t->fd < 0)
		(void)kill_child(t->pid, t->number);
	else if (kill_pidfd(t->fd, t->number) < 0 && errno != ESRCH)
		log_warn_sys(errno, "cannot send signal %d to pid %d", t->number, (int)t->pid);
}

static void note_rest(const struct slots *all, struct slot *s)
{
	if (!s || s->is_rest_noted)
		return;
	ASSERT(s->rest_signal, "%s: the rest of its tree gets no signal, and that is noted", s->name);
	s->is_rest_noted = true;
	ledger_note(all->ledger, s);
}

void signal_batch_send(struct signal_batch *v)
{
	ASSERT(v->all && v->count <= SIGNAL_BATCH_MAX, "%zu signals are sent at once", v->count);
	for (size_t i = 0; i < v->count; i++)
		note_rest(v->all, v->targets[i].rest);
	for (size_t i = 0; i < v->count; i++)
		send_one(&v->targets[i]);
	/* Closing takes its time too. */
	for (size_t i = 0; i < v->count; i++)
		fd_close(&v->targets[i].fd);
	v->count = 0;
}
