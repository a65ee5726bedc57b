/*
 * A snapshot as JSON, and back: the answer to "status".
 */
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "base/json_emit.h"
#include "base/mem.h"
#include "base/signal_name.h"
#include "base/str.h"
#include "base/utc.h"
#include "model/reason.h"
#include "model/snapshot.h"

/* --- written --- */

static void emit_or_null(struct buf *out, const char *key, bool is_known, int64_t value)
{
	if (is_known)
		emit_int(out, key, value);
	else
		emit_null(out, key);
}

static void emit_exit(struct buf *out, const char *key, const struct last_exit *end)
{
	struct buf text = BUF_INIT;

	if (!end->is_known) {
		emit_null(out, key);
		return;
	}
	emit_open(out, key, '{');
	emit_or_null(out, "code", !end->signal && end->code != LAST_EXIT_UNSEEN, end->code);
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

static void write_instance_status(const struct instance_status *s, int version, struct buf *out)
{
	struct buf number = BUF_INIT;

	emit_open(out, NULL, '{');
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
	emit_or_null(out, "pid", s->pid > 0, s->pid);
	emit_string(out, "status", s->status);
	emit_string(out, "health", s->health);
	emit_or_null(out, "port", s->port > 0, s->port);
	emit_int(out, "revision", s->revision);
	emit_tenths(out, "uptime_secs", s->uptime_ms >= 0 ? (double)s->uptime_ms / 1000 : -1);
	emit_int(out, "restarts", s->restarts);
	emit_int(out, "crashes", s->crashes);
	emit_int(out, "log_dropped_bytes", s->log_dropped_bytes);
	emit_or_null(out, "memory_bytes", s->memory_bytes >= 0, s->memory_bytes);
	emit_tenths(out, "cpu_percent", s->cpu_percent);
	emit_exit(out, "last_exit", &s->last_exit);
	emit_or_null(out, "next_restart_ms", s->next_restart_ms >= 0, s->next_restart_ms);
	write_reason(s, version, out);
	emit_close(out, '}');
}

void instance_status_write(const struct instance_status *s, struct buf *out)
{
	write_instance_status(s, 1, out);
}

struct json *instance_status_to_json(const struct instance_status *s)
{
	struct buf text = BUF_INIT;
	struct json *j = NULL;

	instance_status_write(s, &text);
	j = json_parse(text.ptr, text.len, text.len, NULL);
	buf_release(&text);
	return j;
}

static void write_rollout(const struct rollout_status *s, struct buf *out)
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
	emit_close(out, '}');
}

void app_status_write(const struct app_status *s, struct buf *out)
{
	emit_open(out, NULL, '{');
	emit_string(out, "name", s->name);
	emit_int(out, "instances", s->instances);
	emit_int(out, "ready", s->ready);
	emit_int(out, "revision", s->revision);
	emit_or_null(out, "port", s->port > 0, s->port);
	emit_string(out, "port_mode", s->is_shared ? "shared" : "each");
	emit_string(out, "oxfile", s->oxfile);
	emit_string(out, "folder", s->folder);
	emit_string(out, "commit", s->commit);
	emit_bool(out, "rolled_back", s->is_held);
	write_rollout(&s->rollout, out);
	emit_close(out, '}');
}

void daemon_status_write(const struct daemon_status *d, struct buf *out)
{
	emit_int(out, "pid", d->pid);
	emit_int(out, "brain_pid", d->brain_pid);
	emit_string(out, "version", d->version);
	emit_int(out, "uptime_secs", d->uptime_secs);
	emit_int(out, "brain_restarts", d->brain_restarts);
}

void snapshot_write(const struct snapshot *s, struct buf *out)
{
	const struct app_status *app = NULL;
	const struct instance_status *instance = NULL;
	size_t k = 0;

	emit_open(out, NULL, '{');
	emit_int(out, "version", s->version > 1 ? s->version : 1);
	emit_open(out, "daemon", '{');
	daemon_status_write(&s->daemon, out);
	emit_close(out, '}');
	emit_open(out, "apps", '[');
	VEC_EACH (&s->apps, k, app)
		app_status_write(app, out);
	emit_close(out, ']');
	emit_open(out, "processes", '[');
	VEC_EACH (&s->instances, k, instance)
		write_instance_status(instance, s->version, out);
	emit_close(out, ']');
	emit_close(out, '}');
}

/* --- read back --- */

/* Words of closed sets; what is not among them cannot be kept, as the caller's text goes away. */
static const char *known_word(const char *word)
{
	static const char *const words[] = { "stopped", "blocked", "starting", "running", "unhealthy",
		"stopping", "backoff", "crashed", "finished", "healthy", "unknown", "none" };

	for (size_t k = 0; k < sizeof(words) / sizeof(words[0]); k++)
		if (str_eq(words[k], word))
			return words[k];
	return NULL;
}

static int missing(const char *key, struct err *e)
{
	return err_set(e, "a status has no '%s', or it is of the wrong type", key);
}

static int read_int(const struct json *j, const char *key, int64_t *value, bool may_be_null, struct err *e)
{
	const struct json *member = json_get(j, key);

	if (may_be_null && member && json_is_null(member))
		return 0;
	return json_int(member, value) ? 0 : missing(key, e);
}

static int read_number(const struct json *j, const char *key, double *value, struct err *e)
{
	const struct json *member = json_get(j, key);

	if (member && json_is_null(member))
		return 0;
	return json_number(member, value) ? 0 : missing(key, e);
}

static int read_exit(const struct json *j, struct last_exit *end, struct err *e)
{
	const char *signal = json_string(json_get(j, "signal"), NULL);
	const char *at = json_string(json_get(j, "at"), NULL);
	int64_t code = signal ? 0 : LAST_EXIT_UNSEEN;

	if (json_is_null(j))
		return 0;
	if (read_int(j, "code", &code, true, e) < 0)
		return -1;
	if (!at || !utc_parse(at, &end->at_ms))
		return missing("last_exit.at", e);
	end->is_known = true;
	end->code = (int)code;
	end->signal = signal ? signal_name_parse(signal) : 0;
	return 0;
}

static int read_words(const struct json *j, struct instance_status *s, struct err *e)
{
	const char *name = json_string(json_get(j, "name"), NULL);
	const char *status = known_word(json_string(json_get(j, "status"), NULL));
	const char *health = known_word(json_string(json_get(j, "health"), NULL));

	if (!name)
		return missing("name", e);
	if (!status)
		return missing("status", e);
	if (!health)
		return missing("health", e);
	s->name = mem_strdup(name);
	s->status = status;
	s->health = health;
	s->why = reason_read(json_get(j, "reason"));
	buf_adds(&s->reason,
		json_string(json_get(j, "reason"), json_string(json_get(json_get(j, "reason"), "text"), "")));
	return 0;
}

int instance_status_from_json(const struct json *j, struct instance_status *s, struct err *e)
{
	int64_t instance = 0;
	int64_t port = 0;
	int64_t revision = 0;
	double uptime = -0.001;

	if (read_words(j, s, e) < 0 || read_int(j, "instance", &instance, false, e) < 0 ||
		read_int(j, "pid", &s->pid, true, e) < 0 || read_int(j, "port", &port, true, e) < 0 ||
		read_int(j, "revision", &revision, false, e) < 0 ||
		read_number(j, "uptime_secs", &uptime, e) < 0 ||
		read_int(j, "restarts", &s->restarts, false, e) < 0 ||
		read_int(j, "crashes", &s->crashes, false, e) < 0 ||
		read_int(j, "memory_bytes", &s->memory_bytes, true, e) < 0 ||
		read_number(j, "cpu_percent", &s->cpu_percent, e) < 0 ||
		read_int(j, "next_restart_ms", &s->next_restart_ms, true, e) < 0 ||
		read_exit(json_get(j, "last_exit"), &s->last_exit, e) < 0)
		return -1;
	/* Younger than the others: a daemon of before does not say it. */
	(void)json_int(json_get(j, "log_dropped_bytes"), &s->log_dropped_bytes);
	s->instance = (int)instance;
	s->port = (int)port;
	s->revision = (int)revision;
	s->uptime_ms = uptime >= 0 ? (int64_t)(uptime * 1000 + 0.5) : -1;
	return 0;
}

/* An addition to the rest: a missing member is unknown, and no mistake. */
static void read_rollout(const struct json *j, struct rollout_status *s)
{
	double elapsed = 0;

	if (!j || json_is_null(j))
		return;
	(void)json_number(json_get(j, "elapsed_secs"), &elapsed);
	*s = (struct rollout_status){
		.phase = json_string(json_get(j, "phase"), "?"),
		.kind = json_string(json_get(j, "kind"), "deploy"),
		.from = json_get_count(j, "from"),
		.to = json_get_count(j, "to"),
		.done = json_get_count(j, "done"),
		.total = json_get_count(j, "total"),
		.elapsed_ms = elapsed > 0 && elapsed < 1e12 ? (int64_t)(elapsed * 1000) : 0,
		.message = json_string(json_get(j, "message"), NULL),
	};
}

int app_status_from_json(const struct json *j, struct app_status *s, struct err *e)
{
	int64_t instances = 0;
	int64_t ready = 0;
	int64_t revision = 0;
	int64_t port = 0;

	if (!json_string(json_get(j, "name"), NULL))
		return missing("name", e);
	if (read_int(j, "instances", &instances, false, e) < 0 ||
		read_int(j, "ready", &ready, false, e) < 0 ||
		read_int(j, "revision", &revision, false, e) < 0 || read_int(j, "port", &port, true, e) < 0)
		return -1;
	*s = (struct app_status){
		.name = json_string(json_get(j, "name"), NULL),
		.instances = (int)instances,
		.ready = (int)ready,
		.revision = (int)revision,
		.port = (int)port,
		.is_shared = str_eq(json_string(json_get(j, "port_mode"), NULL), "shared"),
		.oxfile = json_string(json_get(j, "oxfile"), NULL),
		.folder = json_string(json_get(j, "folder"), NULL),
		.commit = json_string(json_get(j, "commit"), NULL),
		.is_held = json_bool(json_get(j, "rolled_back"), false),
	};
	read_rollout(json_get(j, "rollout"), &s->rollout);
	return 0;
}

void daemon_status_from_json(const struct json *j, struct daemon_status *d)
{
	*d = (struct daemon_status){ .version = json_string(json_get(j, "version"), NULL) };
	(void)json_int(json_get(j, "pid"), &d->pid);
	(void)json_int(json_get(j, "brain_pid"), &d->brain_pid);
	(void)json_int(json_get(j, "uptime_secs"), &d->uptime_secs);
	(void)json_int(json_get(j, "brain_restarts"), &d->brain_restarts);
}

int snapshot_from_json(const struct json *j, struct snapshot *s, struct err *e)
{
	const struct json *processes = json_get(j, "processes");
	const struct json *member = NULL;
	struct daemon_status daemon;

	s->version = json_get_count(j, "version");
	if (!json_is_array(processes))
		return err_set(e, "a status has no 'processes'");
	daemon_status_from_json(json_get(j, "daemon"), &daemon);
	snapshot_set_daemon(s, &daemon);
	JSON_EACH (json_get(j, "apps"), member) {
		struct app_status app;

		/* Shown beside the instances: one that makes no sense hides none of them. */
		if (app_status_from_json(member, &app, NULL) == 0)
			snapshot_add_app(s, &app);
	}
	JSON_EACH (processes, member)
		if (instance_status_from_json(member, snapshot_add_instance(s), e) < 0)
			return -1;
	return 0;
}
