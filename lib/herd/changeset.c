/*
 * The herd as it would be after an apply or a scale: built beside the one that runs, judged as a whole, and only then made true.
 */
#include "herd/changeset.h"
#include "base/assert.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "herd/apps.h"
#include "herd/deploy.h"
#include "model/plan.h"

struct change *change_add(struct vec *drafts, struct app *app, const struct spec *spec)
{
	struct change *d = mem_zalloc(1, sizeof(*d));

	d->app = app;
	d->spec = spec;
	d->scaled = -1;
	d->is_new = !app || app->is_deleting;
	d->was = d->count = app ? app->count : 0;
	vec_push(drafts, d);
	ASSERT(d->count >= 0 && d->count <= APP_INSTANCES_MAX && (app || d->is_new),
		"'%s' is drafted with %d instances", spec->name, d->count);
	return d;
}

void change_free(void *draft)
{
	struct change *d = draft;

	if (!d)
		return;
	build_free(d->build);
	mem_free(d->build_words);
	mem_free(d->ports.ports);
	mem_free(d->back.ports);
	mem_free(d);
}

void changeset_of(const struct herd *h, struct vec *drafts)
{
	for (size_t i = 0; i < h->apps.len; i++) {
		struct app *a = h->apps.items[i];
		struct change *d = NULL;

		if (a->is_deleting)
			continue;
		d = change_add(drafts, a, a->spec);
		d->scaled = a->scaled;
		/* What a rollout will make of it counts, not how far that has come. */
		if (a->rollout)
			d->was = d->count = a->rollout->count;
	}
}

struct change *change_find(const struct vec *drafts, const char *name)
{
	size_t i = 0;
	struct change *d = NULL;

	VEC_EACH (drafts, i, d) {
		/* The spec of one that is removed may be gone already. */
		if (!d->is_removed && str_eq(d->spec->name, name))
			return d;
	}
	return NULL;
}

/* What is called otherwise than before; an old state may hold names that are refused today, and they stay. */
static bool is_renamed(const struct change *d)
{
	return d->is_new || (d->is_changed && !str_eq(d->spec->namespace, d->app->spec->namespace));
}

int changeset_check(const struct herd *h, struct vec *drafts, struct err *e)
{
	struct vec specs = VEC_INIT;
	struct vec changed = VEC_INIT;
	struct vec renamed = VEC_INIT;
	size_t i = 0;
	const struct change *d = NULL;
	int rc = 0;

	VEC_EACH (drafts, i, d) {
		if (d->is_removed)
			continue;
		vec_push(&specs, (void *)d->spec);
		if (d->is_changed || !d->app)
			vec_push(&changed, (void *)d->spec);
		if (is_renamed(d))
			vec_push(&renamed, (void *)d->spec);
	}
	rc = names_check(&specs, &renamed, e);
	if (rc == 0)
		rc = graph_check(&specs, &changed, e);
	vec_release(&specs);
	vec_release(&changed);
	vec_release(&renamed);
	return rc < 0 ? rc : changeset_assign_ports(h, drafts, e);
}

/* The instances that the plan has on both sides. */
static int kept(const struct change *d)
{
	ASSERT(!d->app || d->app->count >= 0, "'%s' has %d instances", d->spec->name, d->app->count);
	return d->app && !d->app->is_deleting ? d->app->count : 0;
}

void change_plan(const struct change *d, struct plan *plan)
{
	struct plan_app from = { .instances = kept(d) };
	struct plan_app to = {
		.spec = d->spec, .instances = d->count, .ports = d->ports.ports, .build = d->build
	};
	struct vec before = VEC_INIT;
	struct vec after = VEC_INIT;
	int *ports = mem_zalloc((size_t)from.instances, sizeof(*ports));

	ASSERT(!d->ports.len || d->ports.ports, "'%s' has %d ports that are nowhere", d->spec->name,
		d->ports.len);
	for (int i = 0; i < from.instances; i++)
		ports[i] = revision_port(d->app->target, i);
	from.ports = ports;
	if (d->app && !d->app->is_deleting) {
		from.spec = d->app->spec;
		from.build = d->app->target->build;
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
	if (state_is_live(i->state))
		instance_restart(i);
	else
		instance_stop_checking(i);
	i->was_delayed = false;
	i->has_ended = false;
	instance_forget_crashes(i);
	instance_mark_dirty(i);
	ASSERT_OF(i, !state_is_live(i->state) || instance_is_going_down(i),
		"is to be renewed, and stays as it is");
}

/* Does any instance need a new process? */
static bool replaces(const struct change *d)
{
	struct plan plan = PLAN_INIT;
	bool is_any = false;

	change_plan(d, &plan);
	is_any = plan.counts[PLAN_REPLACE] || plan.counts[PLAN_MOVE];
	plan_release(&plan);
	return is_any;
}

/* The same for one of those that the plan does not have, as they are on their way out: they may be wanted again. */
static bool replaces_any(const struct spec *from, const struct spec *to)
{
	const int port = 0;
	struct plan_app before = { .spec = from, .instances = 1, .ports = &port };
	struct plan_app after = { .spec = to, .instances = 1, .ports = &port };
	struct vec was = VEC_INIT;
	struct vec is = VEC_INIT;
	struct plan plan = PLAN_INIT;
	bool is_any = false;

	vec_push(&was, &before);
	vec_push(&is, &after);
	plan_make(&plan, &was, &is);
	is_any = plan.counts[PLAN_REPLACE] > 0;
	plan_release(&plan);
	vec_release(&was);
	vec_release(&is);
	return is_any;
}

/* What is different needs no new process: instances that run by the newest definition run by this one now. */
static void amend(struct app *a, struct revision *r)
{
	struct revision *old = revision_ref(a->target);
	bool spares_retired = replaces_any(old->spec, r->spec);
	size_t k = 0;
	struct instance *i = NULL;

	ASSERT(r != old && r->refs > 0, "%s is amended by what it has", a->spec->name);
	VEC_EACH (&a->instances, k, i) {
		if (i->revision != old || (instance_is_retired(i) && spares_retired))
			continue;
		revision_set(&i->revision, r);
		if (i->phase == PHASE_SPAWNING || i->phase == PHASE_UP)
			instance_grace(i);
		instance_check_renew(i);
	}
	if (a->current == old) {
		if (rollout_makes_way_back(a, r, ROLLOUT_DEPLOY))
			revision_set(&a->previous, old);
		revision_set(&a->current, r);
	}
	if (a->rollout && a->rollout->to == old)
		revision_set(&a->rollout->to, r);
	/* Also what runs by one that is neither, as on the way back from it. */
	app_overtake(a, r);
	revision_pin(old);
	app_retarget(a, r);
	revision_drop(old);
}

/* It was being deleted, and is wanted after all: nothing of it serves any more, and there is nothing to go back to. */
static void revive(struct app *a, struct revision *r)
{
	ASSERT(a->is_deleting, "%s is revived, and was not deleted", a->spec->name);
	a->is_deleting = false;
	revision_set(&a->previous, NULL);
	for (size_t i = 0; i < a->instances.len; i++)
		renew(a->instances.items[i]);
	app_retarget(a, r);
	revision_set(&a->current, r);
	ASSERT(a->current == a->target, "%s is revived by two revisions", a->spec->name);
}

static enum herd_did change(struct herd *h, struct change *d)
{
	struct app *a = d->app;
	struct revision *r = revision_new(spec_clone(d->spec), a ? a->last_revision + 1 : 1);
	const struct rollout_start start = { .kind = d->kind, .count = d->count };
	enum herd_did did = HERD_DID_ADD;
	bool is_roll = a && !a->is_deleting && (d->rolls || replaces(d));

	r->caller = d->caller;
	revision_take_build(r, d->build);
	d->build = NULL;
	r->is_pinned = r->is_held = d->is_held;
	if (!a) {
		d->app = app_new(h, revision_ref(r));
	} else if (a->is_deleting) {
		revive(a, r);
	} else if (is_roll) {
		did = HERD_DID_ROLL;
		d->is_rolled = true;
		app_roll(a, r, &start);
	} else {
		did = HERD_DID_AMEND;
		amend(a, r);
	}
	d->spec = r->spec;
	ASSERT(d->app && !d->app->is_deleting, "'%s' is changed, and goes", d->spec->name);
	app_publish(d->app, a ? &REASON_OF(APP_CHANGED) : &REASON_OF(APP_ADDED));
	revision_drop(r);
	return did;
}

/* Both begin with the same ports, and give the next number the same one. */
static bool is_alike(const struct revision *r, const struct revision *by)
{
	if (r->port_source != by->port_source || r->spec->port_mode != by->spec->port_mode ||
		r->spec->port_step != by->spec->port_step)
		return false;
	for (int k = 0; k < r->ports_len && k < by->ports_len; k++)
		if (r->ports[k] != by->ports[k])
			return false;
	return true;
}

/* Where the new ports only continue where the old ones end, instances that are added to the old revision have one too. */
static void extend_ports(struct revision *r, const struct revision *by)
{
	if (r == by || r->ports_len >= by->ports_len || !is_alike(r, by))
		return;
	r->ports = mem_resize(r->ports, (size_t)by->ports_len, sizeof(*r->ports));
	for (int k = r->ports_len; k < by->ports_len; k++)
		r->ports[k] = by->ports[k];
	r->ports_len = by->ports_len;
	ASSERT(r->ports_len == by->ports_len, "revision %d has %d ports", r->number, r->ports_len);
}

/* Has the revision ports beyond the draft's, of instances that a scale down is still stopping?  Not for a block: its rest may belong to another app. */
static bool has_more_ports(const struct revision *r, const struct port_row *row)
{
	if (r->ports_len <= row->len || r->port_source != row->source || r->port_source == PORT_BLOCK)
		return false;
	for (int k = 0; k < row->len; k++)
		if (r->ports[k] != row->ports[k])
			return false;
	return true;
}

static void take_ports(struct revision *r, struct port_row *row)
{
	ASSERT(r->refs > 0 && (!row->len || row->ports), "'%s' takes %d ports that are nowhere",
		r->spec->name, row->len);
	if (has_more_ports(r, row))
		return;
	mem_free(r->ports);
	r->ports = row->ports;
	r->ports_len = row->len;
	r->port_source = row->source;
	row->ports = NULL;
}

/* One instance needs no port, but several have a block, also if they go back to the old definition. */
static void share_block(struct app *a)
{
	struct revision *r = a->current;

	ASSERT(a->rollout, "%s shares a block, and is not rolled out", a->spec->name);
	if (revision_port(r, 0) || a->target->port_source != PORT_BLOCK || a->rollout->back_count < 2)
		return;
	mem_free(r->ports);
	r->ports = mem_dup(a->target->ports, (size_t)a->target->ports_len * sizeof(*r->ports));
	r->ports_len = a->target->ports_len;
	r->port_source = PORT_BLOCK;
}

static void resize(const struct change *d)
{
	struct app *a = d->app;

	/* Somebody scaled it in the middle, or changed what it goes back to: that holds also when it goes back. */
	if (a->rollout && !d->is_rolled && (!d->is_changed || a->current == a->target) &&
		change_is_scaled(d)) {
		a->rollout->back_count = d->count;
		a->rollout->back_scaled = d->scaled;
		share_block(a);
	}
	ASSERT(d->count >= 0 && d->count <= APP_INSTANCES_MAX, "%s is to have %d instances", a->spec->name,
		d->count);
	a->scaled = d->scaled;
	if (d->is_rolled || d->count == d->was)
		return;
	if (a->rollout)
		a->rollout->count = d->count;
	app_resize(a, d->count);
}

static void share_out_ports(struct change *d)
{
	struct app *a = d->app;
	size_t k = 0;
	const struct instance *i = NULL;

	take_ports(a->target, &d->ports);
	if (d->back.len) {
		ASSERT(a->current != a->target, "%s goes back to what it has", a->spec->name);
		take_ports(a->current, &d->back);
	}
	extend_ports(a->current, a->target);
	VEC_EACH (&a->instances, k, i) {
		extend_ports(i->revision, a->target);
	}
}

void changeset_commit(struct herd *h, struct vec *drafts)
{
	size_t i = 0;
	struct change *d = NULL;

	h->is_changed = true;
	VEC_EACH (drafts, i, d) {
		if (!d->is_removed && (d->is_changed || !d->app))
			d->did = change(h, d);
	}
	graph_link(h);
	VEC_EACH (drafts, i, d) {
		ASSERT(d->app, "'%s' is to be there, and is not", d->spec->name);
		if (d->is_removed) {
			app_delete(d->app);
			continue;
		}
		share_out_ports(d);
		resize(d);
	}
	for (i = 0; i < h->apps.len; i++)
		app_mark_dirty(h->apps.items[i]);
}

int app_reaim(struct app *a, struct revision *r, int *count, struct err *e)
{
	struct vec drafts = VEC_INIT;
	struct change *d = NULL;
	int rc = 0;

	changeset_of(a->herd, &drafts);
	d = change_find(&drafts, a->spec->name);
	ASSERT(d && d->app == a, "%s is aimed at another revision, and is deleted", a->spec->name);
	d->spec = r->spec;
	d->is_changed = true;
	d->count = a->scaled >= 0 ? a->scaled : count_resolve(r->spec->instances, a->herd->options.cpus);
	rc = changeset_check(a->herd, &drafts, e);
	if (rc == 0)
		take_ports(r, &d->ports);
	*count = d->count;
	vec_release_with(&drafts, change_free);
	return rc;
}
