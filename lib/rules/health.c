#include "rules/health.h"

#include "base/assert.h"

enum health health_after(
	const struct spec *s, struct health_counts *c, enum health before, bool has_passed, bool is_starting)
{
	ASSERT(c->passed >= 0 && c->failed >= 0 && (!c->passed || !c->failed),
		"%lld checks have passed in a row, and %lld failed", (long long)c->passed,
		(long long)c->failed);
	c->passed = has_passed ? c->passed + 1 : 0;
	c->failed = has_passed ? 0 : c->failed + 1;
	if (c->passed >= s->health.healthy_threshold)
		return HEALTH_HEALTHY;
	if (!is_starting && c->failed >= s->health.unhealthy_threshold)
		return HEALTH_UNHEALTHY;
	return before == HEALTH_NONE ? HEALTH_UNKNOWN : before;
}

static int64_t least_ms(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/*
 * Multiples of the golden ratio, as a fraction of 2^32: each falls into the largest gap that the ones before have left, however many there
 * are.
 */
static int64_t phase_of(uint32_t slot, int64_t period)
{
	uint32_t fraction = slot * UINT32_C(2654435769);
	/* A period of a year does not overflow. */
	int64_t phase = (int64_t)((double)fraction / 4294967296.0 * (double)period);

	return phase - phase % HEALTH_TOGETHER_MS;
}

/* The first moment of the slot's own phase that is not before `from`. */
static int64_t in_phase(uint32_t slot, int64_t period, int64_t from)
{
	int64_t phase = phase_of(slot, period);
	int64_t turns = from > phase ? (from - phase + period - 1) / period : 0;

	return phase + turns * period;
}

int64_t health_first(const struct spec *s, int64_t started_at, int64_t now)
{
	int64_t at = started_at + s->health.initial_delay_ms;

	return at > now ? at : now;
}

int64_t health_soon(const struct spec *s, int64_t since, int64_t now)
{
	int64_t pause = now > since ? (now - since) / 4 : 0;

	if (pause < HEALTH_SOON_MS)
		pause = HEALTH_SOON_MS;
	return now + least_ms(pause, least_ms(s->health.interval_ms, HEALTH_SOON_MAX_MS));
}

int64_t health_next(const struct spec *s, uint32_t slot, int64_t due, int64_t now)
{
	int64_t interval = s->health.interval_ms;
	int64_t at = in_phase(slot, interval, due + (interval + 1) / 2);

	return at > now ? at : in_phase(slot, interval, now + 1);
}

int64_t health_again(const struct spec *s, uint32_t slot, int64_t now)
{
	return now + phase_of(slot, least_ms(s->health.interval_ms, HEALTH_SOON_MAX_MS));
}

bool health_is_late(int64_t due, int64_t now)
{
	return now - due > HEALTH_LATE_MS;
}
