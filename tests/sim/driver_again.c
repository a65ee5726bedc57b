/*
 * Scaling, and what is asked for under a key: a client that loses its brain before it has an answer asks the next one again, and it is done once.
 */
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "herd/herd_private.h"
#include "sim.h"

/* One that was too many, and is not gone yet, stays what it is. */
void driver_resize(struct sim *s, int app, int count)
{
	struct want *w = &s->wants[app];

	for (int n = w->count; n < count; n++)
		w->up[n] = driver_wants_up(s, app, n, w->is_up);
	w->count = count;
}

static int scale(
	struct sim *s, int app, int count, const struct herd_scaling *scaling, struct asked *a, bool waits)
{
	struct want before = s->wants[app];
	struct herd_scaling copy = *scaling;
	struct err e = ERR_INIT;
	int rc = 0;

	sim_trace(
		s, "request %llu: scale %s=%d", (unsigned long long)(a ? a->id : 0), town_names[app], count);
	if (before.exists && !s->is_shutting_down)
		driver_resize(s, app, count);
	rc = herd_scale(s->h, a ? a->id : 0, &copy, 1, waits, s->now, &e);
	if (rc < 0) {
		driver_settle_failed(a);
		/* A written port may be in the way of another; an automatic block always finds room. */
		if (before.exists && !s->is_shutting_down && !town_has_port(app))
			sim_fail(s, "scale %s=%d was refused: %s", town_names[app], count, e.text.ptr);
		s->wants[app] = before;
	}
	err_release(&e);
	return rc;
}

void driver_scale(struct sim *s, uint64_t *random)
{
	int app = (int)sim_draw(random, SIM_APPS);
	int count = (int)sim_draw(random, SIM_COUNT_MAX + 1);
	struct want before = s->wants[app];
	struct asked *a = driver_ask(s, random);
	struct herd_scaling scaling = {
		.app = town_names[app],
		.count = { .kind = COUNT_NUMBER, .value = count },
	};

	if (sim_chance(random, 30)) {
		scaling.is_relative = true;
		scaling.delta = count - before.count;
	}
	(void)scale(s, app, count, &scaling, a, sim_chance(random, 50));
}
/* --- under a key --- */

/* How many the herd has of it; -1: there is no such app, or its count may change by itself. */
static int count_of(const struct sim *s, int app)
{
	const struct app *a = app_find(s->h, town_names[app]);

	return a && !a->is_deleting && !a->rollout ? a->count : -1;
}

static void check_once(struct sim *s, const struct again *q)
{
	int count = count_of(s, q->app);

	if (!q->is_clean || count < 0 || count == q->before + q->delta)
		return;
	sim_fail(s, "%s had %d instances, was scaled by %d once, and has %d", town_names[q->app], q->before,
		q->delta, count);
}

static void begin(struct sim *s, struct asked *a)
{
	struct again *q = &s->again;
	struct herd_scaling scaling = { .app = town_names[q->app], .is_relative = true, .delta = q->delta };

	q->before = count_of(s, q->app);
	q->is_clean = q->before >= 0;
	/* The next brain may know of more or fewer than there were: then nobody wants that any more. */
	if (!q->is_clean || q->before + q->delta < 0 || q->before + q->delta > SIM_COUNT_MAX) {
		driver_settle_failed(a);
		q->id = 0;
		return;
	}
	q->is_begun = true;
	herd_receipt_open(s->h, q->key, s->now);
	if (scale(s, q->app, q->before + q->delta, &scaling, a, q->waits) == 0) {
		herd_receipt_close(s->h, "{}");
		check_once(s, q);
	} else {
		herd_receipt_close(s->h, NULL);
		q->id = 0;
	}
}

/* As a client does it that does not know how far its brain had come. */
void again_ask(struct sim *s, bool is_exact)
{
	struct again *q = &s->again;
	uint64_t random = sim_mix(s->seed, s->steps);
	struct herd_receipt receipt;
	struct asked *a = NULL;

	if (!q->id)
		return;
	q->id = 0;
	while (!a)
		a = driver_ask(s, &random);
	q->id = a->id;
	if (!herd_receipt_find(s->h, q->key, &receipt)) {
		if (is_exact && q->is_begun)
			sim_fail(s, "what was asked under %s is done, and nobody knows of it", q->key);
		begin(s, a);
		return;
	}
	sim_trace(s, "request %llu: %s once more", (unsigned long long)a->id, q->key);
	check_once(s, q);
	if (receipt.is_done) {
		a->id = 0;
		q->id = 0;
	} else {
		herd_receipt_wait(s->h, q->key, a->id);
	}
}

void driver_once(struct sim *s, uint64_t *random)
{
	struct again *q = &s->again;
	struct asked *a = NULL;

	if (q->id || s->is_shutting_down)
		return;
	memset(q, 0, sizeof(*q));
	q->app = (int)sim_draw(random, SIM_APPS);
	q->waits = sim_chance(random, 50);
	a = driver_ask(s, random);
	if (!a || count_of(s, q->app) < 0) {
		driver_settle_failed(a);
		return;
	}
	q->delta = count_of(s, q->app) < SIM_COUNT_MAX && sim_chance(random, 60) ? 1 : -1;
	if (count_of(s, q->app) + q->delta < 0)
		q->delta = 1;
	(void)snprintf(q->key, sizeof(q->key), "key-%llu", (unsigned long long)a->id);
	q->id = a->id;
	begin(s, a);
	if (s->dies_in < 0 && sim_chance(random, 60)) {
		s->is_store_prompt = sim_chance(random, 70);
		s->dies_in = (int64_t)sim_draw(random, 6);
		s->dies_at_effect = -1;
		brain_save(s);
	}
}
