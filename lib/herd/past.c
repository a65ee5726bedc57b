#include "base/mem.h"
#include "herd/inside.h"

/* Grows only as far as there is something to remember: most instances start once and run. */
static void grow(struct past *p)
{
	uint8_t cap = p->cap ? (uint8_t)(p->cap * 2) : 2;

	if (cap > HAPPENINGS_MAX)
		cap = HAPPENINGS_MAX;
	/* Until it has its full size nothing was dropped, so the oldest stands first. */
	p->items = mem_resize(p->items, cap, sizeof(*p->items));
	p->cap = cap;
}

void past_add(struct past *p, const struct herd_event *event)
{
	struct happening *item = NULL;

	if (p->len == p->cap && p->cap < HAPPENINGS_MAX)
		grow(p);
	if (p->len < p->cap) {
		item = &p->items[(p->first + p->len++) % p->cap];
	} else {
		item = &p->items[p->first];
		p->first = (uint8_t)((p->first + 1) % p->cap);
		mem_free(item->words);
	}
	*item = (struct happening){
		.at = event->at,
		.kind = event->kind,
		.on = event->on,
		.from = event->from,
		.to = event->to,
		.words = event->why && *event->why ? mem_strdup(event->why) : NULL,
	};
}

void past_release(struct past *p)
{
	for (size_t i = 0; i < p->len; i++)
		mem_free(p->items[i].words);
	mem_free(p->items);
	*p = (struct past){ .items = NULL };
}

void herd_recall(struct herd *h, const struct herd_event *event)
{
	const struct app *a = app_find(h, event->app);
	struct instance *i = a ? app_instance(a, event->instance) : NULL;

	if (i)
		past_add(&i->past, event);
}
