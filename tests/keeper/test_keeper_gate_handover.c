/* What a keeper hands over of its gate comes out as it went in, and nonsense is refused whole. */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"
#include "keeper/handover.h"
#include "keeper/keeper_private.h"
#include "os/fd.h"
#include "unit.h"

enum { FDS_END = 1 << 24, SOCKETS = 4 };

static struct keeper keeper;
static struct keeper_options options;
static char packed[HANDOVER_HEAD + (1 + SOCKETS) * HANDOVER_RECORD + 16];
static size_t packed_len;

static const struct tcp_address addresses[] = {
	{ .family = AF_INET, .port = 80, .bytes = { 127, 0, 0, 1 } },
	{ .family = AF_INET6, .port = 80, .is_only_v6 = 1 },
};

/* As if they had come one after the other. */
static void put_socket(struct gate *g, int list, int index)
{
	int i = g->used_sockets++;
	struct gate_list *l = &g->lists[list];
	int first = l->total ? l->first : -1;

	g->sockets[i] = (struct gate_socket){
		.number = (int64_t)(++g->serial * GATE_SOCKETS_MAX) + i,
		.inode = 900U + (unsigned)i,
		.fd = 50 + i,
		.list = list,
		.next = first,
		.next_pending = -1,
		.index = index,
		.place = 60 + i,
		.owner = { 1, 5 },
		.pid = 100 + i,
		.start_time = 200U + (unsigned)i,
	};
	*l = (struct gate_list){ .address = addresses[list],
		.gate = 7,
		.first = i,
		.total = l->total + 1,
		.count = l->count + (index >= 0) };
	g->used_lists = 2;
	g->held++;
}

static void fill_gate(struct gate *g)
{
	put_socket(g, 0, 1);
	put_socket(g, 1, 0);
	put_socket(g, 0, 0);
	put_socket(g, 0, -1);
	g->sockets[0].is_chosen = g->sockets[0].is_announced = true;
	g->sockets[1].freed_at = ++g->frees;
	g->sockets[2].is_spare = true;
	gate_announce(g, &g->sockets[3]);
}

static void empty_gate(struct keeper *k)
{
	gate_close(k->gate);
	memset(k->gate, 0, sizeof(*k->gate));
	k->gate->epoll = -1;
	k->gate = gate_open();
}

/* A keeper with a slot and four sockets, which are only numbers here. */
static int pack(void **state)
{
	struct keeper *k = &keeper;
	struct err e = ERR_INIT;
	struct slot *s = NULL;
	int fd = -1;

	(void)state;
	memset(k, 0, sizeof(*k));
	options = (struct keeper_options){
		.token = "0123456789abcdef", .run = "/run", .run_lock = 10, .state_lock = -1
	};
	k->options = &options;
	k->slots.epoll = k->brain.sock = k->brain.slot.report_fd = k->upgrade.old_brain = -1;
	k->gate = gate_open();
	fill_gate(k->gate);
	s = slots_new(&k->slots, (struct keeper_ticket){ 1, 5 }, "api:0");
	s->pid = 100;
	s->state = KEEPER_STATE_RUNNING;
	s->is_child = true;
	s->report_fd = 20;
	s->gate = (struct slot_gate){ .number = 7,
		.place = 60,
		.port_count = 2,
		.ports = { 80, 81 },
		.kind = KEEPER_HOOK_PRELOAD,
		.connection = 31,
		.caller = 177,
		.hook = 30,
		.unheld = EMFILE };
	fd = handover_pack(k, &e);
	assert_true(fd >= 0);
	packed_len = (size_t)lseek(fd, 0, SEEK_END);
	assert_in_range(packed_len, 1, sizeof(packed));
	assert_int_equal(pread(fd, packed, packed_len, 0), packed_len);
	fd_close(&fd);
	return 0;
}

static int unpack(void **state)
{
	struct keeper *k = &keeper;

	(void)state;
	k->slots.first->is_child = false;
	k->slots.first->report_fd = k->slots.first->gate.hook = k->slots.first->gate.connection = -1;
	slots_free(&k->slots, k->slots.first);
	empty_gate(k);
	gate_close(k->gate);
	return 0;
}

/* What is not named is 0. */
static const struct handover_socket in_order[SOCKETS] = {
	{ .number = 4 * GATE_SOCKETS_MAX + 3,
		.fd = 53,
		.index = -1,
		.place = 63,
		.pid = 103,
		.start_time = 203,
		.inode = 903,
		.is_announced = 1,
		.is_pending = 1 },
	{ .number = 3 * GATE_SOCKETS_MAX + 2,
		.fd = 52,
		.index = 0,
		.place = 62,
		.pid = 102,
		.start_time = 202,
		.inode = 902,
		.is_spare = 1 },
	{ .number = 1 * GATE_SOCKETS_MAX,
		.fd = 50,
		.index = 1,
		.place = 60,
		.pid = 100,
		.start_time = 200,
		.inode = 900,
		.is_chosen = 1,
		.is_announced = 1 },
	{ .number = 2 * GATE_SOCKETS_MAX + 1,
		.fd = 51,
		.index = 0,
		.place = 61,
		.pid = 101,
		.start_time = 201,
		.inode = 901,
		.freed_at = 1 },
};

static void sockets_come_out_in_order(void **state)
{
	struct handover l;
	struct handover_slot s;

	(void)state;
	assert_int_equal(handover_read(&l, packed, packed_len, NULL), 0);
	assert_int_equal(l.head.sockets, SOCKETS);
	assert_int_equal(l.head.gate_serial, SOCKETS);
	assert_int_equal(l.head.gate_frees, 1);
	for (size_t i = 0; i < SOCKETS; i++) {
		struct handover_socket wanted = in_order[i];
		struct handover_socket got;

		handover_socket(&l, i, &got);
		wanted.gate = 7;
		wanted.owner_slot = 1;
		wanted.owner_generation = 5;
		wanted.address = addresses[i == SOCKETS - 1];
		assert_memory_equal(&got, &wanted, sizeof(got));
	}
	handover_slot(&l, 0, &s);
	assert_int_equal(s.gate, 7);
	assert_int_equal(s.place, 60);
	assert_int_equal(s.hook, 30);
	assert_int_equal(s.hook_kind, KEEPER_HOOK_PRELOAD);
	assert_int_equal(s.connection, 31);
	assert_int_equal(s.caller, 177);
	assert_int_equal(s.unheld, EMFILE);
	assert_int_equal(s.port_count, 2);
	assert_true(s.ports[0] == 80 && s.ports[1] == 81 && !s.ports[2]);
	handover_release(&l);
}

/* Into a gate that is empty, and out of it again. */
static void the_next_keeper_has_the_same_gate(void **state)
{
	struct keeper *k = &keeper;
	struct handover l;
	int seen_sockets = 0;

	(void)state;
	assert_int_equal(handover_read(&l, packed, packed_len, NULL), 0);
	empty_gate(k);
	gate_resume(k->gate, &l);
	assert_int_equal(k->gate->held, SOCKETS);
	assert_int_equal(k->gate->serial, SOCKETS);
	assert_int_equal(k->gate->frees, 1);
	assert_int_equal(k->gate->used_sockets, SOCKETS);
	assert_int_equal(k->gate->free_socket, -1);
	assert_ptr_equal(gate_pending(k->gate), &k->gate->sockets[3]);
	for (int i = 0; i < SOCKETS; i++) {
		const struct gate_socket *h = &k->gate->sockets[i];

		seen_sockets += h->number % GATE_SOCKETS_MAX == i && h->fd == 50 + i && h->place == 60 + i &&
			h->pid == 100 + i && h->owner.slot == 1 && h->owner.generation == 5;
	}
	assert_int_equal(seen_sockets, SOCKETS);
	assert_int_equal(k->gate->lists[0].total, 3);
	assert_int_equal(k->gate->lists[1].total, 1);
	assert_int_equal(k->gate->lists[1].gate, 7);
	handover_release(&l);
}

static int seen[16];
static size_t seen_count;

static void see(int fd, int flags)
{
	assert_int_equal(flags, 3);
	seen[seen_count++] = fd;
}

static void every_descriptor_is_known(void **state)
{
	static const int all[] = { 10, 20, 30, 31, 53, 52, 50, 51 };
	struct handover l;

	(void)state;
	assert_int_equal(handover_read(&l, packed, packed_len, NULL), 0);
	seen_count = 0;
	handover_each_fd(&l, see, 3);
	assert_int_equal(seen_count, sizeof(all) / sizeof(all[0]));
	assert_memory_equal(seen, all, sizeof(all));
	handover_release(&l);
}

/* With another number at one place. */
static bool fits(size_t at, int64_t value)
{
	char bytes[sizeof(packed)];
	struct handover l;
	bool does = false;

	memcpy(bytes, packed, packed_len);
	memcpy(bytes + at, &value, sizeof(value));
	does = handover_read(&l, bytes, packed_len, NULL) == 0;
	if (does)
		handover_release(&l);
	else
		assert_int_equal(l.bytes.len, 0);
	return does;
}

#define HEAD(member) offsetof(struct handover_head, member)
#define SLOT(member) (HANDOVER_HEAD + offsetof(struct handover_slot, member))
#define SOCKET(index, member)                                                                                \
	(HANDOVER_HEAD + (1 + (index)) * HANDOVER_RECORD + offsetof(struct handover_socket, member))

static void assert_descriptor(size_t at, bool may_be_none)
{
	assert_false(fits(at, -2));
	assert_int_equal(fits(at, -1), may_be_none);
	assert_true(fits(at, 0));
	assert_true(fits(at, FDS_END - 1));
	assert_false(fits(at, FDS_END));
}

static void sockets_of_nonsense_are_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < SOCKETS; i++) {
		assert_descriptor(SOCKET(i, fd), false);
		assert_false(fits(SOCKET(i, gate), 0));
		assert_false(fits(SOCKET(i, owner_slot), 0));
		assert_false(fits(SOCKET(i, pid), -1));
		assert_false(fits(SOCKET(i, pid), (int64_t)INT32_MAX + 1));
		assert_false(fits(SOCKET(i, number), 0));
		assert_false(fits(SOCKET(i, number), -1));
		assert_false(fits(SOCKET(i, number), 5 * GATE_SOCKETS_MAX + 100));
		assert_true(fits(SOCKET(i, number), 4 * GATE_SOCKETS_MAX + 100));
		assert_false(fits(SOCKET(i, freed_at), 2));
		assert_true(fits(SOCKET(i, freed_at), 1));
		assert_false(fits(SOCKET(i, index), 2));
		assert_false(fits(SOCKET(i, index), -2));
		/* No family, and no port. */
		assert_false(fits(SOCKET(i, address), 0));
	}
	/* The record of another one, and the index. */
	assert_false(fits(SOCKET(1, number), 3 * GATE_SOCKETS_MAX + 3));
	assert_false(fits(SOCKET(2, index), 0));
	assert_false(fits(SOCKET(2, index), -1));
	assert_false(fits(SOCKET(1, index), 1));
	assert_true(fits(SOCKET(3, index), -1));
	assert_false(fits(HEAD(sockets), SOCKETS + 1));
	assert_false(fits(HEAD(sockets), SOCKETS - 1));
	assert_descriptor(SLOT(hook), true);
	assert_descriptor(SLOT(connection), true);
	assert_false(fits(SLOT(hook_kind), -1));
	assert_false(fits(SLOT(hook_kind), KEEPER_HOOK_COUNT));
	assert_false(fits(SLOT(caller), -1));
	assert_false(fits(SLOT(caller), (int64_t)INT32_MAX + 1));
	assert_false(fits(SLOT(gate), -1));
	assert_false(fits(SLOT(port_count), -1));
	assert_true(fits(SLOT(port_count), KEEPER_PORTS_MAX));
	assert_false(fits(SLOT(port_count), KEEPER_PORTS_MAX + 1));
}

/* As a build packed it that knew no gate, with whatever such a build left there. */
static void the_first_format_is_read(void **state)
{
	struct keeper *k = &keeper;
	struct handover l;
	struct err e = ERR_INIT;
	struct handover_head head;
	int fd = -1;

	(void)state;
	memcpy(&head, packed, sizeof(head));
	assert_string_equal(head.magic, "oxherd luggage 2");
	empty_gate(k);
	/* What is behind the gate and has ended is nothing that could be lost. */
	k->slots.first->is_gone = true;
	fd = handover_pack(k, &e);
	assert_int_equal(pread(fd, &head, sizeof(head), 0), sizeof(head));
	assert_string_equal(head.magic, "oxherd luggage 1");
	assert_int_equal(handover_unpack(&l, fd, &e), 0);
	assert_int_equal(l.head.sockets, 0);
	assert_string_equal(handover_run(&l), "/run");
	handover_release(&l);
	fd_close(&fd);
	/* But one that lives is. */
	k->slots.first->is_gone = false;
	fd = handover_pack(k, &e);
	assert_int_equal(pread(fd, &head, sizeof(head), 0), sizeof(head));
	assert_string_equal(head.magic, "oxherd luggage 2");
	fd_close(&fd);
	k->slots.first->gate = (struct slot_gate){ .hook = -1, .connection = -1 };
	fd = handover_pack(k, &e);
	assert_int_equal(pread(fd, &head, sizeof(head), 0), sizeof(head));
	assert_string_equal(head.magic, "oxherd luggage 1");
	fd_close(&fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE_IN(pack, unpack, "sockets of the gate come out list after list, by index",
			sockets_come_out_in_order),
		PROMISE_IN(
			pack, unpack, "the next keeper has the same gate", the_next_keeper_has_the_same_gate),
		PROMISE_IN(pack, unpack, "every descriptor of the gate that travels is known",
			every_descriptor_is_known),
		PROMISE_IN(pack, unpack, "a socket of the gate that makes no sense is refused",
			sockets_of_nonsense_are_refused),
		PROMISE_IN(pack, unpack,
			"the first format is read, and written where nothing is behind the gate",
			the_first_format_is_read),
	};

	return cmocka_run_group_tests_name("keeper: gate, handover", tests, NULL, NULL);
}
