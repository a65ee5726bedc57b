#include "logs/index_writer.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "logs/location.h"
#include "os/fd.h"

enum { TORN_MAX = 1024 }; /* marks in a row that are none */

/* Several with one offset are what a kill leaves; one beyond the log's end is of a log that is gone. */
static void read_last(struct index_writer *m, int64_t log_size)
{
	char bytes[MARK_SIZE];

	for (int i = 0; m->size >= MARK_SIZE && !m->has_last; i++) {
		/* Whose user may write there, may write anything. */
		if (i == TORN_MAX) {
			index_writer_clear(m);
			return;
		}
		if (pread(m->fd, bytes, sizeof(bytes), m->size - MARK_SIZE) != MARK_SIZE)
			return;
		m->has_last = mark_read(&m->last, bytes);
		if (!m->has_last)
			m->size -= MARK_SIZE;
	}
	if (m->has_last && m->last.offset > (uint64_t)log_size)
		index_writer_clear(m);
}

void index_writer_open(struct index_writer *m, const char *log, const struct rights *rights, int64_t size)
{
	struct stat st;

	index_writer_close(m);
	m->fd = log_open_marks(log, rights, O_RDWR | O_CREAT, 0640);
	if (m->fd >= 0 && (fstat(m->fd, &st) < 0 || !S_ISREG(st.st_mode)))
		fd_close(&m->fd);
	if (m->fd < 0)
		return;
	m->size = st.st_size - st.st_size % MARK_SIZE;
	if (size)
		read_last(m, size);
	else
		index_writer_clear(m);
}

void index_writer_close(struct index_writer *m)
{
	fd_close(&m->fd);
	*m = (struct index_writer)LOGMARKS_INIT;
}

void index_writer_clear(struct index_writer *m)
{
	if (m->fd >= 0)
		(void)!ftruncate(m->fd, 0);
	m->size = 0;
	m->has_last = false;
}

static bool is_worth_it(const struct index_writer *m, const struct mark *next)
{
	int64_t later = next->wall_ms - m->last.wall_ms;

	if (!m->has_last || !mark_is_same_source(&m->last, next))
		return true;
	/* A clock that was set back is news too. */
	return later >= MARK_EVERY_MS || later < 0;
}

void index_writer_add(struct index_writer *m, const struct mark *next)
{
	struct buf bytes = BUF_INIT;

	if (m->fd < 0 || !is_worth_it(m, next))
		return;
	mark_write(&bytes, next);
	/* By place, not at the end: one that was cut off is written over. */
	if (pwrite(m->fd, bytes.ptr, bytes.len, m->size) == MARK_SIZE) {
		m->size += MARK_SIZE;
		m->last = *next;
		m->has_last = true;
	}
	buf_release(&bytes);
}

bool index_writer_is_of(const struct index_writer *m, const struct mark *source)
{
	return m->has_last && mark_is_same_source(&m->last, source);
}

int64_t index_writer_size(const struct index_writer *m)
{
	return m->size;
}

bool index_writer_has(const struct index_writer *m)
{
	return m->has_last;
}
