#include "logs/index_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "logs/location.h"
#include "os/fd.h"

/* A kill tears one; a whole file of them was made by a user who may write there, and must not hold us up. */
enum { TORN_MAX = 1024 };

void index_reader_open(struct index_reader *m, const char *path, const struct rights *rights)
{
	*m = (struct index_reader){ .fd = log_open_marks(path, rights, O_RDONLY, 0) };
	index_reader_look(m);
}

void index_reader_close(struct index_reader *m)
{
	fd_close(&m->fd);
}

static bool load_block(struct index_reader *m, uint64_t number)
{
	ssize_t len = 0;

	m->first = number;
	m->len = 0;
	do
		len = pread(m->fd, m->block, sizeof(m->block), (off_t)(number * MARK_SIZE));
	while (len < 0 && errno == EINTR);
	if (len > 0)
		m->len = (size_t)len / MARK_SIZE;
	return m->len > 0;
}

/* The mark of that number; false for a torn one. */
static bool read_mark(struct index_reader *m, uint64_t number, struct mark *mark)
{
	if (number >= m->count)
		return false;
	if ((number < m->first || number - m->first >= m->len) && !load_block(m, number))
		return false;
	return mark_read(mark, m->block + (number - m->first) * MARK_SIZE);
}

/* The first good one from `number` on, and which that is; false: none, or none near. */
static bool find_mark(struct index_reader *m, uint64_t *number, uint64_t end, struct mark *mark)
{
	uint64_t last = end - *number > TORN_MAX ? *number + TORN_MAX : end;

	for (; *number < last; (*number)++)
		if (read_mark(m, *number, mark))
			return true;
	return false;
}

static void load_then(struct index_reader *m)
{
	m->has_then = find_mark(m, &m->next, m->count, &m->then);
}

void index_reader_look(struct index_reader *m)
{
	struct stat st;

	if (m->fd < 0 || fstat(m->fd, &st) < 0)
		return;
	m->count = (uint64_t)st.st_size / MARK_SIZE;
	/* The last block may have been read before it was full. */
	if (!m->has_then)
		m->len = 0;
	if (!m->has_then)
		load_then(m);
}

/* The first mark for which is_late() is true, by halves. */
static uint64_t search(
	struct index_reader *m, bool (*is_late)(const struct mark *mark, int64_t limit), int64_t limit)
{
	uint64_t low = 0;
	uint64_t high = m->count;
	struct mark mark;

	while (low < high) {
		uint64_t middle = low + (high - low) / 2;
		uint64_t at = middle;

		if (!find_mark(m, &at, high, &mark) || is_late(&mark, limit))
			high = middle;
		else
			low = at + 1;
	}
	return low;
}

static bool is_beyond(const struct mark *mark, int64_t offset)
{
	return (int64_t)mark->offset > offset;
}

static bool is_recent(const struct mark *mark, int64_t wall_ms)
{
	return mark->wall_ms >= wall_ms;
}

static void seek(struct index_reader *m, uint64_t offset)
{
	m->next = search(m, is_beyond, (int64_t)offset);
	m->has_now = false;
	/* Torn ones before it are stepped over. */
	for (uint64_t number = m->next, i = 0; i < TORN_MAX && number-- > 0 && !m->has_now; i++)
		m->has_now = read_mark(m, number, &m->now);
	load_then(m);
}

const struct mark *index_reader_at(struct index_reader *m, uint64_t offset)
{
	if (m->fd < 0)
		return NULL;
	if (m->has_now && m->now.offset > offset)
		seek(m, offset);
	for (int steps = 0; m->has_then && m->then.offset <= offset; steps++) {
		if (steps == MARKLIST_BLOCK) {
			seek(m, offset);
			break;
		}
		m->now = m->then;
		m->has_now = true;
		m->next++;
		load_then(m);
	}
	return m->has_now ? &m->now : NULL;
}

const struct mark *index_reader_then(const struct index_reader *m)
{
	return m->fd >= 0 && m->has_then ? &m->then : NULL;
}

bool index_reader_first(struct index_reader *m, struct mark *mark)
{
	uint64_t number = 0;

	return m->fd >= 0 && find_mark(m, &number, m->count, mark);
}

uint64_t index_reader_since(struct index_reader *m, int64_t wall_ms)
{
	uint64_t number = m->fd < 0 ? 0 : search(m, is_recent, wall_ms);
	struct mark mark;

	return m->fd >= 0 && find_mark(m, &number, m->count, &mark) ? mark.offset : MARKLIST_NEVER;
}
