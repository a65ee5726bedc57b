#include "journal/instance_pasts.h"

#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "journal/event_item.h"

/* Of what an instance wrote before it ended, all is kept of its newest end alone. */
enum { OLD_LINES_MAX = 10 };

struct instance_past {
	struct vec items; /* of struct event_item *, oldest first */
	char name[];      /* "api:2" */
};

static void free_past(void *item)
{
	struct instance_past *past = item;

	if (!past)
		return;
	vec_release_with(&past->items, event_item_unref);
	mem_free(past);
}

void instance_pasts_release(struct instance_pasts *p)
{
	map_release_with(&p->names, free_past);
}

static struct instance_past *find_instance_past(const struct instance_pasts *p, const char *app, int instance)
{
	struct instance_past *past = NULL;
	struct buf name = BUF_INIT;

	buf_addf(&name, "%s:%d", app, instance);
	past = map_get(&p->names, name.ptr);
	buf_release(&name);
	return past;
}

static struct instance_past *make_instance_past(struct instance_pasts *p, const struct event_item *item)
{
	struct instance_past *past = find_instance_past(p, event_item_app(item), event_item_instance(item));
	struct buf name = BUF_INIT;

	if (past)
		return past;
	buf_addf(&name, "%s:%d", event_item_app(item), event_item_instance(item));
	past = mem_alloc(sizeof(*past) + name.len + 1);
	past->items = (struct vec)VEC_INIT;
	memcpy(past->name, name.ptr, name.len + 1);
	buf_release(&name);
	p->names.borrows_keys = true;
	(void)map_put(&p->names, past->name, past);
	return past;
}

void instance_pasts_add(struct instance_pasts *p, struct event_item *item)
{
	struct vec *items = NULL;

	if (event_item_instance(item) < 0 || event_item_kind(item) == HERD_EVENT_ROLLOUT)
		return;
	items = &make_instance_past(p, item)->items;
	for (size_t k = 0; k < items->len && event_item_has_lines(item); k++)
		items->items[k] = event_item_cut(items->items[k], OLD_LINES_MAX);
	if (items->len >= INSTANCE_PAST_MAX)
		event_item_unref(vec_remove(items, 0));
	vec_push(items, event_item_ref(item));
}

void instance_pasts_forget(struct instance_pasts *p, const char *app, int instance)
{
	struct instance_past *past = find_instance_past(p, app, instance);

	if (past)
		free_past(map_remove(&p->names, past->name));
}

const struct vec *instance_pasts_of(const struct instance_pasts *p, const char *app, int instance)
{
	const struct instance_past *past = find_instance_past(p, app, instance);

	return past ? &past->items : NULL;
}
