#include "logs/segment.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/buf.h"
#include "base/mem.h"
#include "os/fd.h"
#include "rules/rotate.h"

enum {
	SKIP_CHUNK = 16 * 1024,
	SKIP_CHUNKS = 32, /* uncompressed and thrown away in one call */
	GAP_MAX = 1,      /* numbers that may be missing between two siblings, after a crash in a rotation */
};

static void sibling(struct buf *out, const char *log, int number, bool is_compressed)
{
	buf_adds(out, log);
	if (number)
		buf_addf(out, ".%d", number);
	if (is_compressed)
		buf_adds(out, ".gz");
}

static int open_segment(const char *path, const struct rights *rights)
{
	int fd = log_open(path, rights, O_RDONLY, 0, NULL);
	struct stat st;

	/* Neither a folder nor a terminal that somebody put there. */
	if (fd >= 0 && (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)))
		fd_close(&fd);
	return fd;
}

static void identify(struct segment *f)
{
	struct stat st = { .st_ino = 0 };
	struct mark first;

	(void)fstat(f->fd, &st);
	f->id = (struct log_id){ .inode = st.st_ino };
	if (!index_reader_first(&f->marks, &first))
		return;
	f->id.has_first = true;
	f->id.first_ms = first.wall_ms;
	f->id.first_run = first.run;
}

static bool open_sibling(struct segment *f, const struct log_location *log, int number, bool is_compressed)
{
	struct buf path = BUF_INIT;

	sibling(&path, log->path, number, is_compressed);
	*f = (struct segment)SEGMENT_INIT;
	f->rights = log->rights;
	f->fd = open_segment(path.ptr, f->rights);
	if (f->fd >= 0 && is_compressed)
		f->gz = gzdopen(f->fd, "rb");
	if (f->fd >= 0 && is_compressed && !f->gz)
		fd_close(&f->fd);
	if (f->fd >= 0) {
		index_reader_open(&f->marks, path.ptr, f->rights);
		identify(f);
		f->path = buf_detach(&path);
	}
	buf_release(&path);
	return f->fd >= 0;
}

bool segment_open(struct segment *f, const struct log_location *log, int number)
{
	/* Where both are there, the compressed one is not whole yet. */
	return open_sibling(f, log, number, false) || (number && open_sibling(f, log, number, true));
}

bool segment_newest(struct segment *f, const struct log_location *log)
{
	for (int number = 0; number <= GAP_MAX + 1; number++)
		if (segment_open(f, log, number))
			return true;
	return false;
}

void segment_close(struct segment *f)
{
	if (f->gz) {
		(void)gzclose_r(f->gz);
		f->fd = -1;
	}
	fd_close(&f->fd);
	index_reader_close(&f->marks);
	mem_free(f->path);
	*f = (struct segment)SEGMENT_INIT;
}

void segment_look(struct segment *f)
{
	if (f->marks.fd < 0)
		index_reader_open(&f->marks, f->path, f->rights);
	else
		index_reader_look(&f->marks);
	if (!f->id.has_first)
		identify(f);
}

/* Steps over what is before `offset`: 0 when there, SEGMENT_BUSY, or -1 when it ends before or is damaged. */
static int skip_to(struct segment *f, uint64_t offset)
{
	char bytes[SKIP_CHUNK];

	if (f->gz_at > offset) {
		(void)gzrewind(f->gz);
		f->gz_at = 0;
	}
	for (int i = 0; i < SKIP_CHUNKS && f->gz_at < offset; i++) {
		uint64_t left = offset - f->gz_at;
		int len = gzread(f->gz, bytes, left < sizeof(bytes) ? (unsigned int)left : sizeof(bytes));

		if (len <= 0)
			return -1;
		f->gz_at += (uint64_t)len;
	}
	return f->gz_at < offset ? SEGMENT_BUSY : 0;
}

ssize_t segment_read(struct segment *f, uint64_t offset, char *bytes, size_t len)
{
	ssize_t got = 0;
	int rc = 0;

	if (!f->gz) {
		do
			got = pread(f->fd, bytes, len, (off_t)offset);
		while (got < 0 && errno == EINTR);
		return got;
	}
	rc = skip_to(f, offset);
	if (rc)
		return rc;
	got = gzread(f->gz, bytes, (unsigned int)len);
	if (got > 0)
		f->gz_at += (uint64_t)got;
	return got;
}

uint64_t segment_size(const struct segment *f)
{
	struct stat st;

	if (f->gz || fstat(f->fd, &st) < 0)
		return UINT64_MAX;
	return (uint64_t)st.st_size;
}

bool log_id_is(const struct log_id *a, const struct log_id *b)
{
	/* A number of an inode is given again as soon as its file is gone. */
	if (a->has_first && b->has_first)
		return a->first_ms == b->first_ms && a->first_run == b->first_run;
	return a->inode == b->inode;
}

static bool exists(const char *log, int number)
{
	struct buf path = BUF_INIT;
	struct stat st;
	bool is_there = false;

	sibling(&path, log, number, false);
	is_there = stat(path.ptr, &st) == 0;
	buf_adds(&path, ".gz");
	is_there |= number && stat(path.ptr, &st) == 0;
	buf_release(&path);
	return is_there;
}

int segment_oldest(const char *log)
{
	int oldest = -1;

	for (int number = 0; number <= ROTATE_FILES_MAX && number - oldest <= GAP_MAX + 1; number++)
		oldest = exists(log, number) ? number : oldest;
	return oldest;
}

static bool is_it(struct segment *f, const struct log_location *log, const struct log_id *id, int number)
{
	if (!segment_open(f, log, number))
		return false;
	if (log_id_is(&f->id, id))
		return true;
	segment_close(f);
	return false;
}

/*
 * First where it was, and where a rotation since has put it: a user who may write there can make thousands of siblings, and several that begin
 * alike, and they are not to hold us up or lead us back.
 */
int segment_find(struct segment *f, const struct log_location *log, const struct log_id *id, int last)
{
	int oldest = 0;

	for (int number = last; last >= 0 && number <= last + 1; number++)
		if (is_it(f, log, id, number))
			return number;
	oldest = segment_oldest(log->path);
	for (int number = 0; number <= oldest; number++)
		if (is_it(f, log, id, number))
			return number;
	return -1;
}

bool segment_is_live(const struct segment *f, const char *log)
{
	struct stat st;

	return !f->gz && stat(log, &st) == 0 && (uint64_t)st.st_ino == f->id.inode;
}
