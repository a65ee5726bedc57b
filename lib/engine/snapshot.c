/*
 * What is seen of the brain from outside: the one place where a snapshot is made of what the herd, the logs and /proc say; and events.
 */
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/path.h"
#include "base/str.h"
#include "base/version.h"
#include "engine/brain_private.h"
#include "journal/event_item.h"
#include "model/selector.h"
#include "os/clock.h"
#include "os/procfs.h"
#include "spawn/launch_gate.h"
#include "spawn/upgrade.h"
#include "view/reason_text.h"
#include "view/wait_text.h"

void brain_info(const struct brain *b, struct daemon_status *out)
{
	struct herd_counts counts = herd_counts(b->herd);

	*out = (struct daemon_status){
		.pid = b->daemon.keeper_pid,
		.brain_pid = getpid(),
		.version = ox_version,
		.uptime_secs = (clock_ms() - b->daemon.started_at) / 1000,
		.brain_restarts = b->daemon.brain_restarts,
		.run = b->options.dirs->run,
		.state = b->options.dirs->state,
		.log = b->options.dirs->log,
		.instances = (int64_t)counts.instances,
		.adopted = b->daemon.adopted,
		.lost = b->daemon.lost,
		.stale_facts = (int64_t)counts.stale_facts,
		.unexpected_facts = (int64_t)counts.unexpected_facts,
		.log_dropped_bytes = (int64_t)log_streams_dropped(b->streams, NULL),
		.trouble = saver_trouble(b->saver),
	};
	out->upgrade.words = upgrade_verdict(b->upgrades, &out->upgrade.is_ok);
}

/* Measured for all of them in one walk over /proc, and only because somebody asks. */
static void measure(struct brain *b, const struct vec *statuses)
{
	struct usage_reading *readings = mem_zalloc(statuses->len, sizeof(*readings));
	struct instance_status *status = NULL;
	size_t i = 0;

	VEC_EACH (statuses, i, status)
		readings[i].pid = (pid_t)status->pid;
	usage_read(b->senses.usage, readings, statuses->len);
	VEC_EACH (statuses, i, status) {
		if (!readings[i].processes)
			continue;
		status->memory_bytes = readings[i].memory_bytes;
		status->cpu_percent = readings[i].cpu_percent;
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

static void add_instances(struct brain *b, const struct vec *instances, struct snapshot *out)
{
	const struct instance *instance = NULL;
	size_t i = 0;

	VEC_EACH (instances, i, instance) {
		struct instance_status *status = snapshot_add_instance(out);

		instance_status(instance, clock_ms(), status);
		status->log_dropped_bytes = dropped_by(b, status);
		status->queue = instance_endpoint(instance).gate ? brain_queue(b, instance) : -1;
	}
	measure(b, &out->instances);
}

/* Also an app of no instances is one that was asked for. */
static bool is_app_meant(const struct brain *b, const struct vec *instances, const char *const *targets,
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

static void add_upstream(const struct brain *b, size_t app, struct snapshot *out)
{
	struct upstream_status upstream;
	char *path = NULL;

	if (!herd_upstream_status(b->herd, app, &upstream))
		return;
	path = path_join(herd_spec(b->herd, upstream.app)->folder, upstream.output);
	upstream.output = path;
	snapshot_add_upstream(out, &upstream);
	mem_free(path);
}

/* Of an app of which instances are in the snapshot, if they share a port. */
static void add_gate(const struct brain *b, size_t app, struct snapshot *out)
{
	struct app_status status;
	const struct instance_status *i = NULL;
	struct gate_status gate = { .hook = NULL };
	const struct spec *spec = NULL;
	enum gate_hook hook = GATE_OFF;
	pid_t pid = 0;
	bool is_there = false;
	size_t k = 0;

	herd_app_status(b->herd, app, &status);
	spec = herd_spec(b->herd, status.name);
	if (!spec_has_gate(spec))
		return;
	gate.app = status.name;
	gate.port = status.port;
	VEC_EACH (&out->instances, k, i) {
		if (!str_eq(i->name, status.name))
			continue;
		is_there = true;
		pid = i->pid > 0 ? (pid_t)i->pid : pid;
		gate.is_without_setuid |= i->pid > 0 && procfs_no_new_privs((pid_t)i->pid);
	}
	if (!is_there)
		return;
	hook = launch_gate_hook_of(spec, pid);
	gate.hook = gate_hook_word(hook);
	gate.why = gate_hook_why(spec->gate, launch_gate_abilities(), hook);
	snapshot_add_gate(out, &gate);
}

static void add_gates(const struct brain *b, struct snapshot *out)
{
	for (size_t i = 0; i < herd_app_count(b->herd); i++)
		add_gate(b, i, out);
}

static void add_app_status(struct app_status *app, struct snapshot *out)
{
	struct buf reason = BUF_INIT;
	struct buf message = BUF_INIT;

	if (app->rollout.why) {
		reason_text(app->rollout.why, &reason);
		failure_text(app->rollout.why, app->rollout.lines, &message);
		app->rollout.reason = reason.ptr;
		app->rollout.message = message.ptr;
	}
	snapshot_add_app(out, app);
	buf_release(&reason);
	buf_release(&message);
}

int brain_snapshot(
	struct brain *b, const char *const *targets, size_t count, struct snapshot *out, struct err *e)
{
	struct vec instances = VEC_INIT;
	struct daemon_status daemon;
	int rc = herd_targets(b->herd, targets, count, &instances, e);

	if (rc == 0) {
		brain_info(b, &daemon);
		snapshot_set_daemon(out, &daemon);
		for (size_t i = 0; i < herd_app_count(b->herd); i++) {
			struct app_status app;

			herd_app_status(b->herd, i, &app);
			if (!is_app_meant(b, &instances, targets, count, app.name))
				continue;
			add_app_status(&app, out);
			add_upstream(b, i, out);
		}
		add_instances(b, &instances, out);
		add_gates(b, out);
	}
	vec_release(&instances);
	return rc;
}

static void add_past(
	const struct brain *b, const struct instance *i, size_t limit, struct instance_status *status)
{
	const struct vec *items = instance_pasts_of(&b->past.instances, instance_app(i), instance_number(i));
	size_t count = items ? items->len : 0;

	for (size_t n = limit && limit < count ? count - limit : 0; n < count; n++)
		event_item_to_entry(items->items[n], instance_status_add_past(status));
}

int brain_why(struct brain *b, const char *target, size_t limit, struct snapshot *out, struct err *e)
{
	struct vec instances = VEC_INIT;
	const struct instance *i = NULL;
	size_t k = 0;
	int rc = herd_targets_ever(b->herd, &target, 1, clock_ms(), &instances, e);

	VEC_EACH (&instances, k, i) {
		struct instance_status *status = snapshot_add_instance(out);

		instance_status(i, clock_ms(), status);
		status->gone_ms = instance_gone_ms(i, clock_ms());
		add_past(b, i, limit, status);
	}
	add_gates(b, out);
	vec_release(&instances);
	return rc;
}

/* --- events --- */

struct targets {
	const struct brain *brain;
	const char *const *items;
	size_t count;
};

static bool is_about_any(const void *context, const char *app, int instance)
{
	const struct targets *t = context;
	const struct spec *s = herd_spec(t->brain->herd, app);
	bool is_one = !t->count;

	for (size_t i = 0; i < t->count && !is_one; i++)
		is_one = selector_means_instance(t->items[i], herd_spec(t->brain->herd, t->items[i]) != NULL,
			app, instance, s ? s->namespace : NULL);
	return is_one;
}

void brain_events(const struct brain *b, const char *const *targets, size_t count, int64_t since,
	size_t limit, struct buf *out)
{
	const struct targets all = { .brain = b, .items = targets, .count = count };

	past_write(&b->past, &(struct past_query){ since, limit, is_about_any, &all }, out);
}
