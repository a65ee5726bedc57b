/*
 * The time in front of a line.  A format with a '%' is one of strftime's, with %L for milliseconds; any other is in words, as
 * "YYYY-MM-DD HH:mm:ss.SSS".  What a format does not know stays as it is written; in words, [brackets] keep letters as they are.
 */
#ifndef OX_RULES_STAMP_H
#define OX_RULES_STAMP_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/wall.h"

enum { STAMP_MAX = 256 }; /* bytes of a stamp; what is beyond is cut */

struct stamp;

struct stamp *stamp_new(const char *format);
void stamp_free(struct stamp *s);
/* Appends the time, and ": " behind it. */
void stamp_print(const struct stamp *s, const struct wall *at, struct buf *out);

/* Lines, or pieces of lines, and where they go with `stamp` before each. */
struct stamping {
	const char *stamp;
	size_t stamp_len; /* at most STAMP_MAX */
	bool is_mid_line; /* the first piece goes on with a line that has its stamp; said again for what comes next */
	char *room;
	size_t size; /* of the room: more than STAMP_MAX */
};

/* Copies as much as there is room for; says how much that became, and how many bytes of `text` it stands for. */
size_t stamp_lines(struct stamping *s, const char *text, size_t len, size_t *eaten);

#endif
