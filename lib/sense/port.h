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

/* `words` says who the stranger is, else it is ""; after PORT_FREE and PORT_LISTENS the wait is over and gone. */
typedef void (*port_answer)(void *context, enum port_event event, const char *words);

/* Could a program bind the port on all addresses now?  What only we may not do (a low port) is no hindrance: the instance may. */
bool port_is_free(int port);
/* Appends "pid 812 'node old.js'", or that it cannot be looked at. */
void port_holder_print(const struct netdiag_holder *holder, struct buf *out);

struct port_watch *port_watch_new(struct ev_loop *loop);
/* Forgets all who wait, without telling them. */
void port_watch_free(struct port_watch *w);

/*
 * NULL if the port is free.  Else who holds it is filled in as far as it is known (its buf is inited by the caller), and PORT_FREE follows as soon
 * as it is so; never from inside this call.
 */
struct port_wait *port_watch_until_free(
	struct port_watch *w, int port, struct netdiag_holder *holder, port_answer done, void *context);
/*
 * PORT_LISTENS when `main`, a descendant, one of its session, or a process of `cgroup` (its folder, or NULL) listens on the
 * port; never from inside this call.  It does not give up by itself.
 */
struct port_wait *port_watch_until_listening(
	struct port_watch *w, int port, pid_t main, const char *cgroup, port_answer done, void *context);
/* NULL does nothing.  Not for a wait that is over. */
void port_wait_cancel(struct port_wait *wait);

/* --- what slots wait for, one wait a slot: that a stranger leaves its port, or that their own process listens --- */

struct ev_loop;
struct port_waits;

/* None is called from inside a function of this file. */
struct port_waits_calls {
	/* The wait is over. */
	void (*is_free)(void *context, struct ticket ticket);
	void (*listens)(void *context, struct ticket ticket);
	/* Another process listens: reported once, the wait continues. */
	void (*stranger)(void *context, struct ticket ticket, const char *words);
};

/* `calls` is borrowed. */
struct port_waits *port_waits_new(struct ev_loop *loop, const struct port_waits_calls *calls, void *context);
/* Forgets all who wait, without telling them. */
void port_waits_free(struct port_waits *p);
/* False: the port is free, and nobody waits.  Else *holder is who has it (port_watch_until_free()). */
bool port_waits_until_free(struct port_waits *p, const struct endpoint *at, struct netdiag_holder *holder);
void port_waits_until_listening(struct port_waits *p, const struct endpoint *at, pid_t main);
/* Whatever its slot waits for. */
void port_waits_cancel(struct port_waits *p, struct ticket ticket);

#endif
