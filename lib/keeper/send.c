/* Messages to the brain: nothing is queued but bits in the slots, so nothing can be lost or grow. */
#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/err.h"
#include "base/log.h"
#include "keeper/keeper_private.h"
#include "os/procfs.h"
#include "os/sock.h"

/* False: the socket is full, or the brain is lost. */
static bool send_bytes(struct keeper *k, const struct buf *bytes, int fd)
{
	if (!ASSERT_OR(k->brain.sock >= 0 && bytes->len > 0, "%zu bytes are sent to no brain", bytes->len))
		return false;
	if (sock_send(k->brain.sock, bytes->ptr, bytes->len, &fd, fd >= 0) == 0)
		return true;
	if (errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM) {
		k->brain.wants_out = true;
		return false;
	}
	/* It reads no more, but may have sent something before. */
	receive_rest(k);
	brain_hang_up(k);
	return false;
}

/* With a descriptor, or -1. */
static bool send_message_with(struct keeper *k, int fd)
{
	struct err e = ERR_INIT;

	buf_clear(&k->out);
	if (keeper_msg_write(&k->out, &k->message, &e) < 0) {
		/* A mistake of the keeper's own; better one message less than the same one for ever. */
		log_error("cannot write a message to the brain: %s", e.text.ptr);
		err_release(&e);
		return true;
	}
	if (k->message.kind != KEEPER_PING)
		ping_due(k);
	return send_bytes(k, &k->out, fd);
}

static bool send_message(struct keeper *k)
{
	return send_message_with(k, -1);
}

static bool send_simple(struct keeper *k, enum keeper_msg_kind kind)
{
	struct keeper_msg *m = &k->message;
	struct proc self;

	keeper_msg_init(m, kind);
	m->version = KEEPER_VERSION;
	m->pid = getpid();
	m->start_time = procfs_read(getpid(), &self) ? self.start_time : 0;
	m->words = k->options->token;
	return send_message(k);
}

static bool send_slot(struct keeper *k, const struct slot *s, enum keeper_msg_kind kind)
{
	struct keeper_msg *m = &k->message;

	ASSERT(!slot_is_brain(s), "the brain is to hear of itself");
	keeper_msg_init(m, kind);
	m->ticket = s->ticket;
	m->name = s->name;
	m->pid = s->pid;
	m->start_time = s->start_time;
	m->state = s->state;
	m->is_taken = s->is_taken;
	m->is_gone = s->is_gone;
	m->status = s->status;
	m->at_ms = s->at_ms;
	m->wall_ms = s->wall_ms;
	m->cpu_us = s->cpu_us;
	m->peak_kb = s->peak_kb;
	m->stage = s->stage;
	m->number = kind == KEEPER_LISTENS ? s->gate.unheld : s->number;
	m->gate = s->gate.number;
	m->place = s->gate.place;
	return send_message(k);
}

static bool send_slots(struct keeper *k)
{
	static const struct {
		enum pending bit;
		enum keeper_msg_kind kind;
	} rows[] = {
		{ PENDING_SLOT, KEEPER_SLOT },
		{ PENDING_ASKED, KEEPER_ASKED },
		{ PENDING_SPAWNED, KEEPER_SPAWNED },
		{ PENDING_UNHELD, KEEPER_LISTENS },
		{ PENDING_FAILED, KEEPER_SPAWN_FAILED },
		{ PENDING_EXITED, KEEPER_EXITED },
		{ PENDING_GONE, KEEPER_TREE_GONE },
	};

	while (k->slots.first_pending) {
		struct slot *s = k->slots.first_pending;

		if (!ASSERT_OR(s->is_queued, "%s stands in the queue, and does not know", s->name))
			return false;
		for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
			if (!(s->pending & rows[i].bit))
				continue;
			if (!send_slot(k, s, rows[i].kind))
				return false;
			s->pending &= ~(unsigned int)rows[i].bit;
		}
		slots_clear_pending(&k->slots, s);
	}
	ASSERT(!k->slots.last_pending, "nothing is pending, and %s stands at the end of the queue",
		k->slots.last_pending->name);
	return true;
}

static bool send_listens(struct keeper *k)
{
	struct gate_socket *h = NULL;

	while ((h = gate_pending(k->gate))) {
		struct keeper_msg *m = &k->message;

		ASSERT(h->number > 0 && h->fd >= 0, "socket %lld of the gate is sent", (long long)h->number);
		keeper_msg_init(m, KEEPER_LISTENS);
		m->ticket = h->owner;
		m->gate = gate_number(k->gate, h);
		m->place = h->place;
		m->socket = h->number;
		m->index = h->index;
		m->is_free = h->freed_at != 0;
		m->is_chosen = h->is_chosen;
		if (!send_message_with(k, h->fd))
			return false;
		gate_told(k->gate);
	}
	return true;
}

static bool send_synced(struct keeper *k)
{
	struct pending_messages *d = &k->brain.pending;
	const char *name = NULL;

	while ((name = fd_store_name(&k->held, d->held))) {
		keeper_msg_init(&k->message, KEEPER_HELD);
		k->message.name = name;
		if (!send_message(k))
			return false;
		d->held++;
	}
	if (!send_simple(k, KEEPER_SYNCED))
		return false;
	d->synced = false;
	ASSERT(d->held <= k->held.by_name.len, "%zu descriptors of %zu were sent", d->held,
		k->held.by_name.len);
	return true;
}

static bool send_upgraded(struct keeper *k)
{
	ASSERT(k->upgrade.has_verdict, "an upgrade without a result is reported");
	keeper_msg_init(&k->message, KEEPER_UPGRADED);
	k->message.number = k->upgrade.number;
	k->message.words = k->upgrade.words;
	if (!send_message(k))
		return false;
	k->brain.pending.upgraded = false;
	return true;
}

static bool send_pong(struct keeper *k)
{
	keeper_msg_init(&k->message, KEEPER_PONG);
	k->message.about = k->brain.pending.pong;
	if (!send_message(k))
		return false;
	k->brain.pending.has_pong = false;
	return true;
}

static bool send_signals(struct keeper *k)
{
	struct pending_messages *d = &k->brain.pending;

	for (int number = 1; d->signals; number++) {
		uint64_t bit = UINT64_C(1) << (number & 63);

		if (!ASSERT_OR(number < 64, "signals are noted that there are not")) {
			d->signals = 0;
			return true;
		}

		if (!(d->signals & bit))
			continue;
		keeper_msg_init(&k->message, KEEPER_SIGNALLED);
		k->message.signal = number;
		if (!send_message(k))
			return false;
		d->signals &= ~bit;
	}
	return true;
}

/* Not an answer to any message. */
static bool send_failed_assertion(struct keeper *k)
{
	struct failed_assertions *f = k->failed_assertions;

	ASSERT(f->reported <= f->count, "%llu of %llu failed assertions are reported",
		(unsigned long long)f->reported, (unsigned long long)f->count);
	if (f->reported == f->count)
		return true;
	keeper_msg_init(&k->message, KEEPER_ERROR);
	k->message.number = ENOTRECOVERABLE;
	k->message.words = f->words;
	if (!send_message(k))
		return false;
	f->reported = f->count;
	return true;
}

static bool send_reply(struct keeper *k)
{
	struct pending_messages *d = &k->brain.pending;

	ASSERT(d->has_reply && d->reply.len > 0, "a reply is sent that was not made");
	if (!send_bytes(k, &d->reply, d->reply_fd))
		return false;
	d->has_reply = false;
	return true;
}

void send_pending(struct keeper *k)
{
	struct pending_messages *d = &k->brain.pending;

	if (k->brain.sock < 0)
		return;
	k->brain.wants_out = false;
	/* In this order; before SYNC nothing but an ERROR. */
	if (d->has_reply && !send_reply(k))
		return;
	if (!k->brain.is_synced)
		return;
	if (d->hello && !send_simple(k, KEEPER_HELLO))
		return;
	d->hello = false;
	if (!send_slots(k) || !send_listens(k))
		return;
	if (d->synced && !send_synced(k))
		return;
	if (d->upgraded && !send_upgraded(k))
		return;
	if (d->has_pong && !send_pong(k))
		return;
	if (send_signals(k) && send_failed_assertion(k))
		(void)ping_send(k, send_message);
}

void send_sync(struct keeper *k)
{
	struct pending_messages *d = &k->brain.pending;

	k->brain.is_synced = true;
	d->hello = d->synced = true;
	d->upgraded = k->upgrade.has_verdict;
	d->held = 0;
	slots_set_all_pending(&k->slots);
	gate_tell_all(k->gate);
	if (k->stopping == STOPPING_REQUESTED)
		d->signals |= UINT64_C(1) << SIGTERM;
}

void send_signal_note(struct keeper *k, int number)
{
	if (!ASSERT_OR(number > 0 && number < 64, "signal %d is noted", number))
		return;
	k->brain.pending.signals |= UINT64_C(1) << number;
}

static void set_reply(struct keeper *k, const struct keeper_msg *m, int fd)
{
	struct pending_messages *d = &k->brain.pending;

	ASSERT(!d->has_reply, "a second reply takes the place of one that was not sent");
	buf_clear(&d->reply);
	d->reply_fd = fd;
	d->has_reply = keeper_msg_write(&d->reply, m, NULL) == 0;
}

void send_error(struct keeper *k, uint64_t about, int number, const char *words)
{
	struct keeper_msg *m = &k->message;
	char short_words[KEEPER_WORDS_MAX + 1];
	size_t len = 0;

	while (len < KEEPER_WORDS_MAX && words[len]) {
		short_words[len] = words[len];
		len++;
	}
	short_words[len] = '\0';
	keeper_msg_init(m, KEEPER_ERROR);
	m->about = about;
	m->number = number;
	m->words = short_words;
	set_reply(k, m, -1);
}

void send_held(struct keeper *k, const char *name, int fd)
{
	struct keeper_msg m;

	keeper_msg_init(&m, KEEPER_HELD);
	m.name = name;
	set_reply(k, &m, fd);
}
