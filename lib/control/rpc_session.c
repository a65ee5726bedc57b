#include "control/rpc_session.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/json_emit.h"
#include "base/log.h"
#include "base/mem.h"
#include "control/rpc_call.h"
#include "loop/loop.h"

/* Bytes taken in one turn, so that one client cannot keep the others waiting. */
enum { READ_CHUNK = 8 * 1024 }; /* at once: all that a request does lies on the stack above it */

static bool is_owner(const struct unixsock_peer *peer)
{
	return peer->uid == 0 || peer->uid == geteuid();
}

bool rpc_session_is_owner(const struct rpc_session *s)
{
	return is_owner(&s->peer);
}

static bool has_time(const struct rpc_session *s)
{
	return rpc_server_has_time(s->server, rpc_session_is_owner(s));
}

/* --- what goes out --- */

void rpc_session_answer(struct rpc_session *s, const struct buf *line)
{
	struct rpc_send_text *text = NULL;

	if (s->is_broken || s->is_closing)
		return;
	rpc_session_mark(s);
	if (s->out.bytes - s->out.event_bytes > SESSION_ANSWERS_MAX) {
		log_warn("control: closed the connection of pid %d: it does not read its answers",
			(int)s->peer.pid);
		s->server->stats.overflowed++;
		s->is_broken = true;
		return;
	}
	text = rpc_send_text_new(line->ptr, line->len);
	rpc_send_queue_push(&s->out, text, false);
	rpc_send_text_drop(text);
}

void rpc_session_event(struct rpc_session *s, struct rpc_send_text *text)
{
	if (s->is_broken || s->is_closing)
		return;
	if (s->missed || s->out.event_bytes + rpc_send_text_len(text) > SESSION_EVENTS_MAX) {
		s->missed++;
		s->server->stats.events_missed++;
		return;
	}
	rpc_send_queue_push(&s->out, text, true);
	rpc_session_mark(s);
}

/* Said before any later event, and only once there is room for some: else a slow reader would get nothing but this. */
static void tell_missed(struct rpc_session *s)
{
	struct buf params = BUF_INIT;
	struct buf line = BUF_INIT;
	struct rpc_send_text *text = NULL;

	if (!s->missed || s->out.event_bytes > SESSION_EVENTS_MAX / 2)
		return;
	emit_open(&params, NULL, '{');
	emit_int(&params, "missed", (int64_t)s->missed);
	emit_close(&params, '}');
	rpc_write_notification(&line, "missed", &params);
	text = rpc_send_text_new(line.ptr, line.len);
	rpc_send_queue_push(&s->out, text, true);
	rpc_send_text_drop(text);
	s->missed = 0;
	buf_release(&params);
	buf_release(&line);
}

/* --- what comes in --- */

static void refuse_flood(struct rpc_session *s)
{
	struct buf line = BUF_INIT;

	rpc_write_error(&line, "null", RPC_TOO_LARGE,
		is_owner(&s->peer) ? "the request is longer than 4 MiB" : "the request is longer than 1 MiB",
		NULL);
	rpc_session_answer(s, &line);
	s->is_closing = true;
	buf_release(&line);
}

static bool is_paused(const struct rpc_session *s)
{
	return s->calls.len >= SESSION_REQUESTS_MAX || s->out.bytes > SESSION_PAUSE_BYTES;
}

static bool is_over(const struct rpc_session *s)
{
	return s->is_broken || s->is_closing;
}

bool rpc_session_is_idle(const struct rpc_session *s)
{
	return s->is_closing || (!s->calls.len && !s->is_subscribed && !s->has_lines && !s->out.bytes);
}

void rpc_session_dismiss(struct rpc_session *s)
{
	struct buf line = BUF_INIT;

	rpc_write_error(&line, "null", RPC_TOO_MANY, "closed: it was idle, and its place is needed", NULL);
	/* Not by way of its outbox: one that does not read would keep the place. */
	(void)!send(s->fd, line.ptr, line.len, MSG_DONTWAIT | MSG_NOSIGNAL);
	s->is_broken = true;
	rpc_session_mark(s);
	buf_release(&line);
}

/*
 * A socket that nobody reads from tells libev nothing, and one that is at its end would tell it all the time.  An epoll of its own, asked
 * for nothing, reports exactly one thing: the other end is closed for good.
 */
static void watch_hangup(struct rpc_session *s)
{
	struct epoll_event nothing = { .events = 0 };

	if (s->hangup_fd >= 0)
		return;
	s->hangup_fd = epoll_create1(EPOLL_CLOEXEC);
	if (s->hangup_fd < 0)
		return; /* no descriptor left: it will be noticed at the next write */
	if (epoll_ctl(s->hangup_fd, EPOLL_CTL_ADD, s->fd, &nothing) < 0) {
		close(s->hangup_fd);
		s->hangup_fd = -1;
		return;
	}
	ev_io_set(&s->hangup, s->hangup_fd, EV_READ);
	loop_watch(s->server->loop, &s->hangup);
}

static void listen_or_not(struct rpc_session *s)
{
	if (is_over(s) || s->input_ended || s->has_lines || is_paused(s)) {
		ev_io_stop(s->server->loop, &s->reader);
		if (!is_over(s))
			watch_hangup(s);
	} else {
		loop_watch(s->server->loop, &s->reader);
	}
}

void rpc_session_work(struct rpc_session *s)
{
	enum rpc_got got = RPC_NOTHING;
	const char *line = NULL;
	size_t len = 0;

	s->has_lines = false;
	while (!is_over(s)) {
		if (is_paused(s) || !has_time(s)) {
			s->has_lines = true;
			break;
		}
		got = rpc_lines_next(&s->lines, &line, &len);
		if (got == RPC_NOTHING)
			break;
		if (got == RPC_LOST)
			refuse_flood(s);
		else
			rpc_call_take(s, line, len);
	}
	listen_or_not(s);
	rpc_session_mark(s);
}

bool rpc_session_has_room(const struct rpc_session *s)
{
	if (is_over(s) || s->out.bytes >= CALL_ROOM_BYTES)
		return false;
	for (size_t i = 0; i < s->calls.len; i++)
		if (call_wants_room(s->calls.items[i]))
			return true;
	return false;
}

void rpc_session_offer_room(struct rpc_session *s)
{
	/* From the end: each may answer, which takes it out of the list. */
	for (size_t i = s->calls.len; i-- > 0;) {
		struct call *c = s->calls.items[i];

		if (call_wants_room(c) && !is_over(s) && s->out.bytes < CALL_ROOM_BYTES && has_time(s))
			call_offer_room(c);
	}
}

/* --- watchers --- */

static void on_readable(struct ev_loop *loop, struct ev_io *w, int events)
{
	struct rpc_session *s = w->data;
	char bytes[READ_CHUNK];
	ssize_t count = recv(s->fd, bytes, sizeof(bytes), MSG_DONTWAIT);

	(void)loop;
	s->used_at = ++s->server->used;
	/* It cannot be watched any more. */
	if (events & EV_ERROR)
		s->is_broken = true;
	if (count < 0 && !s->is_broken && (errno == EAGAIN || errno == EINTR))
		return;
	if (count > 0)
		rpc_lines_feed(&s->lines, bytes, (size_t)count);
	else if (count == 0 && !unixsock_is_gone(s->fd))
		s->input_ended = true;
	else
		s->is_broken = true;
	rpc_session_work(s);
}

static void on_writable(struct ev_loop *loop, struct ev_io *w, int events)
{
	struct rpc_session *s = w->data;

	(void)loop;
	s->is_broken |= (events & EV_ERROR) != 0;
	rpc_session_mark(s);
}

static void on_hangup(struct ev_loop *loop, struct ev_io *w, int events)
{
	struct rpc_session *s = w->data;

	(void)events;
	ev_io_stop(loop, w);
	s->is_broken = true;
	rpc_session_mark(s);
}

/* The answer to a change says so where the change is not on disk. */
static void keep_promises(struct rpc_session *s)
{
	const struct rpc_server_options *o = &s->server->options;
	const char *words = o->unsaved ? o->unsaved(o->router.context) : NULL;
	struct buf members = BUF_INIT;

	if (words) {
		buf_adds(&members, ",\"saved\":false");
		emit_string(&members, "warning", words);
	}
	rpc_send_queue_keep(&s->out, words ? members.ptr : NULL);
	buf_release(&members);
}

/* All that it is to hear waits, in its order; nobody else does. */
static bool is_held(struct rpc_session *s)
{
	const struct rpc_server_options *o = &s->server->options;

	bool has_promised = s->has_promised || s->held;

	if (s->has_promised && o->due)
		s->held = o->due(o->router.context);
	s->has_promised = false;
	if (s->held && s->held <= o->ended(o->router.context))
		s->held = 0;
	if (has_promised && !s->held)
		keep_promises(s);
	return s->held > 0;
}

bool rpc_session_turn(struct rpc_session *s)
{
	struct ev_loop *loop = s->server->loop;
	size_t before = 0;

	if (!s->is_broken && is_held(s)) {
		ev_io_stop(loop, &s->writer);
		return true;
	}
	do {
		before = s->out.bytes;
		if (!s->is_broken && rpc_send_queue_flush(&s->out, s->fd) < 0)
			s->is_broken = true;
		tell_missed(s);
	} while (!s->is_broken && s->out.bytes && s->out.bytes != before);
	if (s->is_broken)
		return false;
	if (s->out.bytes) {
		loop_watch(loop, &s->writer);
		return true;
	}
	ev_io_stop(loop, &s->writer);
	if (s->is_closing)
		return false;
	return !s->input_ended || s->has_lines || s->calls.len || s->is_subscribed;
}

/* --- life --- */

struct rpc_session *rpc_session_new(struct rpc_server *server, int fd, const struct unixsock_peer *peer)
{
	struct rpc_session *s = mem_zalloc(1, sizeof(*s));

	s->server = server;
	s->fd = fd;
	s->peer = *peer;
	s->used_at = ++server->used;
	s->hangup_fd = -1;
	rpc_lines_init(&s->lines, is_owner(peer) ? RPC_OWNER_MAX : RPC_REQUEST_MAX);
	ev_io_init(&s->reader, on_readable, fd, EV_READ);
	ev_io_init(&s->writer, on_writable, fd, EV_WRITE);
	ev_init(&s->hangup, on_hangup);
	s->reader.data = s->writer.data = s->hangup.data = s;
	loop_watch(server->loop, &s->reader);
	return s;
}

void rpc_session_free(struct rpc_session *s)
{
	struct ev_loop *loop = s->server->loop;

	/* From here on nothing is sent to it, whatever the handlers of its calls do now. */
	s->is_broken = true;
	ev_io_stop(loop, &s->reader);
	ev_io_stop(loop, &s->writer);
	ev_io_stop(loop, &s->hangup);
	while (s->calls.len)
		rpc_call_detach(vec_pop(&s->calls));
	vec_release(&s->calls);
	if (s->hangup_fd >= 0)
		close(s->hangup_fd);
	close(s->fd);
	rpc_send_queue_release(&s->out);
	rpc_lines_release(&s->lines);
	mem_free(s);
}
