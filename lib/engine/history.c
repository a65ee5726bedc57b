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
	(void)news_add(&b->news, &event, seq, wall_ms);
	if (seq > b->last_seq)
		b->last_seq = seq;
}

void history_begin(struct brain *b)
{
	char *path = path_join(b->options.dirs->state, "diary");

	b->diary = diary_new(b->loop, path);
	mem_free(path);
	diary_read(b->diary, recall, b);
}

static void write_down(struct brain *b, const struct news_item *item)
{
	struct buf text = BUF_INIT;

	news_write(item, &text);
	diary_add(b->diary, &text);
	buf_release(&text);
}

void history_publish(void *context, const struct herd_event *event)
{
	struct brain *b = context;
	const struct news_item *item = news_add(&b->news, event, ++b->last_seq, clock_wall_ms());

	b->has_newcomers |= event->instance >= 0 && event->to == STATE_STARTING;
	write_down(b, item);
	limit_watch_wake(b->limits, b->herd ? herd_spec(b->herd, event->app) : NULL);
	if (b->is_synced)
		b->options.publish(b->options.context, item);
}

void history_remember(void *context, const struct herd_event *event)
{
	struct news alone = { .items = VEC_INIT };

	write_down(context, news_add(&alone, event, 0, clock_wall_ms()));
	news_release(&alone);
}
