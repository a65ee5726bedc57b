/*
 * One line of a log as it travels in a `log` notification.  JSON holds text only: what is no UTF-8, or has a NUL in it, travels as text with U+FFFD in
 * place of what cannot be said, and as `bytes` in base64 beside it.
 */
#ifndef OX_MODEL_LOGLINE_H
#define OX_MODEL_LOGLINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct json;

#define LOGLINE_NO_TIME INT64_MIN

/* All borrowed. */
struct logline {
	const char *id;     /* "api:2", "" where it is not known */
	const char *stream; /* "out", "err", "note" */
	int64_t at_ms;      /* wall time, or LOGLINE_NO_TIME */
	const char *bytes;
	size_t len;
	bool is_continued; /* it begins in the middle of a line */
	bool goes_on;      /* the rest follows as the next of this id and stream */
};

/* Appends an object. */
void logline_write(const struct logline *l, struct buf *out);
/* False when it is none.  `room` holds the bytes where they came as base64. */
bool logline_from_json(struct logline *l, const struct json *j, struct buf *room);

#endif
