#include "engine/past.h"

#include "base/json.h"
#include "base/mem.h"
#include "base/path.h"
#include "engine/brain_private.h"
#include "journal/event_log.h"
#include "model/status.h"
#include "os/clock.h"
#include "rules/rollout.h"

/* Its words stay, whatever becomes of the line. */
static void read_rollout(const struct json *line, struct herd_event *event)
{
	const char *word = json_string(json_get(line, "step"), NULL);
	enum rollout_phase phase = ROLLOUT_PROOF;
	enum rollout_step step = ROLLOUT_STEP_WAITS;
	int64_t number = 0;

	if (rollout_phase_parse(json_string(json_get(line, "phase"), ""), &phase))
		event->phase = rollout_phase_word(phase);
	if (rollout_step_parse(word, &step))
		event->step = rollout_step_word(step);
	else if (word)
		event->step = "over";
	event->revision = json_int(json_get(line, "revision"), &number) ? (int)number : 0;
	event->done = json_int(json_get(line, "done"), &number) ? (int)number : 0;
	event->total = json_int(json_get(line, "total"), &number) ? (int)number : 0;
	(void)json_int(json_get(line, "elapsed_ms"), &event->elapsed_ms);
	event->is_spare = json_bool(json_get(line, "spare"), false);
}

/* What is borrowed from the line. */
static bool read_event(const struct json *line, int64_t wall_ms, struct herd_event *event)
{
	const char *app = json_string(json_get(line, "app"), NULL);
	const char *to = json_string(json_get(line, "to"), NULL);
	const char *from = json_string(json_get(line, "from"), to);
	const char *on = json_string(json_get(line, "on"), NULL);
	int64_t instance = -1;
	int64_t run = 0;

	*event = (struct herd_event){
		.at = clock_ms() - (clock_wall_ms() - wall_ms),
		.app = app,
		.why = json_string(json_get(line, "why"), ""),
		.delay_ms = -1,
	};
	(void)json_int(json_get(line, "instance"), &instance);
	(void)json_int(json_get(line, "pid"), &event->pid);
	(void)json_int(json_get(line, "delay_ms"), &event->delay_ms);
	(void)json_int(json_get(line, "run"), &run);
	event->run = run > 0 ? (uint64_t)run : 0;
	event->instance = (int)instance;
	read_rollout(line, event);
	return app && herd_event_parse(json_string(json_get(line, "kind"), ""), &event->kind) &&
		(instance < 0 || (to && state_parse(to, &event->to) && state_parse(from, &event->from))) &&
		(!on || event_parse(on, &event->on));
}

static void recall(void *context, const struct json *line)
{
	struct brain *b = context;
	struct herd_event event;
	int64_t wall_ms = 0;
	int64_t seq = 0;

	if (!utc_parse(json_string(json_get(line, "at"), ""), &wall_ms) || !read_event(line, wall_ms, &event))
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

void past_begin(struct brain *b)
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

void past_publish(void *context, const struct herd_event *event)
{
	struct brain *b = context;
	const struct news_item *item = news_add(&b->news, event, ++b->last_seq, clock_wall_ms());

	b->has_newcomers |= event->instance >= 0 && event->to == STATE_STARTING;
	write_down(b, item);
	limiter_wake(b->limiter, event->app);
	if (b->is_synced)
		b->options.publish(b->options.context, item);
}

void past_remember(void *context, const struct herd_event *event)
{
	struct news alone = { .items = VEC_INIT };

	write_down(context, news_add(&alone, event, 0, clock_wall_ms()));
	news_release(&alone);
}
