/*
 * A server on a loop of its own with a few handlers, and raw clients that talk to it, all in one process: a test that waits turns the loop.
 */
#ifndef OX_TESTS_CONTROL_H
#define OX_TESTS_CONTROL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "control/rpc_server.h"

struct ev_loop;
struct call;

struct fixture {
	char folder[32];
	char path[64];
	struct ev_loop *loop;
	struct rpc_server *server;
	call_handler handlers[METHOD_COUNT];
	struct err e;
	struct call *kept; /* the last `stop`, which nobody has answered */
	int kept_count;
	int gone; /* how many of them lost their client */
	bool answers_when_gone;
	uint64_t saves_due, saves_ended; /* what answers to changes wait for */
	struct buf log;
};

/* A folder of its own; fixture_start() makes the server.  Both for cmocka's setup and teardown. */
int fixture_setup(void **state);
int fixture_teardown(void **state);
void fixture_start(struct fixture *f);
void fixture_stop(struct fixture *f);

/*
 * Handlers: `ping` answers "pong", `status` a number of bytes as long as `why` asks, `stop` is kept, `reset` fails with words,
 * `subscribe` takes a snapshot that holds the last number.
 */

/* Tells the client of a call that something continues: an object as JSON. */
void tell_progress(struct call *c, const char *params);
/* A connected, non-blocking socket. */
int dial(struct fixture *f);
/* Sends all, turning the loop; false if the other end closed. */
bool say(struct fixture *f, int fd, const char *text);
bool say_bytes(struct fixture *f, int fd, const char *bytes, size_t len);
/* The next line without its newline; false at the end of the stream.  Fails the test after a few seconds without either. */
bool hear(struct fixture *f, int fd, struct buf *line);
void assert_heard(struct fixture *f, int fd, const char *expected);
void assert_closed(struct fixture *f, int fd);
/* Turns the loop until nothing is left to do. */
void settle(struct fixture *f);
/* Turns it until `*value` is at least `least`. */
void turn_until(struct fixture *f, const int *value, int least);

#define ASK(id, method) "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"method\":\"" method "\"}\n"
#define ASK_WITH(id, method, params)                                                                         \
	"{\"jsonrpc\":\"2.0\",\"id\":" id ",\"method\":\"" method "\",\"params\":" params "}\n"
#define ANSWER(id, result) "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"result\":" result "}"
#define ERROR(id, code, message)                                                                             \
	"{\"jsonrpc\":\"2.0\",\"id\":" id ",\"error\":{\"code\":" code ",\"message\":\"" message "\"}}"
#define ERROR_WITH(id, code, message, data)                                                                  \
	"{\"jsonrpc\":\"2.0\",\"id\":" id ",\"error\":{\"code\":" code ",\"message\":\"" message             \
	"\",\"data\":" data "}}"

#endif
