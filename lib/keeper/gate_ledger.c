#include "keeper/gate_ledger.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "keeper/slots.h"
#include "os/bind_hook.h"
#include "os/fd.h"
#include "os/procfs.h"

_Static_assert(sizeof(struct gate_record) == GATE_RECORD, "a record has its fixed size");

enum { BOOT_MAX = 64 };

/* The first record is this. */
struct head {
	char magic[32];
	char boot[BOOT_MAX];
	int64_t record_size;
	char spare[GATE_RECORD - 32 - BOOT_MAX - 8];
};
_Static_assert(sizeof(struct head) == GATE_RECORD, "the head takes the place of a record");

static const char magic[] = "oxherd gates 1";

static off_t place_of(int index)
{
	return (off_t)(index + 1) * GATE_RECORD;
}

static bool is_used(const struct gate_ledger *l, int index)
{
	return l->used[index / 8] & (1U << (index % 8));
}

static void set_used(struct gate_ledger *l, int index, bool is_now)
{
	unsigned char bit = (unsigned char)(1U << (index % 8));

	if (!ASSERT_OR(index >= 0 && index < KEEPER_SLOTS_MAX, "there is no record %d of the gates", index))
		return;
	l->used[index / 8] = (unsigned char)(is_now ? l->used[index / 8] | bit : l->used[index / 8] & ~bit);
}

/* The call of a record is not touched when the rest is written, nor that when the call is. */
static void put(struct gate_ledger *l, const struct gate_record *r, int index, size_t from, size_t to)
{
	const char *bytes = (const char *)r;
	ssize_t len = (ssize_t)(to - from);
	bool is_bad = pwrite(l->fd, bytes + from, to - from, place_of(index) + (off_t)from) != len;

	ASSERT(index >= 0 && to <= GATE_RECORD, "record %d of the gates is written up to byte %zu", index,
		to);
	if (is_bad && !l->is_failing)
		log_warn_sys(errno, "cannot write the ledger of the gates");
	l->is_failing = is_bad;
}

/* A file of another boot or another format, or a new one: it begins empty. */
static int begin(const struct gate_ledger *l, bool goes_on)
{
	struct head now, found;
	struct buf boot = BUF_INIT;

	memset(&now, 0, sizeof(now));
	memcpy(now.magic, magic, sizeof(magic));
	now.record_size = GATE_RECORD;
	procfs_boot_id(&boot);
	memcpy(now.boot, boot.ptr, boot.len < BOOT_MAX ? boot.len : BOOT_MAX - 1);
	buf_release(&boot);
	if (goes_on && pread(l->fd, &found, sizeof(found), 0) == (ssize_t)sizeof(found) &&
		!memcmp(&now, &found, sizeof(now)))
		return 0;
	if (ftruncate(l->fd, 0) < 0 || pwrite(l->fd, &now, sizeof(now), 0) != (ssize_t)sizeof(now))
		return -1;
	return 0;
}

void gate_ledger_open(struct gate_ledger *l, const char *folder, bool goes_on)
{
	char *path = path_join(folder, "oxherd.gates");
	struct stat st;

	*l = (struct gate_ledger){ .fd = -1 };
	l->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK, 0600);
	if (l->fd < 0 || fstat(l->fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_uid != geteuid() ||
		begin(l, goes_on) < 0) {
		log_warn_sys(errno,
			"cannot open '%s'; should this keeper be killed, the next one does not know who is behind a gate",
			path);
		fd_close(&l->fd);
	}
	mem_free(path);
}

void gate_ledger_close(struct gate_ledger *l)
{
	fd_close(&l->fd);
}

/* There is always room: there are as many records as slots. */
static int find_room(struct gate_ledger *l)
{
	for (int i = 0; i < KEEPER_SLOTS_MAX; i++)
		if (!is_used(l, i)) {
			set_used(l, i, true);
			return i;
		}
	return -1;
}

void gate_ledger_note(struct gate_ledger *l, struct slot *s)
{
	struct gate_record r = {
		.slot = s->ticket.slot,
		.generation = s->ticket.generation,
		.gate = s->gate.number,
		.place = s->gate.place,
		.hook_kind = s->gate.kind,
		.port_count = s->gate.port_count,
		.is_chosen = s->gate.is_chosen,
	};
	bool is_new = s->gate.record < 0;

	if (l->fd < 0 || !s->gate.number)
		return;
	if (is_new)
		s->gate.record = find_room(l);
	if (!ASSERT_OR(s->gate.record >= 0, "%s has no room in the ledger of the gates", s->name))
		return;
	memcpy(r.ports, s->gate.ports, sizeof(r.ports));
	put(l, &r, s->gate.record, 0, is_new ? GATE_RECORD : offsetof(struct gate_record, call));
}

void gate_ledger_note_call(struct gate_ledger *l, const struct slot *s, const struct bind_call *call)
{
	struct gate_record r = {
		.call = call->id,
		.caller = call->pid,
		.target = call->target,
		.address = call->at,
		.size = call->size,
		.backlog = call->backlog,
		.is_listen = call->is_listen,
	};

	if (l->fd >= 0 && s->gate.record >= 0)
		put(l, &r, s->gate.record, offsetof(struct gate_record, call), GATE_RECORD);
}

bool gate_ledger_call(const struct gate_ledger *l, const struct slot *s, struct bind_call *call)
{
	struct gate_record r;

	if (l->fd < 0 || s->gate.record < 0 ||
		pread(l->fd, &r, sizeof(r), place_of(s->gate.record)) != (ssize_t)sizeof(r) || !r.call)
		return false;
	*call = (struct bind_call){
		.id = r.call,
		.pid = (pid_t)r.caller,
		.target = (int)r.target,
		.socket = -1,
		.is_listen = r.is_listen,
		.backlog = r.backlog,
		.at = r.address,
		.size = r.size,
	};
	return true;
}

static void erase_at(struct gate_ledger *l, int index)
{
	static const struct gate_record nothing;

	set_used(l, index, false);
	put(l, &nothing, index, 0, GATE_RECORD);
}

void gate_ledger_erase(struct gate_ledger *l, struct slot *s)
{
	ASSERT(s->gate.record < KEEPER_SLOTS_MAX, "%s has record %d of the gates", s->name, s->gate.record);
	if (l->fd >= 0 && s->gate.record >= 0)
		erase_at(l, s->gate.record);
	s->gate.record = -1;
}

static bool makes_sense(const struct gate_record *r)
{
	return r->gate > 0 && r->hook_kind >= 0 && r->hook_kind < KEEPER_HOOK_COUNT && r->port_count >= 0 &&
		r->port_count <= KEEPER_PORTS_MAX;
}

static void take(struct slot *s, const struct gate_record *r)
{
	ASSERT(!s->gate.number && s->gate.hook < 0, "%s is behind two gates", s->name);
	s->gate.number = r->gate;
	s->gate.place = r->place;
	s->gate.kind = (int)r->hook_kind;
	s->gate.port_count = (int)r->port_count;
	memcpy(s->gate.ports, r->ports, sizeof(s->gate.ports));
	s->gate.is_chosen = r->is_chosen;
}

void gate_ledger_resume(struct gate_ledger *l, struct slots *all)
{
	struct gate_record r;

	for (int i = 0; i < KEEPER_SLOTS_MAX && l->fd >= 0; i++) {
		struct slot *s = NULL;

		if (pread(l->fd, &r, sizeof(r), place_of(i)) != (ssize_t)sizeof(r))
			break;
		if (!r.slot)
			continue;
		s = makes_sense(&r) ? slots_find(all, (struct keeper_ticket){ r.slot, r.generation }) : NULL;
		if (!s || s->gate.record >= 0) {
			erase_at(l, i);
			continue;
		}
		set_used(l, i, true);
		s->gate.record = i;
		if (!s->gate.number)
			take(s, &r);
	}
	/* What stands there already has a call too. */
	for (struct slot *s = all->first; s; s = s->next)
		if (s->gate.record < 0)
			gate_ledger_note(l, s);
}
