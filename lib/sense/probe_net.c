/*
 * Checks over the network: does it take a connection, and what does it answer to a GET.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "loop/loop.h"
#include "model/check_url.h"
#include "os/fd.h"
#include "sense/probe_private.h"

/* Bytes taken in one turn of the loop; more than an answer may have before its status. */
enum { READ_MAX = 32 * 1024 };

static void try_next_address(struct probe *p, int number);

/* --- where to ---------------------------------------------------------------------------------------------------------- */

static void add_localhost(struct probe *p, int port)
{
	probe_way_add(p, false, "127.0.0.1", port);
	probe_way_add(p, true, "::1", port);
}

/* Without a socket it does not listen yet; another listener there is another instance. */
static void add_held(struct probe *p, const struct probe_helds *held, const struct check_url *to)
{
	probe_way_add_held(p, held, to && to->is_ipv6, to && !to->is_localhost ? to->host : NULL);
	if (!p->way_count)
		probe_decide(p, PROBE_FAILED, &REASON_OF(REFUSED));
}

static void address_endpoint(struct probe *p, const char *url, int own_port, const struct probe_helds *held)
{
	struct check_url to;
	int port = 0;

	if (check_url_parse(url, &to, NULL) < 0) {
		probe_decide(p, PROBE_FAILED, &REASON_OF(BAD_ADDRESS));
		return;
	}
	port = to.is_loopback && own_port ? own_port : to.port;
	p->is_loopback = to.is_loopback;
	p->is_http = true;
	http_request(&p->request, &to, port);
	if (held && to.is_loopback && own_port)
		add_held(p, held, &to);
	else if (to.is_localhost)
		add_localhost(p, port);
	else
		probe_way_add(p, to.is_ipv6, to.host, port);
}

/* --- answers ----------------------------------------------------------------------------------------------------------- */

static bool is_passing(const struct probe *p)
{
	return !p->is_http || (p->http.status >= 200 && p->http.status < 400);
}

/* Somebody is there and has said what he has to say, which may be nothing: who is it? */
static void answered(struct probe *p, const struct reason *what)
{
	struct reason stranger;
	enum probe_answer owner = PROBE_PASSED;

	if (p->is_loopback)
		owner = probe_judge_owner(p, &p->ways[p->way_at], &stranger);
	if (owner != PROBE_PASSED)
		probe_finish(p, owner, &stranger);
	else
		probe_finish(p, is_passing(p) ? PROBE_PASSED : PROBE_FAILED, what);
}

static struct reason error_reason(int number)
{
	switch (number) {
	case ECONNREFUSED:
		return REASON_OF(REFUSED);
	case ECONNRESET:
	case EPIPE:
		return REASON_OF(RESET);
	default:
		return REASON_OF(CONNECTION_FAILED, .number = number);
	}
}

enum probe_answer probe_answer_to(int number)
{
	switch (number) {
	case EMFILE:
	case ENFILE:
	case ENOBUFS:
	case ENOMEM:
	case ENOSPC:
	case EADDRNOTAVAIL:
	case EAGAIN:
		return PROBE_UNKNOWN;
	default:
		return PROBE_FAILED;
	}
}

static void fail(struct probe *p, int number)
{
	const struct reason why = error_reason(number);

	probe_finish(p, probe_answer_to(number), &why);
}

/* True if the probe is over, and may be gone. */
static bool take_bytes(struct probe *p, const char *bytes, size_t len)
{
	switch (http_feed(&p->http, bytes, len)) {
	case HTTP_STATUS:
		answered(p, &REASON_OF(HTTP_STATUS, .status = p->http.status));
		return true;
	case HTTP_BAD:
		p->http.status = 0;
		answered(p, &REASON_OF(NOT_HTTP));
		return true;
	default:
		return false;
	}
}

/* The same. */
static bool read_http_answer(struct probe *p)
{
	char bytes[READ_MAX];
	ssize_t len = recv(p->fd, bytes, sizeof(bytes), MSG_DONTWAIT);

	if (len < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (len > 0)
		return take_bytes(p, bytes, (size_t)len);
	p->http.status = 0;
	if (len == 0)
		answered(p, &REASON_OF(CLOSED));
	else
		fail(p, errno);
	return true;
}

static void watch_socket(struct probe *p, int events)
{
	ev_io_stop(p->all->loop, &p->io);
	ev_io_set(&p->io, p->fd, events);
	loop_watch(p->all->loop, &p->io);
}

/*
 * As much of the request as goes out; 0, also when nothing goes yet, or what is wrong.  The first bytes that go out show that the connection
 * stands.
 */
static int send_request(struct probe *p)
{
	ssize_t sent = send(p->fd, p->request.ptr, p->request.len, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (sent < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : errno;
	p->is_connected = true;
	buf_eat(&p->request, (size_t)sent);
	if (!p->request.len)
		watch_socket(p, EV_READ);
	return 0;
}

static int error_of(int fd)
{
	int number = 0;
	socklen_t len = sizeof(number);

	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &number, &len) < 0 ? errno : number;
}

static void finish_connect(struct probe *p)
{
	int number = p->is_http ? send_request(p) : error_of(p->fd);

	if (number) {
		try_next_address(p, number);
		if (p->is_decided)
			probe_finish(p, p->answer, p->why);
	} else if (!p->is_http) {
		p->is_connected = true;
		answered(p, NULL);
	}
}

static void send_more(struct probe *p)
{
	int number = send_request(p);

	if (number)
		fail(p, number);
}

static void on_io(struct ev_loop *loop, ev_io *w, int events)
{
	struct probe *p = w->data;

	(void)loop;
	if (events & EV_ERROR)
		probe_finish(p, PROBE_UNKNOWN, &REASON_OF(NOT_WATCHED));
	else if (!p->is_connected)
		finish_connect(p);
	else if (events & EV_WRITE)
		send_more(p);
	else
		(void)read_http_answer(p);
}

/* --- connecting ---------------------------------------------------------------------------------------------------------- */

/* The last packet of the handshake may wait for the request and go with it: one packet less, and the other side wakes up once. */
static void save_a_packet(int fd)
{
	const int is_quick = 0;

	(void)setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &is_quick, sizeof(is_quick));
}

static int open_connection(struct probe *p, const struct probe_way *way)
{
	p->fd = probe_way_open(way);
	if (p->fd < 0)
		return errno;
	if (p->is_http)
		save_a_packet(p->fd);
	if (connect(p->fd, &way->to.any, probe_way_len(way)) < 0 && errno != EINPROGRESS)
		return errno;
	ev_io_init(&p->io, on_io, p->fd, EV_WRITE);
	p->io.data = p;
	loop_watch(p->all->loop, &p->io);
	/* On the same machine the connection stands already, or was refused, although nobody said so. */
	return p->is_http ? send_request(p) : 0;
}

static void close_connection(struct probe *p)
{
	if (p->fd >= 0)
		ev_io_stop(p->all->loop, &p->io);
	fd_close(&p->fd);
}

/* The next address after one that could not be had; when there is none left, the error of the first is the result. */
static void try_next_address(struct probe *p, int number)
{
	int first = number;
	struct reason why;

	close_connection(p);
	while (++p->way_at < p->way_count) {
		number = open_connection(p, &p->ways[p->way_at]);
		if (!number)
			return;
		close_connection(p);
		if (!first)
			first = number;
	}
	why = error_reason(first);
	probe_decide(p, probe_answer_to(first), &why);
}

void probe_net_start(struct probe *p, const struct spawn_effect *effect, const struct probe_helds *held)
{
	const struct spec *s = effect->spec;

	p->way_count = 0;
	p->way_at = -1;
	p->is_connected = p->is_http = false;
	p->http = (struct http_answer){ .status = 0 };
	buf_clear(&p->request);
	if (s->health.endpoint) {
		address_endpoint(p, s->health.endpoint, effect->port, held);
	} else if (effect->port) {
		p->is_loopback = true;
		if (held)
			add_held(p, held, NULL);
		else
			add_localhost(p, effect->port);
	} else {
		probe_decide(p, PROBE_FAILED, &REASON_OF(NO_PORT));
	}
	if (!p->is_decided)
		try_next_address(p, 0);
}

bool probe_net_last_look(struct probe *p)
{
	if (p->fd < 0 || !p->is_connected || p->request.len)
		return false;
	return read_http_answer(p);
}

void probe_net_stop(struct probe *p)
{
	close_connection(p);
	buf_release(&p->request);
	buf_init(&p->request);
}
