#include "rules/stagger.h"

#include "base/assert.h"

void stagger_note(struct stagger *s, uint32_t slot, int64_t now)
{
	ASSERT(slot && (!s->last.slot || s->last.at <= now), "slot %u starts at %lld, before slot %u", slot,
		(long long)now, s->last.slot);
	if (s->last.slot != slot)
		s->other = s->last;
	s->last = (struct stagger_start){ .slot = slot, .at = now };
}

struct stagger_start stagger_before(const struct stagger *s, uint32_t slot)
{
	return s->last.slot == slot ? s->other : s->last;
}

int64_t stagger_wait(const struct stagger *s, uint32_t slot, int64_t stagger_ms, int64_t now)
{
	struct stagger_start before = stagger_before(s, slot);

	if (!before.slot || now - before.at >= stagger_ms)
		return 0;
	return stagger_ms - (now - before.at);
}
