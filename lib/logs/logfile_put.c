/*
 * The bytes themselves: into the file exactly once, also when the brain is killed meanwhile.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "logs/logfile_private.h"
#include "logs/write_journal.h"
#include "os/clock.h"
#include "os/fd.h"
#include "rules/timestamp_format.h"

static size_t write_some(int fd, const char *bytes, size_t len)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = write(fd, bytes + done, len - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		done += (size_t)n;
	}
	return done;
}

size_t logfile_put(struct logfile *l, const char *bytes, size_t len, size_t eaten)
{
	const struct write_journal_step step = {
		.bytes = bytes,
		.len = len,
		.eaten = eaten,
		.device = l->disk->device,
		.inode = l->disk->is_regular ? l->disk->inode : 0,
		.offset = l->disk->size,
	};
	size_t done = 0;
	int number = 0;

	write_journal_begin(l->home->journal, &step);
	done = write_some(l->disk->fd, bytes, len);
	number = errno;
	write_journal_end(l->home->journal);
	if (done) {
		l->disk->size += (int64_t)done;
		l->disk->is_mid_line = bytes[done - 1] != '\n';
		l->disk->is_news = true;
	}
	errno = number;
	return done;
}

/* --- stamps -------------------------------------------------------------------------------------------------------- */

void logfile_stamp(struct logfile *l, int64_t wall_ms, struct buf *out)
{
	int64_t since = wall_ms - l->disk->wall.epoch_ms;

	/* Within the same second only the milliseconds differ. */
	if (l->disk->wall.epoch_ms && since >= 0 && l->disk->wall.ms + since < 1000) {
		l->disk->wall.ms += (int)since;
		l->disk->wall.epoch_ms = wall_ms;
	} else {
		clock_local(&l->disk->wall, wall_ms);
	}
	timestamp_format_print(l->stamp, &l->disk->wall, out);
}

size_t logfile_stamp_lines(struct logfile *l, const char *raw, size_t len, size_t *eaten)
{
	struct buf stamp = BUF_INIT;
	char *room = write_journal_room(l->home->journal);
	size_t made = 0;
	struct timestamp_writer lines = { .is_mid_line = l->disk->is_mid_line && !l->disk->is_cut,
		.room = room };

	/* A line that somebody else has left unfinished ends here: ours has a stamp of its own. */
	if (l->disk->is_cut)
		room[made++] = '\n';
	l->disk->is_cut = false;
	logfile_stamp(l, clock_wall_ms(), &stamp);
	lines.stamp = stamp.ptr;
	lines.stamp_len = stamp.len;
	lines.room = room + made;
	lines.size = WRITE_JOURNAL_ROOM - made;
	made += timestamp_lines(&lines, raw, len, eaten);
	buf_release(&stamp);
	return made;
}

/* --- after a kill ---------------------------------------------------------------------------------------------------- */

static bool is_same_step(int fd, const struct write_journal_step *step, struct stat *st)
{
	return fstat(fd, st) == 0 && S_ISREG(st->st_mode) && st->st_dev == step->device &&
		st->st_ino == step->inode;
}

/* The file that the step was about: it may have been renamed since, as log rotators do. */
static int find_written(const struct logfile *l, const struct write_journal_step *step, struct stat *st)
{
	const int flags = O_RDWR | O_APPEND;
	struct buf older = BUF_INIT;
	int fd = log_open(l->place.path, l->place.rights, flags, 0, NULL);

	if (fd >= 0 && !is_same_step(fd, step, st))
		fd_close(&fd);
	if (fd < 0) {
		buf_addf(&older, "%s.1", l->place.path);
		fd = log_open(older.ptr, l->place.rights, flags, 0, NULL);
		buf_release(&older);
	}
	if (fd >= 0 && !is_same_step(fd, step, st))
		fd_close(&fd);
	return fd;
}

/* How much of the step is in the file already. */
static size_t written(int fd, const struct write_journal_step *step, int64_t size)
{
	/* One that is shorter than it was has been emptied since. */
	int64_t from = size >= step->offset ? step->offset : 0;
	char block[4096];
	size_t done = 0;

	while (done < step->len) {
		size_t part = step->len - done < sizeof(block) ? step->len - done : sizeof(block);
		ssize_t n = pread(fd, block, part, from + (int64_t)done);

		if (n <= 0)
			break;
		/* Somebody else's bytes: ours are not here. */
		if (memcmp(block, step->bytes + done, (size_t)n) != 0)
			return 0;
		done += (size_t)n;
	}
	return done;
}

void logfile_finish(struct logfile *l)
{
	struct write_journal *f = l->home->journal;
	struct write_journal_step step;
	struct stat st;
	struct err e = ERR_INIT;
	size_t done = 0;
	int fd = -1;

	if (!write_journal_left_step(f, &step))
		return;
	logfile_begin(l);
	/* What was no file has taken it, or never will. */
	fd = step.inode ? find_written(l, &step, &st) : -1;
	if (fd >= 0) {
		done = written(fd, &step, st.st_size);
	} else if (step.inode && logfile_open(l, &e) == 0 && l->disk->is_regular) {
		/* Another file than it was begun with; from here on it is about this one. */
		step.device = l->disk->device;
		step.inode = l->disk->inode;
		step.offset = l->disk->size;
		write_journal_begin(f, &step);
		fd = fcntl(l->disk->fd, F_DUPFD_CLOEXEC, 3);
	}
	if (fd >= 0)
		l->disk->lost += step.len - done - write_some(fd, step.bytes + done, step.len - done);
	fd_close(&fd);
	err_release(&e);
	write_journal_end(f);
	/* What it knows of the file may be old now. */
	logfile_shut(l);
}
