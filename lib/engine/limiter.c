#include "engine/limiter.h"

#include <string.h>

#include "base/mem.h"
#include "engine/brain_private.h"
#include "os/clock.h"
#include "rules/limits.h"
#include "sense/proctree.h"

struct limiter {
	struct brain *brain;
	ev_timer timer;
	struct map pasts; /* generation -> struct limits_past * */
};

/* One that is looked at now. */
struct subject {
	struct ticket ticket;
	const struct spec *spec;
};

static void arm(struct limiter *l, int64_t ms)
{
	ev_now_update(l->brain->loop);
	ev_timer_stop(l->brain->loop, &l->timer);
	ev_timer_set(&l->timer, (double)ms / 1000, 0);
	ev_timer_start(l->brain->loop, &l->timer);
}

static struct limits_past *past_of(struct limiter *l, struct ticket t)
{
	const char *key = (const char *)&t.generation;
	struct limits_past *past = map_get_n(&l->pasts, key, sizeof(t.generation));

	if (!past) {
		past = mem_zalloc(1, sizeof(*past));
		map_put_n(&l->pasts, key, sizeof(t.generation), past);
	}
	return past;
}

/* What is not looked at any more is forgotten. */
static void sweep(struct limiter *l, const struct subject *subjects, size_t count)
{
	const struct map_entry *entry = NULL;

	MAP_EACH (&l->pasts, entry) {
		uint64_t generation = 0;
		bool is_there = false;

		memcpy(&generation, entry->key, sizeof(generation));
		for (size_t k = 0; k < count && !is_there; k++)
			is_there = subjects[k].ticket.generation == generation;
		if (!is_there)
			mem_free(map_remove_n(&l->pasts, (const char *)&generation, sizeof(generation)));
	}
}

static size_t collect(const struct brain *b, struct subject **subjects, struct meter_reading **readings)
{
	size_t most = herd_counts(b->herd).instances;
	size_t count = 0;

	*subjects = mem_zalloc(most, sizeof(**subjects));
	*readings = mem_zalloc(most, sizeof(**readings));
	for (const struct instance *i = herd_first(b->herd); i && count < most; i = herd_next(b->herd, i)) {
		enum state state = instance_state(i);

		if ((state != STATE_RUNNING && state != STATE_UNHEALTHY) || !limits_has(instance_spec(i)))
			continue;
		(*subjects)[count] =
			(struct subject){ .ticket = instance_ticket(i), .spec = instance_spec(i) };
		(*readings)[count++].pid = (pid_t)instance_pid(i);
	}
	return count;
}

static int64_t exact_memory(const struct meter_reading *r, int64_t most)
{
	int64_t share = most > 0 && r->memory_bytes > most ? proctree_share(r->pid) : -1;

	return share >= 0 ? share : r->memory_bytes;
}

/* The fact may change the herd, and with it the definition: nothing of the subject is looked at after it. */
static int64_t look_at(struct limiter *l, const struct subject *s, const struct meter_reading *r)
{
	struct limits_past *past = past_of(l, s->ticket);
	int64_t memory = exact_memory(r, s->spec->limits.memory_bytes);
	int64_t now = clock_ms();
	int64_t next = 0;
	char why[160];
	bool is_over = limits_pass(s->spec, past, memory, r->cpu_percent, now, why, sizeof(why));

	next = limits_next(s->spec, past, memory);
	if (is_over)
		herd_over_limit(l->brain->herd, s->ticket, why, now);
	return next;
}

static void on_timer(struct ev_loop *loop, ev_timer *w, int events)
{
	struct limiter *l = w->data;
	struct brain *b = l->brain;
	struct subject *subjects = NULL;
	struct meter_reading *readings = NULL;
	size_t count = collect(b, &subjects, &readings);
	int64_t next = LIMITS_SELDOM_MS;

	(void)loop;
	(void)events;
	meter_read(b->meter, readings, count);
	sweep(l, subjects, count);
	for (size_t i = 0; i < count; i++) {
		int64_t its = readings[i].processes ? look_at(l, &subjects[i], &readings[i]) : LIMITS_SOON_MS;

		if (its < next)
			next = its;
	}
	if (count)
		arm(l, next);
	mem_free(subjects);
	mem_free(readings);
	brain_end(b);
}

struct limiter *limiter_new(struct brain *b)
{
	struct limiter *l = mem_zalloc(1, sizeof(*l));

	l->brain = b;
	ev_timer_init(&l->timer, on_timer, 0, 0);
	l->timer.data = l;
	return l;
}

void limiter_free(struct limiter *l)
{
	if (!l)
		return;
	ev_timer_stop(l->brain->loop, &l->timer);
	map_release_with(&l->pasts, mem_free);
	mem_free(l);
}

void limiter_wake(struct limiter *l, const char *app)
{
	const struct brain *b = l->brain;
	const struct spec *s = b->herd ? herd_spec(b->herd, app) : NULL;

	if (s && limits_has(s) &&
		(!ev_is_active(&l->timer) ||
			ev_timer_remaining(b->loop, &l->timer) > LIMITS_SOON_MS / 1000.0))
		arm(l, LIMITS_SOON_MS);
}
