#include "engine/pump.h"

#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/path.h"
#include "engine/parent.h"
#include "model/spec.h"
#include "os/fd.h"

enum {
	PUMP_CHUNK = 64 * 1024, /* read at once */
	PUMP_CHUNKS = 4, /* in one turn of the loop, so that one that floods leaves room for the others */
	PUMP_DRAIN_CHUNKS = 64,   /* of a process that has ended: more than a pipe can hold */
	PUMP_PIPE_SIZE = 1 << 20, /* asked for; bursts fit into it */
};

/* Of the name under which the keeper holds its end of a pipe. */
#define HELD_PREFIX "log:"

/* One stream of one instance. */
struct stream {
	struct pump *pump;
	ev_io reader;
	char *pipe; /* path of the FIFO */
	char *file; /* path of the log */
	int in;
	int out;
};

struct spout {
	struct stream streams[2];
	char *name;
};

struct pump {
	struct ev_loop *loop;
	struct parent *keeper;
	const struct pump_calls *calls;
	void *context;
	char *pipes;
	char *logs;
	struct map spouts; /* name -> struct spout * */
	uint64_t dropped;
	char *room;
};

static const char *const stream_words[2] = { "out", "err" };

static void held_name(struct buf *out, const char *pipe)
{
	buf_addf(out, HELD_PREFIX "%s", path_base(pipe));
}

static void tell_keeper(struct stream *s, enum keep_kind kind, int fd)
{
	struct keep_message m;
	struct buf name = BUF_INIT;

	held_name(&name, s->pipe);
	keep_message_init(&m, kind);
	m.name = name.ptr;
	(void)parent_send(s->pump->keeper, &m, fd);
	buf_release(&name);
}

static int open_log(struct stream *s)
{
	if (s->out < 0)
		s->out = open(s->file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0640);
	return s->out;
}

static void write_log(struct stream *s, const char *bytes, size_t len)
{
	while (len) {
		ssize_t done = open_log(s) < 0 ? -1 : write(s->out, bytes, len);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0) {
			if (!s->pump->dropped)
				log_warn_sys(errno, "cannot write to '%s'; lines are dropped", s->file);
			s->pump->dropped += len;
			return;
		}
		bytes += done;
		len -= (size_t)done;
	}
	if (s->pump->calls && s->pump->calls->written)
		s->pump->calls->written(s->pump->context, s->file);
}

static void take(struct stream *s, int chunks)
{
	for (int i = 0; i < chunks; i++) {
		ssize_t len = read(s->in, s->pump->room, PUMP_CHUNK);

		if (len < 0 && errno == EINTR)
			continue;
		if (len <= 0)
			return;
		write_log(s, s->pump->room, (size_t)len);
		if (len < PUMP_CHUNK)
			return;
	}
}

static void on_readable(struct ev_loop *loop, ev_io *w, int events)
{
	(void)loop;
	(void)events;
	take(w->data, PUMP_CHUNKS);
}

/* A FIFO of ours and of nobody else, also if another brain made it. */
static int open_pipe(const char *path, struct err *e)
{
	struct stat st;
	int fd = -1;

	if (mkfifo(path, 0600) < 0 && errno != EEXIST)
		return err_sys(e, errno, "cannot make the pipe '%s'", path);
	/* Both ways: with a reader alone, the end of the last writer would be an end of file for ever. */
	fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY);
	if (fd < 0)
		return err_sys(e, errno, "cannot open the pipe '%s'", path);
	if (fstat(fd, &st) < 0 || !S_ISFIFO(st.st_mode) || st.st_uid != geteuid()) {
		fd_close(&fd);
		return err_set(e, "'%s' is no pipe of ours", path);
	}
	(void)fcntl(fd, F_SETPIPE_SZ, PUMP_PIPE_SIZE);
	return fd;
}

char *pump_log_path(const char *logs, const char *name, const struct spec *s, enum pump_stream which)
{
	const char *const own[2] = { s->logs.out, s->logs.err };
	struct buf file = BUF_INIT;
	char *path = NULL;

	if (s->logs.combined)
		return path_join(s->folder, s->logs.combined);
	if (s->logs.unified)
		which = PUMP_OUT;
	if (own[which])
		return path_join(s->folder, own[which]);
	buf_addf(&file, "%s-%s.log", name, stream_words[which]);
	for (size_t i = 0; i < file.len; i++)
		file.ptr[i] = (char)(file.ptr[i] == ':' ? '-' : file.ptr[i]);
	path = path_join(logs, file.ptr);
	buf_release(&file);
	return path;
}

static int stream_open(struct stream *s, struct pump *p, const char *name, const struct spec *spec,
	enum pump_stream which, struct err *e)
{
	struct buf file = BUF_INIT;

	buf_addf(&file, "%s.%s", name, stream_words[which]);
	*s = (struct stream){ .pump = p, .in = -1, .out = -1 };
	s->pipe = path_join(p->pipes, file.ptr);
	s->file = pump_log_path(p->logs, name, spec, which);
	buf_release(&file);
	s->in = open_pipe(s->pipe, e);
	if (s->in < 0)
		return -1;
	ev_io_init(&s->reader, on_readable, s->in, EV_READ);
	s->reader.data = s;
	ev_io_start(p->loop, &s->reader);
	tell_keeper(s, KEEP_HOLD, s->in);
	return 0;
}

static void stream_close(struct stream *s)
{
	if (s->in >= 0) {
		take(s, PUMP_DRAIN_CHUNKS);
		ev_io_stop(s->pump->loop, &s->reader);
	}
	fd_close(&s->in);
	fd_close(&s->out);
	mem_free(s->pipe);
	mem_free(s->file);
	s->pipe = NULL;
	s->file = NULL;
}

static void spout_free(void *item)
{
	struct spout *spout = item;

	if (!spout)
		return;
	for (int i = 0; i < 2; i++)
		if (spout->streams[i].pump)
			stream_close(&spout->streams[i]);
	mem_free(spout->name);
	mem_free(spout);
}

struct pump *pump_new(const struct pump_options *options)
{
	struct pump *p = mem_zalloc(1, sizeof(*p));

	*p = (struct pump){
		.loop = options->loop,
		.keeper = options->keeper,
		.calls = options->calls,
		.context = options->context,
	};
	p->pipes = mem_strdup(options->pipes);
	p->logs = mem_strdup(options->logs);
	p->room = mem_alloc(PUMP_CHUNK);
	return p;
}

void pump_free(struct pump *p)
{
	if (!p)
		return;
	map_release_with(&p->spouts, spout_free);
	mem_free(p->pipes);
	mem_free(p->logs);
	mem_free(p->room);
	mem_free(p);
}

/* A new revision may write elsewhere. */
static void follow_spec(struct spout *spout, const struct spec *spec)
{
	for (int i = 0; i < 2; i++) {
		struct stream *s = &spout->streams[i];
		char *file = pump_log_path(s->pump->logs, spout->name, spec, i);

		if (strcmp(file, s->file) != 0) {
			fd_close(&s->out);
			mem_free(s->file);
			s->file = file;
		} else {
			mem_free(file);
		}
	}
}

int pump_open(struct pump *p, const struct pump_wish *wish, struct pump_paths *paths, struct err *e)
{
	struct spout *spout = map_get(&p->spouts, wish->name);

	if (spout) {
		follow_spec(spout, wish->spec);
	} else {
		spout = mem_zalloc(1, sizeof(*spout));
		spout->name = mem_strdup(wish->name);
		for (int i = 0; i < PUMP_STREAM_COUNT; i++) {
			if (stream_open(&spout->streams[i], p, wish->name, wish->spec, i, e) < 0) {
				spout_free(spout);
				return -1;
			}
		}
		map_put(&p->spouts, wish->name, spout);
	}
	paths->out = spout->streams[PUMP_OUT].pipe;
	paths->err = spout->streams[PUMP_ERR].pipe;
	return 0;
}

void pump_drain(struct pump *p, const char *name)
{
	struct spout *spout = map_get(&p->spouts, name);

	for (int i = 0; spout && i < 2; i++)
		take(&spout->streams[i], PUMP_DRAIN_CHUNKS);
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

void pump_sweep(struct pump *p, bool (*is_needed)(const void *context, const char *name), const void *context)
{
	/* From the end: closing one moves those behind it. */
	for (size_t i = p->spouts.len; i-- > 0;) {
		const struct spout *spout = p->spouts.entries[i].value;

		if (!is_needed || !is_needed(context, spout->name))
			pump_close(p, spout->name);
	}
}

char *pump_name_of_held(const char *held)
{
	const char *dot = strrchr(held, '.');

	if (strncmp(held, HELD_PREFIX, strlen(HELD_PREFIX)) != 0 || !dot)
		return NULL;
	held += strlen(HELD_PREFIX);
	return mem_strndup(held, (size_t)(dot - held));
}

void pump_drop_held(struct pump *p, const char *held)
{
	struct keep_message m;
	char *path = path_join(p->pipes, held + strlen(HELD_PREFIX));

	keep_message_init(&m, KEEP_RELEASE);
	m.name = held;
	(void)parent_send(p->keeper, &m, -1);
	(void)unlink(path);
	mem_free(path);
}

uint64_t pump_dropped(const struct pump *p, const char *name)
{
	(void)name;
	return p->dropped;
}
