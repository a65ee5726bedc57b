/*
 * Letters between oxctl and the brain: JSON-RPC 2.0, one object a line, on buffers only.  A reader is fed bytes as they come and
 * gives lines; a line becomes a request (for the brain) or a message (for a client).  Nothing here knows a socket.
 *
 * What is refused, with words and a code of rpc_codes.def: lines over the limit, JSON that base/json refuses, batches, ids that are neither
 * string, number nor null, params that are not an object.  Empty lines are skipped, so that people can type into `nc -U`.
 */
#ifndef OX_WIRE_RPC_H
#define OX_WIRE_RPC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct err;
struct json;

enum {
	RPC_REQUEST_MAX = 1024 * 1024,      /* bytes of one request of a member, its newline not counted */
	RPC_OWNER_MAX = 4 * 1024 * 1024,    /* of the owner, who may send an environment */
	RPC_MESSAGE_MAX = 64 * 1024 * 1024, /* bytes of one answer or notification */
	RPC_ONCE_MAX = 64,                  /* bytes of a key */
	RPC_ID_MAX = 256,                   /* bytes of an id as JSON text: it is kept and sent back */
};

enum rpc_code {
#define X(name, code, exit, word, doc) RPC_##name = (code),
#include "wire/rpc_codes.def"
#undef X
};

/* "no such target"; "error" for a code that is not in the list. */
const char *rpc_code_word(int code);
/* What oxctl exits with; 1 for a code that is not in the list. */
int rpc_code_exit(int code);
/* Every code as an item of a list for oxherd-protocol(7), in mdoc. */
void rpc_codes_print_mdoc(struct buf *out);

/* Cuts a stream into lines.  After a line over the limit it is lost: nothing more comes out of it. */
struct rpc_lines {
	struct buf in;
	size_t start;   /* where the next line begins */
	size_t scanned; /* up to here there is no newline */
	size_t line_max;
	bool is_lost;
};

enum rpc_got {
	RPC_NOTHING, /* half a line, or none: feed more */
	RPC_LINE,
	RPC_LOST, /* told once */
};

void rpc_lines_init(struct rpc_lines *lines, size_t line_max);
void rpc_lines_release(struct rpc_lines *lines);
void rpc_lines_feed(struct rpc_lines *lines, const char *bytes, size_t len);
/* The next line that is not blank; `*line` is borrowed until the next call of any of these. */
enum rpc_got rpc_lines_next(struct rpc_lines *lines, const char **line, size_t *len);

/* What a client asks.  `method` and `params` are borrowed from `root`. */
struct rpc_request {
	struct json *root;
	char *id; /* as JSON text, to be sent back; NULL: a notification, which gets no answer */
	const char *method;
	const struct json *params; /* an object, or NULL for none */
	const char *once;          /* the key under which it is done once, or NULL */
};

/*
 * 0, or a code with words in `e`.  Then `request` holds nothing but perhaps the id ("null" if none could be read), and is released
 * as always.
 */
int rpc_request_parse(struct rpc_request *request, const char *line, size_t len, struct err *e);
void rpc_request_release(struct rpc_request *request);

/* What a brain says: an answer (`result` or a `code`), or a notification (`method`).  All borrowed from `root`. */
struct rpc_message {
	struct json *root;
	const struct json *id; /* of an answer; may be JSON's null */
	const char *method;    /* of a notification, else NULL */
	const struct json *params;
	const struct json *result; /* NULL for an error */
	int code;
	const char *message;
	const struct json *data; /* what more an error says, or NULL */
};

/* 0, or -1 with words in `e`. */
int rpc_message_parse(struct rpc_message *message, const char *line, size_t len, struct err *e);
void rpc_message_release(struct rpc_message *message);

/* Each appends one line.  `once` and `params` may be NULL. */
void rpc_write_request(
	struct buf *out, int64_t id, const char *once, const char *method, const struct json *params);
/* `result`, `data` and `params` are JSON as text; there may be no `data` and no `params`, which is NULL. */
void rpc_write_result(struct buf *out, const char *id, const char *result, size_t len);
/*
 * Where the result stands in an answer to request `id`, if the line is exactly as rpc_write_result() writes it and the result is JSON: for a
 * client that passes it on.  False for every other line, which rpc_message_parse() then judges.
 */
bool rpc_result_text(const char *line, size_t len, int64_t id, const char **text, size_t *text_len);
void rpc_write_error(struct buf *out, const char *id, int code, const char *message, const struct buf *data);
void rpc_write_notification(struct buf *out, const char *method, const struct buf *params);

#endif
