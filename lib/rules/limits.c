#include "rules/limits.h"

#include "base/assert.h"

static const double megabyte = 1024 * 1024;

static bool is_busy_too_long(const struct spec *s, struct limits_past *past, double cpu_percent, int64_t now)
{
	ASSERT(past->busy_since <= now || past->busy_since == 1,
		"it is busy since %lld ms, and it is %lld ms", (long long)past->busy_since, (long long)now);
	if (s->limits.cpu_percent <= 0 || cpu_percent <= s->limits.cpu_percent) {
		past->busy_since = 0;
		return false;
	}
	if (!past->busy_since)
		past->busy_since = now ? now : 1;
	return now - past->busy_since >= s->limits.cpu_window_ms;
}

bool limits_pass(const struct spec *s, struct limits_past *past, int64_t memory_bytes, double cpu_percent,
	int64_t now, struct reason *why)
{
	int64_t most = s->limits.memory_bytes;
	bool is_busy = is_busy_too_long(s, past, cpu_percent, now);

	if (most > 0 && memory_bytes > most)
		*why = REASON_OF(MEMORY_LIMIT, .used = (double)memory_bytes / megabyte,
			.most = (double)most / megabyte);
	else if (is_busy)
		*why = REASON_OF(CPU_LIMIT, .used = cpu_percent, .most = s->limits.cpu_percent,
			.ms = s->limits.cpu_window_ms);
	else
		return false;
	return true;
}

static int64_t at_least_soon(int64_t ms)
{
	return ms < LIMITS_SOON_MS ? LIMITS_SOON_MS : ms;
}

int64_t limits_next(const struct spec *s, const struct limits_past *past, int64_t memory_bytes)
{
	int64_t most = s->limits.memory_bytes;
	int64_t next = LIMITS_SELDOM_MS;

	if (most > 0) {
		int64_t left = memory_bytes < most ? most - memory_bytes : 0;

		next = (int64_t)((double)LIMITS_SELDOM_MS * (double)left / (double)most);
	}
	/* A window is looked at a few times, and not left before its end is seen. */
	if (s->limits.cpu_percent > 0 && s->limits.cpu_window_ms / 4 < next)
		next = s->limits.cpu_window_ms / 4;
	if (past->busy_since && next > 2 * LIMITS_SOON_MS)
		next = 2 * LIMITS_SOON_MS;
	ASSERT(next <= LIMITS_SELDOM_MS, "the next look at '%s' is in %lld ms", s->name, (long long)next);
	return at_least_soon(next);
}
