#include "rules/merge.h"

#include "base/assert.h"

int64_t merge_time(int64_t before, bool is_known, int64_t wall_ms)
{
	return is_known && wall_ms > before ? wall_ms : before;
}

size_t merge_next(const struct merge_head *heads, size_t count)
{
	size_t next = count;

	ASSERT(heads || !count, "%zu sources have no next lines", count);
	for (size_t i = 0; i < count; i++)
		if (heads[i].has_line && (next == count || heads[i].when < heads[next].when))
			next = i;
	return next;
}
