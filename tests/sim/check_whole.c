/*
 * The herd as a whole, after each step: rows that are in order, places that are what they say, counts that are what is counted.  The herd itself
 * asserts only what is cheap.
 */
#include "herd/deploy.h"
#include "herd/request_wait.h"
#include "sim.h"

static void check_timers(struct sim *s, const struct timers *t)
{
	for (size_t k = 1; k <= t->len; k++) {
		const struct timer *timer = t->heap[k];

		if (timer->position != k)
			sim_fail(s, "the timer at place %zu says that it stands at %zu", k, timer->position);
		if (k > 1 && timer->at < t->heap[k / 2]->at)
			sim_fail(s, "the timer at place %zu is due before the one above it", k);
	}
}

static void check_slots(struct sim *s, const struct herd *h)
{
	for (size_t k = 0; k < h->slots.len; k++) {
		const struct instance *i = h->slots.items[k];
		const struct instance *before = k ? h->slots.items[k - 1] : NULL;

		if (i->slot > h->last_slot || (before && before->slot >= i->slot))
			sim_fail(s, "slot %u stands at place %zu, out of order", i->slot, k);
		if (app_instance(i->app, i->number) != i || i->gone_at != INT64_MIN)
			sim_fail(s, "slot %u is %s:%d's, which is not there", i->slot, i->app->spec->name,
				i->number);
		if (i->next_dirty)
			sim_fail(s, "%s:%d has a step left", i->app->spec->name, i->number);
		if (i->generation > h->last_generation)
			sim_fail(s, "%s:%d is of an attempt that nobody made", i->app->spec->name, i->number);
		if (i->life.owner != i || i->tree.owner != i || i->revision->refs < 1)
			sim_fail(s, "%s:%d has what is another's", i->app->spec->name, i->number);
	}
}

/* Who may be down for its health, and who waits for that. */
static void check_budget(struct sim *s, const struct app *a)
{
	const struct budget *b = &a->health_budget;
	size_t count = 0;

	for (size_t k = 0; k < a->instances.len; k++)
		count += ((const struct instance *)a->instances.items[k])->health_slot != HEALTH_SLOT_NONE;
	if (count != b->len || b->held > b->len)
		sim_fail(s, "%s: %zu have a health slot or wait for one, and %zu are known", a->spec->name,
			count, b->len);
	for (size_t k = 0; k < b->len; k++) {
		const struct instance *i = herd_by_slot(a->herd, b->slots[k]);
		enum health_slot is = k < b->held ? HEALTH_SLOT_HELD : HEALTH_SLOT_WAITING;

		if (!i || i->app != a || i->health_slot != is)
			sim_fail(s, "%s: slot %u is known to have a health slot, or to wait for one",
				a->spec->name, b->slots[k]);
	}
}

static void check_row(struct sim *s, const struct app *a)
{
	int wanted = 0;
	int ready = 0;
	int going_down = 0;

	for (size_t k = 0; k < a->instances.len; k++) {
		const struct instance *i = a->instances.items[k];
		const struct instance *before = k ? a->instances.items[k - 1] : NULL;

		wanted += i->counted & COUNTED_WANTED ? 1 : 0;
		ready += i->counted & COUNTED_READY ? 1 : 0;
		going_down += i->counted & COUNTED_GOING_DOWN ? 1 : 0;
		if (i->app != a || (before && before->number >= i->number) ||
			herd_by_slot(a->herd, i->slot) != i)
			sim_fail(s, "%s:%d stands at place %zu, out of order", a->spec->name, i->number, k);
	}
	if (wanted != a->wanted || ready != a->ready || going_down != a->going_down)
		sim_fail(s, "%s counts %d wanted, %d ready, %d going down, and there are %d, %d, %d",
			a->spec->name, a->wanted, a->ready, a->going_down, wanted, ready, going_down);
}

/* Who waits for its turn to start. */
static void check_queue(struct sim *s, const struct app *a)
{
	size_t waiting = 0;

	for (size_t k = 0; k < a->instances.len; k++)
		waiting += ((const struct instance *)a->instances.items[k])->phase == PHASE_STAGGERED;
	for (const struct instance *i = a->starts.first; i; i = i->queue_next) {
		if (i->app != a || i->phase != PHASE_STAGGERED || (!i->queue_next && a->starts.last != i))
			sim_fail(s, "%s:%d waits for its turn to start, and has no place", a->spec->name,
				i->number);
		waiting--;
	}
	if (waiting || timer_is_armed(&a->starts.timer) != (a->starts.first != NULL))
		sim_fail(s, "%s: not all that wait for their turn to start are in its queue", a->spec->name);
}

static void check_place(struct sim *s, const struct herd *h, size_t at)
{
	const struct app *a = h->apps.items[at];

	if (a->position != at || app_find(h, a->spec->name) != a)
		sim_fail(s, "%s stands at place %zu, and says %zu", a->spec->name, at, a->position);
	if (a->spec != a->target->spec || a->current->refs < 1)
		sim_fail(s, "%s does not run by what it is to run by", a->spec->name);
	if (a->rollout && (a->rollout->app != a || a->rollout->timer.owner != a))
		sim_fail(s, "%s has the rollout of another", a->spec->name);
	for (size_t k = 0; k < a->needs.len; k++)
		if (((const struct app *)a->needs.items[k])->level >= a->level)
			sim_fail(s, "%s stands no higher than what it needs", a->spec->name);
}

static void check_requests(struct sim *s, const struct herd *h)
{
	for (size_t k = 0; k < h->requests.len; k++) {
		const struct herd_wait *r = h->requests.items[k];
		size_t left = r->rollouts.len;

		for (size_t n = 0; n < r->len; n++)
			left += !r->waits[n].is_done;
		if (r->is_done || left != r->left)
			sim_fail(s, "request %llu waits for %zu, and says %zu", (unsigned long long)r->id,
				left, (size_t)r->left);
	}
}

void check_whole(struct sim *s)
{
	const struct herd *h = s->h;

	check_timers(s, &h->timers);
	check_slots(s, h);
	for (size_t k = 0; k < h->apps.len; k++) {
		check_place(s, h, k);
		check_row(s, h->apps.items[k]);
		check_budget(s, h->apps.items[k]);
		check_queue(s, h->apps.items[k]);
	}
	check_requests(s, h);
	if (h->dirty_first || h->has_stale_upstream || h->has_stale_rollout)
		sim_fail(s, "something is left to be done after a step");
}

/* One cause may make all of them unhealthy: no more than so many are down for it. */
void check_ill(struct sim *s, const struct app *a)
{
	int app = town_app(a->spec->name);
	int down = 0;

	for (int n = 0; n < SIM_NUMBERS; n++) {
		const struct instance *i = app_instance(a, n);

		if (!i || !instance_should_run(i) || instance_is_well(i) || i->state == STATE_FINISHED)
			s->is_down_ill[app][n] = false;
		down += s->is_down_ill[app][n];
	}
	if (down > town_most_ill(app))
		sim_fail(s, "%d instances of %s are down for their health", down, a->spec->name);
}
