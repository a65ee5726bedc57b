#include <string.h>

#include "base/assert.h"
#include "base/mem.h"
#include "herd/gone_spares.h"
#include "herd/herd_private.h"

enum { OLD_LINES_MAX = 10 };

/* Grows only as far as there is something to remember: most instances start once and run. */
static void grow(struct history *p)
{
	uint8_t cap = p->cap ? (uint8_t)(p->cap * 2) : 2;

	ASSERT(!p->first && cap <= HAPPENINGS_MAX, "a history of %u grows to %u", p->len, cap);
	_Static_assert((HAPPENINGS_MAX & (HAPPENINGS_MAX - 1)) == 0, "doubling reaches it");
	/* Until it has its full size nothing was dropped, so the oldest stands first. */
	p->items = mem_resize(p->items, cap, sizeof(*p->items));
	p->cap = cap;
}

static void drop(struct happening *h)
{
	reason_free(h->why);
	mem_free(h->lines);
}

/* Only the last of the lines that the instance wrote stay. */
static void shorten(struct happening *h)
{
	size_t lines = 0;
	const char *tail = h->lines;

	for (const char *c = h->lines; c; c = strchr(c + 1, '\n'))
		lines++;
	if (lines <= OLD_LINES_MAX)
		return;
	for (; lines > OLD_LINES_MAX; lines--)
		tail = strchr(tail + 1, '\n');
	memmove(h->lines, tail, strlen(tail) + 1);
	h->lines = mem_resize(h->lines, strlen(h->lines) + 1, 1);
}

void history_add(struct history *p, const struct herd_event *event)
{
	struct happening *item = NULL;

	/* All of its last lines are kept of the newest end alone. */
	for (size_t k = 0; event->lines && k < p->len; k++)
		shorten(&p->items[k]);
	if (p->len == p->cap && p->cap < HAPPENINGS_MAX)
		grow(p);
	if (p->len < p->cap) {
		item = &p->items[(p->first + p->len++) % p->cap];
	} else {
		item = &p->items[p->first];
		p->first = (uint8_t)(p->first + 1 < p->cap ? p->first + 1 : 0);
		drop(item);
	}
	ASSERT(p->len <= p->cap && p->first < p->cap, "a history has %u of %u, from %u on", p->len, p->cap,
		p->first);
	*item = (struct happening){
		.at = event->at,
		.kind = event->kind,
		.on = event->on,
		.from = event->from,
		.to = event->to,
		.why = reason_copy(event->why),
		.lines = mem_strdup(event->lines),
	};
}

void history_release(struct history *p)
{
	ASSERT(p->len <= p->cap, "a history has %u of %u", p->len, p->cap);
	for (size_t i = 0; i < p->len; i++)
		drop(&p->items[i]);
	mem_free(p->items);
	*p = (struct history){ .items = NULL };
}

void herd_recall(struct herd *h, const struct herd_event *event)
{
	const struct app *a = app_find(h, event->app);
	struct instance *i = a ? app_instance(a, event->instance) : NULL;

	/* A deploy's steps are its own past, not the instance's: what they come to is there as states. */
	if (event->kind == HERD_EVENT_ROLLOUT)
		return;
	if (a && !i)
		i = gone_find(a, event->instance);
	if (i)
		history_add(&i->past, event);
}
