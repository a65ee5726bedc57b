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
	struct reason *why = NULL;
	bool is_one = event_replay_read(line, clock_ms() - clock_wall_ms(), &event, &why, &wall_ms);

	if (is_one && event.instance >= 0)
		herd_recall(b->herd, &event);
	(void)json_int(json_get(line, "seq"), &seq);
	if (is_one && seq > 0)
		(void)event_ring_add(&b->past.events, &event, seq, wall_ms);
	if (is_one && seq > b->past.last_seq)
		b->past.last_seq = seq;
	reason_free(why);
}

void history_begin(struct brain *b)
{
	char *path = path_join(b->options.dirs->state, "diary");

	b->past.log = event_log_new(b->options.loop, path);
	mem_free(path);
	event_log_read(b->past.log, recall, b);
}

static void write_down(struct brain *b, const struct event_ring_item *item)
{
	struct buf text = BUF_INIT;

	event_ring_write(item, &text);
	event_log_add(b->past.log, &text);
	buf_release(&text);
}

void history_publish(void *context, const struct herd_event *event)
{
	struct brain *b = context;
	const struct event_ring_item *item =
		event_ring_add(&b->past.events, event, ++b->past.last_seq, clock_wall_ms());

	if (event->instance >= 0 && event->to == STATE_STARTING)
		followers_newcomer(&b->followers);
	write_down(b, item);
	limit_watch_wake(b->senses.limits, b->herd ? herd_spec(b->herd, event->app) : NULL);
	if (!b->recovery)
		b->options.publish(b->options.context, item);
}

void history_remember(void *context, const struct herd_event *event)
{
	struct event_ring alone = { .items = VEC_INIT };

	write_down(context, event_ring_add(&alone, event, 0, clock_wall_ms()));
	event_ring_release(&alone);
}
