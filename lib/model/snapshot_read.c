/*
 * A snapshot from its JSON, as snapshot_json.c writes it, or an older or newer daemon.
 */
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/signal_name.h"
#include "base/str.h"
#include "base/utc.h"
#include "model/reason.h"
#include "model/snapshot.h"

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

/* What is of the wrong type stays as it was; the first of them is remembered. */
struct reading {
	const struct json *object;
	const char *missing; /* NULL: nothing */
};

static void miss(struct reading *r, const char *key)
{
	r->missing = r->missing ? r->missing : key;
}

static int end_reading(const struct reading *r, struct err *e)
{
	return r->missing ? err_set(e, "a status has no '%s', or it is of the wrong type", r->missing) : 0;
}

static int64_t read_status_int(struct reading *r, const char *key, int64_t fallback)
{
	int64_t value = fallback;

	if (!json_int(json_get(r->object, key), &value))
		miss(r, key);
	return value;
}

/* null is what it is not known by. */
static int64_t read_int_or_null(struct reading *r, const char *key, int64_t unknown)
{
	const struct json *member = json_get(r->object, key);

	return member && json_is_null(member) ? unknown : read_status_int(r, key, unknown);
}

static double read_number_or_null(struct reading *r, const char *key, double unknown)
{
	const struct json *member = json_get(r->object, key);
	double value = unknown;

	if ((!member || !json_is_null(member)) && !json_number(member, &value))
		miss(r, key);
	return value;
}

static void read_exit(struct reading *r, struct last_exit *end)
{
	struct reading inner = { .object = json_get(r->object, "last_exit") };
	const char *signal = json_get_string(inner.object, "signal", NULL);

	if (json_is_null(inner.object))
		return;
	end->is_known = json_is_object(inner.object);
	end->signal = signal ? signal_name_parse(signal) : 0;
	end->code = (int)read_int_or_null(&inner, "code", signal ? 0 : LAST_EXIT_UNSEEN);
	if (inner.missing)
		end->code = 0;
	if (!utc_parse(json_get_string(inner.object, "at", ""), &end->at_ms)) {
		miss(&inner, "last_exit.at");
		end->at_ms = EVENT_RECORD_NO_TIME;
	}
	if (inner.missing)
		miss(r, inner.missing);
}

static void read_words(struct reading *r, struct instance_status *s)
{
	const char *name = json_get_string(r->object, "name", NULL);
	const char *status = known_word(json_get_string(r->object, "status", NULL));
	const char *health = known_word(json_get_string(r->object, "health", NULL));
	const struct json *reason = json_get(r->object, "reason");

	if (!name)
		miss(r, "name");
	if (!status)
		miss(r, "status");
	if (!health)
		miss(r, "health");
	s->name = name ? mem_strdup(name) : NULL;
	s->status = status ? status : s->status;
	s->health = health ? health : s->health;
	s->why = reason_read(reason);
	buf_adds(&s->reason, json_string(reason, json_get_string(reason, "text", "")));
}

int instance_status_from_json(const struct json *j, struct instance_status *s, struct err *e)
{
	struct reading r = { .object = j };
	double uptime = -1;

	read_words(&r, s);
	s->instance = (int)read_status_int(&r, "instance", 0);
	s->pid = read_int_or_null(&r, "pid", 0);
	s->port = (int)read_int_or_null(&r, "port", 0);
	s->revision = (int)read_status_int(&r, "revision", 0);
	uptime = read_number_or_null(&r, "uptime_secs", -1);
	s->uptime_ms = uptime >= 0 ? (int64_t)(uptime * 1000 + 0.5) : -1;
	s->restarts = read_status_int(&r, "restarts", 0);
	s->crashes = read_status_int(&r, "crashes", 0);
	s->memory_bytes = read_int_or_null(&r, "memory_bytes", -1);
	s->cpu_percent = read_number_or_null(&r, "cpu_percent", -1);
	s->next_restart_ms = read_int_or_null(&r, "next_restart_ms", -1);
	read_exit(&r, &s->last_exit);
	/* Younger than the others: a daemon of before does not say it. */
	s->log_dropped_bytes = json_get_int(j, "log_dropped_bytes", 0);
	s->queue = json_get_int(j, "queue", -1);
	return end_reading(&r, e);
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
		.reason = json_string(json_get(json_get(j, "reason"), "text"), NULL),
		.message = json_string(json_get(j, "message"), NULL),
	};
}

int app_status_from_json(const struct json *j, struct app_status *s, struct err *e)
{
	struct reading r = { .object = j };

	*s = (struct app_status){
		.name = json_get_string(j, "name", NULL),
		.is_shared = str_eq(json_get_string(j, "port_mode", NULL), "shared"),
		.oxfile = json_get_string(j, "oxfile", NULL),
		.folder = json_get_string(j, "folder", NULL),
		.commit = json_get_string(j, "commit", NULL),
		.is_held = json_bool(json_get(j, "rolled_back"), false),
	};
	if (!s->name)
		miss(&r, "name");
	s->instances = (int)read_status_int(&r, "instances", 0);
	s->ready = (int)read_status_int(&r, "ready", 0);
	s->revision = (int)read_status_int(&r, "revision", 0);
	s->port = (int)read_int_or_null(&r, "port", 0);
	read_rollout(json_get(j, "rollout"), &s->rollout);
	return end_reading(&r, e);
}

void daemon_status_from_json(const struct json *j, struct daemon_status *d)
{
	const struct json *upgrade = json_get(j, "upgrade");

	*d = (struct daemon_status){
		.pid = json_get_int(j, "pid", 0),
		.brain_pid = json_get_int(j, "brain_pid", 0),
		.version = json_get_string(j, "version", NULL),
		.uptime_secs = json_get_int(j, "uptime_secs", 0),
		.brain_restarts = json_get_int(j, "brain_restarts", 0),
		.run = json_get_string(j, "run", NULL),
		.state = json_get_string(j, "state", NULL),
		.log = json_get_string(j, "log", NULL),
		.instances = json_get_int(j, "instances", 0),
		.adopted = json_get_int(j, "adopted", 0),
		.lost = json_get_int(j, "lost", 0),
		.stale_facts = json_get_int(j, "stale_facts", 0),
		.unexpected_facts = json_get_int(j, "odd_facts", 0),
		.log_dropped_bytes = json_get_int(j, "log_bytes_dropped", 0),
		.upgrade = { .is_ok = json_bool(json_get(upgrade, "ok"), false),
			.words = json_get_string(upgrade, "words", NULL) },
		.trouble = json_get_string(j, "trouble", NULL),
	};
}

/* One that makes no sense is left out, as an app is. */
static void read_upstream(const struct json *j, struct snapshot *s)
{
	const struct json *server = NULL;
	struct upstream_server *servers =
		mem_zalloc(json_count(json_get(j, "servers")) + 1, sizeof(*servers));
	struct upstream_status u = {
		.app = json_get_string(j, "app", NULL),
		.output = json_get_string(j, "output", NULL),
		.servers = servers,
		.is_in_effect = json_bool(json_get(j, "in_effect"), false),
		.is_pending = json_bool(json_get(j, "pending"), false),
	};

	JSON_EACH (json_get(j, "servers"), server)
		servers[u.count++] = (struct upstream_server){
			.at = { .port = json_get_count(server, "port") },
			.is_down = json_bool(json_get(server, "down"), false),
		};
	if (u.app)
		snapshot_add_upstream(s, &u);
	mem_free(servers);
}

static void read_gates(const struct json *j, struct snapshot *s)
{
	const struct json *member = NULL;

	JSON_EACH (json_get(j, "gates"), member) {
		const struct gate_status gate = {
			.app = json_get_string(member, "app", NULL),
			.hook = json_get_string(member, "hook", ""),
			.why = json_get_string(member, "why", NULL),
			.port = json_get_count(member, "port"),
			.is_without_setuid = !json_bool(json_get(member, "setuid"), true),
		};

		if (gate.app)
			snapshot_add_gate(s, &gate);
	}
}

static void read_past(const struct json *j, struct snapshot *s, struct instance_status *i)
{
	const struct json *member = NULL;

	JSON_EACH (json_get(j, "timeline"), member) {
		struct past_entry *entry = instance_status_add_past(i);

		event_record_read(member, &entry->told);
		buf_adds(&entry->words, entry->told.why ? entry->told.why : "");
		entry->text_len = strcspn(entry->words.ptr, "\n");
		entry->why = reason_read(json_get(member, "cause"));
		entry->told.kind = snapshot_keep(s, entry->told.kind);
		entry->told.from = snapshot_keep(s, entry->told.from);
		entry->told.to = snapshot_keep(s, entry->told.to);
		entry->told.on = snapshot_keep(s, entry->told.on);
		entry->told.id = entry->told.app = entry->told.why = NULL;
		entry->told.phase = entry->told.step = NULL;
	}
}

/* As "why" has it: what is missing is shown so, and a state that is not known here as it came. */
static void read_why_instance(const struct json *j, struct snapshot *s, struct instance_status *i)
{
	const char *id = json_get_string(j, "id", "");
	const char *colon = strrchr(id, ':');
	int64_t number = 0;

	(void)instance_status_from_json(j, i, NULL);
	i->status = snapshot_keep(s, json_get_string(j, "status", ""));
	reason_free(i->why);
	i->why = reason_read(json_get(j, "cause"));
	i->gone_ms = json_get_int(j, "gone_secs", -1);
	if (i->gone_ms > 0)
		i->gone_ms *= 1000;
	if (!i->name) {
		i->name = mem_strndup(id, colon ? (size_t)(colon - id) : 0);
		i->instance = colon && str_to_int(colon + 1, &number) ? (int)number : 0;
	}
	read_past(j, s, i);
}

int snapshot_from_why(const struct json *j, struct snapshot *s, struct err *e)
{
	const struct json *member = NULL;

	if (!json_is_array(json_get(j, "instances")))
		return err_set(e, "the answer has no 'instances'");
	JSON_EACH (json_get(j, "instances"), member)
		read_why_instance(member, s, snapshot_add_instance(s));
	read_gates(j, s);
	return 0;
}

/* Shown beside the instances: one that makes no sense hides none of them. */
static void add_read_app(struct snapshot *s, const struct json *j)
{
	struct reason *why = reason_read(json_get(json_get(j, "rollout"), "reason"));
	struct app_status app;

	if (app_status_from_json(j, &app, NULL) == 0) {
		app.rollout.why = why;
		snapshot_add_app(s, &app);
	}
	reason_free(why);
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
	JSON_EACH (json_get(j, "apps"), member)
		add_read_app(s, member);
	JSON_EACH (processes, member)
		if (instance_status_from_json(member, snapshot_add_instance(s), e) < 0)
			return -1;
	JSON_EACH (json_get(j, "upstreams"), member)
		read_upstream(member, s);
	read_gates(j, s);
	return 0;
}
