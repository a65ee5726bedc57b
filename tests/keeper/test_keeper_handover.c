/* What a keeper hands to the next build comes out as it went in, and nonsense is refused whole. */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "keeper/handover.h"
#include "keeper/keeper_private.h"
#include "os/fd.h"
#include "unit.h"

enum { FDS_END = 1 << 24, SLOTS = 2, HELD = 2 };

static struct keeper keeper;
static struct keeper_options options;
static char packed[HANDOVER_HEAD + (SLOTS + HELD) * HANDOVER_RECORD + 16];
static size_t packed_len;

/* A keeper with two slots and two held descriptors, which are only numbers here. */
static int pack(void **state)
{
	struct keeper *k = &keeper;
	struct err e = ERR_INIT;
	struct slot *s = NULL;
	int numbers[] = { 40, 41 };
	int fd = -1;

	(void)state;
	memset(k, 0, sizeof(*k));
	options = (struct keeper_options){
		.token = "0123456789abcdef", .run = "/run", .run_lock = 10, .state_lock = -1
	};
	k->options = &options;
	k->slots.epoll = -1;
	k->gate = gate_open();
	k->brain.slot.is_child = true;
	k->brain.slot.pid = 77;
	k->brain.slot.start_time = 78;
	k->brain.slot.report_fd = -1;
	k->brain.sock = 11;
	k->brain.started_at = 79;
	k->brain.has_served = k->brain.is_synced = true;
	k->brain.pending.signals = 1U << 15;
	k->upgrade.old_brain = 12;
	s = slots_new(&k->slots, (struct keeper_ticket){ 1, 5 }, "api:0");
	s->pid = 100;
	s->start_time = 101;
	s->state = KEEPER_STATE_RUNNING;
	s->is_child = s->is_ending = s->is_killing = true;
	s->report_fd = 20;
	s->rest_signal = 15;
	s->tree_signal = 10;
	s->pending = PENDING_SPAWNED;
	s->signalled = SIGNALLED_MAIN;
	s->is_stopping = true;
	s = slots_new(&k->slots, (struct keeper_ticket){ 2, 6 }, "api:1");
	s->state = KEEPER_STATE_FAILED;
	s->was_adopted = s->has_failure = s->is_gone = s->is_taken = true;
	s->pidfd = 21;
	s->ended_ticks = 9;
	s->stage = KEEPER_STAGE_FORK;
	s->number = 11;
	assert_int_equal(fd_store_put(&k->held, "log:api:0", &numbers[0]) |
			fd_store_put(&k->held, "socket", &numbers[1]),
		0);
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
	while (k->slots.first) {
		k->slots.first->is_child = false;
		k->slots.first->pidfd = k->slots.first->report_fd = -1;
		k->slots.first->is_ending = k->slots.first->is_killing = false;
		slots_free(&k->slots, k->slots.first);
	}
	gate_close(k->gate);
	/* Numbers that are nobody's: closing them is no harm. */
	fd_store_release_all(&k->held);
	return 0;
}

static void it_comes_out_as_it_went_in(void **state)
{
	struct handover l;
	struct handover_slot s;
	struct handover_held h;
	struct slot slot = { .pid = 0 };

	(void)state;
	assert_int_equal(handover_read(&l, packed, packed_len, NULL), 0);
	assert_int_equal(l.head.size, packed_len);
	assert_int_equal(l.head.slots, SLOTS);
	assert_int_equal(l.head.held, HELD);
	assert_int_equal(l.head.run_lock, 10);
	assert_int_equal(l.head.state_lock, -1);
	assert_string_equal(l.head.token, "0123456789abcdef");
	assert_int_equal(l.head.brain_pid, 77);
	assert_int_equal(l.head.brain_start_time, 78);
	assert_int_equal(l.head.brain_sock, 11);
	assert_int_equal(l.head.brain_report, -1);
	assert_int_equal(l.head.brain_started_at, 79);
	assert_true(l.head.brain_has_served && l.head.brain_is_synced);
	assert_int_equal(l.head.signals, 1U << 15);
	assert_int_equal(l.head.old_brain, 12);
	assert_string_equal(handover_run(&l), "/run");
	handover_slot(&l, 0, &s);
	assert_true(s.is_child && s.is_ending && s.is_killing && !s.was_adopted && !s.has_failure);
	assert_int_equal(s.pidfd, -1);
	assert_int_equal(s.report, 20);
	assert_int_equal(s.rest_signal, 15);
	assert_int_equal(s.tree_signal, 10);
	assert_int_equal(s.pending, PENDING_SPAWNED);
	ledger_take(&slot, &s.record);
	assert_int_equal(slot.pid, 100);
	assert_int_equal(slot.signalled, SIGNALLED_MAIN);
	assert_true(slot.is_stopping && !slot.is_gone && !slot.is_taken);
	handover_slot(&l, 1, &s);
	assert_true(!s.is_child && !s.is_ending && !s.is_killing && s.was_adopted && s.has_failure);
	assert_int_equal(s.pidfd, 21);
	assert_int_equal(s.ended_ticks, 9);
	assert_string_equal(s.record.name, "api:1");
	ledger_take(&slot, &s.record);
	assert_int_equal(slot.state, KEEPER_STATE_FAILED);
	assert_int_equal(slot.stage, KEEPER_STAGE_FORK);
	assert_int_equal(slot.number, 11);
	assert_true(slot.is_gone && slot.is_taken && !slot.is_stopping);
	handover_held(&l, 0, &h);
	assert_string_equal(h.name, "log:api:0");
	assert_int_equal(h.fd, 40);
	handover_held(&l, 1, &h);
	assert_string_equal(h.name, "socket");
	assert_int_equal(h.fd, 41);
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
	static const int all[] = { 10, 11, 12, 20, 21, 40, 41 };
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

#define HEAD(member)        offsetof(struct handover_head, member)
#define SLOT(index, member) (HANDOVER_HEAD + (index)*HANDOVER_RECORD + offsetof(struct handover_slot, member))
#define HOLD(index, member)                                                                                  \
	(HANDOVER_HEAD + (SLOTS + (index)) * HANDOVER_RECORD + offsetof(struct handover_held, member))

static void assert_descriptor(size_t at, bool may_be_none)
{
	assert_false(fits(at, -2));
	assert_int_equal(fits(at, -1), may_be_none);
	assert_true(fits(at, 0));
	assert_true(fits(at, FDS_END - 1));
	assert_false(fits(at, FDS_END));
}

static void a_head_of_nonsense_is_refused(void **state)
{
	static const int64_t odd[] = { -1, 1 };
	static const size_t descriptors[] = { HEAD(run_lock), HEAD(state_lock), HEAD(brain_sock),
		HEAD(brain_report), HEAD(old_brain) };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		assert_false(fits(HEAD(size), (int64_t)packed_len + odd[i]));
		assert_false(fits(HEAD(slots), SLOTS + 2 * odd[i]));
		assert_false(fits(HEAD(held), HELD + 2 * odd[i]));
		assert_false(fits(HEAD(slots), odd[i] * (KEEPER_SLOTS_MAX + 1)));
		assert_false(fits(HEAD(held), odd[i] * (KEEPER_HELD_MAX + 1)));
		assert_false(fits(HEAD(slots), odd[i] * (INT64_MAX / HANDOVER_RECORD)));
	}
	assert_false(fits(HEAD(slots), -1));
	assert_false(fits(HEAD(held), -1));
	for (size_t i = 0; i < sizeof(descriptors) / sizeof(descriptors[0]); i++)
		assert_descriptor(descriptors[i], true);
	assert_false(fits(HEAD(brain_pid), -1));
	assert_true(fits(HEAD(brain_pid), 0));
	assert_false(fits(HEAD(brain_pid), 1));
	assert_true(fits(HEAD(brain_pid), 2));
	assert_true(fits(HEAD(brain_pid), INT32_MAX));
	assert_false(fits(HEAD(brain_pid), (int64_t)INT32_MAX + 1));
	assert_false(fits(HEAD(magic), 0));
	assert_false(fits(HEAD(sockets), -1));
	assert_false(fits(HEAD(sockets), 1));
	assert_false(fits(HEAD(sockets), INT64_MAX / HANDOVER_RECORD));
	assert_true(fits(HEAD(token), 0));
}

static void parts_of_nonsense_are_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < SLOTS; i++) {
		assert_descriptor(SLOT(i, pidfd), true);
		assert_descriptor(SLOT(i, report), true);
		assert_false(fits(SLOT(i, record.slot), 0));
		assert_false(fits(SLOT(i, record.name), 0));
	}
	/* Only what could not be forked has no process. */
	assert_false(fits(SLOT(0, record.pid), 0));
	assert_true(fits(SLOT(1, record.pid), 0));
	assert_true(fits(SLOT(1, record.pid), 2));
	assert_false(fits(SLOT(1, record.pid), 1));
	assert_false(fits(SLOT(1, record.pid), -1));
	for (size_t i = 0; i < HELD; i++) {
		assert_descriptor(HOLD(i, fd), false);
		assert_false(fits(HOLD(i, name), 0));
	}
}

static bool reads(const char *bytes, size_t len)
{
	struct handover l;
	bool does = handover_read(&l, bytes, len, NULL) == 0;

	if (does)
		handover_release(&l);
	return does;
}

static void its_ends_are_where_they_belong(void **state)
{
	char bytes[sizeof(packed)];
	const size_t at = packed_len - sizeof("/run");
	const size_t name = HOLD(0, name);

	(void)state;
	for (size_t len = 0; len < packed_len; len++)
		assert_false(reads(packed, len));
	memcpy(bytes, packed, packed_len);
	assert_true(reads(bytes, packed_len));
	/* A relative run folder, one that ends early, and one that does not end. */
	bytes[at] = 'r';
	assert_false(reads(bytes, packed_len));
	memcpy(bytes + at, "/r\0n", 5);
	assert_false(reads(bytes, packed_len));
	memcpy(bytes + at, "/runs", 5);
	assert_false(reads(bytes, packed_len));
	/* A name may be as long as names are, and a token too. */
	memcpy(bytes, packed, packed_len);
	memset(bytes + name, 'x', KEEPER_NAME_MAX);
	bytes[name + KEEPER_NAME_MAX] = '\0';
	assert_true(reads(bytes, packed_len));
	bytes[name + KEEPER_NAME_MAX] = 'x';
	bytes[name + KEEPER_NAME_MAX + 1] = '\0';
	assert_false(reads(bytes, packed_len));
	memcpy(bytes, packed, packed_len);
	memset(bytes + HEAD(token), 'x', HANDOVER_TOKEN - 1);
	assert_true(reads(bytes, packed_len));
	memset(bytes + HEAD(token), 'x', HANDOVER_TOKEN);
	assert_false(reads(bytes, packed_len));
}

static void what_is_no_file_of_a_keeper_is_refused(void **state)
{
	struct handover l;
	int ends[2];

	(void)state;
	assert_int_equal(handover_unpack(&l, -1, NULL), -1);
	assert_int_equal(pipe2(ends, 0), 0);
	assert_int_equal(handover_unpack(&l, ends[0], NULL), -1);
	fd_close(&ends[0]);
	fd_close(&ends[1]);
}

/* The same with `slots` copies of the first slot, `held` of the first descriptor, and a run folder whose path has so many bytes. */
static bool reads_with(size_t slots, size_t held, size_t path)
{
	struct handover_head head;
	struct buf bytes = BUF_INIT;
	bool does = false;

	memcpy(&head, packed, sizeof(head));
	head.slots = (int64_t)slots;
	head.held = (int64_t)held;
	head.size = (int64_t)(HANDOVER_HEAD + (slots + held) * HANDOVER_RECORD + path + 1);
	buf_add(&bytes, (const char *)&head, sizeof(head));
	for (size_t i = 0; i < slots; i++)
		buf_add(&bytes, packed + HANDOVER_HEAD, HANDOVER_RECORD);
	for (size_t i = 0; i < held; i++)
		buf_add(&bytes, packed + HANDOVER_HEAD + SLOTS * HANDOVER_RECORD, HANDOVER_RECORD);
	for (size_t i = 0; i < path; i++)
		buf_add(&bytes, "/", 1);
	buf_add(&bytes, "", 1);
	does = reads(bytes.ptr, bytes.len);
	buf_release(&bytes);
	return does;
}

static void a_full_keeper_is_handed_over(void **state)
{
	(void)state;
	assert_true(reads_with(0, 0, 1));
	assert_true(reads_with(KEEPER_SLOTS_MAX, KEEPER_HELD_MAX, KEEPER_PATH_MAX));
	assert_false(reads_with(KEEPER_SLOTS_MAX + 1, 0, 1));
	assert_false(reads_with(0, KEEPER_HELD_MAX + 1, 1));
	assert_false(reads_with(0, 0, KEEPER_PATH_MAX + 1));
}

/* With as many of both as there may be, and no more. */
static void as_many_as_there_may_be(void **state)
{
	struct fd_store h = { .by_name = MAP_INIT };
	char name[32];

	(void)state;
	for (int k = 0; k < KEEPER_HELD_MAX; k++) {
		int fd = FDS_END + k;

		(void)snprintf(name, sizeof(name), "log:api:%d", k);
		assert_int_equal(fd_store_put(&h, name, &fd), 0);
	}
	for (int k = 0; k < 2; k++) {
		int fd = FDS_END - 1 - k;

		assert_int_equal(fd_store_put(&h, "log:api:0", &fd), 0);
		fd = FDS_END - 10;
		assert_int_equal(fd_store_put(&h, "one:more", &fd), -1);
		assert_int_equal(errno, ENOSPC);
	}
	fd_store_release_all(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE_IN(pack, unpack, "a handover comes out as it went in", it_comes_out_as_it_went_in),
		PROMISE_IN(pack, unpack, "every descriptor that travels is known", every_descriptor_is_known),
		PROMISE_IN(
			pack, unpack, "a head that makes no sense is refused", a_head_of_nonsense_is_refused),
		PROMISE_IN(pack, unpack, "a slot or a held descriptor that makes no sense is refused",
			parts_of_nonsense_are_refused),
		PROMISE_IN(pack, unpack, "a handover that is cut, or does not end, is refused",
			its_ends_are_where_they_belong),
		PROMISE("what no keeper has packed is refused", what_is_no_file_of_a_keeper_is_refused),
		PROMISE_IN(pack, unpack,
			"a keeper with all the slots and descriptors that there may be is handed over, and none with more",
			a_full_keeper_is_handed_over),
		PROMISE("as many descriptors are held as there may be, and one of them is replaced at any time",
			as_many_as_there_may_be),
	};

	return cmocka_run_group_tests_name("keeper: handover", tests, NULL, NULL);
}
