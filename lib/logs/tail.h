/*
 * One log as a stream of lines, from a place on to its end, over its rotated siblings to the file that grows.  In memory is one line, or a piece of
 * one that is longer than PIECE_MAX, and what was read with it; at the end nothing is, and no file is open.
 */
#ifndef OX_LOGS_TAIL_H
#define OX_LOGS_TAIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "logs/segment.h"

struct json;

/* Bytes are borrowed until the next call. */
struct log_line {
	const char *bytes;
	size_t len;
	bool is_marked; /* who said it and when is known */
	struct mark mark;
	bool is_continued; /* begins in the middle of a line */
	bool goes_on;      /* the rest follows */
};

struct log_tail {
	struct log_location log;
	struct segment file;
	bool is_placed; /* `id`, `start` and is_continued say what is read next */
	bool is_continued;
	bool has_lost; /* set when files were gone before they were read; for the owner to tell, and to take back */
	bool is_bounded; /* ends with this file, although a newer one exists */
	struct log_id id;
	int number; /* that it had last; -1: not known */
	uint64_t start;
	bool has_limit; /* in the file `limit_id` no byte from `limit` on is read, and nothing newer is */
	uint64_t limit;
	struct log_id limit_id;
	struct buf in;
	size_t at;   /* where in it `start` is */
	size_t step; /* of the line that was given last */
	bool step_goes_on;
	size_t *budget; /* bytes that may still be read in this turn; borrowed */
};

enum tail_got {
	TAIL_LINE,
	TAIL_END,  /* nothing more now */
	TAIL_BUSY, /* the budget is used up: ask again in another turn */
};

/* Both of the place are copied. */
void log_tail_init(struct log_tail *t, const struct log_location *log, size_t *budget);
void log_tail_release(struct log_tail *t);

/* Where to begin.  All forget what was read. */
void log_tail_at(struct log_tail *t, const struct log_id *id, uint64_t offset, bool is_continued);
void log_tail_at_end(struct log_tail *t);
void log_tail_at_oldest(struct log_tail *t);
/* With the first line of that time, as far as the marks tell; what has no marks is left out, or with `takes_unknown` is taken. */
void log_tail_at_time(struct log_tail *t, int64_t wall_ms, bool takes_unknown);
/* Not beyond what is there now. */
void log_tail_limit(struct log_tail *t);

/* The next line, which stays the next one until log_tail_take().  A last line without an end is given only with `takes_rest`. */
enum tail_got log_tail_next(struct log_tail *t, bool takes_rest, struct log_line *line);
/* The line that log_tail_next() gave is done with. */
void log_tail_take(struct log_tail *t);
/* Another file of the log was opened: that costs some of the budget. */
void log_tail_pay(struct log_tail *t);
/* Closes the open files; the next read continues from the same position. */
void log_tail_rest(struct log_tail *t);

/* { "inode": "12", "first_ms": …, "offset": … }, and back; a place that makes no sense is none. */
void log_tail_write(const struct log_tail *t, struct buf *out);
void log_tail_from_json(struct log_tail *t, const struct json *j);

#endif
