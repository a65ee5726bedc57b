#include "logs/write_journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "os/fd.h"
#include "os/pidfd.h"
#include "os/rights.h"

enum {
	PAGE = 4096,
	PATTERN_SIZE = 16,
};

/* Changes with the layout below: what another version left is not touched. */
#define LAYOUT UINT64_C(0x4f58494e464c0001)

enum journal_state {
	RESTING, /* raw bytes from `done` to `len` are ours; often there are none */
	READING, /* `asked` bytes are coming into raw, or have come */
	WRITING, /* `step` is on its way */
};

struct shared {
	uint64_t layout;
	_Atomic uint32_t state;
	uint32_t asked;
	uint32_t len;
	uint32_t done;
	uint32_t next; /* `done` after the step */
	uint32_t step_at, step_len;
	uint64_t device, inode;
	int64_t offset;
	struct mark source;
	unsigned char pattern[PATTERN_SIZE];
	char path[WRITE_JOURNAL_PATH_MAX];
	char format[WRITE_JOURNAL_FORMAT_MAX];
	/* Since here: not in what version 0.1.0 left, where it is all zeros. */
	uint32_t has_rights;
	uint32_t uid, gid, group_count;
	uint32_t groups[WRITE_JOURNAL_GROUPS_MAX];
};

enum {
	RAW_AT = 2 * PAGE,
	ROOM_AT = RAW_AT + WRITE_JOURNAL_CHUNK,
	SHARED_SIZE = ROOM_AT + WRITE_JOURNAL_ROOM,
};

_Static_assert(sizeof(struct shared) <= RAW_AT, "what is shared does not fit before the bytes");

struct write_journal {
	struct shared *shared; /* SHARED_SIZE bytes */
	uint64_t key, last_key;
	int fd;
	struct rights *left; /* with which the last brain wrote what it has left */
};

static char *slot_at(const struct write_journal *f, size_t place)
{
	return (char *)f->shared + place;
}

/* What a kill leaves is in the order in which it is written here. */
static void set_journal_state(struct write_journal *f, enum journal_state state)
{
	atomic_store_explicit(&f->shared->state, (uint32_t)state, memory_order_release);
}

static enum journal_state state_of(const struct write_journal *f)
{
	return (enum journal_state)atomic_load_explicit(&f->shared->state, memory_order_acquire);
}

/* --- opening ------------------------------------------------------------------------------------------------------- */

/* An old brain whose keeper died is about to end: until then what it has is its own. */
static int wait_for_end(pid_t pid)
{
	int fd = pidfd_open_any(pid);
	bool has_ended = false;

	if (fd < 0)
		return errno == ESRCH ? 0 : -1;
	has_ended = pidfd_ends(fd, WRITE_JOURNAL_WAIT_MS);
	fd_close(&fd);
	return has_ended ? 0 : -1;
}

static int lock(int fd, const char *path, struct err *e)
{
	struct flock all = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	if (fcntl(fd, F_SETLK, &all) == 0)
		return 0;
	if (fcntl(fd, F_GETLK, &all) == 0 && all.l_type != F_UNLCK && wait_for_end(all.l_pid) < 0)
		return err_set(e, "process %d still has '%s'; it must end first", (int)all.l_pid, path);
	all = (struct flock){ .l_type = F_WRLCK, .l_whence = SEEK_SET };
	if (fcntl(fd, F_SETLK, &all) < 0)
		return err_sys(e, errno, "cannot lock '%s'", path);
	return 0;
}

/*
 * Every page has its place on the disk now: one that had none when it is needed would be the end of us.  In memory is only what bytes have passed
 * through: reading ahead would fill all of it at the first touch.
 */
static struct shared *map(int fd)
{
	struct stat st;
	void *bytes = NULL;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_uid != geteuid()) {
		errno = EPERM;
		return NULL;
	}
	errno = posix_fallocate(fd, 0, SHARED_SIZE);
	if (errno)
		return NULL;
	bytes = mmap(NULL, SHARED_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (bytes == MAP_FAILED)
		return NULL;
	(void)madvise(bytes, SHARED_SIZE, MADV_RANDOM);
	return bytes;
}

static void reset_journal(struct write_journal *f)
{
	memset(f->shared, 0, sizeof(*f->shared));
	f->shared->layout = LAYOUT;
}

/* The pages that the bytes have reached: what still shows the pattern was not read. */
static uint32_t arrived(const struct write_journal *f)
{
	uint32_t asked = f->shared->asked;
	uint32_t len = 0;

	for (; len < asked; len += PAGE) {
		size_t seen = asked - len < PATTERN_SIZE ? asked - len : PATTERN_SIZE;

		if (memcmp(slot_at(f, RAW_AT + len), f->shared->pattern, seen) == 0)
			return len;
	}
	return asked;
}

/* `next` and what belongs to a step are of the last one, unless there is one now. */
static bool is_sane(const struct shared *s, enum journal_state state)
{
	if (s->asked > WRITE_JOURNAL_CHUNK || s->len > WRITE_JOURNAL_CHUNK || s->done > s->len)
		return false;
	if (state == WRITING &&
		(s->next > s->len || s->next < s->done || s->step_at < RAW_AT || s->step_at > SHARED_SIZE ||
			s->step_len > SHARED_SIZE - s->step_at))
		return false;
	return memchr(s->path, '\0', sizeof(s->path)) && memchr(s->format, '\0', sizeof(s->format));
}

/* A read that was begun is over, one way or the other; what is not within bounds is nothing. */
static void settle_journal(struct write_journal *f)
{
	struct shared *s = f->shared;

	if (s->layout != LAYOUT || !is_sane(s, state_of(f))) {
		if (s->layout)
			log_warn("what an earlier brain had not written yet cannot be read and is left out");
		reset_journal(f);
	}
	if (state_of(f) != READING)
		return;
	s->len = arrived(f);
	s->done = 0;
	set_journal_state(f, RESTING);
}

static void choose_pattern(struct shared *s)
{
	(void)!getrandom(s->pattern, sizeof(s->pattern), GRND_NONBLOCK);
	/* Bytes that no text has, so that even a single read one differs from them. */
	for (size_t i = 0; i < sizeof(s->pattern); i++)
		s->pattern[i] |= 0xf8;
}

struct write_journal *write_journal_new(const char *path, struct err *e)
{
	struct write_journal *f = mem_zalloc(1, sizeof(*f));

	f->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK, 0600);
	if (f->fd >= 0 && lock(f->fd, path, e) < 0) {
		fd_close(&f->fd);
		mem_free(f);
		return NULL;
	}
	f->shared = f->fd < 0 ? NULL : map(f->fd);
	if (!f->shared) {
		log_warn_sys(errno, "cannot share '%s': a kill of this brain may lose or double lines", path);
		f->shared = mem_zalloc(1, SHARED_SIZE);
		fd_close(&f->fd);
	}
	settle_journal(f);
	choose_pattern(f->shared);
	return f;
}

void write_journal_free(struct write_journal *f)
{
	if (!f)
		return;
	if (f->fd >= 0)
		(void)munmap(f->shared, SHARED_SIZE);
	else
		mem_free(f->shared);
	fd_close(&f->fd);
	rights_free(f->left);
	mem_free(f);
}

/* --- on the way ------------------------------------------------------------------------------------------------------ */

static void copy_text(char *to, size_t size, const char *text)
{
	size_t len = strlen(text);

	if (len >= size)
		len = 0;
	memcpy(to, text, len);
	to[len] = '\0';
}

static void copy_rights(struct shared *s, const struct rights *r)
{
	s->has_rights = r != NULL;
	s->group_count = 0;
	if (!r)
		return;
	s->uid = r->uid;
	s->gid = r->gid;
	for (size_t i = 0; i < r->group_count && i < WRITE_JOURNAL_GROUPS_MAX; i++)
		s->groups[s->group_count++] = r->groups[i];
}

static struct rights *rights_left(const struct shared *s)
{
	gid_t groups[WRITE_JOURNAL_GROUPS_MAX];
	size_t count = s->group_count < WRITE_JOURNAL_GROUPS_MAX ? s->group_count : WRITE_JOURNAL_GROUPS_MAX;

	if (!s->has_rights)
		return NULL;
	for (size_t i = 0; i < count; i++)
		groups[i] = s->groups[i];
	return rights_new("?", s->uid, s->gid, groups, count);
}

uint64_t write_journal_key(struct write_journal *f)
{
	return ++f->last_key;
}

void write_journal_aim(struct write_journal *f, uint64_t key, const struct write_journal_goal *goal)
{
	if (f->key == key)
		return;
	f->key = key;
	f->shared->source = goal->source;
	copy_rights(f->shared, goal->rights);
	copy_text(f->shared->path, sizeof(f->shared->path), goal->path);
	copy_text(f->shared->format, sizeof(f->shared->format), goal->format);
}

/* Also touches each page, so that reading into it cannot be cut short by a page that is not there and a kill at once. */
static void lay_pattern(struct write_journal *f, uint32_t asked)
{
	for (uint32_t place = 0; place < asked; place += PAGE)
		memcpy(slot_at(f, RAW_AT + place), f->shared->pattern, PATTERN_SIZE);
}

ssize_t write_journal_read(struct write_journal *f, int pipe, size_t max)
{
	struct shared *s = f->shared;
	int there = 0;
	ssize_t len = 0;

	if (ioctl(pipe, FIONREAD, &there) < 0)
		return -1;
	if (there <= 0)
		return 0;
	if (max > WRITE_JOURNAL_CHUNK)
		max = WRITE_JOURNAL_CHUNK;
	s->asked = (uint32_t)((size_t)there < max ? (size_t)there : max);
	lay_pattern(f, s->asked);
	set_journal_state(f, READING);
	len = read(pipe, slot_at(f, RAW_AT), s->asked);
	s->len = len > 0 ? (uint32_t)len : 0;
	s->done = 0;
	set_journal_state(f, RESTING);
	return len;
}

const char *write_journal_raw(const struct write_journal *f, size_t *len)
{
	*len = f->shared->len - f->shared->done;
	return slot_at(f, RAW_AT + f->shared->done);
}

char *write_journal_room(const struct write_journal *f)
{
	return slot_at(f, ROOM_AT);
}

void write_journal_begin(struct write_journal *f, const struct write_journal_step *step)
{
	struct shared *s = f->shared;

	s->step_at = (uint32_t)(step->bytes - (const char *)s);
	s->step_len = (uint32_t)step->len;
	s->next = s->done + (uint32_t)step->eaten;
	s->device = step->device;
	s->inode = step->inode;
	s->offset = step->offset;
	set_journal_state(f, WRITING);
}

void write_journal_end(struct write_journal *f)
{
	/* A kill between the two finds the step again, sees it done in the file, and ends it the same way. */
	f->shared->done = f->shared->next;
	set_journal_state(f, RESTING);
}

void write_journal_skip(struct write_journal *f, size_t len)
{
	f->shared->done += (uint32_t)len;
}

bool write_journal_left(struct write_journal *f, struct write_journal_goal *goal)
{
	const struct shared *s = f->shared;

	if (s->done == s->len && state_of(f) != WRITING)
		return false;
	rights_free(f->left);
	f->left = rights_left(s);
	*goal = (struct write_journal_goal){
		.path = s->path, .format = s->format, .source = s->source, .rights = f->left
	};
	return s->path[0] != '\0';
}

bool write_journal_left_step(const struct write_journal *f, struct write_journal_step *step)
{
	const struct shared *s = f->shared;

	if (state_of(f) != WRITING)
		return false;
	*step = (struct write_journal_step){
		.bytes = (const char *)s + s->step_at,
		.len = s->step_len,
		.eaten = s->next - s->done,
		.device = s->device,
		.inode = s->inode,
		.offset = s->offset,
	};
	return true;
}
