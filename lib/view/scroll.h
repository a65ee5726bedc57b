/*
 * A list on a terminal that it may be higher than: the titles stay at the top, the verdict at the bottom, and what is between scrolls.
 */
#ifndef OX_VIEW_SCROLL_H
#define OX_VIEW_SCROLL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

enum scroll_key {
	SCROLL_NOTHING, /* no key yet, or one without a meaning */
	SCROLL_UP,
	SCROLL_DOWN,
	SCROLL_PAGE_UP,
	SCROLL_PAGE_DOWN,
	SCROLL_HOME,
	SCROLL_END,
	SCROLL_QUIT,
};

/* What came of a key that a terminal sends as several bytes; starts as zeros. */
struct scroll_keys {
	char bytes[8];
	size_t len;
};

enum scroll_key scroll_key(struct scroll_keys *keys, char byte);

struct scroll {
	size_t width, height; /* of the terminal; height 0: all is shown */
	size_t top;           /* the first of the rows that is shown; corrected by scroll_draw() */
	bool colour;
};

/* By `key`, among the rows of this table, of which scroll_draw() shows as many as fit with the verdict. */
void scroll_move(struct scroll *s, enum scroll_key key, const char *table, const char *verdict);
/*
 * The whole screen, from its corner on; each line clears what stood behind it, so that nothing flickers.  `table` has a line of titles first, and
 * is empty or has rows too.
 */
void scroll_draw(struct scroll *s, const char *table, const char *verdict, struct buf *out);

#endif
