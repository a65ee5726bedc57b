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
	PUMP_STREAM_TURN = 256 * 1024,
	PUMP_TURN = 2 * 1024 * 1024,
	PUMP_LEAST_TURN = 16 * 1024,
	PUMP_DRAIN = 4 * 1024 * 1024, /* of a process that has ended: more than a pipe can hold */
	PUMP_LINE_PEEK = 64 * 1024,   /* how far the end of a line is looked for */
	PUMP_LINE_WAIT_MS = 100,      /* how long others wait for it in a log that is shared */
};

/* Of the name under which the keeper holds its end of a pipe. */

/* One stream of one instance. */
struct stream {
	struct pump *pump;
	const struct spout *spout;
	ev_io reader;
	char *pipe; /* path of the FIFO */
	struct logfile *log;
	struct log_source source;
	uint64_t key; /* of the goal that this stream has now */
	uint64_t dropped;
	int64_t waits_since; /* for the end of another's line; 0: it does not */
	int in;
};

struct spout {
	struct stream streams[PUMP_STREAM_COUNT];
	char *name;
	char *format; /* of the time before each line, or NULL */
};

struct pump {
	struct ev_loop *loop;
	struct keeper_client *keeper;
	struct shelf *shelf;
	char *pipes;
	char *logs;
	struct map spouts; /* name -> struct spout * */
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
	buf_addf(out, PUMP_HELD_PREFIX "%s", path_base(pipe));
}

static void tell_keeper(struct stream *s, enum keep_kind kind, int fd)
{
	struct keep_message m;
	struct buf name = BUF_INIT;

	held_name(&name, s->pipe);
	keep_message_init(&m, kind);
	m.name = name.ptr;
	(void)keeper_client_send(s->pump->keeper, &m, fd);
	buf_release(&name);
}

/* --- taking ---------------------------------------------------------------------------------------------------- */

static ssize_t take_once(struct stream *s, size_t max)
{
	struct inflight *f = shelf_inflight(s->pump->shelf);
	const struct inflight_goal goal = {
		.path = logfile_path(s->log),
		.format = s->spout->format ? s->spout->format : "",
		.source = s->source.mark,
		.rights = logfile_rights(s->log),
	};
	uint64_t dropped = 0;
	ssize_t len = 0;

	inflight_aim(f, s->key, &goal);
	len = inflight_read(f, s->in, max);
	if (len <= 0)
		return len;
	dropped = logfile_take(s->log, &s->source);
	logfile_set_writer(s->log, s);
	s->dropped += dropped;
	s->pump->dropped += dropped;
	if (dropped)
		shelf_retry_later(s->pump->shelf);
	return len;
}

/* How much is in the pipe up to the end of the line, as far as we look; 0: nothing. */
static size_t rest_of_line(const struct stream *s)
{
	/* Nothing is on its way now, so this is free. */
	char *room = inflight_room(shelf_inflight(s->pump->shelf));
	ssize_t len = tee(s->in, s->pump->peek[1], PUMP_LINE_PEEK, SPLICE_F_NONBLOCK);
	const char *newline = NULL;

	if (len <= 0)
		return 0;
	len = read(s->pump->peek[0], room, PUMP_LINE_PEEK);
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
		size_t part = max - taken < INFLIGHT_CHUNK ? max - taken : INFLIGHT_CHUNK;
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

static void wait_no_more(struct pump *p)
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
	struct pump *p = s->pump;
	const struct stream *other = logfile_writer(s->log);
	int64_t now = clock_ms();
	bool is_within = other && other != s && logfile_cuts(s->log, &s->source);

	if (!is_within || (s->waits_since && now - s->waits_since >= PUMP_LINE_WAIT_MS)) {
		s->waits_since = 0;
		return false;
	}
	if (!s->waits_since)
		s->waits_since = now;
	ev_io_stop(p->loop, &s->reader);
	vec_push(&p->waiting, s);
	if (!ev_is_active(&p->wait)) {
		ev_timer_set(&p->wait, (double)PUMP_LINE_WAIT_MS / 1000, 0);
		ev_timer_start(p->loop, &p->wait);
	}
	return true;
}

static void leave_waiting(const struct stream *s)
{
	for (size_t i = s->pump->waiting.len; i-- > 0;)
		if (s->pump->waiting.items[i] == s)
			(void)vec_remove(&s->pump->waiting, i);
}

/* One that floods leaves room for the others, and a thousand that flood leave room for commands. */
static void on_readable(struct ev_loop *loop, ev_io *w, int events)
{
	struct stream *s = w->data;
	struct pump *p = s->pump;

	(void)loop;
	loop_mind(events);
	let_finish(s);
	if (waits(s))
		return;
	wait_no_more(p);
	p->turn_bytes += take(s, p->turn_bytes < PUMP_TURN ? PUMP_STREAM_TURN : PUMP_LEAST_TURN);
}

static void on_turn(struct ev_loop *loop, ev_prepare *w, int events)
{
	struct pump *p = w->data;

	(void)loop;
	(void)events;
	p->turn_bytes = 0;
}

/* --- pipes ----------------------------------------------------------------------------------------------------------- */

/* A new run, and a new revision may write elsewhere or in another way. */
static void aim(struct stream *s, const struct pump_wish *wish, enum pump_stream which)
{
	const struct spec *spec = wish->spec;
	const char *colon = strrchr(wish->name, ':');
	char *path = pump_log_path(s->pump->logs, wish->name, spec, which);
	struct logfile *log = shelf_take(s->pump->shelf, path, pump_rights(s->pump, spec));

	shelf_put_back(s->pump->shelf, s->log);
	s->log = log;
	s->key = inflight_key(shelf_inflight(s->pump->shelf));
	s->source.mark = (struct mark){
		.app = mark_app(spec->name),
		.instance = colon ? (uint16_t)strtoul(colon + 1, NULL, 10) : 0,
		.kind = which == PUMP_OUT ? MARK_OUT : MARK_ERR,
		.run = (uint32_t)wish->run,
	};
	mem_free(path);
}

/* What may change while it runs. */
static void shape(struct spout *spout, const struct spec *spec)
{
	const struct logfile_shape wanted = {
		.policy = {
			.max_size_bytes = spec->logs.max_size_bytes,
			.max_files = spec->logs.max_files,
			.compress = spec->logs.compress,
		},
		.format = spec->logs.date_format,
	};

	for (int i = 0; i < PUMP_STREAM_COUNT; i++)
		logfile_set(spout->streams[i].log, &wanted);
	if (str_eq(spout->format, wanted.format))
		return;
	mem_free(spout->format);
	spout->format = mem_strdup(wanted.format);
	for (int i = 0; i < PUMP_STREAM_COUNT; i++)
		spout->streams[i].key = inflight_key(shelf_inflight(spout->streams[i].pump->shelf));
}

static int stream_open(
	struct stream *s, struct pump *p, const struct spout *spout, enum pump_stream which, struct err *e)
{
	struct buf file = BUF_INIT;

	buf_addf(&file, "%s.%s", spout->name, pump_stream_words[which]);
	*s = (struct stream){ .pump = p, .spout = spout, .in = -1, .source = { .name = spout->name } };
	s->pipe = path_join(p->pipes, file.ptr);
	buf_release(&file);
	s->in = logpipe_open(s->pipe, e);
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
	int fd = logpipe_open(s->pipe, e);

	if (fd < 0)
		return -1;
	ev_io_stop(s->pump->loop, &s->reader);
	fd_close(&s->in);
	s->in = fd;
	ev_io_set(&s->reader, fd, EV_READ);
	tell_keeper(s, KEEP_HOLD, fd);
	return 0;
}

static void stream_close(struct stream *s)
{
	leave_waiting(s);
	if (s->in >= 0 && s->log) {
		(void)take(s, PUMP_DRAIN);
		ev_io_stop(s->pump->loop, &s->reader);
	}
	fd_close(&s->in);
	if (s->log && logfile_writer(s->log) == s)
		logfile_set_writer(s->log, NULL);
	shelf_put_back(s->pump->shelf, s->log);
	s->log = NULL;
	mem_free(s->pipe);
	s->pipe = NULL;
}

static void spout_free(void *item)
{
	struct spout *spout = item;

	if (!spout)
		return;
	for (int i = 0; i < PUMP_STREAM_COUNT; i++)
		if (spout->streams[i].pump)
			stream_close(&spout->streams[i]);
	mem_free(spout->format);
	mem_free(spout->name);
	mem_free(spout);
}

/* --- from outside ---------------------------------------------------------------------------------------------------- */

struct pump *pump_new(const struct pump_options *options, struct err *e)
{
	struct pump *p = mem_zalloc(1, sizeof(*p));

	*p = (struct pump){ .loop = options->loop, .keeper = options->keeper, .peek = { -1, -1 } };
	ev_prepare_init(&p->turn, on_turn);
	p->turn.data = p;
	ev_init(&p->wait, on_wait);
	p->wait.data = p;
	p->shelf = shelf_new(p->loop, options->inflight, options->calls, options->context, e);
	if (p->shelf && pipe2(p->peek, O_CLOEXEC | O_NONBLOCK) < 0)
		err_sys(e, errno, "cannot make a pipe");
	if (p->peek[0] < 0) {
		shelf_free(p->shelf);
		mem_free(p);
		return NULL;
	}
	p->pipes = mem_strdup(options->pipes);
	p->logs = mem_strdup(options->logs);
	ev_prepare_start(p->loop, &p->turn);
	ev_unref(p->loop);
	return p;
}

const struct rights *pump_rights(struct pump *p, const struct spec *s)
{
	return s->user ? app_users_rights(&p->users, s->user, s->group) : NULL;
}

void pump_free(struct pump *p)
{
	if (!p)
		return;
	map_release_with(&p->spouts, spout_free);
	ev_timer_stop(p->loop, &p->wait);
	vec_release(&p->waiting);
	shelf_free(p->shelf);
	app_users_release(&p->users);
	ev_ref(p->loop);
	ev_prepare_stop(p->loop, &p->turn);
	fd_close(&p->peek[0]);
	fd_close(&p->peek[1]);
	mem_free(p->pipes);
	mem_free(p->logs);
	mem_free(p);
}

static struct spout *spout_new(struct pump *p, const char *name, struct err *e)
{
	struct spout *spout = mem_zalloc(1, sizeof(*spout));

	spout->name = mem_strdup(name);
	for (int i = 0; i < PUMP_STREAM_COUNT; i++) {
		if (stream_open(&spout->streams[i], p, spout, i, e) < 0) {
			spout_free(spout);
			return NULL;
		}
	}
	/* Not before both are there: what waits to be sent has descriptors of its own. */
	for (int i = 0; i < PUMP_STREAM_COUNT; i++)
		tell_keeper(&spout->streams[i], KEEP_HOLD, spout->streams[i].in);
	map_put(&p->spouts, name, spout);
	return spout;
}

int pump_open(struct pump *p, const struct pump_wish *wish, struct pump_paths *paths, struct err *e)
{
	struct spout *spout = map_get(&p->spouts, wish->name);

	if (!spout)
		spout = spout_new(p, wish->name, e);
	if (!spout)
		return -1;
	for (int i = 0; i < PUMP_STREAM_COUNT; i++) {
		struct stream *s = &spout->streams[i];

		/* What the last run has left in the pipe is still its own. */
		if (s->log)
			(void)take(s, PUMP_DRAIN);
		if (s->log && wish->run != s->source.mark.run && !logpipe_is_at(s->pipe, s->in) &&
			stream_reopen(s, e) < 0)
			return -1;
		aim(s, wish, i);
		loop_watch(p->loop, &s->reader);
	}
	shape(spout, wish->spec);
	paths->out = spout->streams[PUMP_OUT].pipe;
	paths->err = spout->streams[PUMP_ERR].pipe;
	return 0;
}

void pump_drain(struct pump *p, const char *name)
{
	struct spout *spout = map_get(&p->spouts, name);

	for (int i = 0; spout && i < 2; i++)
		(void)take(&spout->streams[i], PUMP_DRAIN);
}

void pump_close(struct pump *p, const char *name)
{
	struct spout *spout = map_remove(&p->spouts, name);

	for (int i = 0; spout && i < 2; i++) {
		tell_keeper(&spout->streams[i], KEEP_RELEASE, -1);
		(void)unlink(spout->streams[i].pipe);
	}
	spout_free(spout);
}

void pump_sweep(struct pump *p, pump_spec_of spec_of, const void *context)
{
	const struct map_entry *entry = NULL;

	MAP_EACH (&p->spouts, entry) {
		struct spout *spout = entry->value;
		const struct spec *spec = spec_of ? spec_of(context, spout->name) : NULL;

		if (spec)
			shape(spout, spec);
		else
			pump_close(p, spout->name);
	}
}

void pump_drop_held(struct pump *p, const char *held)
{
	struct keep_message m;
	char *path = path_join(p->pipes, held + strlen(PUMP_HELD_PREFIX));

	keep_message_init(&m, KEEP_RELEASE);
	m.name = held;
	(void)keeper_client_send(p->keeper, &m, -1);
	(void)unlink(path);
	mem_free(path);
}

uint64_t pump_dropped(const struct pump *p, const char *name)
{
	const struct spout *spout = name ? map_get(&p->spouts, name) : NULL;

	if (!name)
		return p->dropped;
	return spout ? spout->streams[PUMP_OUT].dropped + spout->streams[PUMP_ERR].dropped : 0;
}
