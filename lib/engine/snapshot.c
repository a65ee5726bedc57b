/*
 * The one place where a snapshot is made of what the herd, the logs and /proc say.
 */
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/version.h"
#include "engine/brain_private.h"
#include "model/selector.h"
#include "os/clock.h"

void brain_daemon_status(const struct brain *b, struct daemon_status *out)
{
	*out = (struct daemon_status){
		.pid = b->daemon.keeper_pid,
		.brain_pid = getpid(),
		.version = ox_version,
		.uptime_secs = (clock_ms() - b->daemon.started_at) / 1000,
		.brain_restarts = b->daemon.brain_restarts,
	};
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
	}
	measure(b, &out->instances);
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

int brain_snapshot(
	struct brain *b, const char *const *targets, size_t count, struct snapshot *out, struct err *e)
{
	struct vec instances = VEC_INIT;
	struct daemon_status daemon;
	int rc = herd_targets(b->herd, targets, count, &instances, e);

	if (rc == 0) {
		brain_daemon_status(b, &daemon);
		snapshot_set_daemon(out, &daemon);
		for (size_t i = 0; i < herd_app_count(b->herd); i++) {
			struct app_status app;

			herd_app_status(b->herd, i, &app);
			if (is_meant(b, &instances, targets, count, app.name))
				snapshot_add_app(out, &app);
		}
		add_instances(b, &instances, out);
	}
	vec_release(&instances);
	return rc;
}
