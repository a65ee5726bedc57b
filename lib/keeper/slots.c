#include "keeper/slots.h"

#include <string.h>

#include "base/assert.h"
#include "base/mem.h"
#include "keeper/gate.h"
#include "keeper/groups.h"
#include "keeper/ledger.h"
#include "os/fd.h"

static size_t bucket_of_ticket(struct keeper_ticket t)
{
	uint64_t mixed = (t.generation * 31 + (uint64_t)t.slot) * UINT64_C(0x9e3779b97f4a7c15);

	return (size_t)(mixed >> 32) & (SLOTS_BUCKETS - 1);
}

static size_t bucket_of(int number)
{
	return (size_t)number & (SLOTS_BUCKETS - 1);
}

struct slot *slots_find(const struct slots *all, struct keeper_ticket ticket)
{
	struct slot *s = all->by_ticket[bucket_of_ticket(ticket)];

	while (s && (s->ticket.slot != ticket.slot || s->ticket.generation != ticket.generation))
		s = s->next_by_ticket;
	return s;
}

bool slot_lives(const struct slot *s)
{
	return s->is_child || s->pidfd >= 0;
}

bool slot_has_ended(const struct slot *s)
{
	return s->pid && !s->is_child;
}

struct slot *slots_find_child(const struct slots *all, pid_t pid)
{
	struct slot *s = all->by_pid[bucket_of(pid)];

	while (s && (s->pid != pid || !s->is_child))
		s = s->next_by_pid;
	return s;
}

struct slot *slots_find_adopted(const struct slots *all, pid_t pid, uint64_t start_time)
{
	struct slot *s = all->by_pid[bucket_of(pid)];

	while (s && (s->pid != pid || s->is_child || s->start_time != start_time))
		s = s->next_by_pid;
	return s;
}

bool slots_has_adopted(const struct slots *all)
{
	for (const struct slot *s = all->first; s; s = s->next)
		if (s->was_adopted && !s->is_gone)
			return true;
	return false;
}

struct slot *slots_find_session(const struct slots *all, pid_t pid)
{
	struct slot *s = all->by_session[bucket_of(pid)];

	while (s && (s->pid != pid || s->is_gone))
		s = s->next_by_session;
	return s;
}

static void forget_session(struct slots *all, const struct slot *s)
{
	struct slot **link = &all->by_session[bucket_of(s->pid)];

	while (*link && *link != s)
		link = &(*link)->next_by_session;
	if (*link)
		*link = s->next_by_session;
}

void slots_know_session(struct slots *all, struct slot *s)
{
	struct slot **bucket = &all->by_session[bucket_of(s->pid)];

	if (!ASSERT_OR(!slot_is_brain(s), "the brain (pid %d) gets a session of services", (int)s->pid))
		return;
	forget_session(all, s);
	s->next_by_session = *bucket;
	*bucket = s;
}

struct slot *slots_find_watch(const struct slots *all, int watch)
{
	struct slot *s = watch < 0 ? NULL : all->by_watch[bucket_of(watch)];

	while (s && s->watch != watch)
		s = s->next_by_watch;
	ASSERT(!s || s->watch == watch, "watch %d belongs to another slot", watch);
	return s;
}

void slots_set_watch(struct slots *all, struct slot *s, int watch)
{
	struct slot **link = NULL;

	if (s->watch == watch)
		return;
	if (s->watch >= 0) {
		link = &all->by_watch[bucket_of(s->watch)];
		while (*link && *link != s)
			link = &(*link)->next_by_watch;
		if (ASSERT_OR(*link, "%s: its watch %d is not in the list", s->name, s->watch))
			*link = s->next_by_watch;
	}
	s->watch = watch;
	if (watch < 0)
		return;
	link = &all->by_watch[bucket_of(watch)];
	s->next_by_watch = *link;
	*link = s;
}

void slots_set_busy(struct slots *all, struct slot *s, bool is_ending, bool is_killing)
{
	bool was_busy = s->is_ending || s->is_killing;
	bool is_busy = is_ending || is_killing;

	ASSERT(!is_busy || !s->is_gone, "%s: the end of its tree is awaited, and nothing of it is left",
		s->name);
	if (is_busy && !was_busy)
		s->is_walked = !groups_can_kill(all->groups, s);
	all->busy += is_busy - was_busy;
	all->walked += s->is_walked ? is_busy - was_busy : 0;
	all->killing += is_killing - s->is_killing;
	s->is_ending = is_ending;
	s->is_killing = is_killing;
	ASSERT(all->killing >= 0 && all->walked >= 0 && all->killing <= all->busy && all->walked <= all->busy,
		"%s: %d trees are ending, %d of them killed and %d walked", s->name, all->busy, all->killing,
		all->walked);
	ASSERT(all->busy >= 0 && all->busy <= all->count, "%d trees of %d slots are ending", all->busy,
		all->count);
}

void slots_kill_at(struct slots *all, struct slot *s, int64_t at)
{
	all->kills_due += (at > 0) - (s->kill_at > 0);
	ASSERT(all->kills_due >= 0 && all->kills_due <= all->count, "%d trees of %d slots are to be killed",
		all->kills_due, all->count);
	s->kill_at = at > 0 ? at : 0;
	/* Where nothing is left to be killed nothing wakes the keeper up. */
	if (!all->kills_due)
		all->kill_at = 0;
	if (s->kill_at && (!all->kill_at || s->kill_at < all->kill_at))
		all->kill_at = s->kill_at;
}

bool slot_is_brain(const struct slot *s)
{
	return !s->ticket.slot;
}

struct slot *slots_new(struct slots *all, struct keeper_ticket ticket, const char *name)
{
	struct slot **bucket = &all->by_ticket[bucket_of_ticket(ticket)];
	size_t len = strnlen(name, KEEPER_NAME_MAX);
	struct slot *s = NULL;

	if (all->count >= KEEPER_SLOTS_MAX)
		return NULL;
	if (!ASSERT_OR(!slots_find(all, ticket), "%s: generation %llu has a slot already", name,
		    (unsigned long long)ticket.generation))
		return NULL;
	if (!ASSERT_OR(ticket.slot > 0, "%s: the brain's ticket is given to a service", name))
		return NULL;
	s = mem_zalloc(1, sizeof(*s) + len + 1);
	s->ticket = ticket;
	s->name = memcpy(s + 1, name, len);
	s->report_fd = s->pidfd = s->record = s->watch = -1;
	s->gate.hook = s->gate.connection = s->gate.record = -1;
	s->next_by_ticket = *bucket;
	*bucket = s;
	s->previous = all->last;
	*(all->last ? &all->last->next : &all->first) = s;
	all->last = s;
	all->count++;
	ASSERT(all->first && !all->last->next && s->next == NULL, "%s is not the newest of %d slots", s->name,
		all->count);
	return s;
}

static void unlink_pending(struct slots *all, struct slot *s)
{
	struct slot **link = &all->first_pending;
	struct slot *before = NULL;

	while (*link && *link != s) {
		before = *link;
		link = &before->next_pending;
	}
	if (!ASSERT_OR(*link, "%s is pending, and does not stand in the queue", s->name))
		return;
	*link = s->next_pending;
	if (all->last_pending == s)
		all->last_pending = before;
	s->next_pending = NULL;
	s->is_queued = false;
}

void slots_free(struct slots *all, struct slot *s)
{
	struct slot **link = &all->by_ticket[bucket_of_ticket(s->ticket)];

	while (*link && *link != s)
		link = &(*link)->next_by_ticket;
	if (!ASSERT_OR(*link, "%s is freed, and is no slot", s->name))
		return;
	*link = s->next_by_ticket;
	slots_clear_pending(all, s);
	slots_set_busy(all, s, false, false);
	slots_kill_at(all, s, 0);
	slots_set_watch(all, s, -1);
	all->tree_signals -= s->tree_signal != 0;
	forget_session(all, s);
	groups_drop(all->groups, s);
	if (s->gate.number)
		gate_forget(all->gate, s);
	ledger_erase(all->ledger, s);
	if (s->pidfd >= 0)
		slots_reaped(all, s);
	*(s->previous ? &s->previous->next : &all->first) = s->next;
	*(s->next ? &s->next->previous : &all->last) = s->previous;
	all->count--;
	ASSERT(all->count >= 0 && !all->count == !all->first, "%d slots are counted", all->count);
	ASSERT(!s->is_queued && s->watch < 0 && s->record < 0 && !s->has_group,
		"%s is freed, and something still points to it", s->name);
	mem_free(s);
}

static void link_by_pid(struct slots *all, struct slot *s)
{
	struct slot **bucket = &all->by_pid[bucket_of(s->pid)];

	s->next_by_pid = *bucket;
	*bucket = s;
}

void slots_born(struct slots *all, struct slot *s, pid_t pid)
{
	ASSERT(pid > 1 && !slot_lives(s), "%s gets pid %d and has %d", s->name, (int)pid, (int)s->pid);
	s->pid = pid;
	s->is_child = true;
	link_by_pid(all, s);
	/* What the brain runs beside itself is no service's. */
	if (!slot_is_brain(s))
		slots_know_session(all, s);
	ASSERT(slots_find_child(all, pid) == s, "%s: pid %d is that of another slot too", s->name, (int)pid);
}

void slots_adopted(struct slots *all, struct slot *s, int pidfd)
{
	ASSERT(pidfd >= 0 && !slot_lives(s), "%s is adopted by descriptor %d while pid %d lives", s->name,
		pidfd, (int)s->pid);
	ASSERT(s->pid > 1, "%s is adopted with pid %d", s->name, (int)s->pid);
	s->pidfd = pidfd;
	link_by_pid(all, s);
}

void slots_reaped(struct slots *all, struct slot *s)
{
	struct slot **link = &all->by_pid[bucket_of(s->pid)];

	if (!ASSERT_OR(slot_lives(s), "%s: pid %d ends twice", s->name, (int)s->pid))
		return;
	while (*link && *link != s)
		link = &(*link)->next_by_pid;
	if (ASSERT_OR(*link, "%s: pid %d is not known", s->name, (int)s->pid))
		*link = s->next_by_pid;
	s->next_by_pid = NULL;
	s->is_child = false;
	fd_close(&s->pidfd);
	if (s->gate.number)
		gate_ended(all->gate, s);
	ASSERT(!slot_lives(s), "%s: pid %d has ended, and lives", s->name, (int)s->pid);
}

void slots_set_pending(struct slots *all, struct slot *s, unsigned int what)
{
	s->pending |= what;
	if (!s->pending || s->is_queued)
		return;
	ASSERT(!s->next_pending && !all->first_pending == !all->last_pending,
		"%s stands in a queue that has no end", s->name);
	s->is_queued = true;
	*(all->last_pending ? &all->last_pending->next_pending : &all->first_pending) = s;
	all->last_pending = s;
}

void slots_clear_pending(struct slots *all, struct slot *s)
{
	s->pending = 0;
	if (s->is_queued)
		unlink_pending(all, s);
	ASSERT(!s->is_queued && !all->first_pending == !all->last_pending,
		"%s has left a queue that has no end", s->name);
}

void slots_set_all_pending(struct slots *all)
{
	for (struct slot *s = all->first; s; s = s->next) {
		slots_clear_pending(all, s);
		slots_set_pending(all, s, PENDING_SLOT | (s->is_stopping ? PENDING_ASKED : 0U));
		if (s->gate.unheld)
			slots_set_pending(all, s, PENDING_UNHELD);
		if (s->state == KEEPER_STATE_FAILED && !s->is_taken)
			slots_set_pending(all, s, PENDING_FAILED);
		if (s->state == KEEPER_STATE_EXITED && !s->is_taken)
			slots_set_pending(all, s, PENDING_EXITED);
		if (s->state == KEEPER_STATE_EXITED && s->is_gone)
			slots_set_pending(all, s, PENDING_GONE);
	}
	ASSERT(all->first_pending == all->first, "not all of %d slots are pending", all->count);
}
