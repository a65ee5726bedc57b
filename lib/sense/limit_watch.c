#include "sense/limit_watch.h"

#include <string.h>

#include "base/map.h"
#include "base/mem.h"
#include "loop/watchers.h"
#include "os/clock.h"
#include "rules/limits.h"
#include "sense/proctree.h"
#include "sense/usage.h"

struct limit_watch {
	struct ev_loop *loop;
	struct usage *usage;
	const struct limit_watch_calls *calls;
	void *context;
	ev_timer timer;
	struct map pasts; /* generation -> struct limits_past * */
};

static void arm_limits(struct limit_watch *l, int64_t ms)
{
	ev_now_update(l->loop);
	ev_timer_stop(l->loop, &l->timer);
	ev_timer_set(&l->timer, (double)ms / 1000, 0);
	ev_timer_start(l->loop, &l->timer);
}

static struct limits_past *past_of(struct limit_watch *l, struct ticket t)
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
static void sweep_limits(struct limit_watch *l, const struct limit_subject *subjects, size_t count)
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

static int64_t exact_memory(const struct usage_reading *r, int64_t most)
{
	int64_t share = most > 0 && r->memory_bytes > most ? proctree_share(r->pid) : -1;

	return share >= 0 ? share : r->memory_bytes;
}

/* The fact may change the herd, and with it the definition: nothing of the subject is looked at after it. */
static int64_t check_limit(
	struct limit_watch *l, const struct limit_subject *s, const struct usage_reading *r)
{
	struct limits_past *past = past_of(l, s->ticket);
	int64_t memory = exact_memory(r, s->spec->limits.memory_bytes);
	int64_t now = clock_ms();
	int64_t next = 0;
	struct reason why;
	bool is_over = limits_pass(s->spec, past, memory, r->cpu_percent, now, &why);

	next = limits_next(s->spec, past, memory);
	if (is_over)
		l->calls->over(l->context, s->ticket, &why, now);
	return next;
}

static void on_look_due(struct ev_loop *loop, ev_timer *w, int events)
{
	struct limit_watch *l = w->data;
	struct limit_subject *subjects = NULL;
	size_t count = l->calls->subjects(l->context, &subjects);
	struct usage_reading *readings = mem_zalloc(count, sizeof(*readings));
	int64_t next = LIMITS_SELDOM_MS;

	(void)loop;
	(void)events;
	for (size_t i = 0; i < count; i++)
		readings[i].pid = (pid_t)subjects[i].pid;
	usage_read(l->usage, readings, count);
	sweep_limits(l, subjects, count);
	for (size_t i = 0; i < count; i++) {
		int64_t its =
			readings[i].processes ? check_limit(l, &subjects[i], &readings[i]) : LIMITS_SOON_MS;

		if (its < next)
			next = its;
	}
	if (count)
		arm_limits(l, next);
	mem_free(subjects);
	mem_free(readings);
	l->calls->done(l->context);
}

struct limit_watch *limit_watch_new(
	struct ev_loop *loop, struct usage *usage, const struct limit_watch_calls *calls, void *context)
{
	struct limit_watch *l = mem_zalloc(1, sizeof(*l));

	l->loop = loop;
	l->usage = usage;
	l->calls = calls;
	l->context = context;
	ev_timer_init(&l->timer, on_look_due, 0, 0);
	l->timer.data = l;
	return l;
}

void limit_watch_free(struct limit_watch *l)
{
	if (!l)
		return;
	ev_timer_stop(l->loop, &l->timer);
	map_release_with(&l->pasts, mem_free);
	mem_free(l);
}

void limit_watch_wake(struct limit_watch *l)
{
	if (!ev_is_active(&l->timer) || ev_timer_remaining(l->loop, &l->timer) > LIMITS_SOON_MS / 1000.0)
		arm_limits(l, LIMITS_SOON_MS);
}
