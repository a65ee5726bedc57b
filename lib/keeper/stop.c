/* Shutdown: requested, SIGTERM, SIGKILL, the brain's end.  Each step has its deadline, and none is repeated. */
#include <signal.h>
#include <sys/epoll.h>

#include "base/assert.h"
#include "base/log.h"
#include "keeper/keeper_private.h"
#include "keeper/kill.h"
#include "os/clock.h"
#include "os/sock.h"

void stop_requested(struct keeper *k)
{
	if (k->stopping != NOT_STOPPING)
		return;
	log_info("stop requested");
	k->stopping = STOPPING_REQUESTED;
	k->deadline = clock_ms() + k->options->patience_ms;
	send_signal_note(k, SIGTERM);
}

void stop_all(struct keeper *k, int64_t grace_ms)
{
	if (k->stopping >= STOPPING_SIGNALLED)
		return;
	k->stopping = STOPPING_SIGNALLED;
	k->deadline = clock_ms() + grace_ms;
	for (struct slot *s = k->slots.first; s; s = s->next) {
		bool wants_signal = slot_lives(s) && !(s->signalled & SIGNALLED_MAIN);

		if (s->is_gone)
			continue;
		s->signalled |= SIGNALLED_MAIN;
		kill_end_tree(&k->slots, s, SIGTERM);
		if (wants_signal)
			(void)kill_main(s, SIGTERM);
	}
	if (k->slots.busy)
		keeper_kill_soon(k);
	ASSERT(k->deadline >= 0, "the shutdown has no deadline");
}

static void begin_kill(struct keeper *k, int64_t now)
{
	ASSERT(k->stopping == STOPPING_SIGNALLED, "what is left is killed in step %d of the shutdown",
		(int)k->stopping);
	k->stopping = STOPPING_KILLING;
	k->deadline = now + KEEPER_KILL_MS;
	for (struct slot *s = k->slots.first; s; s = s->next)
		if (!s->is_gone)
			kill_slot(&k->slots, s);
	keeper_kill_soon(k);
}

/* It reads the rest and then end of file, and may write what it still has to write. */
static void begin_brain_end(struct keeper *k, int64_t now)
{
	ASSERT(k->stopping == STOPPING_KILLING, "the brain is ended in step %d of the shutdown",
		(int)k->stopping);
	k->stopping = STOPPING_BRAIN;
	k->deadline = now + KEEPER_BRAIN_END_MS;
	k->is_killing = false;
	send_pending(k);
	if (k->brain.sock < 0)
		return;
	(void)epoll_ctl(k->slots.epoll, EPOLL_CTL_DEL, k->brain.sock, NULL);
	sock_finish(k->brain.sock);
}

static void step_brain_end(struct keeper *k, int64_t now)
{
	ASSERT(k->stopping == STOPPING_BRAIN, "the brain is waited for in step %d of the shutdown",
		(int)k->stopping);
	if (!k->brain.slot.is_child) {
		k->stopping = STOPPING_DONE;
	} else if (k->deadline >= 0 && now >= k->deadline) {
		log_warn("brain: does not exit by itself: killed");
		(void)kill_child(k->brain.slot.pid, SIGKILL);
		k->deadline = -1;
	}
}

/* One step, if it is due. */
static void step_once(struct keeper *k, int64_t now)
{
	bool is_due = k->deadline >= 0 && now >= k->deadline;

	if (k->stopping == STOPPING_REQUESTED && is_due) {
		log_warn("no brain has read the request to stop; the keeper stops everything itself");
		stop_all(k, k->options->grace_ms);
	} else if (k->stopping == STOPPING_SIGNALLED && (is_due || !k->slots.busy)) {
		begin_kill(k, now);
	} else if (k->stopping == STOPPING_KILLING && (is_due || !k->is_killing)) {
		k->left_some = k->is_killing;
		begin_brain_end(k, now);
	} else if (k->stopping == STOPPING_BRAIN) {
		step_brain_end(k, now);
	}
}

void stop_step(struct keeper *k, int64_t now)
{
	enum stopping before = NOT_STOPPING;

	/* A step that is over at once is followed by the next. */
	do {
		before = k->stopping;
		step_once(k, now);
		ASSERT(k->stopping >= before, "the shutdown goes back from step %d to %d", (int)before,
			(int)k->stopping);
	} while (k->stopping != before);
}
