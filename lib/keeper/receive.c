/* What the brain says, and what is done about it.  Nothing that it says can end the keeper. */
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
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

/* So that a brain that talks without end does not keep its children from being reaped. */
enum { MESSAGES_A_TURN = 64, LAST_WORDS = 4096 };

/* A message in hand: what came with it is closed afterwards, but for what was taken. */
struct heard {
	const struct keeper_msg *m;
	int fds[SOCK_FDS_MAX];
	size_t fd_count;
};

static void refuse(struct keeper *k, const struct heard *h, int number, const char *words)
{
	send_error(k, h->m->serial, number, words);
}

static struct slot *need_slot(struct keeper *k, const struct heard *h)
{
	struct slot *s = slots_find(&k->slots, h->m->ticket);

	if (!s)
		refuse(k, h, ESRCH, "no slot has that ticket");
	return s;
}

static void hear_sync(struct keeper *k, struct heard *h)
{
	(void)h;
	send_sync(k);
}

static void hear_serves(struct keeper *k, struct heard *h)
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

static void hear_spawn(struct keeper *k, struct heard *h)
{
	const struct keeper_msg *m = h->m;
	struct spawner by = { k->options->token, k->nofile, k->oom, &k->hold, h->fds, h->fd_count };
	struct slot *s = NULL;

	if (slots_find(&k->slots, m->ticket)) {
		refuse(k, h, EEXIST, "that ticket was used already");
		return;
	}
	s = slots_new(&k->slots, m->ticket, m->name);
	if (!s) {
		refuse(k, h, ENOSPC, "every slot is taken; forget some");
		return;
	}
	s->at_ms = clock_ms();
	s->wall_ms = clock_wall_ms();
	if (k->stopping > STOPPING_ASKED) {
		s->state = KEEPER_STATE_FAILED;
		s->stage = KEEPER_STAGE_ASKED;
		s->number = ESHUTDOWN;
		s->is_gone = true;
	} else if (spawn_child(&k->slots, s, &m->spawn, &by) == 0) {
		ledger_note(k->slots.ledger, s);
		return;
	}
	slots_owe(&k->slots, s, OWED_FAILED);
}

static void send_signal(struct keeper *k, const struct heard *h, struct slot *s)
{
	int number = (int)h->m->signal;
	int rc = -1;

	if (h->m->reach == KEEPER_REACH_TREE)
		rc = kill_signal_tree(&k->slots, s, number);
	else
		rc = kill_main(s, number);
	if (k->slots.tree_signals)
		keeper_kill_soon(k);
	if (rc < 0)
		refuse(k, h, errno, "cannot send the signal");
}

/* Read where it lies, before there is a slot: what cannot be looked at is refused and nothing was made. */
static void hear_spawn_long(struct keeper *k, struct heard *h)
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
	if (keeper_msg_read(&k->letter, bytes, len, &e) < 0 || k->letter.kind != KEEPER_SPAWN ||
		k->letter.ticket.slot != ticket.slot || k->letter.ticket.generation != ticket.generation)
		send_error(k, serial, EBADMSG, "the long spawn makes no sense");
	else
		hear_spawn(k, h);
	keeper_msg_init(&k->letter, KEEPER_SPAWN_LONG);
	sealed_unmap(bytes, len);
	err_release(&e);
}

static void hear_signal(struct keeper *k, struct heard *h)
{
	struct slot *s = need_slot(k, h);

	if (s)
		send_signal(k, h, s);
}

/* Once: programs finish what they have after the first, and often end at once after a second. */
static void hear_stop(struct keeper *k, struct heard *h)
{
	struct slot *s = need_slot(k, h);

	if (!s || (s->signalled & SIGNALLED_MAIN))
		return;
	s->is_asked = true;
	s->signalled |= SIGNALLED_MAIN | (h->m->reach == KEEPER_REACH_TREE ? SIGNALLED_REST : 0U);
	if (slot_lives(s))
		ledger_note(k->slots.ledger, s);
	send_signal(k, h, s);
}

/* Too late is no mistake: the signal that follows says so. */
static void hear_asked(struct keeper *k, struct heard *h)
{
	struct slot *s = slots_find(&k->slots, h->m->ticket);

	if (!s || s->is_asked)
		return;
	s->is_asked = true;
	if (slot_lives(s))
		ledger_note(k->slots.ledger, s);
}

/* The slot of one of which something is left, or may be; NULL: it is said that nothing is. */
static struct slot *need_tree(struct keeper *k, const struct heard *h)
{
	struct slot *s = need_slot(k, h);

	if (s && s->is_gone)
		slots_owe(&k->slots, s, OWED_GONE);
	return s && !s->is_gone ? s : NULL;
}

static void wait_for_tree(struct keeper *k, const struct slot *s)
{
	if (s->is_walked)
		keeper_kill_soon(k);
	else
		keeper_kill_later(k);
}

static void hear_end_tree(struct keeper *k, struct heard *h)
{
	struct slot *s = need_tree(k, h);

	if (!s)
		return;
	kill_end_tree(&k->slots, s, (int)h->m->signal);
	wait_for_tree(k, s);
}

static void hear_kill_tree(struct keeper *k, struct heard *h)
{
	struct slot *s = need_tree(k, h);

	if (!s)
		return;
	kill_slot(&k->slots, s);
	wait_for_tree(k, s);
}

static void note_taken(struct keeper *k, struct slot *s)
{
	s->is_taken = true;
	if (s->state == KEEPER_STATE_EXITED)
		ledger_note(k->slots.ledger, s);
}

static void hear_take_exit(struct keeper *k, struct heard *h)
{
	struct slot *s = need_slot(k, h);

	if (!s)
		return;
	if (s->state == KEEPER_STATE_EXITED || s->state == KEEPER_STATE_FAILED)
		note_taken(k, s);
	else
		refuse(k, h, EBUSY, "it has not ended");
}

static void hear_forget(struct keeper *k, struct heard *h)
{
	struct slot *s = need_slot(k, h);

	if (!s)
		return;
	if (slot_lives(s) || s->is_ending || s->is_killing)
		refuse(k, h, EBUSY, "it has not ended");
	else
		slots_free(&k->slots, s);
}

static void hear_hold(struct keeper *k, struct heard *h)
{
	if (h->fd_count != 1)
		refuse(k, h, EINVAL, "a hold carries one descriptor");
	else if (fd_store_put(&k->hold, h->m->name, &h->fds[0]) < 0)
		refuse(k, h, errno, "no room to hold another descriptor");
}

static void hear_release(struct keeper *k, struct heard *h)
{
	if (fd_store_release(&k->hold, h->m->name) < 0)
		refuse(k, h, ENOENT, "nothing is held under that name");
}

static void hear_get(struct keeper *k, struct heard *h)
{
	int fd = fd_store_get(&k->hold, h->m->name);

	if (fd < 0)
		refuse(k, h, ENOENT, "nothing is held under that name");
	else
		send_held(k, h->m->name, fd);
}

static void hear_pong(struct keeper *k, struct heard *h)
{
	ping_answered(k, h->m->about);
}

static void hear_stop_all(struct keeper *k, struct heard *h)
{
	stop_all(k, h->m->grace_ms);
}

/* Comes back only if it fails. */
static void hear_upgrade(struct keeper *k, struct heard *h)
{
	struct err e = ERR_INIT;

	(void)upgrade_asked(k, h->m, &e);
	log_warn("upgrade: %s", e.text.ptr);
	refuse(k, h, e.number ? e.number : EBUSY, e.text.ptr);
	err_release(&e);
}

static void (*const hears[KEEPER_KIND_COUNT])(struct keeper *k, struct heard *h) = {
	[KEEPER_SYNC] = hear_sync,
	[KEEPER_SPAWN] = hear_spawn,
	[KEEPER_SPAWN_LONG] = hear_spawn_long,
	[KEEPER_SIGNAL] = hear_signal,
	[KEEPER_ASKED] = hear_asked,
	[KEEPER_KILL_TREE] = hear_kill_tree,
	[KEEPER_TAKE_EXIT] = hear_take_exit,
	[KEEPER_FORGET] = hear_forget,
	[KEEPER_HOLD] = hear_hold,
	[KEEPER_RELEASE] = hear_release,
	[KEEPER_GET] = hear_get,
	[KEEPER_STOP_ALL] = hear_stop_all,
	[KEEPER_SERVES] = hear_serves,
	[KEEPER_UPGRADE] = hear_upgrade,
	[KEEPER_STOP] = hear_stop,
	[KEEPER_END_TREE] = hear_end_tree,
	[KEEPER_PONG] = hear_pong,
};

/* Counted always; logged the 1st, 2nd, 4th, 8th… time. */
static void hear_nonsense(struct keeper *k, uint64_t about, int number, const char *words)
{
	uint64_t count = ++k->bad_messages;

	if ((count & (count - 1)) == 0)
		log_warn(
			"the brain makes no sense (%llu times so far): %s", (unsigned long long)count, words);
	send_error(k, about, number, words);
}

static void hear_message(struct keeper *k, struct heard *h, size_t len)
{
	struct err e = ERR_INIT;

	ping_heard(k);
	if (keeper_msg_read(&k->letter, k->in, len, &e) < 0) {
		hear_nonsense(k, k->letter.serial, EBADMSG, e.text.ptr);
	} else if (!hears[k->letter.kind]) {
		hear_nonsense(k, k->letter.serial, EBADMSG, "only a keeper says that");
	} else if (!k->brain.is_synced && k->letter.kind != KEEPER_SYNC) {
		hear_nonsense(k, k->letter.serial, EPROTO, "say SYNC first");
	} else {
		h->m = &k->letter;
		hears[k->letter.kind](k, h);
	}
	err_release(&e);
}

/* While an answer waits, or the story from the beginning is being told, the brain has to listen before it talks. */
static bool may_read(const struct keeper *k)
{
	const struct pending_messages *d = &k->brain.debts;

	return k->brain.sock >= 0 && !d->has_reply && !d->hello && !d->synced;
}

/* One message; false when there is none. */
static bool hear_one(struct keeper *k)
{
	struct heard h = { .m = NULL };
	ssize_t got = sock_receive(k->brain.sock, k->in, KEEPER_MSG_MAX, h.fds, &h.fd_count);

	if (got > 0)
		hear_message(k, &h, (size_t)got);
	else if (got < 0 && errno == EMSGSIZE)
		hear_nonsense(k, 0, EMSGSIZE, "a message that is too large, or descriptors that do not fit");
	else if (got < 0 && errno == EAGAIN)
		return false;
	/* It ended with something unread.  Told once, and before what it said. */
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
	for (int i = 0; i < MESSAGES_A_TURN && may_read(k) && hear_one(k); i++)
		send_pending(k);
}

void receive_rest(struct keeper *k)
{
	/* Nobody is there to be answered, nor to say more than the socket holds. */
	for (int i = 0; i < LAST_WORDS && k->brain.sock >= 0 && hear_one(k); i++)
		k->brain.debts.has_reply = false;
}
