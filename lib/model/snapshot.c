#include "model/snapshot.h"

#include "base/mem.h"
#include "model/reason.h"

void instance_status_init(struct instance_status *s)
{
	*s = (struct instance_status){
		.status = "stopped",
		.health = "none",
		.uptime_ms = -1,
		.memory_bytes = -1,
		.cpu_percent = -1,
		.next_restart_ms = -1,
		.reason = BUF_INIT,
	};
}

void instance_status_release(struct instance_status *s)
{
	mem_free(s->name);
	reason_free(s->why);
	buf_release(&s->reason);
	instance_status_init(s);
}

static const char *keep(struct snapshot *s, const char *text)
{
	if (!text)
		return NULL;
	strings_add(&s->texts, text);
	return s->texts.items[s->texts.len - 1];
}

void snapshot_set_daemon(struct snapshot *s, const struct daemon_status *daemon)
{
	s->daemon = *daemon;
	s->daemon.version = keep(s, daemon->version);
}

void snapshot_add_app(struct snapshot *s, const struct app_status *app)
{
	struct app_status *copy = mem_zalloc(1, sizeof(*copy));

	*copy = *app;
	copy->name = keep(s, app->name);
	copy->oxfile = keep(s, app->oxfile);
	copy->folder = keep(s, app->folder);
	copy->commit = keep(s, app->commit);
	copy->rollout.phase = keep(s, app->rollout.phase);
	copy->rollout.kind = keep(s, app->rollout.kind);
	copy->rollout.message = keep(s, app->rollout.message);
	vec_push(&s->apps, copy);
}

struct instance_status *snapshot_add_instance(struct snapshot *s)
{
	struct instance_status *i = mem_zalloc(1, sizeof(*i));

	instance_status_init(i);
	vec_push(&s->instances, i);
	return i;
}

static void free_instance(void *item)
{
	instance_status_release(item);
	mem_free(item);
}

void snapshot_release(struct snapshot *s)
{
	vec_release_with(&s->apps, mem_free);
	vec_release_with(&s->instances, free_instance);
	strings_release(&s->texts);
	*s = (struct snapshot)SNAPSHOT_INIT;
}
