/*
 * What is seen of the brain from outside: status, timelines, events.
 */
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/json.h"
#include "base/json_emit.h"
#include "base/mem.h"
#include "base/version.h"
#include "engine/brain_private.h"
#include "engine/upgrade.h"
#include "model/selector.h"
#include "os/clock.h"

static struct json *daemon_to_json(const struct brain *b)
{
	struct json *object = json_new_object();

	json_set_int(object, "pid", b->keeper_pid);
	json_set_int(object, "brain_pid", getpid());
	json_set_string(object, "version", ox_version);
	json_set_int(object, "uptime_secs", (clock_ms() - b->started_at) / 1000);
	json_set_int(object, "brain_restarts", b->brain_restarts);
	return object;
}

/* Measured for all of them in one walk over /proc, and only because somebody asks. */
static void measure(struct brain *b, struct instance_status *statuses, size_t count)
{
	struct usage_reading *readings = mem_zalloc(count, sizeof(*readings));

	for (size_t i = 0; i < count; i++)
		readings[i].pid = (pid_t)statuses[i].pid;
	usage_read(b->usage, readings, count);
	for (size_t i = 0; i < count; i++) {
		if (!readings[i].processes)
			continue;
		statuses[i].memory_bytes = readings[i].memory_bytes;
		statuses[i].cpu_percent = readings[i].cpu_percent;
	}
	mem_free(readings);
}

static int64_t dropped_by(const struct brain *b, const struct instance_status *status)
{
	struct buf name = BUF_INIT;
	uint64_t dropped = 0;

	/* As nearly always. */
	if (!log_streams_dropped(b->streams, NULL))
		return 0;
	buf_addf(&name, "%s:%d", status->name, status->instance);
	dropped = log_streams_dropped(b->streams, name.ptr);
	buf_release(&name);
	return (int64_t)dropped;
}

static void write_processes(struct brain *b, struct buf *out, const struct vec *instances)
{
	struct instance_status *statuses = mem_zalloc(instances->len, sizeof(*statuses));

	for (size_t i = 0; i < instances->len; i++) {
		instance_status_init(&statuses[i]);
		instance_status(instances->items[i], clock_ms(), &statuses[i]);
		statuses[i].log_dropped_bytes = dropped_by(b, &statuses[i]);
	}
	measure(b, statuses, instances->len);
	emit_open(out, NULL, '[');
	for (size_t i = 0; i < instances->len; i++) {
		instance_status_write(&statuses[i], out);
		instance_status_release(&statuses[i]);
	}
	emit_close(out, ']');
	mem_free(statuses);
}

/* Also an app of no instances is one that was asked for. */
static bool is_meant(const struct brain *b, const struct vec *instances, const char *const *targets,
	size_t count, const char *app)
{
	const struct spec *s = herd_spec(b->herd, app);
	const struct instance *instance = NULL;
	size_t i = 0;

	VEC_EACH (instances, i, instance) {
		if (!strcmp(instance_app(instance), app))
			return true;
	}
	for (i = 0; i < count; i++)
		if (selector_means(
			    targets[i], herd_spec(b->herd, targets[i]) != NULL, app, s ? s->namespace : NULL))
			return true;
	return !count;
}

struct json *brain_status(struct brain *b, const char *const *targets, size_t count, struct err *e)
{
	struct vec instances = VEC_INIT;
	struct json *root = NULL;
	struct buf text = BUF_INIT;

	if (herd_targets(b->herd, targets, count, &instances, e) < 0) {
		vec_release(&instances);
		return NULL;
	}
	root = json_new_object();
	json_set_int(root, "version", 1);
	json_set(root, "daemon", daemon_to_json(b));
	emit_open(&text, NULL, '[');
	for (size_t i = 0; i < herd_app_count(b->herd); i++) {
		struct app_status app;

		herd_app_status(b->herd, i, &app);
		if (is_meant(b, &instances, targets, count, app.name))
			app_status_write(&app, &text);
	}
	emit_close(&text, ']');
	json_set(root, "apps", json_new_text(text.ptr));
	buf_clear(&text);
	write_processes(b, &text, &instances);
	json_set(root, "processes", json_new_text(text.ptr));
	buf_release(&text);
	vec_release(&instances);
	return root;
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
	json_set_string(object, "words", h->words ? h->words : "");
	buf_release(&at);
	return object;
}

static struct json *instance_why(const struct instance *i, size_t limit)
{
	struct instance_status status;
	size_t count = instance_happenings(i);
	struct json *object = NULL;
	struct json *timeline = NULL;

	instance_status_init(&status);
	instance_status(i, clock_ms(), &status);
	object = instance_status_to_json(&status);
	json_set_string(object, "reason", status.reason.ptr);
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

	VEC_EACH (&b->events.items, i, item) {
		if (event_ring_seq(item) > since && is_about(b, item, targets, count))
			vec_push(&chosen, (void *)item);
	}
	emit_open(&text, NULL, '[');
	for (i = limit && limit < chosen.len ? chosen.len - limit : 0; i < chosen.len; i++)
		event_ring_write(chosen.items[i], &text);
	emit_close(&text, ']');
	json_set(root, "events", json_new_text(text.ptr));
	json_set_int(root, "seq", b->last_seq);
	buf_release(&text);
	vec_release(&chosen);
	return root;
}

struct json *brain_info(struct brain *b)
{
	struct json *object = daemon_to_json(b);
	struct herd_counts counts = herd_counts(b->herd);
	const char *words = NULL;

	json_set_string(object, "run", b->options.dirs->run);
	json_set_string(object, "state", b->options.dirs->state);
	json_set_string(object, "log", b->options.dirs->log);
	json_set_int(object, "instances", (int64_t)counts.instances);
	json_set_int(object, "stale_facts", (int64_t)counts.stale_facts);
	json_set_int(object, "odd_facts", (int64_t)counts.unexpected_facts);
	json_set_int(object, "log_bytes_dropped", (int64_t)log_streams_dropped(b->streams, NULL));
	json_set(object, "upgrade", b->verdict ? upgrade_verdict(b) : json_new_null());
	json_set_string(object, "trouble", store_is_failing(b->store, &words) ? words : NULL);
	return object;
}
