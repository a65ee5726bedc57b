#include "rules/drain_pace.h"

#include "base/assert.h"

int64_t drain_pause_after(int64_t pause_ms)
{
	ASSERT(pause_ms > 0, "a pause of %lld ms cannot be doubled", (long long)pause_ms);
	return pause_ms * 2 < DRAIN_MAX_MS ? pause_ms * 2 : DRAIN_MAX_MS;
}

int64_t drain_wait(int64_t pause_ms, int64_t first_deadline, int64_t now)
{
	ASSERT(pause_ms >= 0, "a pause of %lld ms comes before the next question", (long long)pause_ms);
	if (first_deadline - now >= pause_ms)
		return pause_ms;
	return first_deadline > now ? first_deadline - now : 0;
}

bool drain_is_over(size_t left, int64_t deadline, int64_t now)
{
	return !left || now >= deadline;
}
