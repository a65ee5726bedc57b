/*
 * Ports that move in a rollout onto those that the app has already, as from 3000-3003 to 3001-3004: who goes first is whose new port is free.
 */
#include <stdlib.h>

#include "base/assert.h"
#include "base/mem.h"
#include "herd/deploy.h"

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

	return instance_is_spare(i) || instance_is_retired(i) || r->spec->port_mode == PORT_SHARED
		? 0
		: revision_port(r, i->number);
}

/* Where it stays by the target too there is nothing to wait for. */
static bool is_to_give_up(const struct instance *i, const struct rollout_slot *s)
{
	bool is_in_use = i->port && state_is_live(i->state) && !s->is_target && !instance_is_retired(i) &&
		!instance_is_spare(i);

	ASSERT_OF(i, s->seat != SEAT_SPARE || instance_is_spare(i), "has the seat of a spare");
	return is_in_use && (s->seat == SEAT_SURPLUS || i->port != next_port(i));
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
		const struct taken key = { .port = next_port(i) };
		const struct taken *found =
			key.port && count ? bsearch(&key, taken, count, sizeof(*taken), compare) : NULL;

		slots[k].is_held = found && found->position != k;
		slots[k].holder = found ? found->position : 0;
	}
	mem_free(taken);
}
