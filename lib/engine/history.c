#include "engine/history.h"

#include "base/json.h"
#include "base/mem.h"
#include "base/path.h"
#include "engine/brain_private.h"
#include "journal/event_log.h"
#include "journal/event_replay.h"
#include "os/clock.h"

static void recall(void *context, const struct json *line)
{
	struct brain *b = context;
	struct herd_event event;
	int64_t wall_ms = 0;
	int64_t seq = 0;

	if (!event_replay_read(line, clock_ms() - clock_wall_ms(), &event, &wall_ms))
		return;
	if (event.instance >= 0)
		herd_recall(b->herd, &event);
	(void)json_int(json_get(line, "seq"), &seq);
	if (seq <= 0)
		return;
	(void)event_ring_add(&b->events, &event, seq, wall_ms);
	if (seq > b->last_seq)
		b->last_seq = seq;
}

void history_begin(struct brain *b)
{
	char *path = path_join(b->options.dirs->state, "diary");

	b->event_log = event_log_new(b->loop, path);
	mem_free(path);
	event_log_read(b->event_log, recall, b);
}

static void write_down(struct brain *b, const struct event_ring_item *item)
{
	struct buf text = BUF_INIT;

	event_ring_write(item, &text);
	event_log_add(b->event_log, &text);
	buf_release(&text);
}

void history_publish(void *context, const struct herd_event *event)
{
	struct brain *b = context;
	const struct event_ring_item *item =
		event_ring_add(&b->events, event, ++b->last_seq, clock_wall_ms());

	b->has_newcomers |= event->instance >= 0 && event->to == STATE_STARTING;
	write_down(b, item);
	limit_watch_wake(b->limits, b->herd ? herd_spec(b->herd, event->app) : NULL);
	if (b->is_synced)
		b->options.publish(b->options.context, item);
}

void history_remember(void *context, const struct herd_event *event)
{
	struct event_ring alone = { .items = VEC_INIT };

	write_down(context, event_ring_add(&alone, event, 0, clock_wall_ms()));
	event_ring_release(&alone);
}
