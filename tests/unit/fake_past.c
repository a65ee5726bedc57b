/* What the journal would remember, without a disk. */
#include "fake_effects.h"
#include "journal/event_item.h"

void fake_remember(void *context, const struct herd_event *event)
{
	struct fake *f = context;
	struct event_item *item = event_item_new(event, 0, event->at);

	instance_pasts_add(&f->pasts, item);
	event_item_unref(item);
}

void fake_forget_past(void *context, const char *app, int instance)
{
	struct fake *f = context;

	instance_pasts_forget(&f->pasts, app, instance);
}
