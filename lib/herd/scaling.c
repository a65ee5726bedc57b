/*
 * Scale changes how many instances apps have.
 */
#include "base/assert.h"
#include "base/err.h"
#include "base/mem.h"
#include "herd/changeset.h"
#include "herd/deploy.h"
#include "herd/request_wait.h"
#include "model/refusal.h"

static int change_scaling(
	const struct herd *h, struct vec *drafts, const struct herd_scaling *s, struct err *e)
{
	const char *const target[] = { s->app };
	struct change *d = change_find(drafts, s->app);
	struct vec unused = VEC_INIT;
	int64_t count = 0;

	if (!d) {
		/* For its words; whatever else it finds cannot be scaled. */
		int rc = targets_find(h, target, 1, &unused, NULL, e);

		vec_release(&unused);
		return rc < 0 ? rc
			      : refusal_set(e, REFUSAL_OF(NOT_AN_APP, .target = s->app),
					"'%s' is not one app, and only apps can be scaled", s->app);
	}
	if (d->spec->disabled)
		return refusal_set(
			e, REFUSAL_OF(DISABLED, .app = s->app), "'%s' is disabled in its oxfile", s->app);
	count = s->is_relative ? (int64_t)d->count + s->delta : count_resolve(s->count, h->options.cpus);
	if (count < 0)
		count = 0;
	if (count > APP_INSTANCES_MAX)
		return refusal_set(e,
			REFUSAL_OF(TOO_MANY, .app = s->app, .count = count, .limit = APP_INSTANCES_MAX),
			"'%s' would have %lld instances, beyond %d", s->app, (long long)count,
			APP_INSTANCES_MAX);
	d->count = (int)count;
	d->scaled = d->count;
	ASSERT(d->count >= 0 && d->scaled == d->count, "'%s' is scaled to %d", s->app, d->count);
	return 0;
}

/* Waits for those that are too many now and, where asked, for those that are new; other apps have no part in it. */
static void wait_for_scale(struct herd_wait *r, const struct change *d, bool waits_ready)
{
	size_t i = 0;
	const struct instance *instance = NULL;

	ASSERT(d->app, "an app is scaled that is not there");
	if (d->is_awaited)
		return;
	VEC_EACH (&d->app->instances, i, instance) {
		if (instance_is_retired(instance))
			request_wait(r, instance, GOAL_DOWN);
		else if (waits_ready && instance->number >= d->was && instance_should_run(instance))
			request_wait(r, instance, GOAL_READY);
	}
}

/* Kept for `why` of those that come and those that go. */
static void remember_scale(struct herd *h, const struct change *d, const char *who)
{
	int first = d->was < d->count ? d->was : d->count;
	const struct reason why = REASON_OF(SCALED, .count = d->count, .who = who);
	size_t i = 0;
	struct instance *instance = NULL;

	ASSERT(first >= 0 && d->app, "instances from %d on are scaled", first);
	if (!who || d->was == d->count || d->is_awaited)
		return;
	VEC_EACH (&d->app->instances, i, instance) {
		if (instance->number >= first)
			instance_remember(h, instance, &why);
	}
}

int herd_scale(struct herd *h, uint64_t id, const struct herd_scaling *scalings, size_t count,
	bool waits_ready, int64_t now, struct err *e)
{
	struct vec drafts = VEC_INIT;
	struct herd_wait *request = NULL;
	int rc = -1;

	herd_begin(h, now);
	changeset_of(h, &drafts);
	if (h->is_shutting_down) {
		refusal_set(e, REFUSAL_OF(STOPPING), "the daemon is stopping; nothing new is begun");
		goto out;
	}
	for (size_t k = 0; k < count; k++)
		if (change_scaling(h, &drafts, &scalings[k], e) < 0)
			goto out;
	if (changeset_check(h, &drafts, e) < 0)
		goto out;
	changeset_commit(h, &drafts);
	request = request_open(id);
	for (size_t k = 0; k < count; k++) {
		struct change *d = change_find(&drafts, scalings[k].app);

		remember_scale(h, d, scalings[k].who);
		wait_for_scale(request, d, waits_ready);
		d->is_awaited = true;
	}
	request_begin(h, request);
	herd_commit(h);
	rc = 0;
out:
	vec_release_with(&drafts, change_free);
	return rc;
}
