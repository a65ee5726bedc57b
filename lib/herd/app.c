/*
 * One app: its definition, its instances, and how many of them are wanted, ready and leaving, kept by counting so that a thousand
 * dependents cost nothing while nothing changes.
 */
#include <stdio.h>

#include "base/assert.h"
#include "base/mem.h"
#include "base/str.h"
#include "herd/gone_spares.h"
#include "herd/herd_private.h"
#include "herd/request_wait.h"
#include "herd/revision.h"
#include "model/wait_result.h"

/* The command of an app whose definition was lost: it only explains that. */
static const char lost_words[] =
	"echo \"the definition of $OXHERD_APP was lost: type 'oxctl deploy' in its folder\" >&2; exit 1";

void spec_set_lost(struct spec *s)
{
	(void)command_from_line(&s->command, lost_words, NULL);
}

bool app_is_lost(const struct app *a)
{
	return str_eq(a->target->spec->command.text, lost_words);
}

struct app *app_new(struct herd *h, struct revision *first)
{
	struct app *a = mem_zalloc(1, sizeof(*a));

	ASSERT(!app_find(h, first->spec->name), "there is an app '%s' already", first->spec->name);
	a->herd = h;
	a->current = first;
	a->last_revision = first->number;
	app_retarget(a, first);
	a->scaled = -1;
	a->arrival = ++h->arrivals;
	a->position = h->apps.len;
	map_put(&h->names, a->spec->name, a);
	vec_push(&h->apps, a);
	ASSERT(h->apps.items[a->position] == a && app_find(h, a->spec->name) == a,
		"%s is new, and cannot be found", a->spec->name);
	return a;
}

void app_free(struct app *a)
{
	timer_disarm(&a->herd->timers, &a->starts.timer);
	proxy_view_release(&a->proxy);
	gate_view_release(&a->gate_wished);
	rollout_free(a->rollout);
	wait_result_free(a->verdict);
	revision_drop(a->previous);
	revision_drop(a->target);
	revision_drop(a->current);
	vec_release(&a->instances);
	vec_release(&a->needs);
	vec_release(&a->needed_by);
	budget_release(&a->health_budget);
	mem_free(a);
}

void app_retarget(struct app *a, struct revision *r)
{
	ASSERT(r && r->refs > 0, "an app is to run by a revision that is gone");
	revision_set(&a->target, r);
	a->spec = r->spec;
	if (!a->herd->is_restoring && spec_has_gate(a->spec))
		app_give_gate(a);
	if (a->gate)
		gate_is_stale(a);
	if (a->starts.first)
		start_queue_arm(a);
	if (r->number > a->last_revision)
		a->last_revision = r->number;
	ASSERT(a->target == r && a->last_revision >= r->number, "%s runs by revision %d of %d", a->spec->name,
		r->number, a->last_revision);
}

struct app *app_find(const struct herd *h, const char *name)
{
	return map_get(&h->names, name);
}

/* Where the number is in the row, or would be. */
static size_t number_position(const struct app *a, int number)
{
	size_t low = 0;
	size_t high = a->instances.len;

	while (low < high) {
		size_t middle = (low + high) / 2;
		const struct instance *i = a->instances.items[middle];

		if (i->number < number)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct instance *app_instance(const struct app *a, int number)
{
	size_t position = number_position(a, number);
	struct instance *i = position < a->instances.len ? a->instances.items[position] : NULL;

	return i && i->number == number ? i : NULL;
}

bool app_is_ready(const struct app *a)
{
	/* During a deploy a spare may be ready too. */
	return !a->is_deleting && a->wanted > 0 && a->ready >= a->wanted;
}

static struct reason waiting_reason(const struct app *need, const char *name)
{
	ASSERT(!need || need->is_deleting || !app_is_ready(need), "'%s' is waited for, and is ready", name);
	if (!need || need->is_deleting)
		return REASON_OF(NEED_MISSING, .app = name);
	if (!need->wanted)
		return REASON_OF(NEED_STOPPED, .app = name);
	return REASON_OF(NEED_NOT_READY, .app = name, .count = need->ready, .limit = need->wanted);
}

bool app_is_waiting(const struct app *a, struct reason *why)
{
	for (size_t k = 0; k < a->spec->depends_on.len; k++) {
		const char *name = a->spec->depends_on.items[k];
		const struct app *need = app_find(a->herd, name);

		if (need && app_is_ready(need))
			continue;
		if (why)
			*why = waiting_reason(need, name);
		return true;
	}
	return false;
}

bool app_keeps_upstream(const struct app *a)
{
	return a->spec->nginx.output && !a->is_deleting;
}

bool app_has_upstream(const struct app *a)
{
	return a->spec->nginx.output || a->proxy.spec;
}

void app_mark_dirty(struct app *a)
{
	for (size_t k = 0; k < a->instances.len; k++)
		instance_mark_dirty(a->instances.items[k]);
}

void app_publish(struct app *a, const struct reason *why)
{
	struct herd_event event = {
		.kind = HERD_EVENT_APP,
		.app = a->spec->name,
		.instance = -1,
		.why = why,
		.delay_ms = -1,
	};

	ASSERT(why, "%s: an event without a reason", a->spec->name);
	herd_publish(a->herd, &event);
}

struct instance *app_add_instance(struct app *a, int number, uint32_t slot)
{
	struct instance *i = instance_new(a, number, slot);
	size_t position = number_position(a, number);

	ASSERT(number >= 0 && number < APP_INSTANCES_MAX, "%s gets an instance %d", a->spec->name, number);
	ASSERT(!app_instance(a, number), "%s has an instance %d already", a->spec->name, number);
	if (a->herd->gone.len)
		gone_drop(a, number);
	vec_insert(&a->instances, position, i);
	herd_add_slot(a->herd, i);
	instance_mark_dirty(i);
	ASSERT(app_instance(a, number) == i && herd_by_slot(a->herd, slot) == i,
		"%s:%d is added, and cannot be found", a->spec->name, number);
	return i;
}

/* A spare whose number is one of the app's own now: it stays, on the port that goes with the number. */
static void settle_down(struct instance *i)
{
	bool moves = false;

	ASSERT(instance_is_spare(i), "%s:%d settles down, and is no spare", i->app->spec->name, i->number);
	instance_set_tenure(i, TENURE_STAYS);
	i->has_ended = false;
	i->wants_up = i->app->wants_up;
	i->takes_target = !instance_port(i) && revision_port(i->app->target, i->number);
	moves = i->takes_target || i->port != instance_port(i);
	if (moves && state_is_live(i->state))
		instance_restart(i);
	else if (moves)
		instance_stop_checking(i);
	instance_mark_dirty(i);
	ASSERT_OF(i, i->tenure == TENURE_STAYS, "has settled down, and goes");
}

/* A spare has the port that a real one is to have. */
static bool is_in_the_way(const struct instance *spare)
{
	const struct app *a = spare->app;

	ASSERT_OF(spare, instance_is_spare(spare), "is looked at as a spare");
	for (int n = 0; spare->port && a->spec->port_mode != PORT_SHARED && n < a->count; n++)
		if (revision_port(a->target, n) == spare->port)
			return true;
	return false;
}

static void bring_back(struct instance *i)
{
	ASSERT(!instance_is_spare(i), "%s:%d is brought back, and is a spare", i->app->spec->name, i->number);
	instance_set_tenure(i, TENURE_STAYS);
	i->has_ended = false;
	i->wants_up = i->app->wants_up;
	instance_mark_dirty(i);
	ASSERT_OF(i, !instance_is_retired(i), "is brought back, and goes");
}

void app_resize(struct app *a, int count)
{
	ASSERT(count >= 0 && count <= APP_INSTANCES_MAX, "%s is to have %d instances", a->spec->name, count);
	a->count = count;
	for (int number = 0; number < count; number++) {
		struct instance *i = app_instance(a, number);

		if (!i)
			app_add_instance(a, number, a->herd->last_slot + 1);
		else if (instance_is_spare(i))
			settle_down(i);
		else if (instance_is_retired(i))
			bring_back(i);
	}
	for (size_t k = 0; k < a->instances.len; k++) {
		struct instance *i = a->instances.items[k];

		if (i->number < count || instance_is_retired(i) ||
			(instance_is_spare(i) && !is_in_the_way(i)))
			continue;
		instance_retire(i);
		instance_mark_dirty(i);
	}
	ASSERT(a->instances.len >= (size_t)count && (!count || app_instance(a, count - 1)),
		"%s has %zu instances, and is to have %d", a->spec->name, a->instances.len, count);
}

static void end(struct app *a)
{
	struct herd *h = a->herd;

	ASSERT(!a->instances.len && a->is_deleting, "%s ends with %zu instances", a->spec->name,
		a->instances.len);
	ASSERT(h->apps.items[a->position] == a, "%s does not stand where it says", a->spec->name);
	ASSERT(!a->wanted && !a->ready && !a->going_down, "%s has no instances, and counts some",
		a->spec->name);
	app_publish(a, &REASON_OF(APP_REMOVED));
	if (a->proxy.spec)
		upstream_forget(a);
	app_close_gate(a);
	if (h->gone.len)
		gone_drop(a, -1);
	vec_remove(&h->apps, a->position);
	map_remove(&h->names, a->spec->name);
	app_free(a);
	graph_link(h);
	h->is_changed = true;
}

void app_delete(struct app *a)
{
	rollout_drop(a);
	a->is_deleting = true;
	a->wants_up = false;
	app_resize(a, 0);
	/* Dependents hear of it by the count, and those that wait see that there is nothing to wait for. */
	ASSERT(!a->rollout && !a->count, "%s is deleted, and its rollout is under way", a->spec->name);
	if (!a->instances.len)
		end(a);
}

void app_remove(struct instance *i)
{
	struct app *a = i->app;
	struct herd *h = a->herd;
	size_t position = number_position(a, i->number);

	ASSERT(instance_is_retired(i) && i->phase == PHASE_NONE, "%s:%d is removed while it is %s",
		i->app->spec->name, i->number, phase_word(i->phase));
	ASSERT(a->instances.items[position] == i && !i->next_dirty,
		"%s:%d is removed, and is still to take a step", i->app->spec->name, i->number);
	if (i->health_slot != HEALTH_SLOT_NONE)
		health_slot_release(i);
	if (a->rollout) {
		rollout_tell_gone(i);
		rollout_is_stale(a);
	}
	vec_remove(&a->instances, position);
	herd_remove_slot(h, i);
	ASSERT_OF(i, !app_instance(a, i->number), "is removed, and is there");
	h->is_changed = true;
	if (h->requests.len)
		requests_look(h, i);
	if (instance_is_spare(i) && !a->is_deleting)
		gone_add(i, h->now);
	else
		instance_forget(i);
	if (a->is_deleting && !a->instances.len)
		end(a);
}

/* --- revisions --- */

struct revision *revision_new(struct spec *spec, int number)
{
	struct revision *r = mem_zalloc(1, sizeof(*r));

	ASSERT(spec, "revision %d has no definition", number);
	r->refs = 1;
	r->number = number;
	r->spec = spec;
	return r;
}

struct revision *revision_ref(struct revision *r)
{
	ASSERT(r->refs > 0, "revision %d is gone, and is used", r->number);
	r->refs++;
	return r;
}

void revision_drop(struct revision *r)
{
	if (!r)
		return;
	ASSERT(r->refs > 0, "revision %d is dropped twice", r->number);
	if (--r->refs)
		return;
	spec_free(r->spec);
	build_free(r->build);
	mem_free(r->ports);
	mem_free(r);
}

void revision_set(struct revision **to, struct revision *r)
{
	struct revision *old = *to;

	*to = r ? revision_ref(r) : NULL;
	revision_drop(old);
	ASSERT(!r || r->refs > 0, "revision %d is used, and gone", r->number);
}

int revision_port(const struct revision *r, int number)
{
	ASSERT(number >= 0, "the port of instance %d is asked for", number);
	/* One for all, however many they were when it was given. */
	if (r->ports_len > 0 && spec_has_gate(r->spec))
		return r->ports[0];
	return number < r->ports_len ? r->ports[number] : 0;
}

bool revision_owns_ports(const struct revision *r)
{
	return r->port_source == PORT_WRITTEN || r->port_source == PORT_BLOCK;
}

void revision_pin(struct revision *r)
{
	r->is_pinned = true;
}

const struct build *revision_own(const struct revision *r)
{
	return r->is_pinned && r->build && r->build->folder ? r->build : NULL;
}

void revision_take_build(struct revision *r, struct build *b)
{
	ASSERT(!b || r->build != b, "revision %d gets the build that it has", r->number);
	build_free(r->build);
	r->build = b;
}
