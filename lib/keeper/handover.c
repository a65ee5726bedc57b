#include "keeper/handover.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/err.h"
#include "keeper/keeper_private.h"
#include "os/fd.h"

_Static_assert(sizeof(struct handover_head) == HANDOVER_HEAD, "the head has its fixed size");
_Static_assert(sizeof(struct handover_slot) == HANDOVER_RECORD, "a slot has its fixed size");
_Static_assert(sizeof(struct handover_held) == HANDOVER_RECORD, "a held descriptor has its fixed size");

_Static_assert(sizeof(struct handover_socket) == HANDOVER_RECORD, "a socket has its fixed size");

static const char magic[] = "oxherd luggage 1";
static const char magic_gate[sizeof(magic)] = "oxherd luggage 2";

enum {
	HANDOVER_MAX = HANDOVER_HEAD +
		HANDOVER_RECORD * (KEEPER_SLOTS_MAX + KEEPER_HELD_MAX + GATE_SOCKETS_MAX) + KEEPER_PATH_MAX +
		1,
	FD_MAX = 1 << 24, /* more than any limit allows */
};

/* --- packing --- */

/* Is there anything that an earlier build would lose? */
static bool has_gate(const struct keeper *k)
{
	for (const struct slot *s = k->slots.first; s; s = s->next)
		if (s->gate.number && !s->is_gone)
			return true;
	return k->gate->held > 0;
}

static void pack_head(struct buf *out, const struct keeper *k)
{
	const struct keeper_brain *b = &k->brain;
	struct handover_head head = {
		.slots = k->slots.count,
		.run_lock = k->options->run_lock,
		.state_lock = k->options->state_lock,
		.brain_pid = b->slot.is_child ? b->slot.pid : 0,
		.brain_start_time = b->slot.start_time,
		.brain_sock = b->sock,
		.brain_report = b->slot.report_fd,
		.brain_started_at = b->started_at,
		.brain_has_served = b->has_served,
		.brain_is_synced = b->is_synced,
		.signals = b->pending.signals,
		.old_brain = k->upgrade.old_brain,
		.sockets = k->gate->held,
		.gate_serial = k->gate->serial,
		.gate_frees = k->gate->frees,
	};

	while (fd_store_name(&k->held, (size_t)head.held))
		head.held++;
	ASSERT((size_t)head.held <= KEEPER_HELD_MAX, "%lld descriptors are handed over",
		(long long)head.held);
	ASSERT(strlen(k->options->token) < sizeof(head.token), "the token '%s' is too long to be handed over",
		k->options->token);
	memcpy(head.magic, has_gate(k) ? magic_gate : magic, sizeof(magic));
	memcpy(head.token, k->options->token, strnlen(k->options->token, sizeof(head.token) - 1));
	buf_add(out, (const char *)&head, sizeof(head));
}

static void pack_slot(struct buf *out, const struct slot *s)
{
	struct handover_slot packed = {
		.is_child = s->is_child,
		.was_adopted = s->was_adopted,
		.is_killing = s->is_killing,
		.has_failure = s->has_failure,
		.pidfd = s->pidfd,
		.report = s->report_fd,
		.ended_ticks = s->ended_ticks,
		.pending = s->pending,
		.is_ending = s->is_ending,
		.rest_signal = s->rest_signal,
		.tree_signal = s->tree_signal,
		.is_self_ended = s->is_self_ended,
		.stopping_at = s->stopping_at,
		.kill_at = s->kill_at,
		.gate = s->gate.number,
		.place = s->gate.place,
		.unheld = s->gate.unheld,
		.hook = s->gate.hook,
		.port_count = s->gate.port_count,
		.hook_kind = s->gate.kind,
		.connection = s->gate.connection,
		.caller = s->gate.caller,
	};

	memcpy(packed.ports, s->gate.ports, sizeof(packed.ports));
	ASSERT(s->ticket.slot > 0, "the brain (pid %d) is handed over as a service", (int)s->pid);
	ledger_fill(&packed.record, s);
	buf_add(out, (const char *)&packed, sizeof(packed));
}

static void pack_held(struct buf *out, const struct keeper *k)
{
	const char *name = NULL;

	for (size_t i = 0; (name = fd_store_name(&k->held, i)); i++) {
		struct handover_held packed = { .fd = fd_store_get(&k->held, name) };

		ASSERT(packed.fd >= 0, "'%s' is handed over, and is no descriptor", name);
		memcpy(packed.name, name, strnlen(name, sizeof(packed.name) - 1));
		buf_add(out, (const char *)&packed, sizeof(packed));
	}
}

static void pack_socket(void *context, const struct gate_list *l, const struct gate_socket *h)
{
	struct handover_socket packed = {
		.number = h->number,
		.fd = h->fd,
		.index = h->index,
		.place = h->place,
		.gate = l->gate,
		.owner_slot = h->owner.slot,
		.owner_generation = h->owner.generation,
		.pid = h->pid,
		.start_time = h->start_time,
		.inode = h->inode,
		.freed_at = h->freed_at,
		.is_chosen = h->is_chosen,
		.is_spare = h->is_spare,
		.is_announced = h->is_announced,
		.is_pending = h->is_pending,
		.address = l->address,
	};

	ASSERT(h->fd >= 0, "socket %lld is handed over, and is no descriptor", (long long)h->number);
	buf_add(context, (const char *)&packed, sizeof(packed));
}

int handover_pack(const struct keeper *k, struct err *e)
{
	struct buf out = BUF_INIT;
	int64_t size = 0;
	int fd = memfd_create("oxherd-luggage", MFD_CLOEXEC);

	pack_head(&out, k);
	for (const struct slot *s = k->slots.first; s; s = s->next)
		pack_slot(&out, s);
	pack_held(&out, k);
	gate_each(k->gate, pack_socket, &out);
	ASSERT((out.len - HANDOVER_HEAD) % HANDOVER_RECORD == 0 &&
			(out.len - HANDOVER_HEAD) / HANDOVER_RECORD >= (size_t)k->slots.count,
		"the handover has %zu bytes for %d slots", out.len, k->slots.count);
	buf_add(&out, k->options->run, strlen(k->options->run) + 1);
	size = (int64_t)out.len;
	ASSERT(out.len <= HANDOVER_MAX, "the handover has %zu bytes", out.len);
	memcpy(out.ptr + offsetof(struct handover_head, size), &size, sizeof(size));
	if (fd < 0 || fd_write_all(fd, out.ptr, out.len) < 0) {
		err_sys(e, errno, "cannot write the handover");
		fd_close(&fd);
	}
	buf_release(&out);
	return fd;
}

/* --- unpacking --- */

static bool is_fd(int64_t fd)
{
	return fd >= -1 && fd < FD_MAX;
}

static bool gate_makes_sense(const struct handover_slot *s)
{
	return s->gate >= 0 && is_fd(s->hook) && is_fd(s->connection) && s->port_count >= 0 &&
		s->port_count <= KEEPER_PORTS_MAX && s->hook_kind >= 0 && s->hook_kind < KEEPER_HOOK_COUNT &&
		s->caller >= 0 && s->caller <= INT32_MAX;
}

static bool slot_makes_sense(const struct handover_slot *s)
{
	/* One whose fork failed has no process. */
	struct ledger_record r = s->record;

	if (r.state == KEEPER_STATE_FAILED && r.pid == 0)
		r.pid = INT32_MAX;
	return ledger_makes_sense(&r) && is_fd(s->pidfd) && is_fd(s->report) && gate_makes_sense(s);
}

static bool held_makes_sense(const struct handover_held *h)
{
	return is_fd(h->fd) && h->fd >= 0 && h->name[0] && memchr(h->name, '\0', KEEPER_NAME_MAX + 1);
}

/* `before` is the one before it, or NULL. */
static bool socket_makes_sense(const struct handover_head *head, const struct handover_socket *s,
	const struct handover_socket *before)
{
	bool is_next = before && s->gate == before->gate && tcp_address_equal(&s->address, &before->address);
	int64_t least = is_next && before->index >= 0 ? before->index + 1 : -1;
	int64_t most = is_next ? before->index + 1 : 0;

	return s->number > 0 && (uint64_t)(s->number / GATE_SOCKETS_MAX) <= head->gate_serial &&
		is_fd(s->fd) && s->fd >= 0 && s->index >= least && s->index <= most &&
		s->index < GATE_LIST_MAX && s->gate > 0 && s->owner_slot > 0 && s->pid >= 0 &&
		s->pid <= INT32_MAX && s->freed_at <= head->gate_frees && s->address.port;
}

/* None has the record of another. */
static bool sockets_make_sense(const struct handover *l)
{
	struct handover_socket last;
	unsigned char used[GATE_SOCKETS_MAX / 8] = { 0 };

	for (size_t i = 0; i < (size_t)l->head.sockets; i++) {
		struct handover_socket s;
		size_t record = 0;

		handover_socket(l, i, &s);
		if (!socket_makes_sense(&l->head, &s, i ? &last : NULL))
			return false;
		record = (size_t)(s.number % GATE_SOCKETS_MAX);
		if (used[record / 8] & (1U << record % 8))
			return false;
		used[record / 8] |= (unsigned char)(1U << record % 8);
		last = s;
	}
	return true;
}

static bool head_makes_sense(const struct handover_head *h, size_t len)
{
	return h->size == (int64_t)len && h->slots >= 0 && h->slots <= KEEPER_SLOTS_MAX && h->held >= 0 &&
		h->held <= KEEPER_HELD_MAX && is_fd(h->run_lock) && is_fd(h->state_lock) &&
		memchr(h->token, '\0', sizeof(h->token)) && h->brain_pid >= 0 && h->brain_pid <= INT32_MAX &&
		h->brain_pid != 1 && is_fd(h->brain_sock) && is_fd(h->brain_report) && is_fd(h->old_brain) &&
		h->sockets >= 0 && h->sockets <= GATE_SOCKETS_MAX &&
		(int64_t)len > HANDOVER_HEAD + (h->slots + h->held + h->sockets) * HANDOVER_RECORD;
}

static bool parts_make_sense(const struct handover *l)
{
	const char *run = handover_run(l);
	size_t left = l->bytes.len - (size_t)(run - l->bytes.ptr);

	for (size_t i = 0; i < (size_t)l->head.slots; i++) {
		struct handover_slot s;

		handover_slot(l, i, &s);
		if (!slot_makes_sense(&s))
			return false;
	}
	for (size_t i = 0; i < (size_t)l->head.held; i++) {
		struct handover_held h;

		handover_held(l, i, &h);
		if (!held_makes_sense(&h))
			return false;
	}
	return sockets_make_sense(l) && *run == '/' && left <= KEEPER_PATH_MAX + 1 &&
		memchr(run, '\0', left) == run + left - 1;
}

int handover_read(struct handover *l, const char *bytes, size_t len, struct err *e)
{
	*l = (struct handover){ .bytes = BUF_INIT };
	if (len < HANDOVER_HEAD || len > HANDOVER_MAX ||
		(memcmp(bytes, magic, sizeof(magic)) != 0 && memcmp(bytes, magic_gate, sizeof(magic)) != 0))
		return err_set(e, "the handover of the last keeper has an unknown format");
	buf_add(&l->bytes, bytes, len);
	memcpy(&l->head, bytes, sizeof(l->head));
	if (head_makes_sense(&l->head, len) && parts_make_sense(l))
		return 0;
	handover_release(l);
	return err_set(e, "the handover of the last keeper is invalid");
}

int handover_unpack(struct handover *l, int fd, struct err *e)
{
	struct buf bytes = BUF_INIT;
	struct stat st;
	int rc = -1;

	*l = (struct handover){ .bytes = BUF_INIT };
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size > HANDOVER_MAX)
		return err_set(e, "descriptor %d is not a keeper's handover", fd);
	buf_reserve(&bytes, (size_t)st.st_size);
	if (pread(fd, bytes.ptr, (size_t)st.st_size, 0) == (ssize_t)st.st_size)
		rc = handover_read(l, bytes.ptr, (size_t)st.st_size, e);
	else
		err_sys(e, errno, "cannot read the handover of the last keeper");
	buf_release(&bytes);
	return rc;
}

void handover_release(struct handover *l)
{
	buf_release(&l->bytes);
}

void handover_slot(const struct handover *l, size_t index, struct handover_slot *s)
{
	ASSERT(index < (size_t)l->head.slots, "slot %zu of %lld is unpacked", index,
		(long long)l->head.slots);
	memcpy(s, l->bytes.ptr + HANDOVER_HEAD + index * HANDOVER_RECORD, sizeof(*s));
}

void handover_held(const struct handover *l, size_t index, struct handover_held *h)
{
	ASSERT(index < (size_t)l->head.held, "descriptor %zu of %lld is unpacked", index,
		(long long)l->head.held);
	memcpy(h, l->bytes.ptr + HANDOVER_HEAD + ((size_t)l->head.slots + index) * HANDOVER_RECORD,
		sizeof(*h));
}

void handover_socket(const struct handover *l, size_t index, struct handover_socket *s)
{
	size_t before = (size_t)(l->head.slots + l->head.held);

	ASSERT(index < (size_t)l->head.sockets, "socket %zu of %lld is unpacked", index,
		(long long)l->head.sockets);
	memcpy(s, l->bytes.ptr + HANDOVER_HEAD + (before + index) * HANDOVER_RECORD, sizeof(*s));
}

const char *handover_run(const struct handover *l)
{
	ASSERT(l->bytes.len > HANDOVER_HEAD, "a handover of %zu bytes has no folder", l->bytes.len);
	return l->bytes.ptr + HANDOVER_HEAD +
		(size_t)(l->head.slots + l->head.held + l->head.sockets) * HANDOVER_RECORD;
}

static void visit_fd(int64_t fd, void (*visit)(int fd, int flags), int flags)
{
	if (fd >= 0)
		visit((int)fd, flags);
}

void handover_each_fd(const struct handover *l, void (*visit)(int fd, int flags), int flags)
{
	const int64_t own[] = { l->head.run_lock, l->head.state_lock, l->head.brain_sock,
		l->head.brain_report, l->head.old_brain };

	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		visit_fd(own[i], visit, flags);
	for (size_t i = 0; i < (size_t)l->head.slots; i++) {
		struct handover_slot s;

		handover_slot(l, i, &s);
		visit_fd(s.pidfd, visit, flags);
		visit_fd(s.report, visit, flags);
		if (s.gate) {
			visit_fd(s.hook, visit, flags);
			visit_fd(s.connection, visit, flags);
		}
	}
	for (size_t i = 0; i < (size_t)l->head.held; i++) {
		struct handover_held h;

		handover_held(l, i, &h);
		visit_fd(h.fd, visit, flags);
	}
	for (size_t i = 0; i < (size_t)l->head.sockets; i++) {
		struct handover_socket h;

		handover_socket(l, i, &h);
		visit_fd(h.fd, visit, flags);
	}
}
