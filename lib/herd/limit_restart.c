/*
 * Instances that use up more than they may: restarted gently, and not all of an app at once, for they tend to pass a limit together.
 */
#include "base/assert.h"
#include "herd/herd_private.h"

bool instance_ends_for_limit(const struct instance *i)
{
	return i->down_cause == DOWN_LIMIT && instance_is_wanted(i);
}

void herd_over_limit(struct herd *h, struct ticket t, const struct reason *why, int64_t now)
{
	struct instance *i = herd_by_ticket(h, t, now);

	if (!i)
		return;
	if ((i->state != STATE_RUNNING && i->state != STATE_UNHEALTHY) || instance_is_going_down(i)) {
		fact_unexpected(h, i, "over its limit");
		return;
	}
	/* Without a place the fact comes again for as long as the limit is passed.  A rollout replaces it anyway, and counts on what serves now. */
	if (!i->app->rollout && health_slot_take(i)) {
		instance_set_down_limit(i, why);
		ASSERT_OF(i, i->health_slot == HEALTH_SLOT_HELD, "goes down for a limit out of its turn");
		instance_note(i, why);
		instance_mark_dirty(i);
	}
	herd_commit(h);
}
