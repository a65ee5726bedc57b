#include "rules/pace.h"

#include "base/assert.h"

/* --- when the state is written --- */

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

/* --- when freed memory is given back --- */

bool trim_is_due(struct trim *t, int64_t seq)
{
	bool is_burst = seq - t->seq >= TRIM_EVENTS;
	bool is_due = is_burst || t->was_burst;

	if (is_due)
		t->seq = seq;
	t->was_burst = is_burst;
	return is_due;
}

/* --- starts of an app's instances --- */

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

/* --- whether connections have ended --- */

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

bool drain_behind_is_over(struct drain_behind *d, size_t left, int64_t now)
{
	bool was_empty = d->was_empty;
	bool is_late = now - d->begun_at >= (d->is_half_open ? DRAIN_HALF_OPEN_MS : 0);

	d->was_empty = !left;
	return now >= d->deadline || (!left && was_empty && is_late);
}
