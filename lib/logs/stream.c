/*
 * One stream: its pipe, and what is taken from there into the log.  Nobody's flood keeps the others waiting, and in a log that is shared no line is torn
 * by another.
 */
#include "logs/streams_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/map.h"
#include "base/mem.h"
#include "logs/logfile_cache.h"
#include "logs/write_journal.h"
#include "loop/loop.h"
#include "os/clock.h"
#include "os/fd.h"

enum {
	/* In one turn of the loop: of one stream; of all before each gets less; and how much less. */
	LOG_STREAMS_STREAM_TURN = 256 * 1024,
	LOG_STREAMS_TURN = 2 * 1024 * 1024,
	LOG_STREAMS_LEAST_TURN = 16 * 1024,
	LOG_STREAMS_LINE_PEEK = 64 * 1024, /* how far the end of a line is looked for */
	LOG_STREAMS_LINE_WAIT_MS = 100,    /* how long others wait for it in a log that is shared */
};

static void keep_last(struct stream *s, const struct write_journal *f)
{
	size_t len = 0;
	const char *bytes = write_journal_raw(f, &len);

	if (!s->last)
		s->last = mem_zalloc(1, sizeof(*s->last));
	last_lines_add(s->last, bytes, len);
}

struct log_source stream_source(const struct stream *s)
{
	return (struct log_source){
		.name = s->instance->name,
		.mark = {
			.app = s->instance->app,
			.instance = s->instance->number,
			.kind = s->which == LOG_STREAM_OUT ? MARK_OUT : MARK_ERR,
			.run = s->run,
		},
	};
}

static ssize_t take_once(struct stream *s, size_t max)
{
	struct write_journal *f = logfile_cache_journal(s->instance->all->cache);
	const struct log_source source = stream_source(s);
	const struct write_journal_goal goal = {
		.path = logfile_path(s->log),
		.format = s->instance->format ? s->instance->format : "",
		.source = source.mark,
		.rights = logfile_rights(s->log),
	};
	uint64_t dropped = 0;
	ssize_t len = 0;

	write_journal_aim(f, s->key, &goal);
	len = write_journal_read(f, s->in, max);
	if (len <= 0)
		return len;
	if (s->which == LOG_STREAM_ERR)
		keep_last(s, f);
	dropped = logfile_take(s->log, &source);
	logfile_set_writer(s->log, s);
	s->dropped += dropped;
	s->instance->all->dropped += dropped;
	if (dropped)
		logfile_cache_retry_later(s->instance->all->cache);
	return len;
}

/* How much is in the pipe up to the end of the line, as far as we look; 0: nothing. */
static size_t rest_of_line(const struct stream *s)
{
	/* Nothing is on its way now, so this is free. */
	char *room = write_journal_room(logfile_cache_journal(s->instance->all->cache));
	ssize_t len = tee(s->in, s->instance->all->peek[1], LOG_STREAMS_LINE_PEEK, SPLICE_F_NONBLOCK);
	const char *newline = NULL;

	if (len <= 0)
		return 0;
	len = read(s->instance->all->peek[0], room, LOG_STREAMS_LINE_PEEK);
	newline = len > 0 ? memchr(room, '\n', (size_t)len) : NULL;
	if (newline)
		return (size_t)(newline - room) + 1;
	return len > 0 ? (size_t)len : 0;
}

/* Another stream's line in the same file is finished first, when the rest of it is there. */
static void let_finish(const struct stream *s)
{
	const struct log_source source = stream_source(s);
	struct stream *other = logfile_writer(s->log);
	size_t rest = 0;

	if (!other || other == s || !logfile_cuts(s->log, &source))
		return;
	rest = rest_of_line(other);
	if (rest)
		(void)take_once(other, rest);
}

size_t stream_take(struct stream *s, size_t max)
{
	size_t taken = 0;

	let_finish(s);
	while (taken < max) {
		size_t part = max - taken < WRITE_JOURNAL_CHUNK ? max - taken : WRITE_JOURNAL_CHUNK;
		ssize_t len = take_once(s, part);

		if (len <= 0)
			break;
		taken += (size_t)len;
		if ((size_t)len < part)
			break;
	}
	if (taken)
		logfile_tell(s->log);
	return taken;
}

/* --- taking turns in a log that is shared ------------------------------------------------------------------------------ */

static void wait_no_more(struct log_streams *p)
{
	ev_timer_stop(p->loop, &p->wait);
	while (p->waiting.len) {
		struct stream *s = vec_pop(&p->waiting);

		loop_watch(p->loop, &s->reader);
	}
}

void streams_on_wait(struct ev_loop *loop, ev_timer *w, int events)
{
	(void)loop;
	(void)events;
	wait_no_more(w->data);
}

/* Another is within a line, and has a moment to end it: whatever comes in meanwhile stays in its pipe. */
static bool waits(struct stream *s)
{
	const struct log_source source = stream_source(s);
	struct log_streams *p = s->instance->all;
	const struct stream *other = logfile_writer(s->log);
	int64_t now = clock_ms();
	bool is_within = other && other != s && logfile_cuts(s->log, &source);

	if (!is_within || (s->waits_since && now - s->waits_since >= LOG_STREAMS_LINE_WAIT_MS)) {
		s->waits_since = 0;
		return false;
	}
	if (!s->waits_since)
		s->waits_since = now;
	ev_io_stop(p->loop, &s->reader);
	vec_push(&p->waiting, s);
	if (!ev_is_active(&p->wait)) {
		ev_timer_set(&p->wait, (double)LOG_STREAMS_LINE_WAIT_MS / 1000, 0);
		ev_timer_start(p->loop, &p->wait);
	}
	return true;
}

void stream_leave_waiting(const struct stream *s)
{
	vec_drop(&s->instance->all->waiting, s);
}

/* One that floods leaves room for the others, and a thousand that flood leave room for commands. */
void stream_on_readable(struct ev_loop *loop, ev_io *w, int events)
{
	struct stream *s = w->data;
	struct log_streams *p = s->instance->all;

	loop_mind(events);
	let_finish(s);
	if (waits(s))
		return;
	wait_no_more(p);
	if (!ev_is_active(&p->turn))
		ev_prepare_start(loop, &p->turn);
	p->turn_bytes += stream_take(
		s, p->turn_bytes < LOG_STREAMS_TURN ? LOG_STREAMS_STREAM_TURN : LOG_STREAMS_LEAST_TURN);
}

void streams_on_turn(struct ev_loop *loop, ev_prepare *w, int events)
{
	struct log_streams *p = w->data;

	(void)events;
	ev_prepare_stop(loop, w);
	p->turn_bytes = 0;
}

/* --- the pipe --- */

static bool is_among_last(int fd)
{
	struct rlimit limit;
	rlim_t left = FIFO_FDS_LEFT;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return false;
	if (left > limit.rlim_cur / 2)
		left = limit.rlim_cur / 2;
	return (rlim_t)fd + left >= limit.rlim_cur;
}

/* The keeper gives the pipe of an app with a user of its own to that user. */
static bool is_our_owner(uid_t owner)
{
	return owner == geteuid() || geteuid() == 0;
}

/* Few, for a moment, while a brain finds its feet. */
static struct map given;

void fifo_give(const char *path, int *fd)
{
	int *kept = mem_alloc(sizeof(*kept));

	*kept = *fd;
	*fd = -1;
	kept = map_put(&given, path, kept);
	if (kept)
		fd_close(kept);
	mem_free(kept);
}

static int take_given(const char *path)
{
	int *kept = map_remove(&given, path);
	int fd = kept ? *kept : -1;

	mem_free(kept);
	if (!given.len)
		map_release(&given);
	if (fd >= 0)
		(void)fd_set_nonblocking(fd, true);
	return fd;
}

bool fifo_is_at(const char *path, int fd)
{
	struct stat there, ours;

	return lstat(path, &there) == 0 && fstat(fd, &ours) == 0 && there.st_dev == ours.st_dev &&
		there.st_ino == ours.st_ino;
}

int fifo_open(const char *path, struct err *e)
{
	struct stat st;
	int fd = take_given(path);

	if (fd >= 0)
		return fd;
	if (mkfifo(path, 0600) < 0 && errno != EEXIST)
		return err_sys(e, errno, "cannot make the pipe '%s'", path);
	/* Both ways: with a reader alone, the end of the last writer would be an end of file for ever. */
	fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY);
	if (fd >= 0 && is_among_last(fd)) {
		fd_close(&fd);
		errno = EMFILE;
	}
	if (fd < 0)
		return err_sys(e, errno, "cannot open the pipe '%s'", path);
	if (fstat(fd, &st) < 0 || !S_ISFIFO(st.st_mode) || !is_our_owner(st.st_uid)) {
		fd_close(&fd);
		return err_set(e, "'%s' is no pipe of ours", path);
	}
	(void)fcntl(fd, F_SETPIPE_SZ, FIFO_SIZE);
	return fd;
}
