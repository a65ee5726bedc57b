/*
 * The commands of a program on one screen, group by group:
 *
 *	everyday
 *	  start       bring apps up              stop        stop apps or instances
 */
#ifndef OX_VIEW_OVERVIEW_H
#define OX_VIEW_OVERVIEW_H

#include <stddef.h>

#include "base/buf.h"

struct overview_row {
	int group; /* an index of `groups` */
	const char *name;
	const char *brief; /* at most OVERVIEW_BRIEF columns */
};

enum { OVERVIEW_BRIEF = 26, OVERVIEW_NAME = 10, OVERVIEW_WIDTH = 80 };

/* In two columns, or in one where `width` (0: that of OVERVIEW_WIDTH) has no room for two.  `groups` ends with NULL. */
void overview_print(struct buf *out, const char *const *groups, const struct overview_row *rows, size_t count,
	size_t width);

#endif
