#include "journal/event_ring.h"

#include <string.h>

#include "base/json_emit.h"
#include "base/mem.h"
#include "base/str.h"
#include "model/reason.h"
#include "os/clock.h"
#include "view/reason_text.h"

struct event_ring_item {
	int64_t seq, wall_ms, pid, run, delay_ms;
	int instance;
	unsigned char kind, from, to, on; /* of the herd's enums */
	bool is_spare;
	int revision, done, total; /* of a rollout */
	int64_t elapsed_ms;
	const char *phase, *step; /* words that stay; NULL: none */
	size_t why, cause;        /* where they are in `app` */
	char app[];               /* its name, '\0', the words, '\0', the reason as JSON, '\0' */
};

void event_ring_release(struct event_ring *n)
{
	vec_release_with(&n->items, mem_free);
}

const struct event_ring_item *event_ring_add(
	struct event_ring *n, const struct herd_event *event, int64_t seq, int64_t wall_ms)
{
	struct buf why = BUF_INIT;
	struct buf cause = BUF_INIT;
	size_t app_size = strlen(event->app) + 1;
	struct event_ring_item *item = NULL;

	reason_text(event->why, &why);
	if (event->why)
		reason_write(event->why, NULL, why.ptr, &cause);
	buf_adds(&why, event->lines ? event->lines : "");
	item = mem_alloc(sizeof(*item) + app_size + why.len + cause.len + 2);
	*item = (struct event_ring_item){
		.seq = seq,
		.wall_ms = wall_ms,
		.pid = event->pid,
		.run = (int64_t)event->run,
		.delay_ms = event->delay_ms,
		.instance = event->instance,
		.kind = (unsigned char)event->kind,
		.from = (unsigned char)event->from,
		.to = (unsigned char)event->to,
		.on = (unsigned char)event->on,
		.is_spare = event->is_spare,
		.revision = event->revision,
		.done = event->done,
		.total = event->total,
		.elapsed_ms = event->elapsed_ms,
		.phase = event->phase,
		.step = event->step,
		.why = app_size,
		.cause = app_size + why.len + 1,
	};
	memcpy(item->app, event->app, app_size);
	memcpy(item->app + item->why, why.ptr, why.len + 1);
	memcpy(item->app + item->cause, cause.ptr, cause.len + 1);
	buf_release(&why);
	buf_release(&cause);
	if (n->items.len >= EVENTS_MAX)
		mem_free(vec_remove(&n->items, 0));
	vec_push(&n->items, item);
	return item;
}

static bool is_end(const struct event_ring_item *item)
{
	return item->kind == HERD_EVENT_STATE && event_is_end((enum event)item->on);
}

bool event_ring_has_end(const struct event_ring *n, const char *name, uint64_t run)
{
	const char *colon = strrchr(name, ':');
	size_t len = colon ? (size_t)(colon - name) : 0;
	int64_t number = 0;

	if (!colon || !str_to_int(colon + 1, &number))
		return false;
	for (size_t k = n->items.len; k > 0; k--) {
		const struct event_ring_item *item = n->items.items[k - 1];

		if (item->run == (int64_t)run && item->instance == number && is_end(item) &&
			strncmp(item->app, name, len) == 0 && !item->app[len])
			return true;
	}
	return false;
}

int64_t event_ring_seq(const struct event_ring_item *item)
{
	return item->seq;
}

const char *event_ring_app(const struct event_ring_item *item)
{
	return item->app;
}

int event_ring_instance(const struct event_ring_item *item)
{
	return item->instance;
}

static void emit_word(struct buf *out, const char *key, const char *word)
{
	emit_string(out, key, word && *word ? word : NULL);
}

static void write_rollout_event(const struct event_ring_item *item, struct buf *out)
{
	emit_string(out, "phase", item->phase);
	emit_string(out, "step", item->step);
	emit_bool(out, "spare", item->is_spare);
	emit_int(out, "revision", item->revision);
	emit_int(out, "done", item->done);
	emit_int(out, "total", item->total);
	emit_int(out, "elapsed_ms", item->elapsed_ms);
}

void event_ring_write(const struct event_ring_item *item, struct buf *out)
{
	bool is_state = item->kind == HERD_EVENT_STATE;
	bool is_one = item->instance >= 0;
	struct buf text = BUF_INIT;

	emit_open(out, NULL, '{');
	emit_int(out, "seq", item->seq);
	clock_write(&text, item->wall_ms);
	emit_string(out, "at", text.ptr);
	emit_string(out, "kind", herd_event_word((enum herd_event_kind)item->kind));
	buf_clear(&text);
	buf_addf(&text, "%s:%d", item->app, item->instance);
	emit_word(out, "id", is_one ? text.ptr : NULL);
	emit_string(out, "app", item->app);
	emit_int_or_null(out, "instance", is_one, item->instance);
	emit_word(out, "from", is_state ? state_word((enum state)item->from) : NULL);
	emit_word(out, "to", is_one ? state_word((enum state)item->to) : NULL);
	emit_word(out, "on", is_state ? event_word((enum event)item->on) : NULL);
	emit_word(out, "why", item->app + item->why);
	if (item->app[item->cause])
		emit_text(out, "cause", item->app + item->cause, strlen(item->app + item->cause));
	emit_int_or_null(out, "pid", item->pid != 0, item->pid);
	emit_int_or_null(out, "run", item->run != 0, item->run);
	emit_int_or_null(out, "delay_ms", item->delay_ms >= 0, item->delay_ms);
	if (item->kind == HERD_EVENT_ROLLOUT)
		write_rollout_event(item, out);
	emit_close(out, '}');
	buf_release(&text);
}
