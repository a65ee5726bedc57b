/*
 * Ports: is one free for us, when does it become free, and when does an instance listen on its own.
 *
 * The kernel has no event that an unprivileged program could wait for in these cases, so:
 *   - a port that a stranger holds is looked at when the holder's pidfd says that it has ended, and, as it may close the socket and live on,
 *     once a second.  The timer exists only while somebody waits for a port to become free.
 *   - an instance that is to listen is looked for after 2 ms, then less and less often, at most every 100 ms, and only while somebody
 *     waits.  One question to the kernel serves all who wait; the pause is never less than four times what looking took.
 */
#ifndef OX_SENSE_PORT_H
#define OX_SENSE_PORT_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/buf.h"
#include "model/endpoint.h"
#include "os/netdiag.h"

struct ev_loop;
struct port_watch;
struct port_wait;

enum {
	PORT_WATCH_FREE_MS = 1000,
	PORT_WATCH_LISTEN_FIRST_MS = 2,
	PORT_WATCH_LISTEN_MAX_MS = 100,
	PORT_WATCH_STRANGER_MS = 1000, /* a listener that was judged a stranger is judged again after this */
};

enum port_event {
	PORT_FREE,     /* nobody holds it any more */
	PORT_LISTENS,  /* the instance itself does */
	PORT_STRANGER, /* another process listens; reported once, the wait continues */
};

/*
 * Who may have the port of a process that shares it.  Sockets are asked about by their inode.
 */
struct port_kin {
	/* Is it held for one that shares it?  Then others say when its process listens. */
	bool (*is_held)(void *context, struct ticket ticket, uint32_t inode);
	/* The same, or it belongs to another process that shares it; 0: somebody has the port who does not listen. */
	bool (*is_kin)(void *context, struct ticket ticket, uint32_t inode);
	void *context;
	struct ticket ticket; /* of the process that the question is about */
};

/* `words` says who the stranger is, else it is ""; after PORT_FREE and PORT_LISTENS the wait is over and gone. */
typedef void (*port_answer)(void *context, enum port_event event, const char *words);

/* Could a program bind the port on all addresses now?  What only we may not do (a low port) is no hindrance: the instance may. */
bool port_is_free(int port);
/* The same for one that shares it: its kin are no hindrance.  Else *stranger is the inode of a listener that is, 0: it is not known. */
bool port_is_free_among(int port, const struct port_kin *kin, uint32_t *stranger);
/* Appends "pid 812 'node old.js'", or that it cannot be looked at. */
void port_holder_print(const struct netdiag_holder *holder, struct buf *out);

struct port_watch *port_watch_new(struct ev_loop *loop);
/* Forgets all who wait, without telling them. */
void port_watch_free(struct port_watch *w);

/*
 * `kin` is NULL for one that shares its port with nobody.  NULL if the port is free.  Else who holds it is filled in as far as it is known (its buf is inited by the caller), and PORT_FREE follows as soon
 * as it is so; never from inside this call.
 */
struct port_wait *port_watch_until_free(struct port_watch *w, int port, const struct port_kin *kin,
	struct netdiag_holder *holder, port_answer done, void *context);
/*
 * PORT_LISTENS when `main`, a descendant, one of its session, or a process of `cgroup` (its folder, or NULL) listens on the
 * port, with a socket that is not held; never from inside this call.  It does not give up by itself.
 */
struct port_wait *port_watch_until_listening(struct port_watch *w, int port, pid_t main, const char *cgroup,
	const struct port_kin *kin, port_answer done, void *context);
/* NULL does nothing.  Not for a wait that is over. */
void port_wait_cancel(struct port_wait *wait);

#endif
