/*
 * Lines of several sources in the order of their times.  Each source is in order by itself and stays so, whatever its clock did: a line that is
 * older than the one before it, or whose time is not known, counts as of the same time as that one.
 */
#ifndef OX_RULES_MERGE_H
#define OX_RULES_MERGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct merge_head {
	bool has_line;
	int64_t when; /* of its next line, as merge_time() says */
};

/* When a line counts as said: `before` is what the one before it counted as. */
int64_t merge_time(int64_t before, bool is_known, int64_t wall_ms);
/* Which head is next: the oldest, of several the first.  `count` when none has a line. */
size_t merge_next(const struct merge_head *heads, size_t count);

#endif
