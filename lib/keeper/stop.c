/* The end: asked, SIGTERM, SIGKILL, farewell.  Each step has its deadline, and nothing starts it again. */
#include <signal.h>
#include <sys/epoll.h>

#include "base/log.h"
#include "keeper/keeper_private.h"
#include "keeper/kill.h"
#include "os/clock.h"
#include "os/sock.h"

void stop_asked(struct keeper *k)
{
	if (k->stopping != STOPPING_NOT)
		return;
	log_info("asked to stop");
	k->stopping = STOPPING_ASKED;
	k->deadline = clock_ms() + k->options->patience_ms;
	send_signal_note(k, SIGTERM);
}

void stop_all(struct keeper *k, int64_t grace_ms)
{
	if (k->stopping >= STOPPING_TERM)
		return;
	k->stopping = STOPPING_TERM;
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
}

static void begin_kill(struct keeper *k, int64_t now)
{
	k->stopping = STOPPING_KILL;
	k->deadline = now + KEEPER_KILL_MS;
	for (struct slot *s = k->slots.first; s; s = s->next)
		if (!s->is_gone)
			kill_slot(&k->slots, s);
	keeper_kill_soon(k);
}

/* It reads what is left to read, and then its end: what it still has to write it may write in peace. */
static void begin_farewell(struct keeper *k, int64_t now)
{
	k->stopping = STOPPING_FAREWELL;
	k->deadline = now + KEEPER_FAREWELL_MS;
	k->is_killing = false;
	send_pending(k);
	if (k->brain.sock < 0)
		return;
	(void)epoll_ctl(k->slots.epoll, EPOLL_CTL_DEL, k->brain.sock, NULL);
	sock_finish(k->brain.sock);
}

static void step_farewell(struct keeper *k, int64_t now)
{
	if (!k->brain.slot.is_child) {
		k->stopping = STOPPING_DONE;
	} else if (k->deadline >= 0 && now >= k->deadline) {
		log_warn("brain: does not end by itself, it is killed");
		(void)kill_child(k->brain.slot.pid, SIGKILL);
		k->deadline = -1;
	}
}

/* One step, if it is time for it. */
static void step(struct keeper *k, int64_t now)
{
	bool is_due = k->deadline >= 0 && now >= k->deadline;

	if (k->stopping == STOPPING_ASKED && is_due) {
		log_warn("no brain has heard that it shall stop, so the keeper stops everything");
		stop_all(k, k->options->grace_ms);
	} else if (k->stopping == STOPPING_TERM && (is_due || !k->slots.busy)) {
		begin_kill(k, now);
	} else if (k->stopping == STOPPING_KILL && (is_due || !k->is_killing)) {
		k->left_some = k->is_killing;
		begin_farewell(k, now);
	} else if (k->stopping == STOPPING_FAREWELL) {
		step_farewell(k, now);
	}
}

void stop_step(struct keeper *k, int64_t now)
{
	enum stopping before = STOPPING_NOT;

	/* What is over at once is not waited for. */
	do {
		before = k->stopping;
		step(k, now);
	} while (k->stopping != before);
}
