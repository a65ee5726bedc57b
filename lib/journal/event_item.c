#include "journal/event_item.h"

#include <string.h>

#include "base/assert.h"
#include "base/json.h"
#include "base/json_emit.h"
#include "base/mem.h"
#include "base/str.h"
#include "model/reason.h"
#include "model/snapshot.h"
#include "os/clock.h"
#include "view/reason_text.h"

struct event_item {
	int64_t seq, wall_ms, pid, run, delay_ms;
	int instance;
	unsigned char kind, from, to, on; /* of the herd's enums */
	bool is_spare;
	int revision, done, total; /* of a rollout */
	int64_t elapsed_ms;
	const char *phase, *step; /* words that stay; NULL: none */
	unsigned int refs;
	unsigned int why, lines, cause; /* where they are in `app` */
	char app[]; /* its name, '\0', the words and below them the lines, '\0', the reason as JSON, '\0' */
};

struct event_item *event_item_new(const struct herd_event *event, int64_t seq, int64_t wall_ms)
{
	struct buf why = BUF_INIT;
	struct buf cause = BUF_INIT;
	unsigned int app_size = (unsigned int)strlen(event->app) + 1;
	struct event_item *item = NULL;
	size_t lines = 0;

	reason_text(event->why, &why);
	lines = why.len;
	if (event->why)
		reason_write(event->why, NULL, why.ptr, &cause);
	buf_adds(&why, event->lines ? event->lines : "");
	item = mem_alloc(sizeof(*item) + app_size + why.len + cause.len + 2);
	*item = (struct event_item){
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
		.refs = 1,
		.why = app_size,
		.lines = app_size + (unsigned int)lines,
		.cause = app_size + (unsigned int)why.len + 1,
	};
	memcpy(item->app, event->app, app_size);
	memcpy(item->app + item->why, why.ptr, why.len + 1);
	memcpy(item->app + item->cause, cause.ptr, cause.len + 1);
	buf_release(&why);
	buf_release(&cause);
	return item;
}

struct event_item *event_item_ref(struct event_item *item)
{
	item->refs++;
	return item;
}

void event_item_unref(void *item)
{
	struct event_item *i = item;

	ASSERT(i->refs > 0, "an event of %s is let go once too often", i->app);
	if (!--i->refs)
		mem_free(i);
}

bool event_item_has_lines(const struct event_item *item)
{
	return item->app[item->lines];
}

bool event_item_is_end_of(const struct event_item *item, const char *name, uint64_t run)
{
	const char *colon = strrchr(name, ':');
	size_t len = colon ? (size_t)(colon - name) : 0;
	int64_t number = 0;

	if (item->kind != HERD_EVENT_STATE || !event_is_end((enum event)item->on))
		return false;
	if (!colon || !str_to_int(colon + 1, &number))
		return false;
	return item->run == (int64_t)run && item->instance == number && strncmp(item->app, name, len) == 0 &&
		!item->app[len];
}

int64_t event_item_seq(const struct event_item *item)
{
	return item->seq;
}

int64_t event_item_wall_ms(const struct event_item *item)
{
	return item->wall_ms;
}

enum herd_event_kind event_item_kind(const struct event_item *item)
{
	return (enum herd_event_kind)item->kind;
}

const char *event_item_app(const struct event_item *item)
{
	return item->app;
}

int event_item_instance(const struct event_item *item)
{
	return item->instance;
}

static void emit_word(struct buf *out, const char *key, const char *word)
{
	emit_string(out, key, word && *word ? word : NULL);
}

static void write_rollout_event(const struct event_item *item, struct buf *out)
{
	emit_string(out, "phase", item->phase);
	emit_string(out, "step", item->step);
	emit_bool(out, "spare", item->is_spare);
	emit_int(out, "revision", item->revision);
	emit_int(out, "done", item->done);
	emit_int(out, "total", item->total);
	emit_int(out, "elapsed_ms", item->elapsed_ms);
}

void event_item_write(const struct event_item *item, struct buf *out)
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

void event_item_to_entry(const struct event_item *item, struct past_entry *entry)
{
	const char *cause = item->app + item->cause;
	struct json *reason = *cause ? json_parse(cause, strlen(cause), strlen(cause), NULL) : NULL;

	entry->told = (struct event_record){
		.at_ms = item->wall_ms,
		.kind = herd_event_word((enum herd_event_kind)item->kind),
		.from = state_word((enum state)item->from),
		.to = state_word((enum state)item->to),
		.on = item->kind == HERD_EVENT_STATE ? event_word((enum event)item->on) : NULL,
	};
	entry->why = reason_read(reason);
	entry->text_len = item->lines - item->why;
	buf_adds(&entry->words, item->app + item->why);
	json_free(reason);
}

/* Each line has its break before it.  Where the newest `most` begin. */
static size_t newest_lines(const char *lines, size_t most)
{
	size_t at = strlen(lines);

	while (at > 0) {
		at--;
		if (lines[at] == '\n' && --most == 0)
			break;
	}
	return at;
}

struct event_item *event_item_cut(struct event_item *item, size_t lines)
{
	size_t drop = newest_lines(item->app + item->lines, lines);
	size_t from = item->lines + drop;
	size_t rest = item->cause - from + strlen(item->app + item->cause) + 1;
	struct event_item *cut = NULL;

	if (!drop)
		return item;
	cut = mem_alloc(sizeof(*cut) + item->lines + rest);
	*cut = *item;
	cut->refs = 1;
	cut->cause -= (unsigned int)drop;
	memcpy(cut->app, item->app, item->lines);
	memcpy(cut->app + cut->lines, item->app + from, rest);
	event_item_unref(item);
	return cut;
}
