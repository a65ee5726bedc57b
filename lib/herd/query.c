/*
 * Questions about the herd; nothing here changes it.
 */
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "herd/deploy.h"
#include "herd/herd_private.h"
#include "view/reason_text.h"

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

const struct instance *herd_starting(const struct herd *h, uint64_t generation)
{
	size_t k = 0;
	const struct instance *i = NULL;

	VEC_EACH (&h->slots, k, i) {
		if (i->generation == generation && i->state == STATE_STARTING)
			return i;
	}
	return NULL;
}

struct ticket instance_ticket(const struct instance *i)
{
	return (struct ticket){ .slot = i->slot, .generation = i->generation };
}

int64_t instance_gate(const struct instance *i)
{
	return i->port && spec_has_gate(instance_spec(i)) ? i->app->gate : 0;
}

struct endpoint instance_endpoint(const struct instance *i)
{
	return (struct endpoint){ .port = i->port, .ticket = instance_ticket(i), .gate = instance_gate(i) };
}

const char *instance_app(const struct instance *i)
{
	return i->app->spec->name;
}

int instance_number(const struct instance *i)
{
	return i->number;
}

int64_t instance_pid(const struct instance *i)
{
	return i->pid;
}

bool instance_has_checks(const struct instance *i)
{
	return i->checkup;
}

enum state instance_state(const struct instance *i)
{
	return i->state;
}

/* `name` is for the one whose start it waits for. */
static struct reason staggered_reason(const struct instance *i, struct buf *name)
{
	const struct instance *before = start_queue_before(i);

	if (before)
		instance_name(before, name);
	return REASON_OF(STAGGERED, .instance = before ? name->ptr : NULL, .ms = i->app->spec->stagger_ms);
}

static struct reason starting_reason(const struct instance *i, struct buf *name)
{
	switch (i->phase) {
	case PHASE_DELAYED:
		return REASON_OF(START_DELAY);
	case PHASE_STAGGERED:
		return staggered_reason(i, name);
	case PHASE_CHECKING:
		return REASON_OF(CHECKING_PORT, .port = i->port);
	case PHASE_SPAWNING:
		return REASON_OF(SPAWNING);
	default:
		return REASON_OF(AWAITS_READY, .expects = spec_ready(instance_spec(i)),
			.detail = i->notify ? instance_notify_status(i) : NULL,
			.cause = i->checkup ? instance_check_reason(i) : NULL);
	}
}

static struct reason leftovers_reason(const struct instance *i)
{
	return REASON_OF(
		LEFTOVERS, .sent = instance_is_killed(i) ? "SIGKILL" : spec_stop_signal(instance_spec(i)));
}

static struct reason stopping_reason(const struct instance *i)
{
	if (i->is_unkillable)
		return REASON_OF(IS_UNKILLABLE);
	if (i->phase == PHASE_LEFTOVERS)
		return leftovers_reason(i);
	if (instance_is_killed(i))
		return REASON_OF(KILL_SENT);
	if (instance_spec(i)->shutdown_with_message)
		return REASON_OF(MESSAGE_SENT, .cause = i->why);
	return REASON_OF(SIGNAL_SENT, .sent = spec_stop_signal(instance_spec(i)), .cause = i->why);
}

static struct reason unhealthy_reason(const struct instance *i)
{
	static const struct reason unhealthy = { .kind = REASON_UNHEALTHY };
	const struct reason *why = i->why ? i->why : &unhealthy;

	if (i->health_slot != HEALTH_SLOT_WAITING)
		return *why;
	return REASON_OF(RESTART_WAITS, .app = i->app->spec->name,
		.limit = (int64_t)i->app->health_budget.most, .cause = why);
}

/* False where there is nothing to say. */
static bool down_reason(const struct instance *i, struct reason *out)
{
	bool has_leftovers = instance_should_run(i) && i->phase == PHASE_LEFTOVERS;

	if (has_leftovers)
		*out = i->is_unkillable ? REASON_OF(LEFTOVERS_UNKILLABLE) : leftovers_reason(i);
	else if (i->state == STATE_BLOCKED && i->phase == PHASE_NONE && app_is_waiting(i->app, out))
		return true;
	else if (i->why)
		*out = *i->why;
	return has_leftovers || i->why;
}

/* The same, of one that runs. */
static bool running_reason(const struct instance *i, struct reason *out)
{
	if (app_is_lost(i->app))
		*out = REASON_OF(DEFINITION_LOST, .app = i->app->spec->name);
	else if (i->checkup && instance_check_reason(i))
		*out = REASON_OF(CHECK_FAILED, .cause = instance_check_reason(i));
	else if (i->notify && instance_notify_status(i))
		*out = REASON_OF(SAYS, .detail = instance_notify_status(i));
	else if (instance_port(i) && i->port != instance_port(i))
		*out = REASON_OF(PORT_MOVES, .port = i->port, .next_port = instance_port(i));
	else
		return false;
	return true;
}

/* The same; it borrows from the instance, and from `name`. */
static bool current_reason(const struct instance *i, struct buf *name, struct reason *out)
{
	if (i->state == STATE_STOPPING)
		*out = stopping_reason(i);
	else if (i->drain == DRAIN_REMOVING)
		*out = REASON_OF(LEAVING_UPSTREAM);
	else if (i->drain == DRAIN_DRAINING)
		*out = REASON_OF(DRAINING);
	else if (instance_is_going_down(i))
		*out = REASON_OF(AFTER_DEPENDENTS);
	else if (i->state == STATE_STARTING)
		*out = starting_reason(i, name);
	else if (i->state == STATE_UNHEALTHY)
		*out = unhealthy_reason(i);
	else if (i->state == STATE_RUNNING)
		return running_reason(i, out);
	else
		return down_reason(i, out);
	return true;
}

struct reason *instance_reason(const struct instance *i)
{
	struct buf name = BUF_INIT;
	struct reason why;
	struct reason *copy = current_reason(i, &name, &why) ? reason_copy(&why) : NULL;

	buf_release(&name);
	return copy;
}

static const char *health_of(const struct instance *i)
{
	bool runs = i->state == STATE_RUNNING || i->state == STATE_UNHEALTHY;

	return health_word(runs || i->health == HEALTH_NONE ? i->health : HEALTH_UNKNOWN);
}

int instance_shown_port(const struct instance *i)
{
	return i->pid ? i->port : instance_port(i);
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
	out->port = instance_shown_port(i);
	out->revision = i->revision->number;
	out->uptime_ms = runs ? now - i->started_at : -1;
	out->restarts = i->restarts;
	out->crashes = i->history ? i->history->crashes : 0;
	out->last_exit = i->last_exit;
	if (waits)
		out->next_restart_ms = i->life.at > now ? i->life.at - now : 0;
	out->why = instance_reason(i);
	if (out->why)
		reason_text(out->why, &out->reason);
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
	if (a->rollout)
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
		(a->previous && a->previous->caller == caller) ||
		(a->rollout && a->rollout->to->caller == caller))
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

bool herd_upstream_status(const struct herd *h, size_t index, struct upstream_status *out)
{
	const struct app *a = h->apps.items[index];
	const struct proxy_view *v = &a->proxy;

	if (!v->spec || !app_keeps_upstream(a))
		return false;
	*out = (struct upstream_status){
		.app = a->spec->name,
		.output = a->spec->nginx.output,
		.servers = v->servers,
		.count = v->count,
		.is_in_effect = v->in_effect && v->in_effect == v->naming,
		.is_pending = v->answered < v->serial,
	};
	return true;
}

struct herd_counts herd_counts(const struct herd *h)
{
	struct herd_counts counts = h->counts;

	counts.instances = h->slots.len;
	for (size_t k = 0; k < h->slots.len; k++)
		counts.processes += instance_pid(h->slots.items[k]) > 0;
	counts.timers = h->timers.len;
	for (size_t k = 1; k <= h->timers.len; k++)
		counts.checks += h->timers.heap[k]->kind == TIMER_CHECK;
	counts.requests = h->requests.len;
	ASSERT(counts.checks <= counts.timers, "%zu of %zu timers are checks", (size_t)counts.checks,
		(size_t)counts.timers);
	return counts;
}
