#include "rules/trim.h"

bool trim_is_due(struct trim *t, int64_t seq)
{
	bool is_burst = seq - t->seq >= TRIM_EVENTS;
	bool is_due = is_burst || t->was_burst;

	if (is_due)
		t->seq = seq;
	t->was_burst = is_burst;
	return is_due;
}
