/*
 * The last lines of what a process writes, kept while it passes by: at most LAST_LINES_MAX, of each the first LAST_LINES_WIDTH bytes, of all
 * the last LAST_LINES_BYTES.  What a flood costs is bounded by that, not by its size.
 */
#ifndef OX_RULES_LAST_LINES_H
#define OX_RULES_LAST_LINES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

enum {
	LAST_LINES_MAX = 30, /* the first line of a stack trace should be among them */
	LAST_LINES_WIDTH = 240,
	LAST_LINES_BYTES = 4096,
};

/* Zeroed is empty. */
struct last_lines {
	char *text; /* a line break before each line */
	size_t len, cap;
	size_t column;  /* of the line under way, up to LAST_LINES_WIDTH, and one more when it is cut */
	bool is_within; /* a line is under way */
	bool is_cut;    /* the text may begin within a line */
};

void last_lines_release(struct last_lines *l);
/* The next bytes, whole lines or not. */
void last_lines_add(struct last_lines *l, const char *bytes, size_t len);
/* Appends them as text, a line break before each. */
void last_lines_print(const struct last_lines *l, struct buf *out);

#endif
