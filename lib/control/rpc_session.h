/*
 * One connection.  Inside of lib/control only: rpc_server.c makes sessions, it and rpc_call.c give them texts to send.
 *
 * Sessions write and die in one place only, rpc_session_turn(), which the server calls at the end of a turn of the loop for those that are
 * marked: so nobody who answers or publishes has to fear that a session vanishes under his hands.
 */
#ifndef OX_CONTROL_RPC_SESSION_H
#define OX_CONTROL_RPC_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/vec.h"
#include "control/rpc_send_queue.h"
#include "control/rpc_server.h"
#include "loop/watchers.h"
#include "os/unixsock.h"
#include "wire/rpc.h"

struct rpc_session {
	struct rpc_server *server; /* outlives the session */
	int fd;
	struct ev_io reader, writer;
	struct unixsock_peer peer;
	struct rpc_lines lines;
	struct rpc_send_queue out;
	struct vec calls; /* of struct rpc_call *, unanswered; they outlive the session if they must */

	uint64_t used_at; /* by the server's count: when it last said something */
	bool is_subscribed;
	bool input_ended; /* the client will say no more, but may listen */
	bool is_closing;  /* to be closed once the outbox is empty */
	bool is_broken;   /* to be closed at once */
	bool is_marked;   /* in server->marked */
	bool has_lines;   /* lines may wait that were not looked at for want of room */
	uint64_t missed;  /* events dropped and not told yet */
	bool has_promised; /* an answer says that something has changed: it is to be on disk before that leaves */
	uint64_t held;     /* until so many writes have ended; 0: not */

	int hangup_fd; /* see watch_hangup(); -1 when there is none */
	struct ev_io hangup;
};

struct rpc_server {
	struct ev_loop *loop;
	struct rpc_server_options options;
	struct unixsock socket;
	bool owns_path;
	int reserve; /* a descriptor to give away when there is none left to refuse a client with */
	struct ev_io acceptor;
	struct ev_timer breather; /* accepts again after there was no descriptor at all */
	struct ev_prepare end_of_turn;
	struct ev_timer resumer; /* lines that wait are looked at in a turn of their own */
	struct vec sessions;     /* of struct rpc_session * */
	struct vec marked;       /* of struct rpc_session *: have something to send, or are to be closed */
	int64_t seq;
	uint64_t used; /* times that any session said something */
	int64_t busy_until
		[2]; /* in this turn, for members and for owners; 0: nothing was done for them yet */
	size_t next; /* the session that is resumed first, so that each has its turn */
	struct rpc_server_stats stats;
	int64_t refusals_since;
	int refusals; /* since then */
};

/* It has asked for nothing that is not answered, and listens to nothing; or it is to be closed anyway. */
bool rpc_session_is_idle(const struct rpc_session *s);
/* Says that its place is needed, and closes it. */
void rpc_session_dismiss(struct rpc_session *s);
/* rpc_server.c: counts one, and says whether it is to be logged: most are not while somebody is refused all the time. */
bool rpc_server_logs_refusal(struct rpc_server *s);
/* rpc_server.c: whether this turn has time left for what another session asks; a session that finds none is resumed in a later turn. */
bool rpc_server_has_time(struct rpc_server *s, bool is_owner);
bool rpc_session_is_owner(const struct rpc_session *s);
/* Takes over `fd`. */
struct rpc_session *rpc_session_new(struct rpc_server *server, int fd, const struct unixsock_peer *peer);
void rpc_session_free(struct rpc_session *s);
/* rpc_server.c: remembers that rpc_session_turn() is due. */
void rpc_session_mark(struct rpc_session *s);
/* Sends what it can; false if the session is over and to be freed. */
bool rpc_session_turn(struct rpc_session *s);
/* Reads lines that wait. */
void rpc_session_work(struct rpc_session *s);

/* Does a request wait for room, and is there some? */
bool rpc_session_has_room(const struct rpc_session *s);
/* Tells those that wait for room, once each. */
void rpc_session_offer_room(struct rpc_session *s);

/* An answer is never dropped; too much of it waiting closes the session. */
void rpc_session_answer(struct rpc_session *s, const struct buf *line);
/* Dropped and counted when there is no room. */
void rpc_session_event(struct rpc_session *s, struct rpc_send_text *text);

#endif
