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
		.queue = -1,
		.cpu_percent = -1,
		.next_restart_ms = -1,
		.gone_ms = -1,
		.reason = BUF_INIT,
	};
}

static void free_entry(void *item)
{
	struct past_entry *entry = item;

	reason_free(entry->why);
	buf_release(&entry->words);
	mem_free(entry);
}

struct past_entry *instance_status_add_past(struct instance_status *s)
{
	struct past_entry *entry = mem_zalloc(1, sizeof(*entry));

	buf_init(&entry->words);
	vec_push(&s->past, entry);
	return entry;
}

void instance_status_release(struct instance_status *s)
{
	vec_release_with(&s->past, free_entry);
	mem_free(s->name);
	reason_free(s->why);
	buf_release(&s->reason);
	instance_status_init(s);
}

const char *snapshot_keep(struct snapshot *s, const char *text)
{
	if (!text)
		return NULL;
	strings_add(&s->texts, text);
	return s->texts.items[s->texts.len - 1];
}

void snapshot_set_daemon(struct snapshot *s, const struct daemon_status *daemon)
{
	s->daemon = *daemon;
	s->daemon.version = snapshot_keep(s, daemon->version);
	s->daemon.run = snapshot_keep(s, daemon->run);
	s->daemon.state = snapshot_keep(s, daemon->state);
	s->daemon.log = snapshot_keep(s, daemon->log);
	s->daemon.upgrade.words = snapshot_keep(s, daemon->upgrade.words);
	s->daemon.trouble = snapshot_keep(s, daemon->trouble);
}

void snapshot_add_app(struct snapshot *s, const struct app_status *app)
{
	struct app_status *copy = mem_zalloc(1, sizeof(*copy));

	*copy = *app;
	copy->name = snapshot_keep(s, app->name);
	copy->oxfile = snapshot_keep(s, app->oxfile);
	copy->folder = snapshot_keep(s, app->folder);
	copy->commit = snapshot_keep(s, app->commit);
	copy->rollout.phase = snapshot_keep(s, app->rollout.phase);
	copy->rollout.kind = snapshot_keep(s, app->rollout.kind);
	copy->rollout.why = reason_copy(app->rollout.why);
	copy->rollout.lines = snapshot_keep(s, app->rollout.lines);
	copy->rollout.reason = snapshot_keep(s, app->rollout.reason);
	copy->rollout.message = snapshot_keep(s, app->rollout.message);
	vec_push(&s->apps, copy);
}

void snapshot_add_upstream(struct snapshot *s, const struct upstream_status *upstream)
{
	struct upstream_status *copy = mem_dup(upstream, sizeof(*upstream));

	copy->app = snapshot_keep(s, upstream->app);
	copy->output = snapshot_keep(s, upstream->output);
	copy->servers = upstream->count
		? mem_dup(upstream->servers, upstream->count * sizeof(*upstream->servers))
		: NULL;
	vec_push(&s->upstreams, copy);
}

void snapshot_add_gate(struct snapshot *s, const struct gate_status *gate)
{
	struct gate_status *copy = mem_dup(gate, sizeof(*gate));

	copy->app = snapshot_keep(s, gate->app);
	copy->hook = snapshot_keep(s, gate->hook);
	copy->why = gate->why ? snapshot_keep(s, gate->why) : NULL;
	vec_push(&s->gates, copy);
}

struct instance_status *snapshot_add_instance(struct snapshot *s)
{
	struct instance_status *i = mem_zalloc(1, sizeof(*i));

	instance_status_init(i);
	vec_push(&s->instances, i);
	return i;
}

static void free_app(void *item)
{
	struct app_status *app = item;

	reason_free((struct reason *)app->rollout.why);
	mem_free(app);
}

static void free_instance(void *item)
{
	instance_status_release(item);
	mem_free(item);
}

static void free_upstream(void *item)
{
	struct upstream_status *upstream = item;

	mem_free((void *)upstream->servers);
	mem_free(upstream);
}

void snapshot_release(struct snapshot *s)
{
	vec_release_with(&s->apps, free_app);
	vec_release_with(&s->instances, free_instance);
	vec_release_with(&s->upstreams, free_upstream);
	vec_release_with(&s->gates, mem_free);
	strings_release(&s->texts);
	*s = (struct snapshot)SNAPSHOT_INIT;
}
