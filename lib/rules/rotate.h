/*
 * When a log file is full, and which of its older siblings are renamed, compressed and dropped.  Names only;
 * logs/streams acts.
 */
#ifndef OX_RULES_ROTATE_H
#define OX_RULES_ROTATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/vec.h"

enum { ROTATE_FILES_MAX = 10000 }; /* more are never kept */

struct rotate_policy {
	int64_t max_size_bytes; /* 0: never rotate */
	int64_t max_files;      /* rotated ones that are kept; 0: none, the file just begins again */
	bool compress;
};

/* True when writing `more` bytes to a file of `size` would pass the limit; an empty file is never rotated. */
bool rotate_is_due(const struct rotate_policy *p, int64_t size, int64_t more);

enum { ROTATE_LINE_MAX = 1 << 20 }; /* a file may pass its limit by so much for the end of a line */

/*
 * How many of the `len` bytes that come next still go into the file, so that lines stay whole: all of them when there is room, those to
 * the end of the line that it ends in, none when it should be rotated first.
 */
size_t rotate_cut(
	const struct rotate_policy *p, int64_t size, bool is_mid_line, const char *bytes, size_t len);

enum rotate_verb { ROTATE_RENAME, ROTATE_REMOVE, ROTATE_COMPRESS };

struct rotate_step {
	enum rotate_verb verb;
	char *from;
	char *to; /* NULL for REMOVE */
};

/*
 * The steps that turn api.log, api.log.1, api.log.2.gz … into the next round, in an order in which a crash
 * between any two loses nothing: removals of the oldest, renames from the highest number down, compression
 * last.  Numbers move up only as far as the first free one, so the round after a crash finishes what was
 * begun and drops nothing for it.  Compressed files keep their ".gz" whatever the policy says now; plain
 * ones that a crash left uncompressed are compressed with the newest.  COMPRESS replaces `to` if it is
 * there, and removes `from` only when `to` is whole: where both exist, the plain file counts and the other
 * is removed first.  Without `path` itself there is nothing to rotate, and only numbers beyond max_files are
 * removed.  `exists` is asked about names with and without ".gz".  Steps (owned) are appended to `steps`;
 * rotate_step_free() frees one.
 */
void rotate_plan(const struct rotate_policy *p, const char *path,
	bool (*exists)(void *context, const char *path), void *context, struct vec *steps);
void rotate_step_free(void *step);

#endif
