/*
 * The time in front of a line.  A format with a '%' is one of strftime's, with %L for milliseconds; any other uses words, as
 * "YYYY-MM-DD HH:mm:ss.SSS".  What a format does not know stays as it is written; among words, [brackets] keep letters as they are.
 */
#ifndef OX_RULES_TIMESTAMP_FORMAT_H
#define OX_RULES_TIMESTAMP_FORMAT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/wall_time.h"

enum { STAMP_MAX = 256 }; /* bytes of a stamp; what is beyond is cut */

struct timestamp_format;

struct timestamp_format *timestamp_format_new(const char *format);
void timestamp_format_free(struct timestamp_format *s);
/* Appends the time, and ": " behind it. */
void timestamp_format_print(const struct timestamp_format *s, const struct wall_time *at, struct buf *out);

/* Lines, or pieces of lines, and where they go with `stamp` before each. */
struct timestamp_writer {
	const char *stamp;
	size_t stamp_len; /* at most STAMP_MAX */
	bool is_mid_line; /* the first piece continues a line that has its stamp; set again for the next piece */
	char *room;
	size_t size; /* of the room: more than STAMP_MAX */
};

/* Copies as much as there is room for; says how much that became, and how many bytes of `text` it stands for. */
size_t timestamp_lines(struct timestamp_writer *s, const char *text, size_t len, size_t *eaten);

#endif
