#include "journal/past.h"

#include "base/json.h"
#include "base/json_emit.h"
#include "journal/event_item.h"
#include "journal/event_log.h"
#include "journal/event_replay.h"
#include "model/reason.h"
#include "os/clock.h"

struct reading {
	struct past *past;
	bool (*is_there)(const void *context, const char *app, int instance);
	const void *context;
};

/* The oldest is forgotten when there are too many. */
static void keep_event(struct past *p, struct event_item *item)
{
	if (p->events.len >= EVENTS_MAX)
		event_item_unref(vec_remove(&p->events, 0));
	vec_push(&p->events, event_item_ref(item));
}

static void take_line(void *context, const struct json *line)
{
	const struct reading *r = context;
	struct past *p = r->past;
	struct herd_event event;
	int64_t wall_ms = 0;
	int64_t seq = 0;
	struct reason *why = NULL;
	struct event_item *item = NULL;

	(void)json_int(json_get(line, "seq"), &seq);
	if (event_replay_read(line, clock_ms() - clock_wall_ms(), &event, &why, &wall_ms)) {
		item = event_item_new(&event, seq > 0 ? seq : 0, wall_ms);
		if (r->is_there(r->context, event.app, event.instance))
			instance_pasts_add(&p->instances, item);
		if (seq > 0)
			keep_event(p, item);
		if (seq > p->last_seq)
			p->last_seq = seq;
		event_item_unref(item);
	}
	reason_free(why);
}

void past_open(struct past *p, struct ev_loop *loop, const char *path,
	bool (*is_there)(const void *context, const char *app, int instance), const void *context)
{
	struct reading r = { .past = p, .is_there = is_there, .context = context };

	p->log = event_log_new(loop, path);
	event_log_read(p->log, take_line, &r);
}

void past_release(struct past *p)
{
	vec_release_with(&p->events, event_item_unref);
	instance_pasts_release(&p->instances);
	event_log_free(p->log);
	p->log = NULL;
}

static void write_down(struct past *p, const struct event_item *item)
{
	struct buf text = BUF_INIT;

	event_item_write(item, &text);
	event_log_add(p->log, &text);
	buf_release(&text);
}

/* The row's reference keeps it until EVENTS_MAX more have come. */
const struct event_item *past_add(struct past *p, const struct herd_event *event)
{
	struct event_item *item = event_item_new(event, ++p->last_seq, clock_wall_ms());

	keep_event(p, item);
	instance_pasts_add(&p->instances, item);
	write_down(p, item);
	event_item_unref(item);
	return item;
}

void past_note(struct past *p, const struct herd_event *event)
{
	struct event_item *item = event_item_new(event, 0, clock_wall_ms());

	instance_pasts_add(&p->instances, item);
	write_down(p, item);
	event_item_unref(item);
}

bool past_has_end(const struct past *p, const char *name, uint64_t run)
{
	for (size_t k = p->events.len; k > 0; k--)
		if (event_item_is_end_of(p->events.items[k - 1], name, run))
			return true;
	return false;
}

void past_forget(struct past *p, const char *app, int instance)
{
	instance_pasts_forget(&p->instances, app, instance);
}

void past_write(const struct past *p, const struct past_query *q, struct buf *out)
{
	struct vec chosen = VEC_INIT;
	const struct event_item *item = NULL;
	size_t i = 0;

	VEC_EACH (&p->events, i, item) {
		if (event_item_seq(item) > q->since &&
			q->is_meant(q->context, event_item_app(item), event_item_instance(item)))
			vec_push(&chosen, (void *)item);
	}
	emit_open(out, NULL, '{');
	emit_open(out, "events", '[');
	for (i = q->limit && q->limit < chosen.len ? chosen.len - q->limit : 0; i < chosen.len; i++)
		event_item_write(chosen.items[i], out);
	emit_close(out, ']');
	emit_int(out, "seq", p->last_seq);
	emit_close(out, '}');
	vec_release(&chosen);
}
