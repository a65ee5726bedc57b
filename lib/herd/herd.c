#include "herd/herd.h"

#include "base/assert.h"
#include "base/log.h"
#include "base/mem.h"
#include "herd/gone_spares.h"
#include "herd/herd_private.h"
#include "herd/receipt.h"
#include "herd/request_wait.h"

struct herd *herd_new(const struct herd_options *options)
{
	struct herd *h = mem_zalloc(1, sizeof(*h));

	ASSERT(options->effects, "a herd is made that nobody listens to");
	h->options = *options;
	/* A xorshift that starts at 0 stays there. */
	h->random = options->seed ? options->seed : 0x9e3779b97f4a7c15ULL;
	return h;
}

void herd_free(struct herd *h)
{
	if (!h)
		return;
	gone_release(h);
	for (size_t k = 0; k < h->slots.len; k++)
		instance_free(h->slots.items[k]);
	for (size_t k = 0; k < h->apps.len; k++)
		app_free(h->apps.items[k]);
	vec_release(&h->slots);
	vec_release(&h->apps);
	map_release(&h->names);
	vec_release_with(&h->requests, request_free);
	receipts_release(h);
	late_facts_release(h);
	timers_release(&h->timers);
	mem_free(h);
}

double herd_jitter(struct herd *h)
{
	h->random ^= h->random << 13;
	h->random ^= h->random >> 7;
	h->random ^= h->random << 17;
	ASSERT(h->random, "chance has come to an end");
	return (double)(h->random >> 11) / 9007199254740992.0;
}

void herd_begin(struct herd *h, int64_t now)
{
	if (now > h->now)
		h->now = now;
	if (h->gone.len)
		gone_sweep(h);
}

static void take_steps(struct herd *h)
{
	while (h->dirty_first) {
		struct instance *i = h->dirty_first;
		uint32_t slot = i->slot;

		h->dirty_first = i->next_dirty != i ? i->next_dirty : NULL;
		i->next_dirty = NULL;
		ASSERT(herd_by_slot(h, slot) == i, "slot %u takes a step, and is gone", slot);
		instance_step(i);
		/* The step may have removed it. */
		i = herd_by_slot(h, slot);
		if (!i)
			continue;
		ASSERT(state_has_phase(i->state, i->phase), "%s:%d is %s, and its phase is %s",
			i->app->spec->name, i->number, state_word(i->state), phase_word(i->phase));
		if (h->requests.len)
			requests_look(h, i);
	}
}

void herd_commit(struct herd *h)
{
	if (h->is_restoring)
		return;
	take_steps(h);
	while (h->has_stale_upstream || h->has_stale_gate || h->has_stale_rollout) {
		if (h->has_stale_rollout)
			rollouts_settle(h);
		take_steps(h);
		if (h->has_stale_upstream)
			upstreams_settle(h);
		if (h->has_stale_gate)
			gates_settle(h);
		take_steps(h);
	}
	ASSERT(!h->dirty_first, "%s:%d has a step left after all of them", h->dirty_first->app->spec->name,
		h->dirty_first->number);
	ASSERT(!h->has_stale_upstream && !h->has_stale_gate && !h->has_stale_rollout,
		"an upstream, a gate or a rollout is left to be looked at");
	if (h->is_changed) {
		h->is_changed = false;
		h->options.effects->changed(h->options.context);
	}
	if (h->requests.len)
		requests_answer(h);
}

/* Where a slot is in the row, or would be: slots are numbered upwards, so a new one goes to the end. */
static size_t slot_position(const struct herd *h, uint32_t slot)
{
	size_t low = 0;
	size_t high = h->slots.len;

	while (low < high) {
		size_t middle = (low + high) / 2;
		const struct instance *i = h->slots.items[middle];

		if (i->slot < slot)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct instance *herd_by_slot(const struct herd *h, uint32_t slot)
{
	size_t position = slot_position(h, slot);
	struct instance *i = position < h->slots.len ? h->slots.items[position] : NULL;

	return i && i->slot == slot ? i : NULL;
}

void herd_add_slot(struct herd *h, struct instance *i)
{
	size_t position = slot_position(h, i->slot);

	ASSERT(i->slot && !herd_by_slot(h, i->slot), "slot %u is given away twice", i->slot);
	vec_insert(&h->slots, position, i);
	if (i->slot > h->last_slot)
		h->last_slot = i->slot;
	ASSERT(!position || ((struct instance *)h->slots.items[position - 1])->slot < i->slot,
		"slot %u stands before its place", i->slot);
	ASSERT(position + 1 == h->slots.len ||
			((struct instance *)h->slots.items[position + 1])->slot > i->slot,
		"slot %u stands behind its place", i->slot);
}

void herd_remove_slot(struct herd *h, const struct instance *i)
{
	size_t position = slot_position(h, i->slot);

	ASSERT(position < h->slots.len && h->slots.items[position] == i, "slot %u is not that of %s:%d",
		i->slot, i->app->spec->name, i->number);
	vec_remove(&h->slots, position);
	ASSERT(!herd_by_slot(h, i->slot), "slot %u is given back, and is there", i->slot);
}

struct instance *herd_by_ticket(struct herd *h, struct ticket t, int64_t now)
{
	struct instance *i = herd_by_slot(h, t.slot);

	herd_begin(h, now);
	if (i && i->generation == t.generation)
		return i;
	h->counts.stale_facts++;
	return NULL;
}

void fact_unexpected(struct herd *h, const struct instance *i, const char *fact)
{
	h->counts.unexpected_facts++;
	log_debug("%s:%d: ignored %s while %s", i->app->spec->name, i->number, fact, state_word(i->state));
}

void herd_publish(struct herd *h, struct herd_event *event)
{
	ASSERT(event->app, "something happens to no app");
	event->sequence = ++h->counts.events;
	event->at = h->now;
	h->options.effects->publish(h->options.context, event);
}

int64_t herd_next_deadline(const struct herd *h)
{
	const struct timer *next = timers_next(&h->timers);

	return next ? next->at : -1;
}

/* The daemon has waited long enough: what is left is killed, whatever its own grace would be. */
static void kill_all(struct herd *h)
{
	ASSERT(h->is_shutting_down, "everything is killed, and nobody wants the daemon to end");
	for (size_t k = 0; k < h->slots.len; k++) {
		struct instance *i = h->slots.items[k];

		bool has_process = i->phase == PHASE_SPAWNING || i->phase == PHASE_UP;

		if ((!has_process && i->phase != PHASE_LEFTOVERS) || instance_is_killed(i))
			continue;
		if (has_process && i->state != STATE_STOPPING)
			instance_event(i, EVENT_STOP, &REASON_OF(DAEMON_STOPS));
		instance_kill(i, &REASON_OF(DEADLINE));
	}
}

static void fire(struct herd *h, const struct timer *timer)
{
	struct instance *i = timer->owner;

	ASSERT(!timer_is_armed(timer), "a timer goes off that is armed still");
	ASSERT(i || timer == &h->deadline, "a timer of nobody goes off");
	if (!i)
		kill_all(h);
	else if (timer->kind == TIMER_ROLLOUT)
		rollout_fire(timer->owner);
	else if (timer->kind == TIMER_STAGGER)
		start_queue_fire(timer->owner);
	else if (timer->generation == i->generation)
		instance_fire(i, (enum timer_kind)timer->kind);
	else
		fact_unexpected(h, i, timer_word((enum timer_kind)timer->kind));
}

void herd_timer(struct herd *h, int64_t now)
{
	const struct timer *timer = NULL;

	herd_begin(h, now);
	/* Not after each: of a thousand that are due together all are heard before anything is done. */
	for (timer = timers_take(&h->timers, h->now); timer; timer = timers_take(&h->timers, h->now))
		fire(h, timer);
	herd_commit(h);
}
