#include "crowd.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "answer.h"
#include "base/mem.h"
#include "os/clock.h"

enum client_state {
	CLIENT_FREE, /* with a connection or without; it may ask */
	CLIENT_CONNECTING,
	CLIENT_SENDING,
	CLIENT_READING,
};

struct client {
	int fd;
	enum client_state state;
	bool is_reused;   /* this connection has had an answer before */
	bool was_retried; /* this request is asked for the second time */
	size_t sent;
	int64_t due_at, asked_at, rests_until;
	struct answer answer;
};

int crowd_init(struct crowd *c, const struct crowd_plan *plan, struct tally *tally, int64_t now)
{
	*c = (struct crowd){ .plan = plan, .tally = tally, .begun_at = now };
	c->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (c->epoll < 0)
		return -1;
	c->clients = mem_zalloc(plan->connections, sizeof(*c->clients));
	for (size_t i = 0; i < plan->connections; i++)
		c->clients[i].fd = -1;
	return 0;
}

static void hang_up(struct client *k)
{
	if (k->fd >= 0)
		close(k->fd);
	k->fd = -1;
	k->is_reused = false;
}

void crowd_release(struct crowd *c)
{
	for (size_t i = 0; i < c->plan->connections; i++)
		hang_up(&c->clients[i]);
	mem_free(c->clients);
	close(c->epoll);
}

static void fail(struct crowd *c, struct client *k, enum failure kind, int64_t now)
{
	static const char *const doing[] = {
		[CLIENT_FREE] = "beginning",
		[CLIENT_CONNECTING] = "connecting",
		[CLIENT_SENDING] = "sending",
		[CLIENT_READING] = "waiting for the answer",
	};
	struct buf words = BUF_INIT;

	buf_addf(&words, "%s after %lld ms, at %.3f s, while %s%s%s", tally_key(kind),
		(long long)(now - k->asked_at) / 1000, (double)(now - c->begun_at) / 1e6, doing[k->state],
		k->is_reused ? " on a connection that was used before" : "",
		k->was_retried ? ", for the second time" : "");
	if (kind == FAILED_STATUS)
		buf_addf(&words, ": %d", k->answer.status);
	tally_failed(c->tally, kind, kind == FAILED_STATUS ? k->answer.status : 0, words.ptr);
	buf_release(&words);
	hang_up(k);
	k->state = CLIENT_FREE;
	k->rests_until = now + CROWD_PAUSE_US;
}

static enum failure kind_of(int number)
{
	switch (number) {
	case ECONNREFUSED:
		return FAILED_REFUSED;
	case ECONNRESET:
	case ECONNABORTED:
	case EPIPE:
		return FAILED_RESET;
	case ETIMEDOUT:
		return FAILED_TIMED_OUT;
	default:
		return FAILED_UNABLE;
	}
}

static void dial(struct crowd *c, struct client *k, int64_t now)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = k };

	k->state = CLIENT_CONNECTING;
	k->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (k->fd < 0) {
		fail(c, k, FAILED_UNABLE, now);
		return;
	}
	c->tally->connections++;
	if ((connect(k->fd, (const struct sockaddr *)&c->plan->to, sizeof(c->plan->to)) < 0 &&
		    errno != EINPROGRESS) ||
		epoll_ctl(c->epoll, EPOLL_CTL_ADD, k->fd, &event) < 0)
		fail(c, k, kind_of(errno), now);
}

/*
 * The connection is gone.  A server may close one that rests at any moment, also while a request is on its way to it; who has not had a
 * byte of an answer on a connection that was used before may ask once more, if asking twice does no harm (RFC 9112, 9.3.1).
 */
static void lose(struct crowd *c, struct client *k, enum failure kind, int64_t now)
{
	bool is_cut = k->is_reused && !k->answer.has_begun;

	if (!is_cut || !c->plan->is_idempotent) {
		fail(c, k, is_cut ? FAILED_CUT : kind, now);
		return;
	}
	hang_up(k);
	k->was_retried = true;
	k->sent = 0;
	answer_init(&k->answer);
	c->tally->retried++;
	dial(c, k, now);
}

static void finish(struct crowd *c, struct client *k, int64_t now)
{
	if (k->answer.status != 200) {
		fail(c, k, FAILED_STATUS, now);
		return;
	}
	if (c->plan->words && !strstr(k->answer.kept, c->plan->words)) {
		fail(c, k, FAILED_WRONG, now);
		return;
	}
	tally_ok(c->tally, now - k->due_at);
	k->state = CLIENT_FREE;
	k->is_reused = true;
	if (!c->plan->keeps_alive || k->answer.will_close)
		hang_up(k);
}

static void send_more(struct crowd *c, struct client *k, int64_t now)
{
	const struct buf *request = &c->plan->request;

	while (k->sent < request->len) {
		ssize_t sent = send(k->fd, request->ptr + k->sent, request->len - k->sent, MSG_NOSIGNAL);

		if (sent < 0 && errno == EAGAIN)
			return;
		if (sent < 0) {
			lose(c, k, kind_of(errno), now);
			return;
		}
		k->sent += (size_t)sent;
	}
	k->state = CLIENT_READING;
}

/* What has come, also while the request is still on its way: a server may answer early. */
static void read_more(struct crowd *c, struct client *k, int64_t now)
{
	char bytes[16384];

	for (;;) {
		ssize_t got = recv(k->fd, bytes, sizeof(bytes), 0);
		enum answer_state state = ANSWER_MORE;

		if (got < 0 && errno == EAGAIN)
			return;
		if (got < 0) {
			lose(c, k, kind_of(errno), now);
			return;
		}
		state = got ? answer_feed(&k->answer, bytes, (size_t)got) : answer_end(&k->answer);
		if (state == ANSWER_BROKEN) {
			fail(c, k, FAILED_BROKEN, now);
			return;
		}
		if (state == ANSWER_WHOLE) {
			k->answer.will_close = k->answer.will_close || !got || k->state != CLIENT_READING;
			finish(c, k, now);
			return;
		}
		if (!got) {
			lose(c, k, k->answer.has_begun ? FAILED_SHORT : FAILED_EMPTY, now);
			return;
		}
	}
}

/* Nothing is to come on a connection that rests: what does is its end, or nothing that was asked for. */
static void look_at_rest(struct crowd *c, struct client *k)
{
	char byte = 0;

	if (k->fd < 0 || (recv(k->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN))
		return;
	c->tally->idle_closed++;
	hang_up(k);
}

static void ask(struct crowd *c, struct client *k, int64_t due_at, int64_t now)
{
	k->due_at = due_at;
	k->asked_at = now;
	k->was_retried = false;
	k->sent = 0;
	answer_init(&k->answer);
	if (now - due_at > c->tally->worst_late_us)
		c->tally->worst_late_us = now - due_at;
	look_at_rest(c, k);
	if (k->fd < 0) {
		dial(c, k, now);
		return;
	}
	k->state = CLIENT_SENDING;
	send_more(c, k, now);
}

static void hear(struct crowd *c, struct client *k, uint32_t events, int64_t now)
{
	int number = 0;
	socklen_t len = sizeof(number);

	if (k->state == CLIENT_CONNECTING && (events & (EPOLLOUT | EPOLLERR | EPOLLHUP))) {
		if (getsockopt(k->fd, SOL_SOCKET, SO_ERROR, &number, &len) < 0 || number) {
			fail(c, k, kind_of(number), now);
			return;
		}
		k->state = CLIENT_SENDING;
	}
	if (k->state == CLIENT_SENDING && (events & EPOLLOUT))
		send_more(c, k, now);
	if (k->state == CLIENT_READING || k->state == CLIENT_SENDING)
		read_more(c, k, now);
	else if (k->state == CLIENT_FREE)
		look_at_rest(c, k);
}

static int64_t due(const struct crowd *c, int64_t now)
{
	return c->plan->rate ? c->begun_at + c->issued * 1000000 / c->plan->rate : now;
}

static struct client *find_free(struct crowd *c, int64_t now)
{
	for (size_t i = 0; i < c->plan->connections; i++) {
		struct client *k = &c->clients[(c->turn + i) % c->plan->connections];

		if (k->state == CLIENT_FREE && k->rests_until <= now) {
			c->turn = (c->turn + i + 1) % c->plan->connections;
			return k;
		}
	}
	return NULL;
}

/* When something is to be done again without anybody asking; the failed ones may be needed then, too. */
static int64_t look_after(struct crowd *c, int64_t now, bool is_ending, bool *is_busy)
{
	int64_t next = is_ending || !c->plan->rate ? INT64_MAX : due(c, now);

	/* All that is due while no client is free waits for the next free one. */
	if (next <= now)
		next = INT64_MAX;
	*is_busy = false;
	for (size_t i = 0; i < c->plan->connections; i++) {
		struct client *k = &c->clients[i];
		int64_t at = k->state == CLIENT_FREE ? k->rests_until : k->asked_at + c->plan->timeout_us;

		if (k->state != CLIENT_FREE && at <= now) {
			fail(c, k, FAILED_TIMED_OUT, now);
			at = k->rests_until;
		}
		*is_busy = *is_busy || k->state != CLIENT_FREE;
		if (at > now && at < next)
			next = at;
	}
	return next;
}

bool crowd_turn(struct crowd *c, int64_t until, bool is_ending)
{
	struct epoll_event events[256];
	int64_t now = clock_us();
	int64_t next = 0;
	bool is_busy = false;
	int count = 0;

	for (struct client *k = NULL; !is_ending && due(c, now) <= now && (k = find_free(c, now));
		c->issued++)
		ask(c, k, due(c, now), now);
	next = look_after(c, now, is_ending, &is_busy);
	if (is_ending && !is_busy)
		return false;
	next = next < until ? next : until;
	next = next > now ? next - now : 0;
	count = epoll_wait(c->epoll, events, 256, (int)((next + 999) / 1000));
	now = clock_us();
	for (int i = 0; i < count; i++)
		hear(c, events[i].data.ptr, events[i].events, now);
	return true;
}
