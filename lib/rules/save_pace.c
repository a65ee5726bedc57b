#include "rules/save_pace.h"

#include "base/assert.h"

int64_t save_delay(const struct save_pace *p)
{
	int64_t delay = SAVE_SHARE * p->took_ms;

	ASSERT(p->took_ms >= 0, "saving took %lld ms", (long long)p->took_ms);
	if (p->is_failing)
		return SAVE_RETRY_MS;
	if (delay < SAVE_DELAY_MS || p->forgets >= SAVE_FORGETS_SOON)
		return SAVE_DELAY_MS;
	return delay < SAVE_DELAY_MAX_MS ? delay : SAVE_DELAY_MAX_MS;
}

bool save_lets_forget(const struct save_pace *p)
{
	return !p->is_failing || p->forgets >= SAVE_FORGETS_MAX;
}
