/*
 * What instances have said, read from their logs: the newest lines, or all of a time, of many logs in time order, and then what comes.
 *
 * A reader is asked for lines and never calls by itself: each logs_read() reads a bounded number of bytes, so that neither a long log nor a text that
 * is never found holds up the loop, and a client that cannot take more does not ask.  In memory is a line of each log; while there is nothing
 * to read, nothing is, and no file is open.
 */
#ifndef OX_LOGS_READ_H
#define OX_LOGS_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "logs/tail.h"
#include "wire/marks.h"

struct buf;
struct err;
struct json;
struct logs;

enum {
	LOGS_TURN_BYTES = 256 * 1024,   /* read in one turn */
	LOGS_TURN_SEARCHED = 64 * 1024, /* and when there is a text to look for */
	LOGS_LINE_COST =
		64, /* bytes that a line counts beside its own: its writer and its time are sent with it */
	LOGS_ALL = -1,
};

/* Borrowed for the call of logs_new(). */
struct logs_query {
	int64_t lines;       /* the newest so many of those that match; LOGS_ALL */
	int64_t since_ms;    /* wall time; INT64_MIN: from the beginning */
	int64_t until_ms;    /* INT64_MAX: no end */
	unsigned int kinds;  /* 1 << MARK_OUT, 1 << MARK_ERR; our own notes are always among them */
	const char *grep;    /* a text that lines are to hold; NULL: every line */
	const uint32_t *run; /* only of this life of an instance; NULL: of all */
	bool follows;        /* continues with new lines */
	int64_t now_ms;      /* wall time: a log that joins later is read from here on */
	const struct json
		*cursor; /* where an earlier reader was; it replaces `lines`.  NULL: there was none */
};

struct logs *logs_new(const struct logs_query *q);
void logs_free(struct logs *l);
/*
 * `app`:`instance` writes this stream into this log (copied), which may be shared.  Before the first logs_read() it belongs to what is asked
 * for; later, when following, only what is written from now_ms on does.  Saying it twice changes nothing.
 */
void logs_add(
	struct logs *l, const struct log_location *log, const char *app, int instance, enum mark_kind kind);
/* Something was written to that log, or it began again: is there anything to read now? */
bool logs_stir(struct logs *l, const char *path);

enum logs_got {
	LOGS_MORE, /* ask again, in another turn of the loop */
	LOGS_WAIT, /* nothing more now: logs_stir() says when */
	LOGS_END,
};

/* `id` is "api:2", or "" where it is not known; `stream` is "out", "err" or "note".  All borrowed. */
struct logs_line {
	const char *id;
	const char *stream;
	struct log_line line;
};
typedef void (*logs_each)(void *context, const struct logs_line *line);

/* Gives lines until this turn's bytes are read, or lines of `most` bytes were given, LOGS_LINE_COST for each included. */
enum logs_got logs_read(struct logs *l, size_t most, logs_each each, void *context);
/* Appends what has moved since the last call: to be kept, laid over what was kept before, and given to a later reader. */
void logs_cursor(struct logs *l, const char *key, struct buf *out);

#endif
