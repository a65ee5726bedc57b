#include "herd/timers.h"

#include "base/assert.h"
#include "base/mem.h"
#include "base/str.h"

void timers_release(struct timers *t)
{
	mem_free(t->heap);
	*t = (struct timers){ .heap = NULL };
}

static bool is_before(const struct timer *a, const struct timer *b)
{
	return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static void put(struct timers *t, struct timer *timer, size_t position)
{
	ASSERT(position > 0 && position <= t->len, "a timer goes to place %zu of %zu", position, t->len);
	t->heap[position] = timer;
	timer->position = position;
}

static void rise(struct timers *t, struct timer *timer)
{
	size_t position = timer->position;

	for (; position > 1 && is_before(timer, t->heap[position / 2]); position /= 2)
		put(t, t->heap[position / 2], position);
	put(t, timer, position);
	ASSERT(position == 1 || !is_before(timer, t->heap[position / 2]),
		"a timer stands behind a later one (%zu)", position);
}

static void sink(struct timers *t, struct timer *timer)
{
	size_t position = timer->position;

	for (;;) {
		size_t child = position * 2;

		if (child < t->len && is_before(t->heap[child + 1], t->heap[child]))
			child++;
		if (child > t->len || !is_before(t->heap[child], timer))
			break;
		put(t, t->heap[child], position);
		position = child;
	}
	put(t, timer, position);
	ASSERT(position * 2 > t->len || !is_before(t->heap[position * 2], timer),
		"a timer stands before an earlier one (%zu)", position);
}

bool timer_is_armed(const struct timer *timer)
{
	return timer->position > 0;
}

void timer_arm(struct timers *t, struct timer *timer, int64_t at)
{
	timer_disarm(t, timer);
	if (t->len + 2 > t->cap) {
		t->cap = t->cap ? t->cap * 2 : 64;
		/* NOLINTNEXTLINE(bugprone-sizeof-expression): a heap of pointers */
		t->heap = mem_resize(t->heap, t->cap, sizeof(*t->heap));
	}
	ASSERT(t->len + 2 <= t->cap, "%zu timers are in room for %zu", t->len, t->cap);
	timer->at = at;
	timer->order = ++t->armed;
	timer->position = ++t->len;
	rise(t, timer);
	ASSERT(t->heap[timer->position] == timer, "a timer is armed, and does not stand where it says (%zu)",
		timer->position);
}

void timer_disarm(struct timers *t, struct timer *timer)
{
	struct timer *last = NULL;
	size_t position = timer->position;

	if (!position)
		return;
	ASSERT(position <= t->len && t->heap[position] == timer, "a timer does not stand where it says (%zu)",
		position);
	timer->position = 0;
	last = t->heap[t->len--];
	if (last == timer)
		return;
	put(t, last, position);
	rise(t, last);
	sink(t, last);
}

const struct timer *timers_next(const struct timers *t)
{
	ASSERT(!t->len || t->heap[1]->position == 1, "the next timer stands at %zu", t->heap[1]->position);
	return t->len ? t->heap[1] : NULL;
}

struct timer *timers_take(struct timers *t, int64_t now)
{
	struct timer *first = t->len ? t->heap[1] : NULL;

	if (!first || first->at > now)
		return NULL;
	timer_disarm(t, first);
	ASSERT(!first->position && (!t->len || t->heap[1]->at >= first->at),
		"a timer is taken before an earlier one");
	return first;
}

/* --- kinds --- */

static const char *const timer_words[TIMER_KIND_COUNT] = {
	[TIMER_DELAY] = "delay",
	[TIMER_ALIVE] = "alive",
	[TIMER_NEVER_READY] = "never-ready",
	[TIMER_KILL] = "kill",
	[TIMER_GRACE] = "grace",
	[TIMER_BACKOFF] = "backoff",
	[TIMER_UNKILLABLE] = "unkillable",
	[TIMER_DRAIN] = "leave",
	[TIMER_CHECK] = "check",
	[TIMER_WATCHDOG] = "watchdog",
	[TIMER_ROLLOUT] = "rollout",
	[TIMER_STAGGER] = "stagger",
	[TIMER_DEADLINE] = "deadline",
};

const char *timer_word(enum timer_kind kind)
{
	return timer_words[kind];
}

bool timer_parse(const char *word, enum timer_kind *kind)
{
	int found = 0;

	if (!str_find(timer_words, TIMER_KIND_COUNT, word, &found))
		return false;
	*kind = (enum timer_kind)found;
	return true;
}
