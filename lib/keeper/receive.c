/* Messages of the brain, and what is done about them.  None can end the keeper. */
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "base/assert.h"
#include "base/err.h"
#include "base/log.h"
#include "keeper/gate_fds.h"
#include "keeper/keeper_private.h"
#include "keeper/kill.h"
#include "keeper/ledger.h"
#include "keeper/spawn.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/notify.h"
#include "os/oom.h"
#include "os/sealed.h"
#include "os/sock.h"

/* Bounded, so that a brain that sends without end does not keep children from being reaped. */
enum { MESSAGES_A_TURN = 64, LAST_WORDS = 4096 };

/* A message being handled; descriptors that were not taken are closed afterwards. */
struct received {
	const struct keeper_msg *m;
	int fds[SOCK_FDS_MAX];
	size_t fd_count;
};

static void refuse_message(struct keeper *k, const struct received *h, int number, const char *words)
{
	ASSERT(number > 0 && *words, "message %llu is refused for error %d", (unsigned long long)h->m->serial,
		number);
	send_error(k, h->m->serial, number, words);
}

static struct slot *need_slot(struct keeper *k, const struct received *h)
{
	struct slot *s = slots_find(&k->slots, h->m->ticket);

	if (!s)
		refuse_message(k, h, ESRCH, "no slot has that ticket");
	return s;
}

static void receive_sync(struct keeper *k, struct received *h)
{
	(void)h;
	send_sync(k);
}

static void receive_serves(struct keeper *k, struct received *h)
{
	(void)h;
	k->brain.has_served = k->brain.was_served = true;
	ping_served(k);
	if (k->ready_fd >= 0)
		(void)fd_write_all(k->ready_fd, "", 1);
	fd_close(&k->ready_fd);
	notify_manager("READY=1");
	if (!k->upgrade.old_pid)
		upgrade_settled(k);
}

static void receive_spawn(struct keeper *k, struct received *h)
{
	const struct keeper_msg *m = h->m;
	struct spawner by = { k->options->token, k->nofile, k->oom, &k->held, h->fds, h->fd_count };
	struct slot *s = NULL;

	if (slots_find(&k->slots, m->ticket)) {
		refuse_message(k, h, EEXIST, "that ticket was used already");
		return;
	}
	s = slots_new(&k->slots, m->ticket, m->name);
	if (!s) {
		refuse_message(k, h, ENOSPC, "every slot is taken; forget some");
		return;
	}
	s->at_ms = clock_ms();
	s->wall_ms = clock_wall_ms();
	if (m->spawn.flags & KEEPER_SPAWN_GATE)
		gate_enter(k->gate, s, m);
	if (k->stopping > STOPPING_REQUESTED) {
		s->state = KEEPER_STATE_FAILED;
		s->stage = KEEPER_STAGE_REQUEST;
		s->number = ESHUTDOWN;
		s->is_gone = true;
	} else if (spawn_child(&k->slots, s, &m->spawn, &by) == 0) {
		ASSERT(slot_lives(s) && s->report_fd >= 0, "%s is started, and has no process", s->name);
		ledger_note(k->slots.ledger, s);
		return;
	}
	ASSERT(s->state == KEEPER_STATE_FAILED && s->is_gone, "%s is not started, and is in state %d",
		s->name, (int)s->state);
	if (s->gate.number)
		gate_fds_tell(k->gate, s);
	slots_set_pending(&k->slots, s, PENDING_FAILED);
}

static void signal_slot(struct keeper *k, const struct received *h, struct slot *s)
{
	int number = (int)h->m->signal;
	int rc = -1;

	ASSERT(!slot_is_brain(s), "the brain asks for signal %d for itself", number);
	if (h->m->reach == KEEPER_REACH_TREE)
		rc = kill_signal_tree(&k->slots, s, number);
	else
		rc = kill_main(s, number);
	if (k->slots.tree_signals)
		keeper_kill_soon(k);
	if (rc < 0)
		refuse_message(k, h, errno, "cannot send the signal");
}

/* Decoded before a slot is made: a bad one leaves nothing behind. */
static void receive_spawn_long(struct keeper *k, struct received *h)
{
	const uint64_t serial = h->m->serial;
	const struct keeper_ticket ticket = h->m->ticket;
	struct err e = ERR_INIT;
	size_t len = 0;
	const char *bytes = h->fd_count ? sealed_map(h->fds[h->fd_count - 1], KEEPER_SPAWN_MAX, &len) : NULL;

	if (!bytes) {
		send_error(k, serial, errno == ENOMEM ? ENOMEM : EBADMSG, "cannot read the long spawn");
		return;
	}
	fd_close(&h->fds[--h->fd_count]);
	if (keeper_msg_read(&k->message, bytes, len, &e) < 0 || k->message.kind != KEEPER_SPAWN ||
		k->message.ticket.slot != ticket.slot || k->message.ticket.generation != ticket.generation)
		send_error(k, serial, EBADMSG, "the long spawn is invalid");
	else
		receive_spawn(k, h);
	keeper_msg_init(&k->message, KEEPER_SPAWN_LONG);
	sealed_unmap(bytes, len);
	err_release(&e);
}

static void receive_signal(struct keeper *k, struct received *h)
{
	struct slot *s = need_slot(k, h);

	if (s)
		signal_slot(k, h, s);
}

static void note_stopping(struct slot *s)
{
	if (!s->is_stopping)
		s->stopping_at = clock_ms();
	s->is_stopping = true;
}

/* Too late is no error: its tree waits for END_TREE then. */
static void receive_grace(struct keeper *k, struct received *h)
{
	struct slot *s = slots_find(&k->slots, h->m->ticket);

	if (!s || (s->stop_signal == h->m->signal && s->grace_ms == h->m->grace_ms))
		return;
	s->stop_signal = (int)h->m->signal;
	s->grace_ms = h->m->grace_ms;
	if (slot_lives(s))
		ledger_note(k->slots.ledger, s);
}

/* Sent once: programs finish their work after the first signal, and often end at once after a second. */
static void receive_stop(struct keeper *k, struct received *h)
{
	struct slot *s = need_slot(k, h);

	if (!s || (s->signalled & SIGNALLED_MAIN))
		return;
	note_stopping(s);
	s->signalled |= SIGNALLED_MAIN | (h->m->reach == KEEPER_REACH_TREE ? SIGNALLED_REST : 0U);
	if (slot_lives(s))
		ledger_note(k->slots.ledger, s);
	signal_slot(k, h, s);
}

/* Too late is no error: the signal that follows gets one. */
static void receive_asked(struct keeper *k, struct received *h)
{
	struct slot *s = slots_find(&k->slots, h->m->ticket);

	if (!s || s->is_stopping)
		return;
	note_stopping(s);
	if (slot_lives(s))
		ledger_note(k->slots.ledger, s);
}

/* The slot, if something of its tree may be left; else NULL, and TREE_GONE is sent. */
static struct slot *need_tree(struct keeper *k, const struct received *h)
{
	struct slot *s = need_slot(k, h);

	if (s && s->is_gone && !s->is_self_ended)
		slots_set_pending(&k->slots, s, PENDING_GONE);
	ASSERT(!s || !slot_is_brain(s), "the tree of the brain is asked for");
	return s && !s->is_gone ? s : NULL;
}

static void wait_for_tree(struct keeper *k, const struct slot *s)
{
	if (s->is_walked)
		keeper_kill_soon(k);
	else
		keeper_kill_later(k);
}

static void receive_end_tree(struct keeper *k, struct received *h)
{
	struct slot *s = need_tree(k, h);

	if (!s)
		return;
	kill_end_tree(&k->slots, s, (int)h->m->signal);
	wait_for_tree(k, s);
}

static void receive_kill_tree(struct keeper *k, struct received *h)
{
	struct slot *s = need_tree(k, h);

	if (!s)
		return;
	kill_slot(&k->slots, s);
	wait_for_tree(k, s);
}

static void note_taken(struct keeper *k, struct slot *s)
{
	ASSERT(!slot_lives(s), "%s: the end of pid %d is taken note of, and it lives", s->name, (int)s->pid);
	s->is_taken = true;
	if (s->state == KEEPER_STATE_EXITED)
		ledger_note(k->slots.ledger, s);
}

static void receive_take_exit(struct keeper *k, struct received *h)
{
	struct slot *s = need_slot(k, h);

	if (!s)
		return;
	if (s->state == KEEPER_STATE_EXITED || s->state == KEEPER_STATE_FAILED)
		note_taken(k, s);
	else
		refuse_message(k, h, EBUSY, "it has not ended");
}

static void receive_forget(struct keeper *k, struct received *h)
{
	struct slot *s = need_slot(k, h);

	if (!s)
		return;
	if (slot_lives(s) || s->is_ending || s->is_killing)
		refuse_message(k, h, EBUSY, "it has not ended");
	else
		slots_free(&k->slots, s);
}

static void receive_hold(struct keeper *k, struct received *h)
{
	if (h->fd_count != 1)
		refuse_message(k, h, EINVAL, "a hold carries one descriptor");
	else if (fd_store_put(&k->held, h->m->name, &h->fds[0]) < 0)
		refuse_message(k, h, errno, "no room to hold another descriptor");
}

static void receive_release(struct keeper *k, struct received *h)
{
	if (fd_store_release(&k->held, h->m->name) < 0)
		refuse_message(k, h, ENOENT, "nothing is held under that name");
}

static void receive_get(struct keeper *k, struct received *h)
{
	int fd = fd_store_get(&k->held, h->m->name);

	if (fd < 0)
		refuse_message(k, h, ENOENT, "nothing is held under that name");
	else
		send_held(k, h->m->name, fd);
}

static void receive_choose(struct keeper *k, struct received *h)
{
	if (gate_choose(k->gate, h->m->gate, &h->m->chosen) < 0)
		refuse_message(k, h, errno, "these sockets cannot be chosen");
}

static void receive_drop(struct keeper *k, struct received *h)
{
	if (gate_drop(k->gate, h->m->socket) < 0)
		refuse_message(k, h, errno,
			errno == EBUSY ? "a living process has that socket" : "no socket has that number");
}

/* Answered once what is due now was sent. */
static void receive_ping(struct keeper *k, struct received *h)
{
	k->brain.pending.has_pong = true;
	k->brain.pending.pong = h->m->serial;
}

static void receive_pong(struct keeper *k, struct received *h)
{
	ping_answered(k, h->m->about);
}

static void receive_stop_all(struct keeper *k, struct received *h)
{
	stop_all(k, h->m->grace_ms);
}

/* Returns only if it fails. */
static void receive_upgrade(struct keeper *k, struct received *h)
{
	struct err e = ERR_INIT;

	(void)upgrade_requested(k, h->m, &e);
	log_warn("upgrade: %s", e.text.ptr);
	refuse_message(k, h, e.number ? e.number : EBUSY, e.text.ptr);
	err_release(&e);
}

static void (*const handlers[KEEPER_KIND_COUNT])(struct keeper *k, struct received *h) = {
	[KEEPER_SYNC] = receive_sync,
	[KEEPER_SPAWN] = receive_spawn,
	[KEEPER_GRACE] = receive_grace,
	[KEEPER_SPAWN_LONG] = receive_spawn_long,
	[KEEPER_SIGNAL] = receive_signal,
	[KEEPER_ASKED] = receive_asked,
	[KEEPER_KILL_TREE] = receive_kill_tree,
	[KEEPER_TAKE_EXIT] = receive_take_exit,
	[KEEPER_FORGET] = receive_forget,
	[KEEPER_HOLD] = receive_hold,
	[KEEPER_RELEASE] = receive_release,
	[KEEPER_GET] = receive_get,
	[KEEPER_STOP_ALL] = receive_stop_all,
	[KEEPER_SERVES] = receive_serves,
	[KEEPER_UPGRADE] = receive_upgrade,
	[KEEPER_STOP] = receive_stop,
	[KEEPER_END_TREE] = receive_end_tree,
	[KEEPER_PING] = receive_ping,
	[KEEPER_PONG] = receive_pong,
	[KEEPER_CHOOSE] = receive_choose,
	[KEEPER_DROP] = receive_drop,
};

/* Counted always; logged the 1st, 2nd, 4th, 8th… time. */
static void refuse_bad_message(struct keeper *k, uint64_t about, int number, const char *words)
{
	uint64_t count = ++k->bad_messages;

	if ((count & (count - 1)) == 0)
		log_warn(
			"invalid message from the brain (%llu so far): %s", (unsigned long long)count, words);
	send_error(k, about, number, words);
}

static void receive_message(struct keeper *k, struct received *h, size_t len)
{
	struct err e = ERR_INIT;

	ping_message_came(k);
	if (keeper_msg_read(&k->message, k->in, len, &e) < 0) {
		refuse_bad_message(k, k->message.serial, EBADMSG, e.text.ptr);
	} else if (!handlers[k->message.kind]) {
		refuse_bad_message(k, k->message.serial, EBADMSG, "only a keeper says that");
	} else if (!k->brain.is_synced && k->message.kind != KEEPER_SYNC) {
		refuse_bad_message(k, k->message.serial, EPROTO, "say SYNC first");
	} else {
		h->m = &k->message;
		handlers[k->message.kind](k, h);
	}
	err_release(&e);
}

/* While a reply or the answer to SYNC waits for room, nothing more is read. */
static bool may_read(const struct keeper *k)
{
	const struct pending_messages *d = &k->brain.pending;

	ASSERT(!d->has_reply || d->reply.len, "a reply without a word waits for room");
	return k->brain.sock >= 0 && !d->has_reply && !d->hello && !d->synced;
}

/* One message; false when there is none. */
static bool receive_one(struct keeper *k)
{
	struct received h = { .m = NULL };
	ssize_t got = sock_receive(k->brain.sock, k->in, KEEPER_MSG_MAX, h.fds, &h.fd_count);

	ASSERT(h.fd_count <= SOCK_FDS_MAX, "%zu descriptors came with a message", h.fd_count);
	if (got > 0)
		receive_message(k, &h, (size_t)got);
	else if (got < 0 && errno == EMSGSIZE)
		refuse_bad_message(
			k, 0, EMSGSIZE, "a message that is too large, or descriptors that do not fit");
	else if (got < 0 && errno == EAGAIN)
		return false;
	/* It ended with something unread.  Reported once, before what it sent. */
	else if (got < 0 && errno == ECONNRESET)
		return true;
	else
		brain_hang_up(k);
	while (h.fd_count)
		fd_close(&h.fds[--h.fd_count]);
	return k->brain.sock >= 0;
}

void receive(struct keeper *k)
{
	for (int i = 0; i < MESSAGES_A_TURN && may_read(k) && receive_one(k); i++)
		send_pending(k);
}

void receive_rest(struct keeper *k)
{
	/* Nobody reads an answer, and the socket holds only so many messages. */
	for (int i = 0; i < LAST_WORDS && k->brain.sock >= 0 && receive_one(k); i++)
		k->brain.pending.has_reply = false;
}
