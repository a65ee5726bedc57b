#include "journal/past.h"

#include "base/json.h"
#include "base/json_emit.h"
#include "journal/event_log.h"
#include "journal/event_replay.h"
#include "model/reason.h"
#include "os/clock.h"

struct reading {
	struct past *past;
	void (*each)(void *context, const struct herd_event *event);
	void *context;
};

static void take_line(void *context, const struct json *line)
{
	const struct reading *r = context;
	struct past *p = r->past;
	struct herd_event event;
	int64_t wall_ms = 0;
	int64_t seq = 0;
	struct reason *why = NULL;
	bool is_one = event_replay_read(line, clock_ms() - clock_wall_ms(), &event, &why, &wall_ms);

	if (is_one)
		r->each(r->context, &event);
	(void)json_int(json_get(line, "seq"), &seq);
	if (is_one && seq > 0)
		(void)event_ring_add(&p->events, &event, seq, wall_ms);
	if (is_one && seq > p->last_seq)
		p->last_seq = seq;
	reason_free(why);
}

void past_open(struct past *p, struct ev_loop *loop, const char *path,
	void (*each)(void *context, const struct herd_event *event), void *context)
{
	struct reading r = { .past = p, .each = each, .context = context };

	p->log = event_log_new(loop, path);
	event_log_read(p->log, take_line, &r);
}

void past_release(struct past *p)
{
	event_ring_release(&p->events);
	event_log_free(p->log);
	p->log = NULL;
}

static void write_down(struct past *p, const struct event_ring_item *item)
{
	struct buf text = BUF_INIT;

	event_ring_write(item, &text);
	event_log_add(p->log, &text);
	buf_release(&text);
}

const struct event_ring_item *past_add(struct past *p, const struct herd_event *event)
{
	const struct event_ring_item *item =
		event_ring_add(&p->events, event, ++p->last_seq, clock_wall_ms());

	write_down(p, item);
	return item;
}

void past_note(struct past *p, const struct herd_event *event)
{
	struct event_ring alone = { .items = VEC_INIT };

	write_down(p, event_ring_add(&alone, event, 0, clock_wall_ms()));
	event_ring_release(&alone);
}

void past_write(const struct past *p, const struct past_query *q, struct buf *out)
{
	struct vec chosen = VEC_INIT;
	const struct event_ring_item *item = NULL;
	size_t i = 0;

	VEC_EACH (&p->events.items, i, item) {
		if (event_ring_seq(item) > q->since &&
			q->is_meant(q->context, event_ring_app(item), event_ring_instance(item)))
			vec_push(&chosen, (void *)item);
	}
	emit_open(out, NULL, '{');
	emit_open(out, "events", '[');
	for (i = q->limit && q->limit < chosen.len ? chosen.len - q->limit : 0; i < chosen.len; i++)
		event_ring_write(chosen.items[i], out);
	emit_close(out, ']');
	emit_int(out, "seq", p->last_seq);
	emit_close(out, '}');
	vec_release(&chosen);
}
