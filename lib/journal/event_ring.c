#include "journal/event_ring.h"

#include "journal/event_item.h"

void event_ring_release(struct event_ring *n)
{
	vec_release_with(&n->items, event_item_unref);
}

void event_ring_add(struct event_ring *n, struct event_item *item)
{
	if (n->items.len >= EVENTS_MAX)
		event_item_unref(vec_remove(&n->items, 0));
	vec_push(&n->items, event_item_ref(item));
}

bool event_ring_has_end(const struct event_ring *n, const char *name, uint64_t run)
{
	for (size_t k = n->items.len; k > 0; k--)
		if (event_item_is_end_of(n->items.items[k - 1], name, run))
			return true;
	return false;
}
