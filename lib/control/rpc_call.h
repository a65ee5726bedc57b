/*
 * One request, as a handler sees it.  It is answered exactly once, at once or at any later time, by request_answer() or request_error(); that
 * ends it, and the pointer with it.  Until then it stays valid, also when its client is gone (then nobody reads the answer, and
 * request_on_gone() tells in time to stop a long operation).  It even outlives the server.
 */
#ifndef OX_CONTROL_RPC_CALL_H
#define OX_CONTROL_RPC_CALL_H

#include <stdbool.h>

#include "os/unixsock.h"
#include "wire/methods.h"
#include "wire/rpc.h"

struct err;
struct json;
struct request;

enum { REQUEST_ROOM_BYTES = 64 * 1024 };

enum method request_method(const struct request *r);
/* Checked against the table of methods; an object, or NULL for none.  Borrowed. */
const struct json *request_params(const struct request *r);
struct unixsock_peer request_peer(const struct request *r);
/* Root or the daemon's own user; else it is a member of the control group, who may choose nothing that the daemon reads or runs. */
bool request_is_owner(const struct request *r);
/* Answers such a member that `what` needs the owner, and logs it.  The client must still be there. */
void request_forbid_member(struct request *r, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The key of what is to be done once, of a request that changes something; NULL: none. */
const char *request_once(const struct request *r);
/* Where a handler puts its words before it returns -1. */
struct err *request_err(struct request *r);

/* Both take the JSON over; it may be NULL. */
void request_answer(struct request *r, struct json *result);
void request_error(struct request *r, int code, struct json *data, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
/* For what was refused before anything was done: the code that belongs to the error's number. */
void request_refuse(struct request *r, const struct err *e);
/*
 * A `progress` notification before the answer; takes over `params`, an object, and puts the request's id into it as `id`.  Dropped
 * if the client does not read.
 */
void request_progress(struct request *r, struct json *params);

/*
 * A notification that belongs to the answer and is never dropped; `params` as above.  For much of it wait for room each time: too
 * much that is not read closes the connection.
 */
void request_note(struct request *r, const char *method, struct json *params);
/*
 * Calls `room` once, in a turn of its own, when less than REQUEST_ROOM_BYTES wait to be sent to the client.  NULL takes the
 * wish back.
 */
void request_on_room(struct request *r, void (*room)(void *context, struct request *r), void *context);

/*
 * Calls `gone` once if the client goes before the answer; the request is still to be answered, in that call or later.  NULL
 * takes the wish back.  If the client is gone already the call comes at once.
 */
void request_on_gone(struct request *r, void (*gone)(void *context, struct request *r), void *context);
bool request_is_gone(const struct request *r);

#endif
