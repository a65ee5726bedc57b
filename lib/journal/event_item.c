#include "journal/event_item.h"

#include <limits.h>
#include <string.h>

#include "base/assert.h"
#include "base/json_emit.h"
#include "base/mem.h"
#include "base/str.h"
#include "model/reason_pack.h"
#include "model/snapshot.h"
#include "os/clock.h"
#include "view/reason_text.h"

/* There are up to a thousand, and sixteen of each instance: what is rare stands behind the texts, and the sentence is made where it is shown. */
struct event_item {
	int64_t seq, wall_ms, run;
	int instance, pid, delay_ms;
	unsigned int lines; /* where they are in `app` */
	unsigned short refs;
	unsigned char kind, from, to, on; /* of the herd's enums */
	char app[]; /* its name, '\0', the reason as reason_pack() makes it, the lines, '\0', and of a rollout how far it is */
};

/* Of a HERD_EVENT_ROLLOUT alone. */
struct rollout_part {
	const char *phase, *step; /* words that stay; NULL: none */
	int64_t elapsed_ms;
	int revision, done, total;
	bool is_spare;
};

static struct event_item *new_item(const struct event_item *like, const struct buf *texts)
{
	struct event_item *item = mem_alloc(offsetof(struct event_item, app) + texts->len);

	memcpy(item, like, offsetof(struct event_item, app));
	memcpy(item->app, texts->ptr, texts->len);
	item->refs = 1;
	return item;
}

static void add_rollout_part(const struct herd_event *event, struct buf *texts)
{
	const struct rollout_part part = {
		.phase = event->phase,
		.step = event->step,
		.elapsed_ms = event->elapsed_ms,
		.revision = event->revision,
		.done = event->done,
		.total = event->total,
		.is_spare = event->is_spare,
	};

	buf_add(texts, &part, sizeof(part));
}

struct event_item *event_item_new(const struct herd_event *event, int64_t seq, int64_t wall_ms)
{
	struct event_item like = {
		.seq = seq,
		.wall_ms = wall_ms,
		.run = (int64_t)event->run,
		.instance = event->instance,
		.pid = (int)event->pid,
		.delay_ms = (int)(event->delay_ms < INT_MAX ? event->delay_ms : INT_MAX),
		.kind = (unsigned char)event->kind,
		.from = (unsigned char)event->from,
		.to = (unsigned char)event->to,
		.on = (unsigned char)event->on,
	};
	struct event_item *item = NULL;
	struct buf texts = BUF_INIT;

	buf_add(&texts, event->app, strlen(event->app) + 1);
	reason_pack(event->why, &texts);
	like.lines = (unsigned int)texts.len;
	buf_adds(&texts, event->lines ? event->lines : "");
	buf_addc(&texts, '\0');
	if (event->kind == HERD_EVENT_ROLLOUT)
		add_rollout_part(event, &texts);
	item = new_item(&like, &texts);
	buf_release(&texts);
	return item;
}

static const struct reason *reason_of(const struct event_item *item, struct reason_chain *room)
{
	size_t at = strlen(item->app) + 1;

	return reason_unpack(item->app + at, item->lines - at, room);
}

static const char *lines_of(const struct event_item *item)
{
	return item->app + item->lines;
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
	return *lines_of(item);
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
	struct rollout_part part;

	memcpy(&part, lines_of(item) + strlen(lines_of(item)) + 1, sizeof(part));
	emit_string(out, "phase", part.phase);
	emit_string(out, "step", part.step);
	emit_bool(out, "spare", part.is_spare);
	emit_int(out, "revision", part.revision);
	emit_int(out, "done", part.done);
	emit_int(out, "total", part.total);
	emit_int(out, "elapsed_ms", part.elapsed_ms);
}

/* The sentence with the lines below it, then the reason as data. */
static void write_item_why(const struct event_item *item, struct buf *out)
{
	struct reason_chain room;
	const struct reason *why = reason_of(item, &room);
	struct buf text = BUF_INIT;
	size_t sentence = 0;

	reason_text(why, &text);
	sentence = text.len;
	buf_adds(&text, lines_of(item));
	emit_word(out, "why", text.ptr);
	buf_cut(&text, sentence);
	if (why)
		reason_write(why, "cause", text.ptr, out);
	buf_release(&text);
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
	write_item_why(item, out);
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
	struct reason_chain room;
	const struct reason *why = reason_of(item, &room);

	entry->told = (struct event_record){
		.at_ms = item->wall_ms,
		.kind = herd_event_word((enum herd_event_kind)item->kind),
		.from = state_word((enum state)item->from),
		.to = state_word((enum state)item->to),
		.on = item->kind == HERD_EVENT_STATE ? event_word((enum event)item->on) : NULL,
	};
	entry->why = reason_copy(why);
	reason_text(why, &entry->words);
	entry->text_len = entry->words.len;
	buf_adds(&entry->words, lines_of(item));
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
	const char *all = lines_of(item);
	size_t drop = newest_lines(all, lines);
	struct event_item *cut = NULL;
	struct buf texts = BUF_INIT;

	if (!drop)
		return item;
	ASSERT(item->kind != HERD_EVENT_ROLLOUT, "a step of %s has lines", item->app);
	buf_add(&texts, item->app, item->lines);
	buf_add(&texts, all + drop, strlen(all + drop) + 1);
	cut = new_item(item, &texts);
	buf_release(&texts);
	event_item_unref(item);
	return cut;
}
