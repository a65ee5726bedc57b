#include "control/client.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/unixsock.h"
#include "wire/rpc.h"

enum { READ_CHUNK = 32 * 1024 };

struct client {
	int fd;
	uid_t peer; /* whose daemon it is */
	char *path;
	struct rpc_lines lines;
	int64_t last_id;
	client_note note;
	void *note_context;
	int64_t tick_ms;
	void (*tick)(void *context);
	void *tick_context;
	int64_t silence_ms;
	void (*silent)(void *context);
	void *silent_context;
	int64_t silent_at; /* the end of this pause, or its half, where the daemon is asked; INT64_MAX: never */
	int64_t silent_pause; /* twice as long after each */
	bool is_asked;        /* a ping is out */
	bool is_sending;      /* some of a request, behind whose rest a ping would have to wait */
};

static int64_t deadline_of(int64_t timeout_ms)
{
	return timeout_ms < 0 ? INT64_MAX : clock_ms() + timeout_ms;
}

static int poll_timeout(int64_t deadline)
{
	int64_t left = 0;

	if (deadline == INT64_MAX)
		return -1;
	left = deadline - clock_ms();
	if (left < 0)
		return 0;
	return left > 3600 * 1000 ? 3600 * 1000 : (int)left;
}

/* --- connecting --- */

static int check_listener(const char *path, int fd, uid_t *uid, struct err *e)
{
	struct unixsock_peer peer;

	if (unixsock_peer(fd, &peer) < 0)
		return err_sys(e, errno, "cannot find out who listens at '%s'", path);
	*uid = peer.uid;
	if (peer.uid == 0 || peer.uid == geteuid() || geteuid() == 0)
		return 0;
	return err_set(e, "the daemon at '%s' runs as uid %u, neither root nor you; not talking to it", path,
		(unsigned int)peer.uid);
}

/* Root may ask any daemon, but its environment, and what services would be started with, is for its own. */
static int check_environment(const struct client *c, const struct client_call *call, struct err *e)
{
	if (!json_get(call->params, "env") || c->peer == 0 || c->peer == geteuid())
		return 0;
	return err_set(e,
		"the daemon at '%s' runs as uid %u, and root's environment is not sent to it; run oxctl as "
		"that user: sudo -u '#%u' oxctl ...",
		c->path, (unsigned int)c->peer, (unsigned int)c->peer);
}

/*
 * A member of the daemon's control group may not say in whose environment apps are started, nor bring a text: what the daemon has of them is
 * used.  A new app has nothing else, so there the daemon refuses.
 */
static struct json *params_of_member(const struct client *c, const struct json *params)
{
	static const char *const own[] = { "env", "umask", "rlimits", "text", "folder" };
	const struct json *member = NULL;
	struct json *rest = NULL;

	if (!params || c->peer == geteuid() || geteuid() == 0 || json_get(params, "name"))
		return NULL;
	rest = json_new_object();
	JSON_EACH (params, member) {
		bool is_own = false;

		for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
			is_own = is_own || strcmp(json_key(member), own[i]) == 0;
		if (!is_own)
			json_set(rest, json_key(member), json_clone(member));
	}
	return rest;
}

/* -1 with the exit status in `*exit`. */
static int connect_to(const char *path, int64_t timeout_ms, uid_t *peer, int *exit, struct err *e)
{
	int fd = unixsock_connect(path, timeout_ms, e);

	*exit = CLIENT_FAILED;
	if (fd < 0) {
		bool is_nobody = e->number == ENOENT || e->number == ECONNREFUSED;

		int number = e->number;

		if (is_nobody)
			err_set(e, "no daemon at %s; start one with 'oxctl start'", path);
		e->number = number;
		*exit = is_nobody ? CLIENT_NO_DAEMON : number == EAGAIN ? CLIENT_TIMED_OUT : CLIENT_FAILED;
		return -1;
	}
	if (check_listener(path, fd, peer, e) < 0)
		fd_close(&fd);
	else
		*exit = CLIENT_DONE;
	return fd;
}

struct client *client_connect(const char *path, int64_t timeout_ms, int *exit, struct err *e)
{
	struct client *c = NULL;
	uid_t peer = 0;
	int fd = connect_to(path, timeout_ms, &peer, exit, e);

	if (fd < 0)
		return NULL;
	c = mem_zalloc(1, sizeof(*c));
	c->fd = fd;
	c->peer = peer;
	c->path = mem_strdup(path);
	c->silent_at = INT64_MAX;
	rpc_lines_init(&c->lines, RPC_MESSAGE_MAX);
	return c;
}

int client_reconnect(struct client *c, int64_t timeout_ms, struct err *e)
{
	int exit = CLIENT_DONE;

	fd_close(&c->fd);
	rpc_lines_release(&c->lines);
	rpc_lines_init(&c->lines, RPC_MESSAGE_MAX);
	c->fd = connect_to(c->path, timeout_ms, &c->peer, &exit, e);
	return exit;
}

void client_free(struct client *c)
{
	if (!c)
		return;
	fd_close(&c->fd);
	rpc_lines_release(&c->lines);
	mem_free(c->path);
	mem_free(c);
}

void client_on_note(struct client *c, client_note note, void *context)
{
	c->note = note;
	c->note_context = context;
}

void client_on_tick(struct client *c, int64_t every_ms, void (*tick)(void *context), void *context)
{
	c->tick_ms = every_ms;
	c->tick = tick;
	c->tick_context = context;
}

void client_on_silence(struct client *c, int64_t after_ms, void (*silent)(void *context), void *context)
{
	c->silence_ms = after_ms;
	c->silent = silent;
	c->silent_context = context;
}

int client_fd(const struct client *c)
{
	return c->fd;
}

/* --- moving bytes --- */

static int lost(const struct client *c, struct err *e)
{
	err_set(e, "the daemon at %s closed the connection", c->path);
	return CLIENT_NO_DAEMON;
}

/* Something came, or a call begins: silence begins anew. */
static void break_silence(struct client *c, int64_t pause_ms)
{
	c->is_asked = false;
	c->silent_pause = pause_ms;
	c->silent_at = c->silent ? clock_ms() + pause_ms / 2 : INT64_MAX;
}

/* Its answer is nobody's: no call has that id. */
static void ask_whether_it_lives(const struct client *c)
{
	struct buf line = BUF_INIT;

	rpc_write_request(&line, 0, NULL, "ping", NULL);
	/* A line this short goes whole or not at all. */
	if (!c->is_sending)
		(void)!send(c->fd, line.ptr, line.len, MSG_DONTWAIT | MSG_NOSIGNAL);
	buf_release(&line);
}

/* What takes its time is no doubt about a daemon that answers when it is asked. */
static void look_at_silence(struct client *c)
{
	if (clock_ms() < c->silent_at)
		return;
	if (!c->is_asked) {
		c->is_asked = true;
		ask_whether_it_lives(c);
		c->silent_at += c->silent_pause / 2;
		return;
	}
	c->silent(c->silent_context);
	c->silent_pause *= 2;
	c->silent_at = clock_ms() + c->silent_pause;
}

/* Waits until the socket is ready for one of `events`. */
static int await_socket(struct client *c, short events, int64_t deadline, struct err *e)
{
	struct pollfd p = { .fd = c->fd, .events = events };
	int rc = 0;

	do {
		int timeout = poll_timeout(deadline < c->silent_at ? deadline : c->silent_at);

		if (c->tick && (timeout < 0 || timeout > c->tick_ms))
			timeout = (int)c->tick_ms;
		rc = poll(&p, 1, timeout);
		if (rc == 0 && c->tick)
			c->tick(c->tick_context);
		if (rc == 0)
			look_at_silence(c);
	} while ((rc < 0 && errno == EINTR) || (rc == 0 && poll_timeout(deadline) != 0));
	if (rc > 0)
		return CLIENT_DONE;
	if (rc == 0) {
		err_set(e, "the daemon at %s did not answer in time", c->path);
		return CLIENT_TIMED_OUT;
	}
	err_sys(e, errno, "cannot wait for the daemon at %s", c->path);
	return CLIENT_FAILED;
}

static int receive_some(struct client *c, int64_t deadline, struct err *e)
{
	char bytes[READ_CHUNK];
	ssize_t count = 0;
	int rc = 0;

	rc = await_socket(c, POLLIN, deadline, e);
	if (rc)
		return rc;
	count = recv(c->fd, bytes, sizeof(bytes), MSG_DONTWAIT);
	if (count > 0) {
		/* An answer to a ping: the next one has more time. */
		if (c->silent_at != INT64_MAX)
			break_silence(c, c->is_asked ? 2 * c->silent_pause : c->silence_ms);
		rpc_lines_feed(&c->lines, bytes, (size_t)count);
		return CLIENT_DONE;
	}
	if (count < 0 && (errno == EAGAIN || errno == EINTR))
		return CLIENT_DONE;
	return lost(c, e);
}

/*
 * Sends all of it.  What the brain says meanwhile is taken in, so that two full buffers never wait for each other.  A brain that
 * closed may have said why before: that is still there to be read, so it is no failure yet.
 */
static int send_all(struct client *c, const struct buf *text, int64_t deadline, struct err *e)
{
	size_t sent = 0;

	c->is_sending = true;
	while (sent < text->len) {
		ssize_t count = send(c->fd, text->ptr + sent, text->len - sent, MSG_DONTWAIT | MSG_NOSIGNAL);
		struct pollfd p = { .fd = c->fd, .events = POLLIN };
		int rc = 0;

		if (count > 0) {
			sent += (size_t)count;
			continue;
		}
		if (count < 0 && errno == EINTR)
			continue;
		if (count < 0 && errno != EAGAIN)
			return CLIENT_DONE;
		rc = await_socket(c, POLLIN | POLLOUT, deadline, e);
		if (!rc && poll(&p, 1, 0) == 1)
			rc = receive_some(c, deadline, e);
		if (rc)
			return rc;
	}
	return CLIENT_DONE;
}

/* --- letters --- */

static bool is_mine(const struct client *c, const struct rpc_message *letter)
{
	int64_t id = 0;

	/* Without an id: what was sent could not be read, or we were not let in. */
	if (json_is_null(letter->id))
		return letter->code != 0;
	return json_int(letter->id, &id) && id == c->last_id;
}

/* The result as it is written, if that is all the caller wants of it. */
static bool take_text(const struct client *c, struct client_call *call, const char *line, size_t len)
{
	const char *text = NULL;
	size_t text_len = 0;

	if (!call || !call->text || !rpc_result_text(line, len, c->last_id, &text, &text_len))
		return false;
	buf_add(call->text, text, text_len);
	return true;
}

/*
 * 0 with a letter that is no notification in `letter`, or an exit status.  Without a letter (its root is NULL) the answer of `call` is in
 * its text.
 */
static int next_answer(struct client *c, struct client_call *call, struct rpc_message *letter,
	int64_t deadline, struct err *e)
{
	*letter = (struct rpc_message){ .root = NULL };

	for (;;) {
		const char *line = NULL;
		size_t len = 0;
		enum rpc_got got = rpc_lines_next(&c->lines, &line, &len);
		int rc = 0;

		if (got == RPC_NOTHING) {
			rc = receive_some(c, deadline, e);
			if (rc)
				return rc;
			continue;
		}
		if (got == RPC_LOST) {
			err_set(e, "the daemon's answer is too large");
			return CLIENT_FAILED;
		}
		if (take_text(c, call, line, len))
			return CLIENT_DONE;
		if (rpc_message_parse(letter, line, len, e) < 0) {
			err_prefix(e, "cannot read what the daemon at %s says", c->path);
			return CLIENT_FAILED;
		}
		if (!letter->method)
			return CLIENT_DONE;
		if (c->note)
			c->note(c->note_context, letter->method, letter->params);
		rpc_message_release(letter);
	}
}

static int settle_call(struct client_call *call, const struct rpc_message *letter, struct err *e)
{
	if (!letter->code && call->text)
		json_write(call->text, letter->result);
	else if (!letter->code)
		call->result = json_clone(letter->result);
	if (!letter->code)
		return CLIENT_DONE;
	call->code = letter->code;
	call->data = letter->data ? json_clone(letter->data) : NULL;
	err_set(e, "%s", letter->message);
	return rpc_code_exit(letter->code);
}

/* As the daemon counts: its owner may send more. */
static size_t request_max(const struct client *c)
{
	return geteuid() == 0 || c->peer == geteuid() ? RPC_OWNER_MAX : RPC_REQUEST_MAX;
}

static int complain_long(const struct client_call *call, size_t len, size_t most, struct err *e)
{
	bool has_env = json_get(call->params, "env") != NULL;

	err_set(e, "%s: the request is %.1f MB long, and the daemon takes %.0f MB%s", call->method,
		(double)len / (1 << 20), (double)most / (1 << 20),
		has_env ? "; it holds your environment: 'env -u NAME oxctl ...' leaves a variable out" : "");
	return CLIENT_FAILED;
}

int client_call(struct client *c, struct client_call *call, struct err *e)
{
	int64_t deadline = deadline_of(call->timeout_ms);
	struct rpc_message letter;
	struct json *rest = NULL;
	struct buf line = BUF_INIT;
	bool is_answered = false;
	int rc = 0;

	call->result = call->data = NULL;
	call->code = 0;
	if (check_environment(c, call, e) < 0)
		return CLIENT_FAILED;
	break_silence(c, c->silence_ms);
	rest = params_of_member(c, call->params);
	rpc_write_request(&line, ++c->last_id, call->once, call->method, rest ? rest : call->params);
	json_free(rest);
	if (line.len - 1 > request_max(c))
		rc = complain_long(call, line.len - 1, request_max(c), e);
	else
		rc = send_all(c, &line, deadline, e);
	c->is_sending = false;
	buf_release(&line);
	while (!rc && !is_answered) {
		rc = next_answer(c, call, &letter, deadline, e);
		if (rc)
			break;
		is_answered = !letter.root || is_mine(c, &letter);
		if (letter.root && is_answered)
			rc = settle_call(call, &letter, e);
		rpc_message_release(&letter);
	}
	c->silent_at = INT64_MAX;
	return rc;
}

int client_wait(struct client *c, int64_t timeout_ms, struct err *e)
{
	int64_t deadline = deadline_of(timeout_ms);
	struct rpc_message letter;
	int rc = 0;

	do {
		rc = next_answer(c, NULL, &letter, deadline, e);
		if (!rc)
			rpc_message_release(&letter);
	} while (!rc);
	return rc;
}
