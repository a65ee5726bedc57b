#include "journal/past.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json.h"
#include "base/json_emit.h"
#include "base/log.h"
#include "base/mem.h"
#include "journal/event_item.h"
#include "journal/event_replay.h"
#include "loop/watchers.h"
#include "model/reason.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/file.h"

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

/* --- on disk --- */

enum { UNSAVED_KEPT = 4096 }; /* bytes of room that stay after a write */

struct event_log {
	struct ev_loop *loop;
	ev_prepare turn; /* armed only while something is not saved */
	char *path, *before;
	struct buf unsaved;
	size_t size; /* of the file */
	int fd;      /* -1: not open yet, or it cannot be */
	bool is_failing;
};

/* --- reading ---------------------------------------------------------------------------------------------------------- */

static void read_event_file(const char *path, void (*each)(void *, const struct json *), void *context)
{
	struct buf text = BUF_INIT;
	const char *at = NULL;
	const char *end = NULL;

	if (file_read(path, (size_t)EVENT_LOG_MAX + EVENT_LOG_UNSAVED_MAX + EVENT_LOG_LINE_MAX, &text, NULL) <
		0) {
		buf_release(&text);
		return;
	}
	for (at = text.ptr; (end = memchr(at, '\n', text.len - (size_t)(at - text.ptr))); at = end + 1) {
		struct json *line = json_parse(at, (size_t)(end - at), EVENT_LOG_LINE_MAX, NULL);

		if (line)
			each(context, line);
		json_free(line);
	}
	buf_release(&text);
}

void event_log_read(const struct event_log *d, void (*each)(void *, const struct json *), void *context)
{
	read_event_file(d->before, each, context);
	read_event_file(d->path, each, context);
}

/* --- writing ---------------------------------------------------------------------------------------------------------- */

static void fail_event_log(struct event_log *d, const char *what)
{
	if (!d->is_failing)
		log_warn_sys(errno, "%s '%s': what happens now is not remembered", what, d->path);
	d->is_failing = true;
	fd_close(&d->fd);
}

static void open_event_log(struct event_log *d)
{
	struct stat st;

	d->fd = open(d->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	if (d->fd < 0 || fstat(d->fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		fail_event_log(d, "cannot open");
		return;
	}
	d->size = (size_t)st.st_size;
}

static void turn_over(struct event_log *d)
{
	fd_close(&d->fd);
	if (rename(d->path, d->before) < 0)
		fail_event_log(d, "cannot rename");
	else
		open_event_log(d);
}

/* It keeps no loop running. */
static void arm_event_log(struct event_log *d)
{
	if (ev_is_active(&d->turn))
		return;
	ev_prepare_start(d->loop, &d->turn);
	ev_unref(d->loop);
}

static void disarm_event_log(struct event_log *d)
{
	if (!ev_is_active(&d->turn))
		return;
	ev_ref(d->loop);
	ev_prepare_stop(d->loop, &d->turn);
}

static void save_events(struct event_log *d)
{
	ssize_t put = 0;

	disarm_event_log(d);
	if (!d->unsaved.len)
		return;
	if (d->fd < 0)
		open_event_log(d);
	if (d->fd >= 0 && d->size + d->unsaved.len > EVENT_LOG_MAX && d->size)
		turn_over(d);
	put = d->fd < 0 ? -1 : write(d->fd, d->unsaved.ptr, d->unsaved.len);
	if (put > 0)
		d->size += (size_t)put;
	/* Half a line is one that makes no sense to the next reader, and the line break ends it. */
	if (d->fd >= 0 && put != (ssize_t)d->unsaved.len)
		fail_event_log(d, "cannot write to");
	else if (d->fd >= 0)
		d->is_failing = false;
	/* What a burst needed is not kept for the next one. */
	if (d->unsaved.cap > UNSAVED_KEPT)
		buf_release(&d->unsaved);
	else
		buf_clear(&d->unsaved);
}

static void on_turn(struct ev_loop *loop, ev_prepare *w, int events)
{
	(void)loop;
	(void)events;
	save_events(w->data);
}

struct event_log *event_log_new(struct ev_loop *loop, const char *path)
{
	struct event_log *d = mem_zalloc(1, sizeof(*d));
	struct buf before = BUF_INIT;

	buf_addf(&before, "%s.1", path);
	*d = (struct event_log){
		.loop = loop, .path = mem_strdup(path), .before = buf_detach(&before), .fd = -1
	};
	buf_init(&d->unsaved);
	ev_prepare_init(&d->turn, on_turn);
	d->turn.data = d;
	return d;
}

void event_log_free(struct event_log *d)
{
	if (!d)
		return;
	save_events(d);
	fd_close(&d->fd);
	buf_release(&d->unsaved);
	mem_free(d->before);
	mem_free(d->path);
	mem_free(d);
}

void event_log_add(struct event_log *d, const struct buf *text)
{
	if (text->len > EVENT_LOG_LINE_MAX)
		return;
	buf_add(&d->unsaved, text->ptr, text->len);
	buf_addc(&d->unsaved, '\n');
	if (d->unsaved.len > EVENT_LOG_UNSAVED_MAX)
		save_events(d);
	else
		arm_event_log(d);
}
