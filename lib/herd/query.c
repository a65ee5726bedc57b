/*
 * Questions about the herd; nothing here changes it.
 */
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "herd/herd_private.h"

static const struct instance *first_from(const struct herd *h, size_t position)
{
	for (; position < h->apps.len; position++) {
		const struct app *a = h->apps.items[position];

		if (a->instances.len)
			return a->instances.items[0];
	}
	return NULL;
}

const struct instance *herd_first(const struct herd *h)
{
	return first_from(h, 0);
}

const struct instance *herd_next(const struct herd *h, const struct instance *i)
{
	const struct app *a = i->app;
	/* Numbers are nearly always places; behind a retired one that is gone they are a little larger. */
	size_t position = (size_t)i->number < a->instances.len ? (size_t)i->number : a->instances.len - 1;

	while (a->instances.items[position] != i)
		position--;
	return position + 1 < a->instances.len ? a->instances.items[position + 1]
					       : first_from(h, a->position + 1);
}

const struct instance *herd_find(const struct herd *h, const char *name)
{
	const char *colon = strrchr(name, ':');
	const struct app *a = colon ? map_get_n(&h->names, name, (size_t)(colon - name)) : NULL;
	int64_t number = 0;

	if (!a || !str_to_int(colon + 1, &number) || number < 0 || number >= APP_INSTANCES_MAX)
		return NULL;
	return app_instance(a, (int)number);
}

const struct instance *herd_slot(const struct herd *h, uint32_t slot)
{
	return herd_by_slot(h, slot);
}

struct ticket instance_ticket(const struct instance *i)
{
	return (struct ticket){ .slot = i->slot, .generation = i->generation };
}

int64_t instance_pid(const struct instance *i)
{
	return i->pid;
}

enum state instance_state(const struct instance *i)
{
	return i->state;
}

size_t instance_happenings(const struct instance *i)
{
	return i->past.len;
}

const struct happening *instance_happening(const struct instance *i, size_t index)
{
	return index < i->past.len ? &i->past.items[(i->past.first + index) % i->past.cap] : NULL;
}

static const char *const ready_words[] = {
	[READY_AUTO] = "its readiness",
	[READY_ALIVE] = "it to stay up for a second",
	[READY_LISTEN] = "it to listen on its port",
	[READY_HEALTH] = "its health check",
	[READY_NOTIFY] = "READY=1 from it",
	[READY_IPC] = "'ready' from it",
	[READY_NOTIFY_FD] = "a newline on NOTIFY_FD from it",
};

static void starting_reason(const struct instance *i, struct buf *out)
{
	switch (i->phase) {
	case PHASE_DELAYED:
		buf_adds(out, "waits for start_delay to be over");
		break;
	case PHASE_CHECKING:
		buf_addf(out, "looks whether port %d is free", i->port);
		break;
	case PHASE_SPAWNING:
		buf_adds(out, "its process is being started");
		break;
	default:
		buf_addf(out, "waits for %s", ready_words[spec_ready(instance_spec(i))]);
		if (instance_notify_status(i))
			buf_addf(out, "; it says: %s", instance_notify_status(i));
		if (instance_check_words(i))
			buf_addf(out, ": %s", instance_check_words(i));
		break;
	}
}

static void leftovers_reason(const struct instance *i, struct buf *out)
{
	const char *signal = instance_spec(i)->stop_signal;

	buf_addf(out, "waiting for remaining processes to exit (%s sent)",
		instance_is_killed(i) ? "SIGKILL"
			: signal      ? signal
				      : "SIGTERM");
}

static void stopping_reason(const struct instance *i, struct buf *out)
{
	const char *signal = instance_spec(i)->stop_signal;

	if (i->is_unkillable)
		buf_adds(out, "unkillable: SIGKILL was sent and it is still there");
	else if (i->phase == PHASE_LEFTOVERS)
		leftovers_reason(i, out);
	else if (instance_is_killed(i))
		buf_adds(out, "was killed");
	else if (instance_spec(i)->shutdown_with_message)
		buf_addf(
			out, "was sent the message 'shutdown'%s%s", i->why ? ": " : "", i->why ? i->why : "");
	else
		buf_addf(out, "was sent %s%s%s", signal ? signal : "SIGTERM", i->why ? ": " : "",
			i->why ? i->why : "");
}

static void unhealthy_reason(const struct instance *i, struct buf *out)
{
	buf_adds(out, i->why ? i->why : "its health check fails");
	if (i->health_slot != HEALTH_SLOT_WAITING)
		return;
	if (i->app->health_budget.most > 1)
		buf_addf(out, "; restarted once fewer than %zu of %s are down for their health",
			i->app->health_budget.most, i->app->spec->name);
	else
		buf_addf(out, "; restarted once no other of %s is down for its health", i->app->spec->name);
}

static void down_reason(const struct instance *i, struct buf *out)
{
	if (instance_should_run(i) && i->phase == PHASE_LEFTOVERS && i->is_unkillable)
		buf_adds(
			out, "remaining processes are unkillable: SIGKILL was sent and they are still there");
	else if (instance_should_run(i) && i->phase == PHASE_LEFTOVERS)
		leftovers_reason(i, out);
	else if (i->state == STATE_BLOCKED && i->phase == PHASE_NONE && app_is_waiting(i->app, out))
		return;
	else if (i->why)
		buf_adds(out, i->why);
}

/* One alone has no port; when there are more, it gets one with its next process. */
static void port_reason(const struct instance *i, struct buf *out)
{
	if (i->port)
		buf_addf(out, "was started with port %d; its next start has port %d", i->port,
			instance_port(i));
	else
		buf_addf(out, "was started without a port; its next start has port %d", instance_port(i));
}

void instance_reason(const struct instance *i, struct buf *out)
{
	if (i->state == STATE_STOPPING)
		stopping_reason(i, out);
	else if (i->drain == DRAIN_REMOVING)
		buf_adds(out, "is to stop, and is being taken out of its upstream");
	else if (i->drain == DRAIN_DRAINING)
		buf_adds(out, "is to stop when its connections have ended");
	else if (instance_is_going_down(i))
		buf_adds(out, "is to stop, after what depends on it");
	else if (i->state == STATE_STARTING)
		starting_reason(i, out);
	else if (i->state == STATE_UNHEALTHY)
		unhealthy_reason(i, out);
	else if (i->state == STATE_RUNNING && instance_check_words(i))
		buf_addf(out, "a check failed: %s", instance_check_words(i));
	else if (i->state == STATE_RUNNING && instance_notify_status(i))
		buf_addf(out, "says: %s", instance_notify_status(i));
	else if (i->state == STATE_RUNNING && instance_port(i) && i->port != instance_port(i))
		port_reason(i, out);
	else if (!state_is_live(i->state))
		down_reason(i, out);
}

static const char *health_of(const struct instance *i)
{
	bool runs = i->state == STATE_RUNNING || i->state == STATE_UNHEALTHY;

	return health_word(runs || i->health == HEALTH_NONE ? i->health : HEALTH_UNKNOWN);
}

void instance_status(const struct instance *i, int64_t now, struct instance_status *out)
{
	bool runs = i->phase == PHASE_UP;
	bool waits = i->state == STATE_BACKOFF && timer_is_armed(&i->life);

	instance_status_init(out);
	out->name = mem_strdup(i->app->spec->name);
	out->instance = i->number;
	out->pid = i->pid;
	out->status = state_word(i->state);
	out->health = health_of(i);
	out->port = i->pid ? i->port : instance_port(i);
	out->revision = i->revision->number;
	out->uptime_ms = runs ? now - i->started_at : -1;
	out->restarts = i->restarts;
	out->crashes = i->history ? i->history->crashes : 0;
	out->last_exit = i->last_exit;
	if (waits)
		out->next_restart_ms = i->life.at > now ? i->life.at - now : 0;
	instance_reason(i, &out->reason);
}

size_t herd_app_count(const struct herd *h)
{
	return h->apps.len;
}

void herd_app_status(const struct herd *h, size_t index, struct app_status *out)
{
	const struct app *a = h->apps.items[index];

	*out = (struct app_status){
		.name = a->spec->name,
		.instances = a->count,
		.ready = a->ready,
		.revision = a->current->number,
		.port = revision_port(a->target, 0),
		.is_shared = a->spec->port_mode == PORT_SHARED,
		.oxfile = a->spec->oxfile,
		.folder = a->current->build ? a->current->build->folder : NULL,
		.commit = a->current->build ? a->current->build->commit : NULL,
		.is_held = a->current->is_held,
	};
	rollout_status(a, &out->rollout);
}

int herd_scaled(const struct herd *h, const char *app)
{
	const struct app *a = app_find(h, app);

	return a ? a->scaled : -1;
}

static bool app_uses_caller(const struct app *a, int64_t caller)
{
	size_t k = 0;
	const struct instance *i = NULL;

	if (a->current->caller == caller || a->target->caller == caller ||
		(a->previous && a->previous->caller == caller) || rollout_uses_caller(a->rollout, caller))
		return true;
	VEC_EACH (&a->instances, k, i) {
		if (i->revision->caller == caller)
			return true;
	}
	return false;
}

bool herd_uses_caller(const struct herd *h, int64_t caller)
{
	for (size_t k = 0; k < h->apps.len; k++)
		if (app_uses_caller(h->apps.items[k], caller))
			return true;
	return false;
}

const struct spec *instance_spec(const struct instance *i)
{
	return i->revision->spec;
}

int64_t herd_caller(const struct herd *h, const char *app)
{
	const struct app *a = app_find(h, app);

	return a ? a->target->caller : 0;
}

const struct spec *herd_spec(const struct herd *h, const char *app)
{
	const struct app *a = app_find(h, app);

	return a ? a->spec : NULL;
}
