/*
 * A snapshot as JSON: the answers to "status", "why" and "daemon.info".  Back: snapshot_read.c.
 */
#include "base/json_emit.h"
#include "base/signal_name.h"
#include "base/utc.h"
#include "model/reason.h"
#include "model/snapshot.h"

static void emit_exit(struct buf *out, const char *key, const struct last_exit *end)
{
	struct buf text = BUF_INIT;

	if (!end->is_known) {
		emit_null(out, key);
		return;
	}
	emit_open(out, key, '{');
	emit_int_or_null(out, "code", !end->signal && end->code != LAST_EXIT_UNSEEN, end->code);
	signal_name_add(&text, end->signal);
	emit_string(out, "signal", end->signal ? text.ptr : NULL);
	buf_clear(&text);
	utc_print(&text, end->at_ms);
	emit_string(out, "at", text.ptr);
	emit_close(out, '}');
	buf_release(&text);
}

/* One decimal is all that anybody reads; below 0 it is not known. */
static void emit_tenths(struct buf *out, const char *key, double value)
{
	int64_t tenths = (int64_t)(value * 10 + 0.5);
	const char fraction[] = { '.', (char)('0' + tenths % 10) };

	if (value < 0) {
		emit_null(out, key);
		return;
	}
	emit_int(out, key, tenths / 10);
	if (tenths % 10)
		buf_add(out, fraction, sizeof(fraction));
}

static void write_reason(const struct instance_status *s, int version, struct buf *out)
{
	if (version > 1)
		reason_write(s->why, "reason", s->reason.ptr, out);
	else
		emit_string(out, "reason", s->reason.len ? s->reason.ptr : NULL);
}

/* All but the reason. */
static void write_status_members(const struct instance_status *s, struct buf *out)
{
	struct buf number = BUF_INIT;

	emit_string(out, "id", s->name);
	/* Behind the name, before its quote. */
	emit_int(&number, NULL, s->instance);
	buf_cut(out, out->len - 1);
	buf_addc(out, ':');
	buf_add(out, number.ptr, number.len);
	buf_addc(out, '"');
	buf_release(&number);
	emit_string(out, "name", s->name);
	emit_int(out, "instance", s->instance);
	emit_int_or_null(out, "pid", s->pid > 0, s->pid);
	emit_string(out, "status", s->status);
	emit_string(out, "health", s->health);
	emit_int_or_null(out, "port", s->port > 0, s->port);
	emit_int(out, "revision", s->revision);
	emit_tenths(out, "uptime_secs", s->uptime_ms >= 0 ? (double)s->uptime_ms / 1000 : -1);
	emit_int(out, "restarts", s->restarts);
	emit_int(out, "crashes", s->crashes);
	emit_int(out, "log_dropped_bytes", s->log_dropped_bytes);
	emit_int_or_null(out, "memory_bytes", s->memory_bytes >= 0, s->memory_bytes);
	emit_tenths(out, "cpu_percent", s->cpu_percent);
	emit_exit(out, "last_exit", &s->last_exit);
	emit_int_or_null(out, "next_restart_ms", s->next_restart_ms >= 0, s->next_restart_ms);
}

static void write_instance_status(const struct instance_status *s, int version, struct buf *out)
{
	emit_open(out, NULL, '{');
	write_status_members(s, out);
	/* Younger than version 1, and than the first version 2: only where there is one. */
	if (version > 1 && s->queue >= 0)
		emit_int(out, "queue", s->queue);
	write_reason(s, version, out);
	emit_close(out, '}');
}

void instance_status_write(const struct instance_status *s, struct buf *out)
{
	write_instance_status(s, 1, out);
}

static void write_rollout_status(const struct rollout_status *s, int version, struct buf *out)
{
	if (!s->phase) {
		emit_null(out, "rollout");
		return;
	}
	emit_open(out, "rollout", '{');
	emit_string(out, "phase", s->phase);
	emit_string(out, "kind", s->kind);
	emit_int(out, "from", s->from);
	emit_int(out, "to", s->to);
	emit_int(out, "done", s->done);
	emit_int(out, "total", s->total);
	emit_tenths(out, "elapsed_secs", (double)s->elapsed_ms / 1000);
	emit_string(out, "message", s->message);
	if (version > 1)
		reason_write(s->why, "reason", s->reason, out);
	emit_close(out, '}');
}

static void write_app_status(const struct app_status *s, int version, struct buf *out)
{
	emit_open(out, NULL, '{');
	emit_string(out, "name", s->name);
	emit_int(out, "instances", s->instances);
	emit_int(out, "ready", s->ready);
	emit_int(out, "revision", s->revision);
	emit_int_or_null(out, "port", s->port > 0, s->port);
	emit_string(out, "port_mode", s->is_shared ? "shared" : "each");
	emit_string(out, "oxfile", s->oxfile);
	emit_string(out, "folder", s->folder);
	emit_string(out, "commit", s->commit);
	emit_bool(out, "rolled_back", s->is_held);
	write_rollout_status(&s->rollout, version, out);
	emit_close(out, '}');
}

void app_status_write(const struct app_status *s, struct buf *out)
{
	write_app_status(s, 1, out);
}

static void write_daemon_status(const struct daemon_status *d, struct buf *out)
{
	emit_int(out, "pid", d->pid);
	emit_int(out, "brain_pid", d->brain_pid);
	emit_string(out, "version", d->version);
	emit_int(out, "uptime_secs", d->uptime_secs);
	emit_int(out, "brain_restarts", d->brain_restarts);
}

static void write_upgrade(const struct daemon_status *d, struct buf *out)
{
	if (!d->upgrade.words) {
		emit_null(out, "upgrade");
		return;
	}
	emit_open(out, "upgrade", '{');
	emit_bool(out, "ok", d->upgrade.is_ok);
	emit_string(out, "words", d->upgrade.words);
	emit_close(out, '}');
}

void daemon_info_write(const struct daemon_status *d, struct buf *out)
{
	emit_open(out, NULL, '{');
	write_daemon_status(d, out);
	emit_string(out, "run", d->run);
	emit_string(out, "state", d->state);
	emit_string(out, "log", d->log);
	emit_int(out, "instances", d->instances);
	emit_int(out, "adopted", d->adopted);
	emit_int(out, "lost", d->lost);
	emit_int(out, "stale_facts", d->stale_facts);
	emit_int(out, "odd_facts", d->unexpected_facts);
	emit_int(out, "log_bytes_dropped", d->log_dropped_bytes);
	write_upgrade(d, out);
	emit_string(out, "trouble", d->trouble);
	emit_close(out, '}');
}

static void write_upstream(const struct upstream_status *u, struct buf *out)
{
	emit_open(out, NULL, '{');
	emit_string(out, "app", u->app);
	emit_string(out, "output", u->output);
	emit_bool(out, "in_effect", u->is_in_effect);
	emit_bool(out, "pending", u->is_pending);
	emit_open(out, "servers", '[');
	for (size_t k = 0; k < u->count; k++) {
		emit_open(out, NULL, '{');
		emit_int(out, "port", u->servers[k].at.port);
		emit_bool(out, "down", u->servers[k].is_down);
		emit_close(out, '}');
	}
	emit_close(out, ']');
	emit_close(out, '}');
}

/* Younger than version 1, and than the first version 2: only where there is one. */
static void write_upstreams(const struct snapshot *s, struct buf *out)
{
	const struct upstream_status *upstream = NULL;
	size_t k = 0;

	if (s->version < 2 || !s->upstreams.len)
		return;
	emit_open(out, "upstreams", '[');
	VEC_EACH (&s->upstreams, k, upstream)
		write_upstream(upstream, out);
	emit_close(out, ']');
}

/* As young, and only where there is one. */
static void write_gates(const struct snapshot *s, struct buf *out)
{
	const struct gate_status *gate = NULL;
	size_t k = 0;

	if (!s->gates.len)
		return;
	emit_open(out, "gates", '[');
	VEC_EACH (&s->gates, k, gate) {
		emit_open(out, NULL, '{');
		emit_string(out, "app", gate->app);
		emit_int(out, "port", gate->port);
		emit_string(out, "hook", gate->hook);
		emit_bool(out, "setuid", !gate->is_without_setuid);
		if (gate->why)
			emit_string(out, "why", gate->why);
		emit_close(out, '}');
	}
	emit_close(out, ']');
}

void snapshot_write(const struct snapshot *s, struct buf *out)
{
	const struct app_status *app = NULL;
	const struct instance_status *instance = NULL;
	size_t k = 0;

	emit_open(out, NULL, '{');
	emit_int(out, "version", s->version > 1 ? s->version : 1);
	emit_open(out, "daemon", '{');
	write_daemon_status(&s->daemon, out);
	emit_close(out, '}');
	emit_open(out, "apps", '[');
	VEC_EACH (&s->apps, k, app)
		write_app_status(app, s->version, out);
	emit_close(out, ']');
	emit_open(out, "processes", '[');
	VEC_EACH (&s->instances, k, instance)
		write_instance_status(instance, s->version, out);
	emit_close(out, ']');
	write_upstreams(s, out);
	if (s->version > 1)
		write_gates(s, out);
	emit_close(out, '}');
}

static void write_past_entry(const struct past_entry *entry, struct buf *out)
{
	struct buf text = BUF_INIT;

	emit_open(out, NULL, '{');
	utc_print(&text, entry->told.at_ms);
	emit_string(out, "at", text.ptr);
	emit_string(out, "kind", entry->told.kind);
	emit_string(out, "from", entry->told.from);
	emit_string(out, "to", entry->told.to);
	emit_string(out, "on", entry->told.on);
	emit_string(out, "words", entry->words.ptr);
	buf_clear(&text);
	buf_add(&text, entry->words.ptr, entry->text_len);
	reason_write(entry->why, "cause", text.ptr, out);
	emit_close(out, '}');
	buf_release(&text);
}

static void write_why(const struct instance_status *s, struct buf *out)
{
	const struct past_entry *entry = NULL;
	size_t k = 0;

	emit_open(out, NULL, '{');
	write_status_members(s, out);
	emit_string(out, "reason", s->reason.ptr);
	reason_write(s->why, "cause", s->reason.ptr, out);
	if (s->gone_ms >= 0)
		emit_int(out, "gone_secs", s->gone_ms / 1000);
	emit_open(out, "timeline", '[');
	VEC_EACH (&s->past, k, entry)
		write_past_entry(entry, out);
	emit_close(out, ']');
	emit_close(out, '}');
}

void snapshot_write_why(const struct snapshot *s, const char *target, struct buf *out)
{
	const struct instance_status *instance = NULL;
	size_t k = 0;

	emit_open(out, NULL, '{');
	emit_string(out, "target", target);
	emit_open(out, "instances", '[');
	VEC_EACH (&s->instances, k, instance)
		write_why(instance, out);
	emit_close(out, ']');
	write_gates(s, out);
	emit_close(out, '}');
}
