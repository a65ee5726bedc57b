/*
 * The index beside a log file: from which byte on a file holds what whom said, and when.  A file of marks belongs to one log file and turns
 * with it: `api-0-out.log` has `.api-0-out.log.marks`, `api-0-out.log.1` (or `.1.gz`) has `.api-0-out.log.1.marks`.  Offsets are those
 * of the uncompressed content.  A mark holds until the next one; a log without marks is read as well, its lines have no time.
 *
 * Marks are in the order of their offsets; of several with one offset the last counts.  One is written when the source changes, else at
 * most every MARK_EVERY_MS.  Sources that share a file take turns at the ends of lines where that is possible; a line that is cut by
 * another source continues at the next mark of its own.
 *
 * A mark is MARK_SIZE bytes, little endian, with a check, so that a torn or foreign one is seen; the reader steps over it to the next
 * multiple of MARK_SIZE.
 */
#ifndef OX_WIRE_MARKS_H
#define OX_WIRE_MARKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum { MARK_SIZE = 32, MARK_EVERY_MS = 50 };

enum mark_kind {
	MARK_OUT,  /* standard output */
	MARK_ERR,  /* standard error */
	MARK_NOTE, /* our own words, such as what was dropped */
	MARK_KIND_COUNT,
};

struct mark {
	uint64_t offset; /* of the first byte */
	int64_t wall_ms; /* when it was read */
	uint32_t app;    /* mark_app() of its name */
	uint16_t instance;
	enum mark_kind kind;
	uint32_t run; /* low bits of the generation that wrote it: which life of the instance */
};

uint32_t mark_app(const char *name);
void mark_write(struct buf *out, const struct mark *m);
/* False for one that was not written by mark_write(). */
bool mark_read(struct mark *m, const char bytes[MARK_SIZE]);
/* Whether both are of one writer: app, instance, stream and run. */
bool mark_is_same_source(const struct mark *a, const struct mark *b);
/* The path of the marks of a log file; ".gz" at its end is left out. */
void marks_path(struct buf *out, const char *log);

#endif
