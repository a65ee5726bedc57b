#include "control.h"
#include "loop/watchers.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/json_emit.h"
#include "base/log.h"
#include "base/mem.h"
#include "control/rpc_server.h"
#include "unit.h"

/* Milliseconds without any progress after which a test has failed. */
enum { PATIENCE_MS = 5000, TURN_MS = 20 };

static void answer_ping(void *context, struct call *c)
{
	(void)context;
	call_answer_text(c, "\"pong\"");
}

/* As many bytes as `limit` says, so that a test can fill queues. */
static void answer_why(void *context, struct call *c)
{
	struct buf text = BUF_INIT;

	(void)context;
	buf_addc(&text, '"');
	buf_fill(&text, 'x', (size_t)c->params.why.limit.value);
	buf_addc(&text, '"');
	call_answer(c, &text);
	buf_release(&text);
}

void tell_progress(struct call *c, const char *params)
{
	struct buf text = BUF_INIT;

	buf_adds(&text, params);
	call_progress(c, &text);
	buf_release(&text);
}

static void on_gone(void *context, struct call *c)
{
	struct fixture *f = context;

	f->gone++;
	if (f->answers_when_gone)
		call_answer_text(c, "null");
}

static void keep_stop(void *context, struct call *c)
{
	struct fixture *f = context;

	f->kept = c;
	f->kept_count++;
	call_on_gone(c, on_gone, f);
}

static void fail_reset(void *context, struct call *c)
{
	(void)context;
	call_fail(c, RPC_FAILED, "it is broken");
}

static void take_subscriber(void *context, struct call *c)
{
	struct fixture *f = context;
	struct buf answer = BUF_INIT;

	emit_open(&answer, NULL, '{');
	emit_int(&answer, "seq", call_listen(c, true));
	emit_int(&answer, "snapshot", rpc_server_seq(f->server));
	emit_close(&answer, '}');
	call_answer(c, &answer);
	buf_release(&answer);
}

static void take_unsubscriber(void *context, struct call *c)
{
	(void)context;
	(void)call_listen(c, false);
	call_answer_text(c, "{}");
}

static void catch_log(void *context, enum log_level level, const char *line, size_t len)
{
	struct fixture *f = context;

	(void)level;
	buf_add(&f->log, line, len);
	buf_addc(&f->log, '\n');
}

int fixture_setup(void **state)
{
	struct fixture *f = mem_zalloc(1, sizeof(*f));

	snprintf(f->folder, sizeof(f->folder), "/tmp/oxcontrol.XXXXXX");
	if (!mkdtemp(f->folder))
		return -1;
	snprintf(f->path, sizeof(f->path), "%s/run/oxherd.sock", f->folder);
	f->loop = ev_loop_new(EVFLAG_AUTO | EVFLAG_NOENV);
	buf_init(&f->e.text);
	buf_init(&f->log);
	f->handlers[METHOD_PING] = answer_ping;
	f->handlers[METHOD_WHY] = answer_why;
	f->handlers[METHOD_STOP] = keep_stop;
	f->handlers[METHOD_RESET] = fail_reset;
	f->handlers[METHOD_SUBSCRIBE] = take_subscriber;
	f->handlers[METHOD_UNSUBSCRIBE] = take_unsubscriber;
	log_to(catch_log, f, LOG_INFO);
	*state = f;
	return 0;
}

static uint64_t saves_due(void *context)
{
	const struct fixture *f = context;

	return f->saves_due;
}

static uint64_t saves_ended(void *context)
{
	const struct fixture *f = context;

	return f->saves_ended;
}

void fixture_start(struct fixture *f)
{
	struct rpc_server_options options = {
		.path = f->path,
		.group = UNIXSOCK_NO_GROUP,
		.listener = -1,
		.router = { .handlers = f->handlers, .context = f },
		.due = saves_due,
		.ended = saves_ended,
	};

	f->server = rpc_server_new(f->loop, &options, &f->e);
	if (!f->server)
		fail_msg("%s", f->e.text.ptr);
}

void fixture_stop(struct fixture *f)
{
	rpc_server_free(f->server);
	f->server = NULL;
}

int fixture_teardown(void **state)
{
	struct fixture *f = *state;
	struct buf path = BUF_INIT;

	fixture_stop(f);
	ev_loop_destroy(f->loop);
	log_to(NULL, NULL, LOG_ERROR);
	unlink(f->path);
	buf_addf(&path, "%s.lock", f->path);
	unlink(path.ptr);
	buf_clear(&path);
	buf_addf(&path, "%s/run", f->folder);
	rmdir(path.ptr);
	rmdir(f->folder);
	buf_release(&path);
	err_release(&f->e);
	buf_release(&f->log);
	mem_free(f);
	return 0;
}

static void turn(struct fixture *f)
{
	ev_run(f->loop, EVRUN_NOWAIT);
}

/* Turns the loop once; false if `fd` is not ready within a moment. */
static bool turn_for(struct fixture *f, int fd, short events)
{
	struct pollfd p = { .fd = fd, .events = events };

	turn(f);
	return poll(&p, 1, TURN_MS) == 1;
}

int dial(struct fixture *f)
{
	int fd = unixsock_connect(f->path, PATIENCE_MS, &f->e);

	if (fd < 0)
		fail_msg("%s", f->e.text.ptr);
	turn(f);
	return fd;
}

bool say_bytes(struct fixture *f, int fd, const char *bytes, size_t len)
{
	for (int idle = 0; len && idle < PATIENCE_MS / TURN_MS;) {
		ssize_t sent = send(fd, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (sent < 0 && errno != EAGAIN)
			return false;
		if (sent > 0) {
			bytes += sent;
			len -= (size_t)sent;
			idle = 0;
		}
		idle += !turn_for(f, fd, POLLOUT);
	}
	if (len)
		fail_msg("the server reads nothing");
	turn(f);
	return true;
}

bool say(struct fixture *f, int fd, const char *text)
{
	return say_bytes(f, fd, text, strlen(text));
}

bool hear(struct fixture *f, int fd, struct buf *line)
{
	buf_clear(line);
	for (int idle = 0; idle < PATIENCE_MS / TURN_MS;) {
		char c = '\0';
		ssize_t got = recv(fd, &c, 1, MSG_DONTWAIT);

		if (got == 1 && c == '\n')
			return true;
		if (got == 1) {
			buf_addc(line, c);
			continue;
		}
		if (got == 0 || (errno != EAGAIN && errno != EINTR))
			return false;
		idle += !turn_for(f, fd, POLLIN);
	}
	fail_msg("nothing was heard after '%s'", line->ptr);
	return false;
}

void assert_heard(struct fixture *f, int fd, const char *expected)
{
	struct buf line = BUF_INIT;

	assert_true(hear(f, fd, &line));
	assert_string_equal(line.ptr, expected);
	buf_release(&line);
}

void assert_closed(struct fixture *f, int fd)
{
	struct buf line = BUF_INIT;

	if (hear(f, fd, &line))
		fail_msg("still open, and says '%s'", line.ptr);
	buf_release(&line);
	close(fd);
}

void settle(struct fixture *f)
{
	for (int i = 0; i < 20; i++)
		turn(f);
}

void turn_until(struct fixture *f, const int *value, int least)
{
	for (int i = 0; *value < least && i < PATIENCE_MS / TURN_MS; i++)
		(void)turn_for(f, -1, 0);
	assert_true(*value >= least);
}
