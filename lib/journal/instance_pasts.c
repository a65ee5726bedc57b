#include "journal/instance_pasts.h"

#include "base/buf.h"
#include "base/mem.h"
#include "journal/event_item.h"

/* Of what an instance wrote before it ended, all is kept of its newest end alone. */
enum { OLD_LINES_MAX = 10 };

static void forget(void *past)
{
	struct vec *items = past;

	if (!items)
		return;
	vec_release_with(items, event_item_unref);
	mem_free(items);
}

void instance_pasts_release(struct instance_pasts *p)
{
	map_release_with(&p->names, forget);
}

static struct vec *find_or_make(struct instance_pasts *p, const struct event_item *item)
{
	struct buf name = BUF_INIT;
	struct vec *items = NULL;

	buf_addf(&name, "%s:%d", event_item_app(item), event_item_instance(item));
	items = map_get(&p->names, name.ptr);
	if (!items) {
		items = mem_zalloc(1, sizeof(*items));
		(void)map_put(&p->names, name.ptr, items);
	}
	buf_release(&name);
	return items;
}

void instance_pasts_add(struct instance_pasts *p, struct event_item *item)
{
	struct vec *items = NULL;

	if (event_item_instance(item) < 0 || event_item_kind(item) == HERD_EVENT_ROLLOUT)
		return;
	items = find_or_make(p, item);
	for (size_t k = 0; k < items->len && event_item_has_lines(item); k++)
		items->items[k] = event_item_cut(items->items[k], OLD_LINES_MAX);
	if (items->len >= INSTANCE_PAST_MAX)
		event_item_unref(vec_remove(items, 0));
	vec_push(items, event_item_ref(item));
}

void instance_pasts_forget(struct instance_pasts *p, const char *app, int instance)
{
	struct buf name = BUF_INIT;

	buf_addf(&name, "%s:%d", app, instance);
	forget(map_remove(&p->names, name.ptr));
	buf_release(&name);
}

const struct vec *instance_pasts_of(const struct instance_pasts *p, const char *app, int instance)
{
	struct buf name = BUF_INIT;
	const struct vec *items = NULL;

	buf_addf(&name, "%s:%d", app, instance);
	items = map_get(&p->names, name.ptr);
	buf_release(&name);
	return items;
}
