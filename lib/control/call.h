/*
 * One call, as a handler sees it: a method, its parameters, who calls, and ways to answer.  What carries it, a socket or a test, is its transport:
 * no handler sees that, nor JSON parameters.
 *
 * A call is answered exactly once, at once or at any later time, by call_answer(), call_fail() or one of their kind; that ends it, and the
 * pointer with it.  Until then it stays valid, also when its client is gone (then nobody reads the answer, and call_on_gone() tells in
 * time to stop a long operation).  It may outlive what carried it.
 */
#ifndef OX_CONTROL_CALL_H
#define OX_CONTROL_CALL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "wire/methods.h"
#include "wire/rpc.h"

struct buf;
struct call;
struct err;

enum { CALL_ROOM_BYTES = 64 * 1024 };

typedef void (*call_handler)(void *context, struct call *c);

/* Who answers which calls; all borrowed, and it outlives the calls that it has begun. */
struct call_router {
	const call_handler *handlers; /* METHOD_COUNT of them; NULL in it: a method that is not there yet */
	void *context;
	/* METHOD_COUNT of them, what the control group's members may call; NULL: all that is not for the owner alone. */
	const bool *group_may;
	/* As somebody wrote them, for messages; may be NULL. */
	const char *group_name, *group_rights;
	/* Of one with a key: true where it was made before, and then it is answered by this; NULL: none is. */
	bool (*repeat)(void *context, struct call *c);
};

/* What carries calls.  All JSON goes as text, `params` is an object; `answer` and `fail` end the call. */
struct call_transport {
	void (*answer)(struct call *c, const struct buf *result);
	/* `data` may be NULL. */
	void (*fail)(struct call *c, int code, const char *words, const struct buf *data);
	void (*progress)(struct call *c, const struct buf *params);
	void (*note)(struct call *c, const char *name, const struct buf *params);
	/* Somebody waits for room: call_offer_room() is due, in another turn, when there is some. */
	void (*want_room)(struct call *c);
	/* Events go to this client from now on, or no longer; the number of the last one before. */
	int64_t (*listen)(struct call *c, bool listens);
	/* Counts a refusal, and says whether it is to be logged. */
	bool (*logs_refusal)(struct call *c);
};

struct caller {
	uid_t uid;
	pid_t pid;
	bool is_owner; /* root or the daemon's own user; else a member of the control group, who chooses nothing that the daemon reads or runs */
};

/* A transport makes it, as a part of something of its own, with all but the last three lines. */
struct call {
	const struct call_transport *transport;
	const struct call_router *router;
	struct params params; /* of params.method */
	struct caller caller;
	const char *key; /* under which it is done once; NULL: none */
	bool is_gone;    /* its client, that is */
	void (*gone)(void *context, struct call *c);
	void (*room)(void *context, struct call *c);
	void *gone_context, *room_context;
};

enum method call_method(const struct call *c);
/* The key of what is to be done once, of a call that changes something; NULL: none. */
const char *call_key(const struct call *c);
/* How long the caller waits at most; 0: as long as it takes, or the method has no such parameter. */
int64_t call_timeout_ms(const struct call *c);

/* --- for handlers --- */

/* `result` is JSON. */
void call_answer(struct call *c, const struct buf *result);
/* The same with what stands in the source: "{}". */
void call_answer_text(struct call *c, const char *result);
/* `code` is one of rpc_codes.def. */
void call_fail(struct call *c, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* `data` is JSON: what a program may want to know beside the words. */
void call_fail_with(struct call *c, int code, const struct buf *data, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
/* What was refused before anything was done: with the code that belongs to e->number. */
void call_refuse(struct call *c, const struct err *e);
/* The same with that code, unless it is about a target that is not there. */
void call_refuse_as(struct call *c, int code, const struct err *e);
/* Answers a member of the control group that `what` needs the owner, and logs it.  The client must still be there. */
void call_forbid(struct call *c, const char *what, ...) __attribute__((format(printf, 2, 3)));
/* What happens before the answer, an object as JSON.  Dropped if the client does not read. */
void call_progress(struct call *c, const struct buf *params);
/*
 * A part of the answer that comes before it, an object as JSON, and is never dropped.  For much of it wait for room each time: too much that
 * is not read ends the connection.
 */
void call_note(struct call *c, const char *name, const struct buf *params);
/*
 * Calls `room` once, in a turn of its own, when less than CALL_ROOM_BYTES wait for the client.  NULL takes the request back.
 */
void call_on_room(struct call *c, void (*room)(void *context, struct call *c), void *context);
/*
 * Calls `gone` once if the client goes before the answer; the call is still to be answered, in there or later.  NULL takes the request
 * back.  If the client is gone already it comes at once.
 */
void call_on_gone(struct call *c, void (*gone)(void *context, struct call *c), void *context);
/* From now on events go to this client, or no longer; the number of the last one before. */
int64_t call_listen(struct call *c, bool listens);

/* --- for transports --- */

/* Checks the rights and calls the handler; the call may be over when it returns. */
void call_begin(struct call *c);
bool call_wants_room(const struct call *c);
/* There is room: calls the handler's `room`, if it wants it.  That may answer the call, which frees it. */
void call_offer_room(struct call *c);
/* The client is gone: calls the handler's `gone`, if it has one.  The handler still answers the call, then or later. */
void call_lose_client(struct call *c);

#endif
