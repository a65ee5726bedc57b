/*
 * The herd as JSON.  Times become ages and remaining times, so that they mean something to a later brain whatever its clock says.
 */
#include "base/json.h"
#include "herd/inside.h"

#define FLAG(member)                                                                                         \
	{                                                                                                    \
#member, offsetof(struct instance, member),                                                  \
	}

const struct instance_flag instance_flags[] = {
	FLAG(wants_up),
	FLAG(is_retired),
	FLAG(has_ended),
	FLAG(is_restarting),
	FLAG(is_failing),
	FLAG(is_port_free),
	FLAG(was_delayed),
	FLAG(is_unkillable),
	FLAG(has_place),
};
const size_t instance_flags_count = sizeof(instance_flags) / sizeof(instance_flags[0]);

/* Zero is what is read back where nothing is written. */
static void set_int(struct json *object, const char *key, int64_t value)
{
	if (value)
		json_set_int(object, key, value);
}

static void set_timer(struct json *object, const char *key, const struct timer *timer, int64_t now)
{
	struct json *j = NULL;

	if (!timer_is_armed(timer))
		return;
	j = json_set(object, key, json_new_object());
	json_set_string(j, "kind", timer_word((enum timer_kind)timer->kind));
	json_set_int(j, "ms", timer->at > now ? timer->at - now : 0);
}

static void set_history(struct json *object, const struct restart_history *history, int64_t now)
{
	struct json *recent = NULL;

	if (!history)
		return;
	set_int(object, "crashes", history->crashes);
	if (!history->recent_len)
		return;
	recent = json_set(object, "recent", json_new_array());
	for (size_t k = 0; k < history->recent_len; k++) {
		/* Oldest first, whatever the ring looks like inside. */
		size_t at = (history->recent_at + RESTART_HISTORY_MAX - history->recent_len + k) %
			RESTART_HISTORY_MAX;

		json_push(recent, json_new_int(now - history->recent[at]));
	}
}

static void set_exit(struct json *object, const struct last_exit *end)
{
	struct json *j = NULL;

	if (!end->is_known)
		return;
	j = json_set(object, "last_exit", json_new_object());
	json_set_int(j, "code", end->code);
	json_set_int(j, "signal", end->signal);
	json_set_int(j, "at", end->at_ms);
}

static struct json *instance_to_json(const struct instance *i)
{
	struct json *j = json_new_object();
	int64_t now = i->app->herd->now;

	json_set_int(j, "number", i->number);
	json_set_int(j, "slot", i->slot);
	json_set_int(j, "generation", (int64_t)i->generation);
	json_set_string(j, "state", state_word(i->state));
	json_set_string(j, "phase", phase_word(i->phase));
	set_int(j, "port", i->port);
	json_set_int(j, "revision", i->revision->number);
	set_int(j, "pid", i->pid);
	set_int(j, "start_time", (int64_t)i->start_time);
	json_set_int(j, "state_ms", now - i->state_since);
	json_set_int(j, "started_ms", now - i->started_at);
	if (i->ready_at)
		json_set_int(j, "ready_ms", now - i->ready_at);
	if (i->health != HEALTH_NONE)
		json_set_string(j, "health", health_word(i->health));
	if (i->well_since)
		json_set_int(j, "well_ms", now - i->well_since);
	set_int(j, "delay_ms", i->delay_ms);
	set_int(j, "restarts", i->restarts);
	set_int(j, "start_by", i->start_by);
	if (i->leave != LEAVE_NONE)
		json_set_string(j, "leave", leave_word(i->leave));
	for (size_t k = 0; k < instance_flags_count; k++)
		if (*(const bool *)((const char *)i + instance_flags[k].offset))
			json_set_bool(j, instance_flags[k].key, true);
	set_timer(j, "life", &i->life, now);
	set_timer(j, "tree", &i->tree, now);
	set_history(j, i->history, now);
	set_exit(j, &i->last_exit);
	if (i->why)
		json_set_string(j, "why", i->why);
	return j;
}

static struct json *revision_to_json(const struct revision *r)
{
	struct json *j = json_new_object();
	struct json *ports = NULL;

	json_set(j, "app", spec_to_json(r->spec));
	json_set_int(j, "revision", r->number);
	set_int(j, "caller", r->caller);
	json_set_int(j, "port_source", r->port_source);
	ports = json_set(j, "ports", json_new_array());
	for (int k = 0; k < r->ports_len; k++)
		json_push(ports, json_new_int(r->ports[k]));
	return j;
}

static void add_revision(const struct app *a, struct vec *list, const struct revision *r)
{
	size_t i = 0;
	const struct revision *known = NULL;

	if (!r || r == a->current)
		return;
	VEC_EACH (list, i, known) {
		if (known == r)
			return;
	}
	vec_push(list, (void *)r);
}

/* Those that the app or an instance refers to, but the current one. */
static struct json *revisions_to_json(const struct app *a)
{
	struct json *j = json_new_array();
	struct vec list = VEC_INIT;

	add_revision(a, &list, a->target);
	for (size_t k = 0; k < a->instances.len; k++)
		add_revision(a, &list, ((const struct instance *)a->instances.items[k])->revision);
	for (size_t k = 0; k < list.len; k++)
		json_push(j, revision_to_json(list.items[k]));
	vec_release(&list);
	return j;
}

static struct json *app_to_json(const struct app *a)
{
	struct json *j = revision_to_json(a->current);
	struct json *instances = NULL;

	json_set_int(j, "count", a->count);
	json_set_int(j, "scaled", a->scaled);
	json_set_bool(j, "wants_up", a->wants_up);
	json_set_bool(j, "is_leaving", a->is_leaving);
	json_set_int(j, "arrival", (int64_t)a->arrival);
	json_set_int(j, "target", a->target->number);
	json_set_int(j, "last_revision", a->last_revision);
	json_set(j, "revisions", revisions_to_json(a));
	instances = json_set(j, "instances", json_new_array());
	for (size_t k = 0; k < a->instances.len; k++)
		json_push(instances, instance_to_json(a->instances.items[k]));
	return j;
}

struct json *herd_to_json(const struct herd *h)
{
	struct json *j = json_new_object();
	struct json *apps = NULL;

	json_set_int(j, "version", 1);
	json_set_int(j, "now", h->now);
	json_set_int(j, "generation", (int64_t)h->last_generation);
	json_set_int(j, "slot", h->last_slot);
	apps = json_set(j, "apps", json_new_array());
	for (size_t k = 0; k < h->apps.len; k++)
		json_push(apps, app_to_json(h->apps.items[k]));
	return j;
}
