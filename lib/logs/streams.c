#include "logs/streams.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/str.h"
#include "base/vec.h"
#include "logs/app_users.h"
#include "logs/fifo.h"
#include "logs/logfile.h"
#include "logs/logfile_cache.h"
#include "logs/write_journal.h"
#include "loop/loop.h"
#include "loop/watchers.h"
#include "model/spec.h"
#include "os/clock.h"
#include "os/fd.h"
#include "spawn/keeper_client.h"

enum {
	/* In one turn of the loop: of one stream; of all before each gets less; and how much less. */
	LOG_STREAMS_STREAM_TURN = 256 * 1024,
	LOG_STREAMS_TURN = 2 * 1024 * 1024,
	LOG_STREAMS_LEAST_TURN = 16 * 1024,
	LOG_STREAMS_DRAIN = 4 * 1024 * 1024, /* of a process that has ended: more than a pipe can hold */
	LOG_STREAMS_LINE_PEEK = 64 * 1024,   /* how far the end of a line is looked for */
	LOG_STREAMS_LINE_WAIT_MS = 100,      /* how long others wait for it in a log that is shared */
};

/* Of the name under which the keeper holds its end of a pipe. */

/* One stream of one instance. */
struct stream {
	struct log_streams *streams;
	const struct instance_streams *instance;
	ev_io reader;
	char *pipe; /* path of the FIFO */
	struct logfile *log;
	struct log_source source;
	uint64_t key; /* of the goal that this stream has now */
	uint64_t dropped;
	int64_t waits_since; /* for the end of another's line; 0: it does not */
	int in;
};

struct instance_streams {
	struct stream streams[LOG_STREAM_COUNT];
	char *name;
	char *format; /* of the time before each line, or NULL */
};

struct log_streams {
	struct ev_loop *loop;
	struct keeper_client *keeper;
	struct logfile_cache *cache;
	char *pipes;
	char *logs;
	struct map instances; /* name -> struct instance_streams * */
	struct app_users users;
	ev_prepare turn;
	size_t turn_bytes; /* taken in this turn of the loop */
	uint64_t dropped;
	struct vec waiting; /* of struct stream *, for the ends of others' lines */
	ev_timer wait;
	int peek[2]; /* a pipe of our own: what is in another is looked at through it */
};

static void held_name(struct buf *out, const char *pipe)
{
	buf_addf(out, LOG_STREAMS_HELD_PREFIX "%s", path_base(pipe));
}

static void tell_keeper(struct stream *s, enum keeper_msg_kind kind, int fd)
{
	struct keeper_msg m;
	struct buf name = BUF_INIT;

	held_name(&name, s->pipe);
	keeper_msg_init(&m, kind);
	m.name = name.ptr;
	(void)keeper_client_send(s->streams->keeper, &m, fd);
	buf_release(&name);
}

/* --- taking ---------------------------------------------------------------------------------------------------- */

static ssize_t take_once(struct stream *s, size_t max)
{
	struct write_journal *f = logfile_cache_journal(s->streams->cache);
	const struct write_journal_goal goal = {
		.path = logfile_path(s->log),
		.format = s->instance->format ? s->instance->format : "",
		.source = s->source.mark,
		.rights = logfile_rights(s->log),
	};
	uint64_t dropped = 0;
	ssize_t len = 0;

	write_journal_aim(f, s->key, &goal);
	len = write_journal_read(f, s->in, max);
	if (len <= 0)
		return len;
	dropped = logfile_take(s->log, &s->source);
	logfile_set_writer(s->log, s);
	s->dropped += dropped;
	s->streams->dropped += dropped;
	if (dropped)
		logfile_cache_retry_later(s->streams->cache);
	return len;
}

/* How much is in the pipe up to the end of the line, as far as we look; 0: nothing. */
static size_t rest_of_line(const struct stream *s)
{
	/* Nothing is on its way now, so this is free. */
	char *room = write_journal_room(logfile_cache_journal(s->streams->cache));
	ssize_t len = tee(s->in, s->streams->peek[1], LOG_STREAMS_LINE_PEEK, SPLICE_F_NONBLOCK);
	const char *newline = NULL;

	if (len <= 0)
		return 0;
	len = read(s->streams->peek[0], room, LOG_STREAMS_LINE_PEEK);
	newline = len > 0 ? memchr(room, '\n', (size_t)len) : NULL;
	if (newline)
		return (size_t)(newline - room) + 1;
	return len > 0 ? (size_t)len : 0;
}

/* Another stream's line in the same file is finished first, when the rest of it is there. */
static void let_finish(const struct stream *s)
{
	struct stream *other = logfile_writer(s->log);
	size_t rest = 0;

	if (!other || other == s || !logfile_cuts(s->log, &s->source))
		return;
	rest = rest_of_line(other);
	if (rest)
		(void)take_once(other, rest);
}

static size_t take(struct stream *s, size_t max)
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

static void on_wait(struct ev_loop *loop, ev_timer *w, int events)
{
	(void)loop;
	(void)events;
	wait_no_more(w->data);
}

/* Another is within a line, and has a moment to end it: whatever comes in meanwhile stays in its pipe. */
static bool waits(struct stream *s)
{
	struct log_streams *p = s->streams;
	const struct stream *other = logfile_writer(s->log);
	int64_t now = clock_ms();
	bool is_within = other && other != s && logfile_cuts(s->log, &s->source);

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

static void leave_waiting(const struct stream *s)
{
	for (size_t i = s->streams->waiting.len; i-- > 0;)
		if (s->streams->waiting.items[i] == s)
			(void)vec_remove(&s->streams->waiting, i);
}

/* One that floods leaves room for the others, and a thousand that flood leave room for commands. */
static void on_readable(struct ev_loop *loop, ev_io *w, int events)
{
	struct stream *s = w->data;
	struct log_streams *p = s->streams;

	(void)loop;
	loop_mind(events);
	let_finish(s);
	if (waits(s))
		return;
	wait_no_more(p);
	p->turn_bytes +=
		take(s, p->turn_bytes < LOG_STREAMS_TURN ? LOG_STREAMS_STREAM_TURN : LOG_STREAMS_LEAST_TURN);
}

static void on_turn(struct ev_loop *loop, ev_prepare *w, int events)
{
	struct log_streams *p = w->data;

	(void)loop;
	(void)events;
	p->turn_bytes = 0;
}

/* --- pipes ----------------------------------------------------------------------------------------------------------- */

/* A new run, and a new revision may write elsewhere or in another way. */
static void aim(struct stream *s, const struct stream_wish *wish, enum log_stream which)
{
	const struct spec *spec = wish->spec;
	const char *colon = strrchr(wish->name, ':');
	char *path = log_streams_log_path(s->streams->logs, wish->name, spec, which);
	struct logfile *log =
		logfile_cache_take(s->streams->cache, path, log_streams_rights(s->streams, spec));

	logfile_cache_put_back(s->streams->cache, s->log);
	s->log = log;
	s->key = write_journal_key(logfile_cache_journal(s->streams->cache));
	s->source.mark = (struct mark){
		.app = mark_app(spec->name),
		.instance = colon ? (uint16_t)strtoul(colon + 1, NULL, 10) : 0,
		.kind = which == LOG_STREAM_OUT ? MARK_OUT : MARK_ERR,
		.run = (uint32_t)wish->run,
	};
	mem_free(path);
}

/* What may change while it runs. */
static void shape(struct instance_streams *instance, const struct spec *spec)
{
	const struct logfile_shape wanted = {
		.policy = {
			.max_size_bytes = spec->logs.max_size_bytes,
			.max_files = spec->logs.max_files,
			.compress = spec->logs.compress,
		},
		.format = spec->logs.date_format,
	};

	for (int i = 0; i < LOG_STREAM_COUNT; i++)
		logfile_set(instance->streams[i].log, &wanted);
	if (str_eq(instance->format, wanted.format))
		return;
	mem_free(instance->format);
	instance->format = mem_strdup(wanted.format);
	for (int i = 0; i < LOG_STREAM_COUNT; i++)
		instance->streams[i].key =
			write_journal_key(logfile_cache_journal(instance->streams[i].streams->cache));
}

static int stream_open(struct stream *s, struct log_streams *p, const struct instance_streams *instance,
	enum log_stream which, struct err *e)
{
	struct buf file = BUF_INIT;

	buf_addf(&file, "%s.%s", instance->name, log_stream_words[which]);
	*s = (struct stream){
		.streams = p, .instance = instance, .in = -1, .source = { .name = instance->name }
	};
	s->pipe = path_join(p->pipes, file.ptr);
	buf_release(&file);
	s->in = fifo_open(s->pipe, e);
	if (s->in < 0)
		return -1;
	ev_io_init(&s->reader, on_readable, s->in, EV_READ);
	/* Commands and exits come first. */
	ev_set_priority(&s->reader, -1);
	s->reader.data = s;
	return 0;
}

/* Its pipe was deleted: the next run writes to another of that name. */
static int stream_reopen(struct stream *s, struct err *e)
{
	int fd = fifo_open(s->pipe, e);

	if (fd < 0)
		return -1;
	ev_io_stop(s->streams->loop, &s->reader);
	fd_close(&s->in);
	s->in = fd;
	ev_io_set(&s->reader, fd, EV_READ);
	tell_keeper(s, KEEPER_HOLD, fd);
	return 0;
}

static void stream_close(struct stream *s)
{
	leave_waiting(s);
	if (s->in >= 0 && s->log) {
		(void)take(s, LOG_STREAMS_DRAIN);
		ev_io_stop(s->streams->loop, &s->reader);
	}
	fd_close(&s->in);
	if (s->log && logfile_writer(s->log) == s)
		logfile_set_writer(s->log, NULL);
	logfile_cache_put_back(s->streams->cache, s->log);
	s->log = NULL;
	mem_free(s->pipe);
	s->pipe = NULL;
}

static void instance_streams_free(void *item)
{
	struct instance_streams *instance = item;

	if (!instance)
		return;
	for (int i = 0; i < LOG_STREAM_COUNT; i++)
		if (instance->streams[i].streams)
			stream_close(&instance->streams[i]);
	mem_free(instance->format);
	mem_free(instance->name);
	mem_free(instance);
}

/* --- from outside ---------------------------------------------------------------------------------------------------- */

struct log_streams *log_streams_new(const struct stream_options *options, struct err *e)
{
	struct log_streams *p = mem_zalloc(1, sizeof(*p));

	*p = (struct log_streams){ .loop = options->loop, .keeper = options->keeper, .peek = { -1, -1 } };
	ev_prepare_init(&p->turn, on_turn);
	p->turn.data = p;
	ev_init(&p->wait, on_wait);
	p->wait.data = p;
	p->cache = logfile_cache_new(p->loop, options->journal, options->calls, options->context, e);
	if (p->cache && pipe2(p->peek, O_CLOEXEC | O_NONBLOCK) < 0)
		err_sys(e, errno, "cannot make a pipe");
	if (p->peek[0] < 0) {
		logfile_cache_free(p->cache);
		mem_free(p);
		return NULL;
	}
	p->pipes = mem_strdup(options->pipes);
	p->logs = mem_strdup(options->logs);
	ev_prepare_start(p->loop, &p->turn);
	ev_unref(p->loop);
	return p;
}

const struct rights *log_streams_rights(struct log_streams *p, const struct spec *s)
{
	return s->user ? app_users_rights(&p->users, s->user, s->group) : NULL;
}

void log_streams_free(struct log_streams *p)
{
	if (!p)
		return;
	map_release_with(&p->instances, instance_streams_free);
	ev_timer_stop(p->loop, &p->wait);
	vec_release(&p->waiting);
	logfile_cache_free(p->cache);
	app_users_release(&p->users);
	ev_ref(p->loop);
	ev_prepare_stop(p->loop, &p->turn);
	fd_close(&p->peek[0]);
	fd_close(&p->peek[1]);
	mem_free(p->pipes);
	mem_free(p->logs);
	mem_free(p);
}

static struct instance_streams *instance_streams_new(struct log_streams *p, const char *name, struct err *e)
{
	struct instance_streams *instance = mem_zalloc(1, sizeof(*instance));

	instance->name = mem_strdup(name);
	for (int i = 0; i < LOG_STREAM_COUNT; i++)
		if (stream_open(&instance->streams[i], p, instance, i, e) < 0)
			return instance_streams_free(instance), NULL;
	/* Not before both are there: what waits to be sent has descriptors of its own. */
	for (int i = 0; i < LOG_STREAM_COUNT; i++)
		tell_keeper(&instance->streams[i], KEEPER_HOLD, instance->streams[i].in);
	map_put(&p->instances, name, instance);
	return instance;
}

int log_streams_open(
	struct log_streams *p, const struct stream_wish *wish, struct stream_paths *paths, struct err *e)
{
	struct instance_streams *instance = map_get(&p->instances, wish->name);

	if (!instance)
		instance = instance_streams_new(p, wish->name, e);
	if (!instance)
		return -1;
	for (int i = 0; i < LOG_STREAM_COUNT; i++) {
		struct stream *s = &instance->streams[i];

		/* What the last run has left in the pipe is still its own. */
		if (s->log)
			(void)take(s, LOG_STREAMS_DRAIN);
		if (s->log && wish->run != s->source.mark.run && !fifo_is_at(s->pipe, s->in) &&
			stream_reopen(s, e) < 0)
			return -1;
		aim(s, wish, i);
		loop_watch(p->loop, &s->reader);
	}
	shape(instance, wish->spec);
	paths->out = instance->streams[LOG_STREAM_OUT].pipe;
	paths->err = instance->streams[LOG_STREAM_ERR].pipe;
	return 0;
}

void log_streams_drain(struct log_streams *p, const char *name)
{
	struct instance_streams *of = map_get(&p->instances, name);

	for (int i = 0; of && i < LOG_STREAM_COUNT; i++)
		(void)take(&of->streams[i], LOG_STREAMS_DRAIN);
}

void log_streams_close(struct log_streams *p, const char *name)
{
	struct instance_streams *instance = map_remove(&p->instances, name);

	for (int i = 0; instance && i < 2; i++) {
		tell_keeper(&instance->streams[i], KEEPER_RELEASE, -1);
		(void)unlink(instance->streams[i].pipe);
	}
	instance_streams_free(instance);
}

void log_streams_sweep(struct log_streams *p, stream_spec_of spec_of, const void *context)
{
	const struct map_entry *entry = NULL;

	MAP_EACH (&p->instances, entry) {
		struct instance_streams *instance = entry->value;
		const struct spec *spec = spec_of ? spec_of(context, instance->name) : NULL;

		if (spec)
			shape(instance, spec);
		else
			log_streams_close(p, instance->name);
	}
}

void log_streams_drop_held(struct log_streams *p, const char *held)
{
	struct keeper_msg m;
	char *path = path_join(p->pipes, held + strlen(LOG_STREAMS_HELD_PREFIX));

	keeper_msg_init(&m, KEEPER_RELEASE);
	m.name = held;
	(void)keeper_client_send(p->keeper, &m, -1);
	(void)unlink(path);
	mem_free(path);
}

uint64_t log_streams_dropped(const struct log_streams *p, const char *name)
{
	const struct instance_streams *instance = name ? map_get(&p->instances, name) : NULL;
	const struct stream *both = instance ? instance->streams : NULL;

	return !name ? p->dropped : both ? both[LOG_STREAM_OUT].dropped + both[LOG_STREAM_ERR].dropped : 0;
}
