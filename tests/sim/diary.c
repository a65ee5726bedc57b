/*
 * Which ends have been told: a brain writes it down at once, and the next one reads it.
 */
#include "sim.h"

bool diary_has_end(const struct sim *s, int app, int number, uint64_t run)
{
	for (size_t k = 0; k < s->diary_len && k < SIM_DIARY; k++) {
		const struct told *t = &s->diary[k];

		if (t->app == app && t->number == number && t->run == run)
			return true;
	}
	return false;
}

void diary_note(struct sim *s, int app, const struct herd_event *event)
{
	if (event->kind != HERD_EVENT_STATE || !event_is_end(event->on) || !event->run)
		return;
	if (s->is_restoring && diary_has_end(s, app, event->instance, event->run))
		sim_fail(s, "the end of run %llu of %s:%d is told twice", (unsigned long long)event->run,
			event->app, event->instance);
	s->diary[s->diary_len++ % SIM_DIARY] =
		(struct told){ .app = app, .number = event->instance, .run = event->run };
}
