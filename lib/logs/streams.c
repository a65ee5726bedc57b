#include "logs/streams.h"
#include "logs/location.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/str.h"
#include "logs/logfile_cache.h"
#include "logs/streams_private.h"
#include "logs/write_journal.h"
#include "loop/loop.h"
#include "model/spec.h"
#include "os/fd.h"
#include "spawn/keeper_client.h"

static void send_pipe(const struct stream *s, enum keeper_msg_kind kind, int fd)
{
	struct buf name = BUF_INIT;

	buf_addf(&name, LOG_HELD_PREFIX "%s.%s", s->instance->name, log_stream_words[s->which]);
	(void)keeper_client_tell_name(s->instance->all->keeper, kind, name.ptr, fd);
	buf_release(&name);
}

/* --- pipes ----------------------------------------------------------------------------------------------------------- */

/* Of its FIFO; to be freed. */
static char *pipe_path(const struct stream *s)
{
	struct buf file = BUF_INIT;
	char *path = NULL;

	buf_addf(&file, "%s.%s", s->instance->name, log_stream_words[s->which]);
	path = path_join(s->instance->all->pipes, file.ptr);
	buf_release(&file);
	return path;
}

static void forget_last(struct stream *s)
{
	if (s->last)
		last_lines_release(s->last);
	mem_free(s->last);
	s->last = NULL;
}

/* A new run, and a new revision may write elsewhere or in another way. */
static void aim(struct stream *s, const struct stream_request *request)
{
	struct log_streams *p = s->instance->all;
	const struct spec *spec = request->spec;
	const char *colon = strrchr(request->name, ':');
	char *path = log_path(p->logs, request->name, spec, s->which);
	struct logfile *log = logfile_cache_take(p->cache, path, log_streams_rights(p, spec));

	if (request->is_new || s->run != (uint32_t)request->run) {
		forget_last(s);
		s->has_all_last = request->is_new;
	}
	logfile_cache_put_back(p->cache, s->log);
	s->log = log;
	s->key = write_journal_key(logfile_cache_journal(p->cache));
	s->run = (uint32_t)request->run;
	s->instance->app = mark_app(spec->name);
	s->instance->number = colon ? (uint16_t)strtoul(colon + 1, NULL, 10) : 0;
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
		instance->streams[i].key = write_journal_key(logfile_cache_journal(instance->all->cache));
}

static int stream_open(struct stream *s, struct err *e)
{
	char *path = pipe_path(s);

	s->in = fifo_open(path, e);
	mem_free(path);
	if (s->in < 0)
		return -1;
	ev_io_init(&s->reader, stream_on_readable, s->in, EV_READ);
	/* Commands and exits come first. */
	ev_set_priority(&s->reader, -1);
	s->reader.data = s;
	return 0;
}

/* Its pipe was deleted: the next run writes to another of that name. */
static int stream_reopen(struct stream *s, const char *path, struct err *e)
{
	int fd = fifo_open(path, e);

	if (fd < 0)
		return -1;
	ev_io_stop(s->instance->all->loop, &s->reader);
	fd_close(&s->in);
	s->in = fd;
	ev_io_set(&s->reader, fd, EV_READ);
	send_pipe(s, KEEPER_HOLD, fd);
	return 0;
}

static void stream_close(struct stream *s)
{
	struct log_streams *p = s->instance->all;

	stream_leave_waiting(s);
	if (s->in >= 0 && s->log) {
		(void)stream_take(s, LOG_STREAMS_DRAIN);
		ev_io_stop(p->loop, &s->reader);
	}
	fd_close(&s->in);
	if (s->log && logfile_writer(s->log) == s)
		logfile_set_writer(s->log, NULL);
	logfile_cache_put_back(p->cache, s->log);
	s->log = NULL;
	forget_last(s);
}

static void instance_streams_free(void *item)
{
	struct instance_streams *instance = item;

	if (!instance)
		return;
	for (int i = 0; i < LOG_STREAM_COUNT; i++)
		stream_close(&instance->streams[i]);
	mem_free(instance->format);
	mem_free(instance);
}

/* --- from outside ---------------------------------------------------------------------------------------------------- */

struct log_streams *log_streams_new(const struct stream_options *options, struct err *e)
{
	struct log_streams *p = mem_zalloc(1, sizeof(*p));

	*p = (struct log_streams){ .loop = options->loop,
		.keeper = options->keeper,
		.peek = { -1, -1 },
		.instances = MAP_INIT_BORROWED };
	ev_prepare_init(&p->turn, streams_on_turn);
	p->turn.data = p;
	ev_init(&p->wait, streams_on_wait);
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
	ev_prepare_stop(p->loop, &p->turn);
	fd_close(&p->peek[0]);
	fd_close(&p->peek[1]);
	mem_free(p->pipes);
	mem_free(p->logs);
	mem_free(p);
}

static struct instance_streams *instance_streams_new(struct log_streams *p, const char *name, struct err *e)
{
	size_t len = strlen(name);
	struct instance_streams *instance = mem_zalloc(1, sizeof(*instance) + len + 1);

	instance->all = p;
	memcpy(instance->name, name, len + 1);
	for (int i = 0; i < LOG_STREAM_COUNT; i++)
		instance->streams[i] =
			(struct stream){ .instance = instance, .in = -1, .which = (unsigned char)i };
	for (int i = 0; i < LOG_STREAM_COUNT; i++)
		if (stream_open(&instance->streams[i], e) < 0)
			return instance_streams_free(instance), NULL;
	/* Not before both are there: what waits to be sent has descriptors of its own. */
	for (int i = 0; i < LOG_STREAM_COUNT; i++)
		send_pipe(&instance->streams[i], KEEPER_HOLD, instance->streams[i].in);
	map_put(&p->instances, instance->name, instance);
	return instance;
}

static int stream_begin(
	struct stream *s, const struct stream_request *request, const char *path, struct err *e)
{
	/* What the last run has left in the pipe is still its own. */
	if (s->log)
		(void)stream_take(s, LOG_STREAMS_DRAIN);
	if (s->log && (uint32_t)request->run != s->run && !fifo_is_at(path, s->in) &&
		stream_reopen(s, path, e) < 0)
		return -1;
	aim(s, request);
	loop_watch(s->instance->all->loop, &s->reader);
	return 0;
}

int log_streams_open(struct log_streams *p, const struct stream_request *request, struct stream_paths *paths,
	struct err *e)
{
	struct instance_streams *instance = map_get(&p->instances, request->name);
	char **const of[LOG_STREAM_COUNT] = { &paths->out, &paths->err };

	*paths = (struct stream_paths){ .out = NULL };
	if (!instance)
		instance = instance_streams_new(p, request->name, e);
	if (!instance)
		return -1;
	for (int i = 0; i < LOG_STREAM_COUNT; i++) {
		*of[i] = pipe_path(&instance->streams[i]);
		if (stream_begin(&instance->streams[i], request, *of[i], e) < 0)
			return stream_paths_release(paths), -1;
	}
	shape(instance, request->spec);
	return 0;
}

void stream_paths_release(struct stream_paths *paths)
{
	mem_free(paths->out);
	mem_free(paths->err);
	*paths = (struct stream_paths){ .out = NULL };
}

void log_streams_drain(struct log_streams *p, const char *name)
{
	struct instance_streams *of = map_get(&p->instances, name);

	for (int i = 0; of && i < LOG_STREAM_COUNT; i++)
		(void)stream_take(&of->streams[i], LOG_STREAMS_DRAIN);
}

bool log_streams_last_lines(const struct log_streams *p, const char *name, uint64_t run, struct buf *out)
{
	const struct instance_streams *of = map_get(&p->instances, name);
	const struct stream *s = of ? &of->streams[LOG_STREAM_ERR] : NULL;

	if (!s || !s->has_all_last || of->format || s->run != (uint32_t)run)
		return false;
	if (s->last)
		last_lines_print(s->last, out);
	return true;
}

void log_streams_close(struct log_streams *p, const char *name)
{
	struct instance_streams *instance = map_remove(&p->instances, name);

	for (int i = 0; instance && i < LOG_STREAM_COUNT; i++) {
		char *path = pipe_path(&instance->streams[i]);

		send_pipe(&instance->streams[i], KEEPER_RELEASE, -1);
		(void)unlink(path);
		mem_free(path);
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
	char *path = log_held_path(p->pipes, held);

	(void)keeper_client_tell_name(p->keeper, KEEPER_RELEASE, held, -1);
	(void)unlink(path);
	mem_free(path);
}

uint64_t log_streams_dropped(const struct log_streams *p, const char *name)
{
	const struct instance_streams *instance = name ? map_get(&p->instances, name) : NULL;
	const struct stream *both = instance ? instance->streams : NULL;

	return !name ? p->dropped : both ? both[LOG_STREAM_OUT].dropped + both[LOG_STREAM_ERR].dropped : 0;
}
