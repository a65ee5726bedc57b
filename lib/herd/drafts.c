/*
 * The herd as it would be after an apply or a scale: built beside the one that runs, judged as a whole, and only then made true.
 */
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "herd/inside.h"
#include "model/plan.h"

struct draft *draft_add(struct vec *drafts, struct app *app, const struct spec *spec)
{
	struct draft *d = mem_zalloc(1, sizeof(*d));

	d->app = app;
	d->spec = spec;
	d->scaled = -1;
	d->was = d->count = app ? app->count : 0;
	vec_push(drafts, d);
	return d;
}

void draft_free(void *draft)
{
	struct draft *d = draft;

	if (d)
		mem_free(d->ports);
	mem_free(d);
}

void drafts_of(const struct herd *h, struct vec *drafts)
{
	for (size_t i = 0; i < h->apps.len; i++) {
		struct app *a = h->apps.items[i];

		if (!a->is_leaving)
			draft_add(drafts, a, a->spec)->scaled = a->scaled;
	}
}

struct draft *draft_find(const struct vec *drafts, const char *name)
{
	size_t i = 0;
	struct draft *d = NULL;

	VEC_EACH (drafts, i, d) {
		if (str_eq(d->spec->name, name))
			return d;
	}
	return NULL;
}

int drafts_check(const struct herd *h, struct vec *drafts, struct err *e)
{
	struct vec specs = VEC_INIT;
	struct vec changed = VEC_INIT;
	size_t i = 0;
	const struct draft *d = NULL;
	int rc = 0;

	VEC_EACH (drafts, i, d) {
		if (d->is_removed)
			continue;
		vec_push(&specs, (void *)d->spec);
		if (d->is_changed || !d->app)
			vec_push(&changed, (void *)d->spec);
	}
	rc = graph_check(&specs, &changed, e);
	vec_release(&specs);
	vec_release(&changed);
	return rc < 0 ? rc : drafts_assign_ports(h, drafts, e);
}

/* The instances that the plan has on both sides. */
static int kept(const struct draft *d)
{
	return d->app && !d->app->is_leaving ? d->app->count : 0;
}

void draft_plan(const struct draft *d, struct plan *plan)
{
	struct plan_app from = { .instances = kept(d) };
	struct plan_app to = { .spec = d->spec, .instances = d->count, .ports = d->ports };
	struct vec before = VEC_INIT;
	struct vec after = VEC_INIT;
	int *ports = mem_zalloc((size_t)from.instances, sizeof(*ports));

	for (int i = 0; i < from.instances; i++)
		ports[i] = revision_port(d->app->target, i);
	from.ports = ports;
	if (d->app && !d->app->is_leaving) {
		from.spec = d->app->spec;
		vec_push(&before, &from);
	}
	if (!d->is_removed)
		vec_push(&after, &to);
	plan_make(plan, &before, &after);
	vec_release(&before);
	vec_release(&after);
	mem_free(ports);
}

/* What runs by the old definition has to go down once, by its rules; what only waits begins anew. */
static void renew(struct instance *i)
{
	const struct herd *h = i->app->herd;

	if (state_is_live(i->state)) {
		i->is_restarting = true;
	} else if (i->phase == PHASE_CHECKING) {
		h->options.hands->unwatch(h->options.context, instance_ticket(i));
		i->phase = PHASE_NONE;
	}
	i->was_delayed = false;
	i->has_ended = false;
	instance_forget_crashes(i);
	instance_touch(i);
}

static void renew_planned(const struct draft *d, struct revision *r)
{
	struct plan plan = PLAN_INIT;
	size_t i = 0;
	const struct plan_step *step = NULL;

	draft_plan(d, &plan);
	VEC_EACH (&plan.steps, i, step) {
		struct instance *instance = app_instance(d->app, step->instance);

		if (instance && (step->verb == PLAN_REPLACE || step->verb == PLAN_MOVE)) {
			renew(instance);
		} else if (instance && step->verb == PLAN_KEEP) {
			/* Its definition differs in what needs no new process. */
			revision_set(&instance->revision, r);
			instance_check_renew(instance);
		}
	}
	plan_release(&plan);
}

static void change(struct herd *h, struct draft *d)
{
	struct app *a = d->app;
	struct revision *r = revision_new(spec_clone(d->spec), a ? a->last_revision + 1 : 1);

	r->caller = d->caller;
	if (!a) {
		d->app = app_new(h, revision_ref(r));
	} else if (a->is_leaving) {
		a->is_leaving = false;
		for (size_t i = 0; i < a->instances.len; i++)
			renew(a->instances.items[i]);
	} else {
		renew_planned(d, r);
	}
	app_retarget(d->app, r);
	revision_set(&d->app->current, r);
	d->spec = r->spec;
	app_publish(d->app, a ? "changed" : "added");
	revision_drop(r);
}

static void take_ports(struct revision *r, struct draft *d)
{
	mem_free(r->ports);
	r->ports = d->ports;
	r->ports_len = d->ports_len;
	r->port_source = d->port_source;
	d->ports = NULL;
}

void drafts_commit(struct herd *h, struct vec *drafts)
{
	size_t i = 0;
	struct draft *d = NULL;

	h->is_changed = true;
	VEC_EACH (drafts, i, d) {
		if (!d->is_removed && (d->is_changed || !d->app))
			change(h, d);
	}
	graph_link(h);
	VEC_EACH (drafts, i, d) {
		if (d->is_removed) {
			app_leave(d->app);
			continue;
		}
		take_ports(d->app->target, d);
		d->app->scaled = d->scaled;
		if (d->app->count != d->count)
			app_resize(d->app, d->count);
	}
	for (i = 0; i < h->apps.len; i++)
		app_touch(h->apps.items[i]);
}
