/*
 * Spares that are gone.  What failed in a deploy is asked about after it, when its spare has been dropped: so the last of them are remembered for an
 * hour, over the brain's death too, with their past and with what says where their logs are.  Nothing of them is alive: no timer, no slot.
 */
#include <string.h>

#include "base/assert.h"
#include "base/mem.h"
#include "herd/gone_spares.h"
#include "herd/herd_private.h"
#include "model/selector.h"

enum {
	GONE_MAX = 16,
	GONE_MS = 3600000,
};

static void drop_gone(struct herd *h, size_t at)
{
	ASSERT(at < h->gone.len, "spare %zu of %zu is forgotten", at, h->gone.len);
	instance_forget(vec_remove(&h->gone, at));
}

/* Those of the app; with a number only the one that had it. */
void gone_drop(struct app *a, int number)
{
	struct herd *h = a->herd;

	for (size_t k = h->gone.len; k-- > 0;) {
		const struct instance *i = h->gone.items[k];

		if (i->app == a && (number < 0 || i->number == number))
			drop_gone(h, k);
	}
}

void gone_sweep(struct herd *h)
{
	while (h->gone.len && ((const struct instance *)h->gone.items[0])->gone_at + GONE_MS <= h->now)
		drop_gone(h, 0);
}

void gone_add(struct instance *i, int64_t gone_at)
{
	struct herd *h = i->app->herd;

	ASSERT(i->phase == PHASE_NONE && !herd_by_slot(h, i->slot),
		"%s:%d is remembered as gone, and is there", i->app->spec->name, i->number);
	timer_disarm(&h->timers, &i->life);
	timer_disarm(&h->timers, &i->tree);
	instance_forget_process(i);
	instance_set_down(i, DOWN_NONE);
	gone_drop(i->app, i->number);
	i->gone_at = gone_at;
	vec_push(&h->gone, i);
	while (h->gone.len > GONE_MAX)
		drop_gone(h, 0);
	ASSERT(h->gone.len <= GONE_MAX, "%zu spares are remembered", h->gone.len);
}

static void free_one(void *instance)
{
	instance_free(instance);
}

void gone_release(struct herd *h)
{
	vec_release_with(&h->gone, free_one);
}

struct instance *gone_find(const struct app *a, int number)
{
	size_t k = 0;
	struct instance *i = NULL;

	VEC_EACH (&a->herd->gone, k, i) {
		if (i->app == a && i->number == number)
			return i;
	}
	return NULL;
}

bool herd_knows(const struct herd *h, const char *app, int instance)
{
	const struct app *a = app_find(h, app);

	return a && (app_instance(a, instance) || gone_find(a, instance));
}

static bool is_gone_meant(const struct instance *i, const char *target)
{
	const struct spec *s = i->app->spec;

	return selector_means_instance(
		target, app_find(i->app->herd, target) != NULL, s->name, i->number, s->namespace);
}

void herd_gone(const struct herd *h, const char *const *targets, size_t count, int64_t now, struct vec *out)
{
	size_t k = 0;
	struct instance *i = NULL;

	VEC_EACH (&h->gone, k, i) {
		bool is = !count;

		for (size_t n = 0; n < count && !is; n++)
			is = is_gone_meant(i, targets[n]);
		if (is && now - i->gone_at < GONE_MS)
			vec_push(out, i);
	}
}

int herd_targets_ever(const struct herd *h, const char *const *targets, size_t count, int64_t now,
	struct vec *instances, struct err *e)
{
	int rc = herd_targets(h, targets, count, instances, e);

	herd_gone(h, targets, count, now, instances);
	return instances->len ? 0 : rc;
}

int64_t instance_gone_ms(const struct instance *i, int64_t now)
{
	return i->gone_at == INT64_MIN ? -1 : now > i->gone_at ? now - i->gone_at : 0;
}
