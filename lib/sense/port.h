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

#include <sys/types.h>

#include "base/buf.h"

struct ev_loop;
struct port_watch;
struct port_wait;

enum {
	PORT_WATCH_FREE_MS = 1000,
	PORT_WATCH_LISTEN_FIRST_MS = 2,
	PORT_WATCH_LISTEN_MAX_MS = 100,
	PORT_WATCH_STRANGER_MS = 1000, /* a listener that was judged a stranger is judged again after this */
};

enum port_news {
	PORT_FREE,     /* nobody holds it any more */
	PORT_LISTENS,  /* the instance itself does */
	PORT_STRANGER, /* somebody else listens; told once, the wait goes on */
};

/* `words` says who the stranger is, else it is ""; after PORT_FREE and PORT_LISTENS the wait is over and gone. */
typedef void (*port_told)(void *context, enum port_news news, const char *words);

/*
 * 0 if a program could bind the port on all addresses now; 1 if not, and `words` gets "port 3002 is held by pid 812 'node old.js'".
 * What only we may not do (a low port) is no hindrance: the instance may.  *holder (may be NULL) is its pid, or 0.
 */
int port_check(int port, pid_t *holder, struct buf *words);

struct port_watch *port_watch_new(struct ev_loop *loop);
/* Forgets all who wait, without telling them. */
void port_watch_free(struct port_watch *w);

/* PORT_FREE as soon as it is so; never from inside this call. */
struct port_wait *port_watch_until_free(struct port_watch *w, int port, port_told told, void *context);
/*
 * PORT_LISTENS when `main`, a descendant, one of its session, or a process of `cgroup` (its folder, or NULL) listens on the
 * port; never from inside this call.  It does not give up by itself.
 */
struct port_wait *port_watch_until_listening(
	struct port_watch *w, int port, pid_t main, const char *cgroup, port_told told, void *context);
/* NULL does nothing.  Not for a wait that is over. */
void port_wait_cancel(struct port_wait *wait);

#endif
