/*
 * The control socket: takes connections, checks who they are, hands calls to their handlers and brings answers back: one transport of calls
 * (control/call.h).  It knows nothing of herds.  Nothing in here waits: each client has bounded queues, and one that does not read harms only itself.
 *
 * Who may: root and the daemon's own user, the owner, all; members of the control group, if there is one, what it is allowed, but nothing that is for
 * the owner alone (wire/methods.def); all others get an error and are closed.  Everything that changes something is logged before it is done, with
 * the caller's user, pid and program.
 */
#ifndef OX_CONTROL_RPC_SERVER_H
#define OX_CONTROL_RPC_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "control/call.h"
#include "os/unixsock.h"

struct buf;
struct ev_loop;
struct err;
struct rpc_server;

enum {
	SERVER_CLIENTS_MAX = 256,  /* shared out by rules/connections.h */
	SESSION_REQUESTS_MAX = 64, /* unanswered requests of one client; then it is not read from */
	SESSION_ANSWERS_MAX =
		1024 * 1024, /* bytes; an answer that finds more than this waiting closes the session */
	SESSION_PAUSE_BYTES = 256 * 1024, /* bytes waiting; beyond, the client is not read from */
	SESSION_EVENTS_MAX = 256 * 1024, /* bytes of events waiting; beyond, events are dropped and counted */
};

struct rpc_server_options {
	const char *path;
	gid_t group; /* UNIXSOCK_NO_GROUP: none */
	int listener; /* a socket that already listens, taken over and its path left at the end; -1: make one at `path` */
	struct call_router router; /* who answers; its context goes to the functions below too */
	int64_t last_seq;          /* of the events of an earlier brain; numbers continue from there */
	/*
	 * What was changed is on disk when `ended` has reached what `due` says now, and rpc_server_saved() is called whenever it may have; answers
	 * to what changes something wait for that.  Both NULL: for nothing.
	 */
	uint64_t (*due)(void *context);
	uint64_t (*ended)(void *context);
	/* Why it is not on disk all the same; NULL: it is.  Borrowed until the next call. */
	const char *(*unsaved)(void *context);
};

struct rpc_server_stats {
	size_t clients;
	uint64_t refused;       /* not allowed */
	uint64_t turned_away;   /* one client too many, or no descriptor left */
	uint64_t events_missed; /* over all subscribers */
	uint64_t overflowed;    /* sessions closed because they did not read their answers */
};

/* NULL with words in `e`; e->number is EADDRINUSE if a live daemon has the path. */
struct rpc_server *rpc_server_new(
	struct ev_loop *loop, const struct rpc_server_options *options, struct err *e);
/* Sends what the sockets take now, whatever it waits for, closes all, unlinks the path.  Not from inside a handler. */
void rpc_server_free(struct rpc_server *s);
/* Something was saved: answers that waited for it leave. */
void rpc_server_saved(struct rpc_server *s);
/* Who connects to the path comes to this server. */
bool rpc_server_is_reachable(const struct rpc_server *s);
/* rpc_server_free() leaves the path: who finds nobody behind it knows that no daemon has said goodbye. */
void rpc_server_leave_path(struct rpc_server *s);
struct rpc_server_stats rpc_server_stats(const struct rpc_server *s);

/*
 * Events for the clients that have subscribed, each with a sequence number that goes up by one.  The answer to `subscribe` holds a snapshot and the
 * number of the last event that is in it; the next event is the one after that: no gap, no repeat.  A client that reads too slowly loses events;
 * before the next one it gets a `missed` notification with their number, and had better ask for a snapshot again.
 */

/* Whether it is worth while to write events at all. */
bool rpc_server_has_listeners(const struct rpc_server *s);
/* `event` is a JSON object whose `seq` is one more than rpc_server_seq(); without listeners it may be empty. */
void rpc_server_publish(struct rpc_server *s, const struct buf *event);
/* The number of the last event. */
int64_t rpc_server_seq(const struct rpc_server *s);

#endif
