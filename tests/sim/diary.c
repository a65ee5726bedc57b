/*
 * Which ends have been reported: a brain writes it down at once, and the next one reads it.
 */
#include "herd/herd_private.h"
#include "sim.h"
#include "view/reason_text.h"

bool diary_has_end(const struct sim *s, int app, int number, uint64_t run)
{
	for (size_t k = 0; k < s->diary_len && k < SIM_DIARY; k++) {
		const struct notify_state *t = &s->diary[k];

		if (t->app == app && t->number == number && t->run == run)
			return true;
	}
	return false;
}

void diary_trace(struct sim *s, const struct herd_event *event)
{
	struct buf why = BUF_INIT;

	reason_text(event->why, &why);
	if (event->instance < 0)
		sim_trace(s, "event: %s: %s%s%s", event->app, event->phase ? event->phase : "",
			event->phase ? " " : "", why.ptr);
	else
		sim_trace(s, "event: %s:%d %s %s -> %s on %s (%s)", event->app, event->instance,
			herd_event_word(event->kind), state_word(event->from), state_word(event->to),
			event_word(event->on), why.ptr);
	buf_release(&why);
}

void diary_note(struct sim *s, int app, const struct herd_event *event)
{
	if (event->kind != HERD_EVENT_STATE || !event_is_end(event->on) || !event->run)
		return;
	if (s->is_restoring && diary_has_end(s, app, event->instance, event->run))
		sim_fail(s, "the end of run %llu of %s:%d is reported twice", (unsigned long long)event->run,
			event->app, event->instance);
	s->diary[s->diary_len++ % SIM_DIARY] =
		(struct notify_state){ .app = app, .number = event->instance, .run = event->run };
}

/* It is counted, and one that passes its limit again and again does not run hot. */
void diary_check_limited(struct sim *s, const struct instance *i, const struct herd_event *event)
{
	if (!i || event->kind != HERD_EVENT_STATE || event->on != EVENT_LIMITED)
		return;
	if (!i->restarts || !i->history || !i->history->recent_len)
		sim_fail(s, "%s:%d is restarted for a limit, and that is not counted", event->app,
			event->instance);
	else if (s->now - i->started_at < instance_spec(i)->restart_window_ms && event->delay_ms <= 0 &&
		instance_spec(i)->restart_delay_ms > 0)
		sim_fail(s, "%s:%d is restarted for a limit at once, again and again", event->app,
			event->instance);
}

/* However it ends and whatever its delays are: a few restarts at once, then ten a second. */
void diary_check_pace(struct sim *s, const struct instance *i, const struct herd_event *event)
{
	enum { MOST = RESTART_FAST_MAX + RESTART_FAST_WINDOW_MS / RESTART_FAST_DELAY_MS + 1 };
	const struct restart_history *h = i ? i->history : NULL;
	size_t last = 0;
	size_t before = 0;

	if (!h || h->recent_len <= MOST || instance_spec(i)->restart_delay_ms > 0)
		return;
	last = (h->recent_at + RESTART_HISTORY_MAX - 1) % RESTART_HISTORY_MAX;
	before = (last + RESTART_HISTORY_MAX - MOST) % RESTART_HISTORY_MAX;
	if (h->recent[last] - h->recent[before] < RESTART_FAST_WINDOW_MS)
		sim_fail(s, "%s:%d runs hot: %d restarts in %lld ms", event->app, event->instance, MOST,
			(long long)(h->recent[last] - h->recent[before]));
}
