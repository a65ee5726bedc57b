#include "herd/start_queue.h"

#include "base/assert.h"
#include "herd/herd_private.h"

static int64_t wait_of(const struct instance *i)
{
	const struct app *a = i->app;

	return stagger_wait(&a->starts.stagger, i->slot, a->spec->stagger_ms, a->herd->now);
}

bool start_queue_lets(const struct instance *i)
{
	const struct app *a = i->app;
	bool is_passed_over = a->spec->stagger_ms && a->starts.first && !i->has_turn;

	ASSERT(i->phase != PHASE_STAGGERED, "%s:%d asks for its turn, and waits for it", a->spec->name,
		i->number);
	return !is_passed_over && wait_of(i) == 0;
}

void start_queue_add(struct instance *i)
{
	struct start_queue *q = &i->app->starts;

	ASSERT(!i->queue_next && q->first != i, "%s:%d waits for its turn twice", i->app->spec->name,
		i->number);
	i->queue_previous = q->last;
	if (q->last)
		q->last->queue_next = i;
	else
		q->first = i;
	q->last = i;
	start_queue_arm(i->app);
	ASSERT(q->first && q->last == i && !i->queue_next,
		"%s:%d waits for its turn, and does not stand last", i->app->spec->name, i->number);
}

void start_queue_remove(struct instance *i)
{
	struct start_queue *q = &i->app->starts;

	ASSERT(i->queue_previous || q->first == i, "%s:%d is in no queue", i->app->spec->name, i->number);
	*(i->queue_previous ? &i->queue_previous->queue_next : &q->first) = i->queue_next;
	*(i->queue_next ? &i->queue_next->queue_previous : &q->last) = i->queue_previous;
	i->queue_next = i->queue_previous = NULL;
	start_queue_arm(i->app);
	ASSERT(!q->first == !q->last, "%s has a queue without an end", i->app->spec->name);
}

void start_queue_arm(struct app *a)
{
	struct timers *timers = &a->herd->timers;
	struct timer *timer = &a->starts.timer;
	int64_t at = 0;

	if (!a->starts.first) {
		timer_disarm(timers, timer);
		return;
	}
	at = a->herd->now + wait_of(a->starts.first);
	if (timer_is_armed(timer) && timer->at == at)
		return;
	ASSERT(at >= a->herd->now, "%s: a turn to start was at %lld ms", a->spec->name, (long long)at);
	timer->owner = a;
	timer->kind = TIMER_STAGGER;
	timer_arm(timers, timer, at);
}

void start_queue_fire(struct app *a)
{
	while (a->starts.first && wait_of(a->starts.first) == 0)
		instance_take_turn(a->starts.first);
	start_queue_arm(a);
	ASSERT(!a->starts.first || timer_is_armed(&a->starts.timer),
		"%s: an instance waits for its turn, and nothing wakes it", a->spec->name);
}

void start_queue_plan(const struct app *a)
{
	int64_t at = 0;

	for (struct instance *i = a->starts.first; i; i = i->queue_next) {
		at = i->queue_previous ? at + a->spec->stagger_ms : a->herd->now + wait_of(i);
		i->turn_at = at;
	}
}

const struct instance *start_queue_before(const struct instance *i)
{
	if (i->queue_previous)
		return i->queue_previous;
	return herd_by_slot(i->app->herd, stagger_before(&i->app->starts.stagger, i->slot).slot);
}
