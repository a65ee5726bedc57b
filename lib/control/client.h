/*
 * The other end: one connection of oxctl's to the brain.  It waits with poll and a deadline, needs no event loop, and gives what oxctl is to exit
 * with: 0 done, 1 failed, 2 used wrongly, 3 no daemon, 4 no such target, 5 timed out.
 */
#ifndef OX_CONTROL_CLIENT_H
#define OX_CONTROL_CLIENT_H

#include <stdint.h>

struct client;
struct err;
struct buf;
struct json;

enum client_exit {
	CLIENT_DONE = 0,
	CLIENT_FAILED = 1,
	CLIENT_NO_DAEMON = 3,
	CLIENT_TIMED_OUT = 5,
};

#define CLIENT_FOREVER ((int64_t)-1)

/* `progress`, `event` and `missed`, as they come; `params` is borrowed. */
typedef void (*client_note)(void *context, const char *method, const struct json *params);

/*
 * NULL with words in `e` and `*exit` set: CLIENT_NO_DAEMON if nobody listens at `path`.  A listener that is neither root nor ourselves is
 * refused, unless we are root: it could be somebody who took the place of ours.
 */
struct client *client_connect(const char *path, int64_t timeout_ms, int *exit, struct err *e);
void client_free(struct client *c);
/* Whom to tell about notifications, now and later; NULL for nobody. */
void client_on_note(struct client *c, client_note note, void *context);

/* A question, and after client_call() what came back. */
struct client_call {
	const char *method;
	const char *once; /* under this key it is done once, however often it is asked; or NULL */
	const struct json *params;
	int64_t timeout_ms; /* or CLIENT_FOREVER */
	struct buf *text;   /* where the result goes as JSON of one line, instead of `result`; or NULL */
	struct json *result;
	struct json *data;
	int code; /* of rpc_codes.def, 0 if the error is not the brain's */
};

/*
 * Asks and waits for the answer.  0, and `result` is the caller's to free; else an exit status with words in `e`, and `data`, which is
 * what more the error says, or NULL, is the caller's.  `params` stays the caller's and may be NULL.  After CLIENT_TIMED_OUT and
 * CLIENT_NO_DAEMON (it went away) the connection is of no more use.
 */
int client_call(struct client *c, struct client_call *call, struct err *e);

/*
 * While client_call() waits and nothing comes for half of `after_ms`, the daemon is sent a ping.  Where nothing comes in the other half either, `silent`
 * is called.  Each time all of it takes twice as long as before.  NULL: no more.
 */
void client_on_silence(struct client *c, int64_t after_ms, void (*silent)(void *context), void *context);
/*
 * The same client, with everything that was set on it, connected anew to the same path.  As client_connect(); the client stays the caller's
 * either way.
 */
int client_reconnect(struct client *c, int64_t timeout_ms, struct err *e);

/* Takes notifications until the timeout (CLIENT_TIMED_OUT), or the brain closes (CLIENT_NO_DAEMON). */
int client_wait(struct client *c, int64_t timeout_ms, struct err *e);
/* While client_call() waits, `tick` is called every `every_ms`; NULL: no more. */
void client_on_tick(struct client *c, int64_t every_ms, void (*tick)(void *context), void *context);
/* For a caller that polls other things too: readable means client_wait(c, 0, e) has something to do. */
int client_fd(const struct client *c);

#endif
