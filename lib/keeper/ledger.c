#include "keeper/ledger.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "keeper/slots.h"
#include "os/fd.h"
#include "os/procfs.h"

_Static_assert(offsetof(struct ledger_record, is_stopping) == 248, "earlier builds find it there");
_Static_assert(offsetof(struct ledger_record, start_time) == offsetof(struct ledger_record, pid) + 8,
	"a process writes both at once");
_Static_assert(sizeof(struct ledger_record) == LEDGER_RECORD, "a record has its fixed size");

/* The first record is this. */
struct head {
	char magic[32];
	int64_t record_size;
	char boot[LEDGER_BOOT_MAX];
	char spare[LEDGER_RECORD - 32 - 8 - LEDGER_BOOT_MAX];
};
_Static_assert(sizeof(struct head) == LEDGER_RECORD, "the head takes the place of a record");

static const char magic[] = "oxherd slots 1";

static off_t place_of(int index)
{
	return (off_t)(index + 1) * LEDGER_RECORD;
}

static bool is_used(const struct ledger *l, int index)
{
	ASSERT(index >= 0 && index < KEEPER_SLOTS_MAX, "there is no record %d of the ledger", index);
	return l->used[index / 8] & (1U << (index % 8));
}

static void set_used(struct ledger *l, int index, bool is_now)
{
	unsigned char bit = (unsigned char)(1U << (index % 8));

	if (!ASSERT_OR(index >= 0 && index < KEEPER_SLOTS_MAX, "there is no record %d of the ledger", index))
		return;
	l->used[index / 8] = (unsigned char)(is_now ? l->used[index / 8] | bit : l->used[index / 8] & ~bit);
}

/* SIGKILL tears no record.  A full disk may; then the process is found by its mark. */
static void put_record(struct ledger *l, const void *bytes, off_t place)
{
	bool is_bad = false;

	if (!ASSERT_OR(l->fd >= 0 && place > 0 && place % LEDGER_RECORD == 0, "the ledger is written at %lld",
		    (long long)place))
		return;
	is_bad = pwrite(l->fd, bytes, LEDGER_RECORD, place) != LEDGER_RECORD;
	if (is_bad && !l->is_failing)
		log_warn_sys(errno, "cannot write the ledger");
	if (!is_bad && l->is_failing)
		log_info("the ledger can be written again");
	l->is_failing = is_bad;
}

void ledger_init(struct ledger *l)
{
	memset(l, 0, sizeof(*l));
	l->fd = -1;
}

static void fill_head(struct head *h)
{
	struct buf boot = BUF_INIT;

	memset(h, 0, sizeof(*h));
	memcpy(h->magic, magic, sizeof(magic));
	h->record_size = LEDGER_RECORD;
	procfs_boot_id(&boot);
	memcpy(h->boot, boot.ptr, boot.len < sizeof(h->boot) ? boot.len : sizeof(h->boot) - 1);
	buf_release(&boot);
}

/* A file of another boot or another format, or a new one: it begins empty. */
static int begin_ledger(struct ledger *l, bool goes_on)
{
	struct head now, found;

	fill_head(&now);
	if (goes_on && pread(l->fd, &found, sizeof(found), 0) == (ssize_t)sizeof(found) &&
		!memcmp(&now, &found, sizeof(now)))
		return 0;
	if (ftruncate(l->fd, 0) < 0 || pwrite(l->fd, &now, sizeof(now), 0) != (ssize_t)sizeof(now))
		return -1;
	return 0;
}

int ledger_open(struct ledger *l, const char *folder, bool goes_on, struct err *e)
{
	char *path = path_join(folder, "oxherd.slots");
	struct stat st;

	ASSERT(l->fd < 0, "the ledger is opened twice");
	l->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK, 0600);
	if (l->fd < 0 || fstat(l->fd, &st) < 0)
		err_sys(e, errno, "cannot open '%s'", path);
	else if (!S_ISREG(st.st_mode) || st.st_uid != geteuid())
		err_set(e, "'%s' is no file of ours", path), fd_close(&l->fd);
	else if (begin_ledger(l, goes_on) < 0)
		err_sys(e, errno, "cannot write '%s'", path), fd_close(&l->fd);
	mem_free(path);
	return l->fd < 0 ? -1 : 0;
}

void ledger_close(struct ledger *l)
{
	fd_close(&l->fd);
}

bool ledger_makes_sense(const struct ledger_record *r)
{
	return r->slot > 0 && r->slot <= UINT32_MAX && r->generation && r->pid > 1 && r->pid <= INT32_MAX &&
		r->state >= 0 && r->state < KEEPER_STATE_COUNT && r->stage >= 0 &&
		r->stage < KEEPER_STAGE_COUNT && memchr(r->name, '\0', KEEPER_NAME_MAX + 1) && r->name[0];
}

/* A start that was about to be: no process, or one that is found by its mark. */
static bool is_unborn(const struct ledger_record *r)
{
	return !r->pid && r->state == KEEPER_STATE_STARTING;
}

static void erase_at(struct ledger *l, int index)
{
	static const struct ledger_record nothing;

	set_used(l, index, false);
	put_record(l, &nothing, place_of(index));
}

bool ledger_next(struct ledger *l, int *index, struct ledger_record *r)
{
	ASSERT(*index >= 0, "the ledger is read from record %d on", *index);
	for (; l->fd >= 0 && *index < KEEPER_SLOTS_MAX; (*index)++) {
		if (pread(l->fd, r, sizeof(*r), place_of(*index)) != (ssize_t)sizeof(*r))
			return false;
		if (!r->slot)
			continue;
		if (ledger_makes_sense(r)) {
			set_used(l, *index, true);
			return true;
		}
		if (!is_unborn(r))
			log_warn("invalid record of a process in the ledger: skipped");
		erase_at(l, *index);
	}
	return false;
}

/* There is always room: there are as many records as slots. */
static int find_room(struct ledger *l)
{
	for (int i = 0; i < KEEPER_SLOTS_MAX; i++) {
		int index = (int)((l->next + (uint32_t)i) % KEEPER_SLOTS_MAX);

		if (is_used(l, index))
			continue;
		l->next = (uint32_t)index + 1;
		set_used(l, index, true);
		return index;
	}
	return -1;
}

void ledger_fill(struct ledger_record *r, const struct slot *s)
{
	/* What was not sent yet is sent by the next keeper. */
	unsigned int pending = s->rest_signal && !s->is_rest_noted ? SIGNALLED_REST : 0U;

	ASSERT((unsigned int)s->state < KEEPER_STATE_COUNT && s->grace_ms >= 0,
		"%s is in state %d, with a grace of %lld ms", s->name, (int)s->state, (long long)s->grace_ms);
	*r = (struct ledger_record){
		.slot = s->ticket.slot,
		.generation = s->ticket.generation,
		.pid = s->pid,
		.start_time = s->start_time,
		.state = s->state,
		.is_taken = s->is_taken,
		.is_gone = s->is_gone,
		.status = s->status,
		.at_ms = s->at_ms,
		.wall_ms = s->wall_ms,
		.cpu_us = s->cpu_us,
		.peak_kb = s->peak_kb,
		.stage = s->stage,
		.number = s->number,
		.stop_signal = (uint8_t)s->stop_signal,
		.grace_ms = (uint32_t)s->grace_ms,
		.is_stopping = s->is_stopping | ((s->signalled & ~pending) << 1),
	};
	memcpy(r->name, s->name, strlen(s->name));
}

void ledger_take(struct slot *s, const struct ledger_record *r)
{
	ASSERT(r->state >= 0 && r->state < KEEPER_STATE_COUNT && r->pid >= 0,
		"a slot is taken from a record in state %lld", (long long)r->state);
	s->pid = (pid_t)r->pid;
	s->start_time = r->start_time;
	s->state = (enum keeper_state)r->state;
	s->is_taken = r->is_taken;
	s->is_gone = r->is_gone;
	s->status = (int)r->status;
	s->at_ms = r->at_ms;
	s->wall_ms = r->wall_ms;
	s->cpu_us = r->cpu_us;
	s->peak_kb = r->peak_kb;
	s->stage = (enum keeper_spawn_stage)r->stage;
	s->number = (int)r->number;
	s->stop_signal = r->stop_signal <= SIGRTMAX ? r->stop_signal : 0;
	s->grace_ms = r->grace_ms;
	s->is_stopping = r->is_stopping & 1;
	s->signalled = (unsigned int)(r->is_stopping >> 1) & (SIGNALLED_MAIN | SIGNALLED_REST);
}

void ledger_resume(struct ledger *l, struct slots *all)
{
	struct ledger_record r;

	for (int index = 0; ledger_next(l, &index, &r); index++) {
		struct slot *s = slots_find(all, (struct keeper_ticket){ r.slot, r.generation });

		if (s && s->record < 0)
			s->record = index;
		else
			erase_at(l, index);
	}
	for (struct slot *s = all->first; s; s = s->next)
		if (s->state != KEEPER_STATE_FAILED)
			ledger_note(l, s);
}

static int check_records(int fd, const char *path, struct err *e)
{
	struct ledger_record r;

	for (int i = 0; pread(fd, &r, sizeof(r), place_of(i)) == (ssize_t)sizeof(r); i++)
		if (r.slot && !ledger_makes_sense(&r) && !is_unborn(&r))
			return err_set(e, "record %d of '%s' is invalid", i, path);
	return 0;
}

int ledger_check(const char *folder, struct err *e)
{
	char *path = path_join(folder, "oxherd.slots");
	struct head found;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK);
	int rc = 0;

	if (fd < 0 && errno != ENOENT)
		rc = err_sys(e, errno, "cannot open '%s'", path);
	else if (fd >= 0 &&
		(pread(fd, &found, sizeof(found), 0) != (ssize_t)sizeof(found) ||
			memcmp(found.magic, magic, sizeof(magic)) != 0 || found.record_size != LEDGER_RECORD))
		rc = err_set(e, "'%s' has an unknown format", path);
	else if (fd >= 0)
		rc = check_records(fd, path, e);
	fd_close(&fd);
	mem_free(path);
	return rc;
}

void ledger_note(struct ledger *l, struct slot *s)
{
	struct ledger_record r;

	if (!l || l->fd < 0)
		return;
	if (s->record < 0)
		s->record = find_room(l);
	if (!ASSERT_OR(s->record >= 0 && s->record < KEEPER_SLOTS_MAX, "%s has record %d of the ledger",
		    s->name, s->record))
		return;
	ASSERT(is_used(l, s->record), "%s has record %d of the ledger, which is free", s->name, s->record);
	ledger_fill(&r, s);
	put_record(l, &r, place_of(s->record));
}

void ledger_note_pid(const struct ledger *l, const struct slot *s)
{
	const struct {
		int64_t pid;
		uint64_t start_time;
	} born = { s->pid, s->start_time };

	if (l && l->fd >= 0 && s->record >= 0)
		(void)!pwrite(l->fd, &born, sizeof(born),
			place_of(s->record) + (off_t)offsetof(struct ledger_record, pid));
}

void ledger_erase(struct ledger *l, struct slot *s)
{
	ASSERT(s->record < KEEPER_SLOTS_MAX, "%s has record %d of the ledger", s->name, s->record);
	if (l && l->fd >= 0 && s->record >= 0)
		erase_at(l, s->record);
	s->record = -1;
}
