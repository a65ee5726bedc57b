#include "control/rpc_server.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "control/rpc_session.h"
#include "loop/loop.h"
#include "os/clock.h"
#include "rules/connections.h"

/* Connections taken in one turn, and how long accepting rests when there is no descriptor at all. */
enum { ACCEPT_MAX = 64 };
/* Lines about refusals, at most so many in so long. */
enum { REFUSALS_LOGGED = 20, REFUSALS_MS = 60000 };
#define BREATH_SECS 0.1
/* What is done in one turn for all members, and as much for all owners; a request that was begun is done. */
enum { TURN_MS = 50 };

static int open_reserve(void)
{
	return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

void rpc_session_mark(struct rpc_session *s)
{
	if (s->is_marked)
		return;
	s->is_marked = true;
	vec_push(&s->server->marked, s);
}

/* --- taking connections --- */

/* One line that says why not.  If the socket does not take it at once, it gets none. */
static void turn_away(int fd, int code, const char *words)
{
	struct buf line = BUF_INIT;

	rpc_write_error(&line, "null", code, words, NULL);
	(void)!send(fd, line.ptr, line.len, MSG_DONTWAIT | MSG_NOSIGNAL);
	close(fd);
	buf_release(&line);
}

/* Somebody who is refused a thousand times a second is not to fill the disk. */
bool rpc_server_logs_refusal(struct rpc_server *s)
{
	int64_t now = clock_ms();

	s->stats.refused++;
	if (now - s->refusals_since >= REFUSALS_MS) {
		if (s->refusals > REFUSALS_LOGGED)
			log_warn("control: %d more refusals are not in the log",
				s->refusals - REFUSALS_LOGGED);
		s->refusals_since = now;
		s->refusals = 0;
	}
	return s->refusals++ < REFUSALS_LOGGED;
}

static bool may_enter(const struct rpc_server *s, int fd, const struct unixsock_peer *peer)
{
	return peer->uid == 0 || peer->uid == geteuid() ||
		unixsock_peer_has_group(fd, peer, s->options.group);
}

static enum connection_rank rank_of(uid_t uid)
{
	if (uid == 0)
		return CONNECTION_ROOT;
	return uid == geteuid() ? CONNECTION_USER : CONNECTION_MEMBER;
}

/* True when there is a place, be it that of one that was idle. */
static bool make_place(struct rpc_server *s, const struct unixsock_peer *peer)
{
	struct connection all[SERVER_CLIENTS_MAX];
	struct rpc_session *sessions[SERVER_CLIENTS_MAX];
	size_t count = 0;
	long place = 0;

	for (size_t i = 0; i < s->sessions.len && count < SERVER_CLIENTS_MAX; i++) {
		struct rpc_session *session = s->sessions.items[i];

		if (session->is_broken)
			continue;
		sessions[count] = session;
		all[count++] = (struct connection){
			.uid = session->peer.uid,
			.rank = rank_of(session->peer.uid),
			.is_idle = rpc_session_is_idle(session),
			.used_at = session->used_at,
		};
	}
	place = connection_place(all, count, SERVER_CLIENTS_MAX, peer->uid, rank_of(peer->uid));
	if (place >= 0)
		rpc_session_dismiss(sessions[place]);
	return place != CONNECTION_REFUSE;
}

static void refuse_place(struct rpc_server *s, int fd, const struct unixsock_peer *peer)
{
	char words[128];
	size_t share = connection_share(SERVER_CLIENTS_MAX, rank_of(peer->uid));
	size_t own = 0;

	for (size_t i = 0; i < s->sessions.len; i++)
		own += ((const struct rpc_session *)s->sessions.items[i])->peer.uid == peer->uid;
	s->stats.turned_away++;
	if (own >= share)
		(void)snprintf(words, sizeof(words),
			"%zu clients of uid %u are connected already; close one and try again", share,
			(unsigned int)peer->uid);
	else
		(void)snprintf(words, sizeof(words),
			"too many clients are connected already (%zu); close one and try again",
			s->sessions.len);
	turn_away(fd, RPC_TOO_MANY, words);
}

static void admit(struct rpc_server *s, int fd)
{
	struct unixsock_peer peer = { .pid = 0 };

	if (unixsock_peer(fd, &peer) < 0 || !may_enter(s, fd, &peer)) {
		if (rpc_server_logs_refusal(s))
			log_warn("control: refused pid %d of uid %u", (int)peer.pid, (unsigned int)peer.uid);
		turn_away(fd, RPC_FORBIDDEN, "this daemon belongs to another user");
	} else if (!make_place(s, &peer)) {
		refuse_place(s, fd, &peer);
	} else {
		vec_push(&s->sessions, rpc_session_new(s, fd, &peer));
	}
}

/*
 * There is no descriptor left.  A connection that nobody takes would make the loop spin, so the one in reserve is given up to take it,
 * say why, and close it.  Without even that, accepting rests for a moment.
 */
static void refuse_one(struct rpc_server *s)
{
	int fd = -1;

	if (s->reserve >= 0) {
		close(s->reserve);
		fd = unixsock_accept(s->socket.fd);
		if (fd >= 0)
			turn_away(fd, RPC_TOO_MANY, "the daemon has no file descriptor left; try again");
		s->reserve = open_reserve();
		s->stats.turned_away += fd >= 0;
	}
	if (fd < 0) {
		ev_io_stop(s->loop, &s->acceptor);
		ev_timer_again(s->loop, &s->breather);
	}
}

static bool is_out_of_descriptors(int number)
{
	return number == EMFILE || number == ENFILE || number == ENOMEM || number == ENOBUFS;
}

static void on_connection(struct ev_loop *loop, struct ev_io *w, int events)
{
	struct rpc_server *s = w->data;

	(void)loop;
	loop_mind(events);
	for (int i = 0; i < ACCEPT_MAX && ev_is_active(w); i++) {
		int fd = unixsock_accept(s->socket.fd);

		if (fd >= 0)
			admit(s, fd);
		else if (is_out_of_descriptors(errno))
			refuse_one(s);
		else if (errno != ECONNABORTED)
			break;
	}
}

static void on_breath(struct ev_loop *loop, struct ev_timer *w, int events)
{
	struct rpc_server *s = w->data;

	(void)events;
	ev_timer_stop(loop, w);
	if (s->reserve < 0)
		s->reserve = open_reserve();
	loop_watch(loop, &s->acceptor);
}

/* --- turns --- */

bool rpc_server_has_time(struct rpc_server *s, bool is_owner)
{
	int64_t now = clock_ms();

	if (!s->busy_until[is_owner])
		s->busy_until[is_owner] = now + TURN_MS;
	return now < s->busy_until[is_owner];
}

static void begin_turn(struct rpc_server *s)
{
	s->busy_until[false] = s->busy_until[true] = 0;
}

static void drop_session(struct rpc_server *s, struct rpc_session *session)
{
	vec_drop(&s->sessions, session);
	rpc_session_free(session);
}

static bool has_room(const struct rpc_session *session)
{
	return session->calls.len < SESSION_REQUESTS_MAX && session->out.bytes <= SESSION_PAUSE_BYTES;
}

/* Lines are not looked at in here: what they change would miss whatever the owner of the loop does at the end of a turn. */
static void on_end_of_turn(struct ev_loop *loop, struct ev_prepare *w, int events)
{
	struct rpc_server *s = w->data;
	bool wants_more = false;

	(void)events;
	/* Those who lose their client may publish events, so the list can grow. */
	for (size_t i = 0; i < s->marked.len; i++) {
		struct rpc_session *session = s->marked.items[i];

		/* Marked until it is done: what it sets off must not mark it once more. */
		if (!rpc_session_turn(session)) {
			drop_session(s, session);
			continue;
		}
		session->is_marked = false;
		wants_more = wants_more || rpc_session_has_room(session) ||
			(!ev_is_active(&session->reader) && has_room(session) && !session->is_closing &&
				(session->has_lines || !session->input_ended));
	}
	s->marked.len = 0;
	begin_turn(s);
	if (wants_more && !ev_is_active(&s->resumer)) {
		ev_timer_set(&s->resumer, 0., 0.);
		ev_timer_start(loop, &s->resumer);
	}
}

static void on_resume(struct ev_loop *loop, struct ev_timer *w, int events)
{
	struct rpc_server *s = w->data;
	size_t count = s->sessions.len;
	size_t first = s->next;
	bool is_short = false;

	(void)loop;
	(void)events;
	/* Whatever was read in this turn: one of those that wait is resumed. */
	begin_turn(s);
	for (size_t i = 0; i < count; i++) {
		size_t at = (first + i) % count;
		struct rpc_session *session = s->sessions.items[at];

		if (!rpc_server_has_time(s, rpc_session_is_owner(session))) {
			s->next = is_short ? s->next : at;
			is_short = true;
			rpc_session_mark(session);
			continue;
		}
		if (rpc_session_has_room(session))
			rpc_session_offer_room(session);
		if (!ev_is_active(&session->reader) && has_room(session))
			rpc_session_work(session);
	}
}

/* --- life --- */

static void start_watchers(struct rpc_server *s)
{
	ev_io_init(&s->acceptor, on_connection, s->socket.fd, EV_READ);
	ev_init(&s->breather, on_breath);
	s->breather.repeat = BREATH_SECS;
	ev_init(&s->resumer, on_resume);
	ev_prepare_init(&s->end_of_turn, on_end_of_turn);
	/* The last to act in a turn: by then it is known which write an answer has to wait for. */
	ev_set_priority(&s->end_of_turn, EV_MINPRI);
	s->acceptor.data = s->breather.data = s->resumer.data = s->end_of_turn.data = s;
	loop_watch(s->loop, &s->acceptor);
	ev_prepare_start(s->loop, &s->end_of_turn);
	/* Not a reason by itself to keep a loop running. */
	ev_unref(s->loop);
}

struct rpc_server *rpc_server_new(
	struct ev_loop *loop, const struct rpc_server_options *options, struct err *e)
{
	struct unixsock socket = UNIXSOCK_INIT;
	struct rpc_server *s = NULL;

	if (options->listener >= 0)
		socket.fd = options->listener;
	else if (unixsock_listen(&socket, options->path, options->group, e) < 0)
		return NULL;
	s = mem_zalloc(1, sizeof(*s));
	s->loop = loop;
	s->options = *options;
	s->socket = socket;
	s->owns_path = options->listener < 0;
	s->reserve = open_reserve();
	s->seq = options->last_seq;
	start_watchers(s);
	return s;
}

void rpc_server_free(struct rpc_server *s)
{
	if (!s)
		return;
	while (s->sessions.len) {
		struct rpc_session *session = vec_pop(&s->sessions);

		session->is_marked = true;
		session->held = 0;
		session->has_promised = false;
		(void)rpc_session_turn(session);
		rpc_session_free(session);
	}
	vec_release(&s->sessions);
	vec_release(&s->marked);
	ev_io_stop(s->loop, &s->acceptor);
	ev_timer_stop(s->loop, &s->breather);
	ev_timer_stop(s->loop, &s->resumer);
	ev_ref(s->loop);
	ev_prepare_stop(s->loop, &s->end_of_turn);
	if (s->reserve >= 0)
		close(s->reserve);
	if (s->owns_path)
		unixsock_release(&s->socket);
	else
		unixsock_let_go(&s->socket);
	mem_free(s);
}

void rpc_server_saved(struct rpc_server *s)
{
	for (size_t i = 0; i < s->sessions.len; i++) {
		struct rpc_session *session = s->sessions.items[i];

		if (session->held)
			rpc_session_mark(session);
	}
}

bool rpc_server_is_reachable(const struct rpc_server *s)
{
	return !s->owns_path || unixsock_is_there(&s->socket);
}

void rpc_server_leave_path(struct rpc_server *s)
{
	s->owns_path = false;
}

struct rpc_server_stats rpc_server_stats(const struct rpc_server *s)
{
	struct rpc_server_stats stats = s->stats;

	stats.clients = s->sessions.len;
	return stats;
}

/* --- events ----------------------------------------------------------------------------------------------------------- */

bool rpc_server_has_listeners(const struct rpc_server *s)
{
	for (size_t i = 0; i < s->sessions.len; i++)
		if (((const struct rpc_session *)s->sessions.items[i])->is_subscribed)
			return true;
	return false;
}

void rpc_server_publish(struct rpc_server *s, const struct buf *event)
{
	struct buf line = BUF_INIT;
	struct rpc_send_text *text = NULL;
	struct rpc_session *session = NULL;
	size_t i = 0;

	s->seq++;
	if (!rpc_server_has_listeners(s))
		return;
	rpc_write_notification(&line, "event", event);
	text = rpc_send_text_new(line.ptr, line.len);
	VEC_EACH (&s->sessions, i, session)
		if (session->is_subscribed)
			rpc_session_event(session, text);
	rpc_send_text_drop(text);
	buf_release(&line);
}

int64_t rpc_server_seq(const struct rpc_server *s)
{
	return s->seq;
}
