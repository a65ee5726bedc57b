/*
 * What is seen of the brain from outside: timelines, events, itself (its snapshot: engine/snapshot.c).
 */
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "base/json_emit.h"
#include "engine/brain_private.h"
#include "model/selector.h"
#include "os/clock.h"
#include "spawn/upgrade.h"
#include "view/reason_text.h"

/* "words": the sentence with the lines of the instance below it; "cause": the reason. */
static void set_why(struct json *object, const struct happening *h, struct buf *words)
{
	struct buf cause = BUF_INIT;

	reason_text(h->why, words);
	reason_write(h->why, NULL, words->ptr, &cause);
	buf_adds(words, h->lines ? h->lines : "");
	json_set_string(object, "words", words->ptr);
	json_set(object, "cause", json_new_text(cause.ptr));
	buf_release(&cause);
}

static struct json *happening_to_json(const struct happening *h)
{
	struct json *object = json_new_object();
	struct buf at = BUF_INIT;

	/* What happened by the monotonic clock, told by the wall clock of now. */
	clock_write(&at, clock_wall_ms() - (clock_ms() - h->at));
	json_set_string(object, "at", at.ptr);
	json_set_string(object, "kind", herd_event_word(h->kind));
	json_set_string(object, "from", state_word(h->from));
	json_set_string(object, "to", state_word(h->to));
	json_set_string(object, "on", h->kind == HERD_EVENT_STATE ? event_word(h->on) : NULL);
	buf_clear(&at);
	set_why(object, h, &at);
	buf_release(&at);
	return object;
}

static struct json *instance_why(const struct instance *i, size_t limit)
{
	struct instance_status status;
	size_t count = instance_happenings(i);
	struct json *object = NULL;
	struct json *timeline = NULL;
	struct buf cause = BUF_INIT;

	instance_status_init(&status);
	instance_status(i, clock_ms(), &status);
	object = instance_status_to_json(&status);
	json_set_string(object, "reason", status.reason.ptr);
	reason_write(status.why, NULL, status.reason.ptr, &cause);
	json_set(object, "cause", json_new_text(cause.ptr));
	buf_release(&cause);
	if (instance_gone_ms(i, clock_ms()) >= 0)
		json_set_int(object, "gone_secs", instance_gone_ms(i, clock_ms()) / 1000);
	timeline = json_set(object, "timeline", json_new_array());
	for (size_t k = limit && limit < count ? count - limit : 0; k < count; k++)
		json_push(timeline, happening_to_json(instance_happening(i, k)));
	instance_status_release(&status);
	return object;
}

struct json *brain_why(struct brain *b, const char *target, size_t limit, struct err *e)
{
	struct vec instances = VEC_INIT;
	struct json *root = NULL;
	struct json *list = NULL;
	const struct instance *instance = NULL;
	size_t i = 0;

	int rc = herd_targets(b->herd, &target, 1, &instances, e);

	herd_gone(b->herd, &target, 1, clock_ms(), &instances);
	if (rc == 0 || instances.len) {
		root = json_new_object();
		json_set_string(root, "target", target);
		list = json_set(root, "instances", json_new_array());
		VEC_EACH (&instances, i, instance) {
			json_push(list, instance_why(instance, limit));
		}
	}
	vec_release(&instances);
	return root;
}

static bool is_about(
	const struct brain *b, const struct event_ring_item *item, const char *const *targets, size_t count)
{
	const char *app = event_ring_app(item);
	const struct spec *s = herd_spec(b->herd, app);
	bool is_one = !count;

	for (size_t i = 0; i < count && !is_one; i++) {
		size_t len = 0;
		int number = 0;

		if (selector_instance(targets[i], &len, &number))
			is_one = number == event_ring_instance(item) && strlen(app) == len &&
				!memcmp(targets[i], app, len);
		else
			is_one = selector_means(targets[i], herd_spec(b->herd, targets[i]) != NULL, app,
				s ? s->namespace : NULL);
	}
	return is_one;
}

struct json *brain_events(
	struct brain *b, const char *const *targets, size_t count, int64_t since, size_t limit)
{
	struct json *root = json_new_object();
	struct vec chosen = VEC_INIT;
	struct buf text = BUF_INIT;
	const struct event_ring_item *item = NULL;
	size_t i = 0;

	VEC_EACH (&b->past.events.items, i, item) {
		if (event_ring_seq(item) > since && is_about(b, item, targets, count))
			vec_push(&chosen, (void *)item);
	}
	emit_open(&text, NULL, '[');
	for (i = limit && limit < chosen.len ? chosen.len - limit : 0; i < chosen.len; i++)
		event_ring_write(chosen.items[i], &text);
	emit_close(&text, ']');
	json_set(root, "events", json_new_text(text.ptr));
	json_set_int(root, "seq", b->past.last_seq);
	buf_release(&text);
	vec_release(&chosen);
	return root;
}

static struct json *daemon_to_json(const struct brain *b)
{
	struct daemon_status daemon;
	struct buf text = BUF_INIT;
	struct json *object = NULL;

	brain_daemon_status(b, &daemon);
	emit_open(&text, NULL, '{');
	daemon_status_write(&daemon, &text);
	emit_close(&text, '}');
	object = json_parse(text.ptr, text.len, text.len, NULL);
	buf_release(&text);
	return object;
}

struct json *brain_info(struct brain *b)
{
	struct json *object = daemon_to_json(b);
	struct herd_counts counts = herd_counts(b->herd);
	bool is_ok = false;
	const char *words = upgrade_verdict(b->upgrades, &is_ok);
	struct json *verdict = words ? json_new_object() : NULL;

	if (verdict) {
		json_set_bool(verdict, "ok", is_ok);
		json_set_string(verdict, "words", words);
	}
	json_set_string(object, "run", b->options.dirs->run);
	json_set_string(object, "state", b->options.dirs->state);
	json_set_string(object, "log", b->options.dirs->log);
	json_set_int(object, "instances", (int64_t)counts.instances);
	json_set_int(object, "adopted", b->daemon.adopted);
	json_set_int(object, "lost", b->daemon.lost);
	json_set_int(object, "stale_facts", (int64_t)counts.stale_facts);
	json_set_int(object, "odd_facts", (int64_t)counts.unexpected_facts);
	json_set_int(object, "log_bytes_dropped", (int64_t)log_streams_dropped(b->streams, NULL));
	json_set(object, "upgrade", verdict ? verdict : json_new_null());
	json_set_string(object, "trouble", saver_trouble(b->saver));
	return object;
}
