/*
 * Whether the brain still answers.  A PING follows each message to it, and the PONG is waited for only then: while nothing happens nothing
 * is asked.  The wait is counted in looks, so that a machine that slept, or a keeper that was stopped, does not take its own pause for the brain's.
 */
#include <signal.h>

#include "base/assert.h"
#include "base/log.h"
#include "keeper/keeper_private.h"
#include "keeper/kill.h"
#include "keeper/reap.h"
#include "os/clock.h"
#include "os/procfs.h"

enum {
	LOOKS = 5,          /* in the time that a brain has to answer */
	START_ANSWERS = 12, /* in the time that it has to serve: a large state takes long to read */
	SLOWER_MAX = 3,     /* one that is killed for it again has twice the time, at most so many times */
	FORGET_MS = 600000, /* after so long the next one is the first again */
};

static int64_t look_ms(const struct keeper *k)
{
	const struct keeper_ping *p = &k->brain.ping;
	int64_t answer_ms = k->options->answer_ms << (p->kills < SLOWER_MAX ? p->kills : SLOWER_MAX);

	ASSERT(p->kills >= 0 && answer_ms >= 0, "%d brains were killed, and the next has %lld ms", p->kills,
		(long long)answer_ms);
	if (!k->brain.has_served)
		answer_ms *= START_ANSWERS;
	return answer_ms / LOOKS;
}

/* One that was there before an upgrade may be of a build that knows no PING, and has a deadline of its own. */
static bool is_pinged(const struct keeper *k)
{
	return k->brain.slot.is_child && !k->brain.ping.is_killed && !k->upgrade.old_pid &&
		k->stopping < STOPPING_BRAIN;
}

void ping_start(struct keeper *k)
{
	struct keeper_ping *p = &k->brain.ping;

	ASSERT(!k->brain.slot.is_child, "pid %d is awaited like a brain that starts", (int)k->brain.slot.pid);
	p->is_due = p->is_out = p->is_traced = p->is_killed = false;
	p->looks = 0;
	p->look_at = clock_ms() + look_ms(k);
}

void ping_served(struct keeper *k)
{
	k->brain.ping.look_at = -1;
	k->brain.ping.looks = 0;
	ping_due(k);
}

void ping_due(struct keeper *k)
{
	struct keeper_ping *p = &k->brain.ping;

	if (!is_pinged(k))
		return;
	p->is_due = true;
	if (p->look_at >= 0)
		return;
	p->looks = 0;
	p->look_at = clock_ms() + look_ms(k);
}

void ping_check_stopped(struct keeper *k)
{
	if (k->brain.slot.is_child && reap_is_stopped(k->brain.slot.pid))
		ping_due(k);
}

bool ping_send(struct keeper *k, bool (*send)(struct keeper *k))
{
	struct keeper_ping *p = &k->brain.ping;

	if (!p->is_due || p->is_out)
		return true;
	keeper_msg_init(&k->message, KEEPER_PING);
	k->message.serial = p->serial + 1;
	if (!send(k))
		return false;
	ASSERT(!p->is_out, "ping %llu is sent before the last one is answered",
		(unsigned long long)p->serial + 1);
	p->serial++;
	p->is_out = true;
	p->is_due = false;
	return true;
}

void ping_message_came(struct keeper *k)
{
	k->brain.ping.looks = 0;
}

void ping_answered(struct keeper *k, uint64_t about)
{
	struct keeper_ping *p = &k->brain.ping;

	if (!p->is_out || about != p->serial)
		return;
	p->is_out = p->is_traced = false;
	p->looks = 0;
	p->look_at = -1;
	if (p->is_due || !k->brain.has_served)
		p->look_at = clock_ms() + look_ms(k);
	if (p->is_due || k->stopping != STOPPING_REQUESTED)
		return;
	/* It knows of the SIGTERM and may take its time; but it is pinged until the end. */
	if (!(k->brain.pending.signals & (UINT64_C(1) << SIGTERM)))
		k->deadline = -1;
	p->look_at = clock_ms() + k->options->answer_ms;
}

static void kill_silent_brain(struct keeper *k, int64_t now)
{
	struct keeper_brain *b = &k->brain;
	struct keeper_ping *p = &b->ping;
	pid_t tracer = procfs_tracer(b->slot.pid);
	int64_t waited_ms = look_ms(k) * LOOKS;

	if (!ASSERT_OR(b->slot.is_child && b->slot.pid > 1, "a brain is killed that is not there"))
		return;
	ASSERT(!p->is_killed, "pid %d is killed twice for its silence", (int)b->slot.pid);
	p->looks = 0;
	/* A debugger holds it: it is left as it is. */
	if (tracer > 0) {
		if (!p->is_traced)
			log_warn("brain: pid %d does not answer; pid %d traces it, so it is left alone",
				(int)b->slot.pid, (int)tracer);
		p->is_traced = true;
		return;
	}
	log_warn("brain: pid %d has not %s for %lld ms; it is killed and replaced", (int)b->slot.pid,
		b->has_served ? "answered" : "begun to serve", (long long)waited_ms);
	p->kills = now - p->killed_at < FORGET_MS ? p->kills + 1 : 1;
	p->killed_at = now;
	p->look_at = -1;
	p->is_due = p->is_out = false;
	p->is_killed = true;
	(void)kill_child(b->slot.pid, SIGKILL);
}

void ping_step(struct keeper *k, int64_t now)
{
	struct keeper_ping *p = &k->brain.ping;

	if (p->look_at < 0 || now < p->look_at)
		return;
	if (!is_pinged(k)) {
		p->look_at = -1;
		return;
	}
	ASSERT(p->looks >= 0 && p->looks < LOOKS, "the brain was looked at %d times", p->looks);
	p->look_at = now + look_ms(k);
	if (k->brain.has_served && !p->is_out && !p->is_due)
		p->is_due = true;
	else if (++p->looks >= LOOKS)
		kill_silent_brain(k, now);
}
