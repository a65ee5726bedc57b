/*
 * Ports of a rollout that others have.  Those that move onto ports that the app has already, as from 3000-3003 to 3001-3004: who goes first is whose
 * new port is free.  And spares: instances beside the count, on ports of their own, which a rollout starts so that as many serve as before.
 */
#include <stdlib.h>

#include "base/assert.h"
#include "base/log.h"
#include "base/mem.h"
#include "herd/deploy.h"
#include "herd/herd_private.h"

/* A port that an instance has, and keeps until it is replaced. */
struct taken {
	int port;
	size_t position;
};

static int compare(const void *left, const void *right)
{
	const struct taken *a = left;
	const struct taken *b = right;

	return (a->port > b->port) - (a->port < b->port);
}

/* What it is to have by the target; 0: nothing of its own. */
static int next_port(const struct instance *i)
{
	const struct revision *r = i->app->target;
	bool is_nobodys = r->spec->port_mode == PORT_SHARED && !spec_has_gate(r->spec);

	return instance_is_spare(i) || instance_is_retired(i) || is_nobodys ? 0 : revision_port(r, i->number);
}

/*
 * Where it stays by the target too there is nothing to wait for, nor behind one gate; who had a port alone and who shares it are not there together.
 * A spare of another revision does not stay.
 */
static bool is_to_give_up(const struct instance *i, const struct rollout_slot *s)
{
	bool is_in_use = i->port && state_is_live(i->state) && !s->is_target && !instance_is_retired(i);
	bool was_shared = instance_gate(i) != 0;
	bool is_shared = spec_has_gate(i->app->target->spec);

	ASSERT_OF(i, s->seat != SEAT_SPARE || instance_is_spare(i), "has the seat of a spare");
	if (!is_in_use || (was_shared && is_shared))
		return false;
	return was_shared != is_shared || s->seat != SEAT_REAL || i->port != next_port(i);
}

/* Another one than `position` that has the port; NULL: nobody. */
static const struct taken *find_taken(const struct taken *taken, size_t count, int port, size_t position)
{
	const struct taken key = { .port = port };
	const struct taken *found =
		port && count ? bsearch(&key, taken, count, sizeof(*taken), compare) : NULL;

	/* A port that was shared has many. */
	if (found && found->position == position && found > taken && found[-1].port == port)
		return found - 1;
	if (found && found->position == position && found + 1 < taken + count && found[1].port == port)
		return found + 1;
	return found;
}

void rollout_mark_held(const struct app *a, struct rollout_slot *slots)
{
	struct taken *taken = mem_zalloc(a->instances.len + 1, sizeof(*taken));
	size_t count = 0;
	size_t k = 0;
	const struct instance *i = NULL;

	VEC_EACH (&a->instances, k, i) {
		if (is_to_give_up(i, &slots[k]))
			taken[count++] = (struct taken){ .port = i->port, .position = k };
	}
	ASSERT(count <= a->instances.len, "%s has %zu ports of %zu instances", a->spec->name, count,
		a->instances.len);
	if (count)
		qsort(taken, count, sizeof(*taken), compare);
	VEC_EACH (&a->instances, k, i) {
		const struct taken *found = find_taken(taken, count, next_port(i), k);

		slots[k].is_held = found && found->position != k;
		slots[k].holder = found ? found->position : 0;
	}
	mem_free(taken);
}

bool rollout_begins_to_share(const struct app *a)
{
	size_t k = 0;
	const struct instance *i = NULL;

	if (!spec_has_gate(a->target->spec))
		return false;
	VEC_EACH (&a->instances, k, i) {
		if (i->phase != PHASE_NONE && !instance_gate(i) && i->port == revision_port(a->target, 0))
			return true;
	}
	return false;
}

/* --- spares --- */

static bool has_port(const struct herd *h, int port)
{
	for (size_t k = 0; k < h->apps.len; k++) {
		const struct app *a = h->apps.items[k];

		for (int n = 0; n < a->target->ports_len || n < a->current->ports_len; n++)
			if (revision_port(a->target, n) == port || revision_port(a->current, n) == port)
				return true;
	}
	for (size_t k = 0; k < h->slots.len; k++)
		if (((const struct instance *)h->slots.items[k])->port == port)
			return true;
	return h->options.is_port_busy && h->options.is_port_busy(h->options.context, port);
}

/* The one that the number would have if nobody has it, else the next free one behind the block; 0: the app has no ports, -1: none is left. */
static int spare_port(const struct app *a, int number)
{
	const struct revision *r = a->target;
	int step = r->spec->port_step > 1 ? (int)r->spec->port_step : 1;
	int count = r->ports_len < a->count ? r->ports_len : a->count;
	int64_t own = 0;
	int last = 0;

	if (!revision_port(r, 0) || r->spec->port_mode == PORT_SHARED)
		return revision_port(r, 0);
	for (int n = 0; n < count; n++)
		if (r->ports[n] > last)
			last = r->ports[n];
	/* Those between are for the numbers between. */
	own = last + (int64_t)(number - count + 1) * step;
	if (own <= PORTS_LAST && !has_port(a->herd, (int)own))
		return (int)own;
	for (int port = last + step; port <= PORTS_LAST; port += step)
		if (!has_port(a->herd, port))
			return port;
	return -1;
}

static int spare_number(const struct app *a)
{
	int number = a->count > a->rollout->count ? a->count : a->rollout->count;

	while (number < APP_INSTANCES_MAX && app_instance(a, number))
		number++;
	ASSERT(number >= a->rollout->count, "%s has a spare among its own (%d)", a->spec->name, number);
	return number;
}

/* On the way back it has to do without: there is nothing to fall back on. */
static void no_spare(struct rollout *r, const struct reason *why)
{
	if (r->phase == ROLLOUT_BACK) {
		r->is_spareless = true;
		log_warn("%s: rolling back without a spare instance, as none can be started",
			r->app->spec->name);
		return;
	}
	ASSERT(why && !r->is_spareless, "%s does without a spare for nothing", r->app->spec->name);
	rollout_set_failure(r, why);
	rollout_fail(r);
}

void spare_add(struct app *a)
{
	struct rollout *r = a->rollout;
	int number = spare_number(a);
	int port = spare_port(a, number);
	struct instance *i = NULL;

	if (number == APP_INSTANCES_MAX || port < 0) {
		const struct reason *why =
			number == APP_INSTANCES_MAX ? &REASON_OF(NO_SPARE_ROOM) : &REASON_OF(NO_SPARE_PORT);

		no_spare(r, why);
		return;
	}
	i = app_add_instance(a, number, a->herd->last_slot + 1);
	instance_set_tenure(i, TENURE_SPARE);
	i->wants_up = true;
	i->port = port;
	i->published_step = ROLLOUT_STEP_WAITS;
	revision_set(&i->revision, a->target);
	instance_mark_dirty(i);
	ASSERT_OF(i, instance_is_spare(i) && !instance_is_retired(i) && i->revision == a->target,
		"is a new spare, and goes");
}

void spare_drop(struct instance *i)
{
	ASSERT_OF(i, instance_is_spare(i), "is dropped, and is no spare");
	instance_retire(i);
	instance_mark_dirty(i);
}
