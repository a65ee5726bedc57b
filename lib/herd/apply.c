/*
 * An oxfile's apps come in; scale changes how many there are.
 */
#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "herd/deploy.h"
#include "model/plan.h"
#include "model/selector.h"
#include "rules/scale.h"

struct applying {
	const struct herd *h;
	const struct herd_apply *a;
	struct vec drafts;
	struct vec chosen; /* of const struct spec *: what was named, and what that depends on */
	bool *is_named;    /* by place in a->specs */
};

static const struct spec *find_spec(const struct vec *specs, const char *name)
{
	size_t i = 0;
	const struct spec *s = NULL;

	VEC_EACH (specs, i, s) {
		if (str_eq(s->name, name))
			return s;
	}
	return NULL;
}

static void choose(struct applying *p, const struct spec *s)
{
	if (find_spec(&p->chosen, s->name))
		return;
	vec_push(&p->chosen, (void *)s);
	for (size_t k = 0; k < s->depends_on.len; k++) {
		const struct spec *need = find_spec(p->a->specs, s->depends_on.items[k]);

		if (need)
			choose(p, need);
	}
}

static int no_such(const struct applying *p, const char *name, struct err *e)
{
	struct str_guess guess = { .typed = name };

	selector_guess(&guess, p->a->specs);
	if (guess.best)
		err_set(e, "the oxfile has no app or namespace '%s'; did you mean '%s'?", name, guess.best);
	else
		err_set(e, "the oxfile has no app or namespace '%s'", name);
	if (e)
		e->number = ENOENT;
	return -1;
}

static int choose_all(struct applying *p, struct err *e)
{
	bool *is_named = p->is_named = mem_zalloc(p->a->specs->len + 1, sizeof(*is_named));
	size_t i = 0;
	const struct spec *s = NULL;

	for (size_t k = 0; k < p->a->only_count; k++)
		if (!selector_mark(p->a->only[k], p->a->specs, is_named))
			return no_such(p, p->a->only[k], e);
	VEC_EACH (p->a->specs, i, s) {
		if (is_named[i] || !p->a->only_count)
			choose(p, s);
	}
	return 0;
}

static int count_of(const struct herd *h, const struct draft *d)
{
	if (d->spec->disabled)
		return 0;
	return d->scaled >= 0 ? d->scaled : scale_resolve(d->spec->instances, h->options.cpus);
}

static bool same_count(struct count a, struct count b)
{
	return a.kind == b.kind && a.value == b.value;
}

static int claim_name(const struct applying *p, const struct app *app, const struct spec *s, struct err *e)
{
	const char *there = app->spec->oxfile;

	if (app->is_leaving || p->a->is_reload || str_eq(there, p->a->oxfile))
		return 0;
	return err_set(e, "there is an app '%s' already, from %s; %s must call its own another name", s->name,
		there ? there : "no oxfile", p->a->oxfile ? p->a->oxfile : "this one");
}

/* One that stands still, having failed, is tried once more. */
static bool rolls_anyway(const struct applying *p, const struct app *app)
{
	return p->a->changes &&
		(p->a->forces || p->a->is_reload || (app->rollout && app->rollout->phase == ROLLOUT_HALTED));
}

/* It runs by another definition, and goes on so. */
static void note_other(const struct applying *p, const struct app *app, const char *name)
{
	if (p->a->notes && app->spec->oxfile)
		buf_addf(p->a->notes,
			"%s: its oxfile was edited and is not applied; 'oxctl deploy' does that\n", name);
	else if (p->a->notes)
		buf_addf(p->a->notes,
			"%s: it goes on as it was started before; 'oxctl scale' changes how many there are, and "
			"after 'oxctl delete %s' it can be started in another way\n",
			name, name);
}

/* One that is new, and brings no environment: that of another app from the same oxfile. */
static int64_t fellows_caller(const struct applying *p)
{
	const struct app *app = NULL;
	size_t i = 0;

	VEC_EACH (&p->h->apps, i, app) {
		if (!app->is_leaving && p->a->oxfile && str_eq(app->spec->oxfile, p->a->oxfile))
			return app->target->caller;
	}
	return 0;
}

static int draft_spec(struct applying *p, const struct spec *s, struct err *e)
{
	struct app *app = app_find(p->h, s->name);
	struct draft *d = draft_find(&p->drafts, s->name);
	bool is_there = app && !app->is_leaving;

	if (app && claim_name(p, app, s, e) < 0)
		return -1;
	if (is_there && !rolls_anyway(p, app) && spec_equal(app->spec, s))
		return 0;
	if (is_there && !p->a->changes) {
		note_other(p, app, s->name);
		return 0;
	}
	if (!d)
		d = draft_add(&p->drafts, app, s);
	if (is_there && !same_count(app->spec->instances, s->instances))
		d->scaled = -1;
	d->spec = s;
	d->caller = p->a->caller;
	d->is_changed = true;
	d->rolls = is_there && rolls_anyway(p, app);
	d->kind = p->a->is_reload ? ROLLOUT_RELOAD : ROLLOUT_DEPLOY;
	/* A reload is by nobody's wish for another environment. */
	if (is_there && (p->a->is_reload || !d->caller))
		d->caller = app->target->caller;
	else if (!d->caller)
		d->caller = fellows_caller(p);
	d->count = count_of(p->h, d);
	return 0;
}

static void draft_removed(struct applying *p)
{
	size_t i = 0;
	struct draft *d = NULL;

	VEC_EACH (&p->drafts, i, d) {
		if (d->app && str_eq(d->app->spec->oxfile, p->a->oxfile) &&
			!find_spec(p->a->specs, d->spec->name))
			d->is_removed = true;
	}
}

static int draft_all(struct applying *p, struct err *e)
{
	size_t i = 0;
	const struct spec *s = NULL;

	if (choose_all(p, e) < 0)
		return -1;
	drafts_of(p->h, &p->drafts);
	VEC_EACH (&p->chosen, i, s) {
		if (draft_spec(p, s, e) < 0)
			return -1;
	}
	if (p->a->prunes && !p->a->only_count && p->a->oxfile)
		draft_removed(p);
	return drafts_check(p->h, &p->drafts, e);
}

static void release(struct applying *p)
{
	vec_release_with(&p->drafts, draft_free);
	vec_release(&p->chosen);
	mem_free(p->is_named);
}

/* Removed apps are waited for until they are down, the others as the request says. */
static void wait_for(struct request *r, const struct applying *p)
{
	size_t i = 0;
	const struct draft *d = NULL;

	VEC_EACH (&p->drafts, i, d) {
		for (size_t k = 0; d->is_removed && k < d->app->instances.len; k++)
			request_wait(r, d->app->instances.items[k], GOAL_DOWN);
	}
}

/* Whoever brings up what is down lends it the environment; what runs keeps what it has. */
static void lend(struct app *app, int64_t caller)
{
	size_t i = 0;
	const struct instance *instance = NULL;

	VEC_EACH (&app->instances, i, instance) {
		if (state_is_live(instance->state) || instance->state == STATE_BACKOFF ||
			instance->state == STATE_BLOCKED)
			return;
	}
	app->target->caller = caller;
}

static bool is_named(const struct applying *p, const struct spec *s)
{
	for (size_t k = 0; k < p->a->specs->len && p->a->only_count; k++)
		if (p->a->specs->items[k] == s)
			return p->is_named[k];
	return false;
}

static bool is_to_start(const struct applying *p, const struct spec *s, const struct draft *d)
{
	return p->a->starts || (p->a->starts_new && ((d && d->is_new) || is_named(p, s)));
}

/* Not for those that a deploy leaves alone: how they are is none of its business. */
static void wait_ready(
	const struct applying *p, const struct app *app, const struct draft *d, struct request *r)
{
	if (!p->a->waits_ready || app->rollout || (p->a->starts_new && (!d || !d->is_changed)))
		return;
	for (size_t k = 0; k < app->instances.len; k++) {
		const struct instance *i = app->instances.items[k];

		if (!i->is_retired && (p->a->starts || i->wants_up))
			request_wait(r, i, GOAL_READY);
	}
}

static void start_chosen(struct herd *h, const struct applying *p, struct request *r)
{
	size_t i = 0;
	const struct spec *s = NULL;
	struct vec names = VEC_INIT;
	struct herd_request start = {
		.verb = HERD_START, .is_alone = true, .is_deploy = p->a->changes, .who = p->a->who
	};

	VEC_EACH (&p->chosen, i, s) {
		struct app *app = app_find(h, s->name);
		const struct draft *d = draft_find(&p->drafts, s->name);

		if (is_to_start(p, s, d)) {
			vec_push(&names, s->name);
			if (p->a->caller)
				lend(app, p->a->caller);
			/* What it waits for is wanted from here on. */
			app->wants_up = true;
			for (size_t k = 0; k < app->instances.len; k++)
				if (!((struct instance *)app->instances.items[k])->is_retired)
					((struct instance *)app->instances.items[k])->wants_up = true;
		}
		wait_ready(p, app, d, r);
		if (app->rollout && p->a->changes && app->rollout->phase != ROLLOUT_PAUSED)
			request_wait_rollout(r, app->rollout->number, !d || !d->is_rolled);
	}
	start.targets = (const char *const *)names.items;
	start.count = names.len;
	request_begin(h, r);
	if (names.len)
		herd_request(h, &start, h->now, NULL);
	vec_release(&names);
}

static void tell_did(const struct applying *p)
{
	size_t i = 0;
	const struct spec *s = NULL;
	const struct draft *d = NULL;

	if (!p->a->did)
		return;
	VEC_EACH (&p->chosen, i, s) {
		d = draft_find(&p->drafts, s->name);
		p->a->did(p->a->did_context, s->name, d && d->is_changed ? d->did : HERD_DID_NOTHING);
	}
}

static void tell_removed(const struct applying *p)
{
	size_t i = 0;
	const struct draft *d = NULL;

	VEC_EACH (&p->drafts, i, d) {
		if (p->a->did && d->is_removed)
			p->a->did(p->a->did_context, d->spec->name, HERD_DID_REMOVE);
	}
}

int herd_apply(struct herd *h, const struct herd_apply *a, int64_t now, struct err *e)
{
	struct applying p = { .h = h, .a = a, .drafts = VEC_INIT, .chosen = VEC_INIT };
	struct request *request = NULL;
	int rc = -1;

	herd_enter(h, now);
	if (h->is_shutting_down) {
		err_set(e, "the daemon is stopping; nothing new is begun");
		goto out;
	}
	if (draft_all(&p, e) < 0)
		goto out;
	request = request_open(a->id);
	wait_for(request, &p);
	tell_removed(&p);
	drafts_commit(h, &p.drafts);
	tell_did(&p);
	start_chosen(h, &p, request);
	herd_leave(h);
	rc = 0;
out:
	release(&p);
	return rc;
}

int herd_plan(const struct herd *h, const struct herd_apply *a, struct plan *plan, struct err *e)
{
	struct applying p = { .h = h, .a = a, .drafts = VEC_INIT, .chosen = VEC_INIT };
	size_t i = 0;
	const struct draft *d = NULL;
	int rc = draft_all(&p, e);

	VEC_EACH (&p.drafts, i, d) {
		if (rc == 0 && (d->is_changed || d->is_removed || find_spec(&p.chosen, d->spec->name)))
			draft_plan(d, plan);
	}
	release(&p);
	return rc;
}

/* --- scale --- */

static int draft_scaling(
	const struct herd *h, struct vec *drafts, const struct herd_scaling *s, struct err *e)
{
	const char *const target[] = { s->app };
	struct draft *d = draft_find(drafts, s->app);
	struct vec unused = VEC_INIT;
	int64_t count = 0;

	if (!d) {
		/* For its words; whatever else it finds cannot be scaled. */
		int rc = targets_find(h, target, 1, &unused, NULL, e);

		vec_release(&unused);
		return rc < 0 ? rc : err_set(e, "'%s' is not one app, and only apps can be scaled", s->app);
	}
	if (d->spec->disabled)
		return err_set(e, "'%s' is disabled in its oxfile", s->app);
	count = s->is_relative ? (int64_t)d->count + s->delta : scale_resolve(s->count, h->options.cpus);
	if (count < 0)
		count = 0;
	if (count > APP_INSTANCES_MAX)
		return err_set(e, "'%s' would have %lld instances, beyond %d", s->app, (long long)count,
			APP_INSTANCES_MAX);
	d->count = (int)count;
	d->scaled = d->count;
	return 0;
}

/* Waits for those that are too many now and, where asked, for those that are new; other apps have no part in it. */
static void wait_for_scale(struct request *r, const struct draft *d, bool waits_ready)
{
	size_t i = 0;
	const struct instance *instance = NULL;

	if (d->is_awaited)
		return;
	VEC_EACH (&d->app->instances, i, instance) {
		if (instance->is_retired)
			request_wait(r, instance, GOAL_DOWN);
		else if (waits_ready && instance->number >= d->was && instance_is_wanted(instance))
			request_wait(r, instance, GOAL_READY);
	}
}

/* Kept for `why` of those that come and those that go. */
static void remember_scale(struct herd *h, const struct draft *d, const char *who)
{
	int first = d->was < d->count ? d->was : d->count;
	struct buf words = BUF_INIT;
	size_t i = 0;
	struct instance *instance = NULL;

	if (!who || d->was == d->count || d->is_awaited)
		return;
	buf_addf(&words, "scale to %d, asked by %s", d->count, who);
	VEC_EACH (&d->app->instances, i, instance) {
		if (instance->number >= first)
			instance_remember(h, instance, words.ptr);
	}
	buf_release(&words);
}

int herd_scale(struct herd *h, uint64_t id, const struct herd_scaling *scalings, size_t count,
	bool waits_ready, int64_t now, struct err *e)
{
	struct vec drafts = VEC_INIT;
	struct request *request = NULL;
	int rc = -1;

	herd_enter(h, now);
	drafts_of(h, &drafts);
	if (h->is_shutting_down) {
		err_set(e, "the daemon is stopping; nothing new is begun");
		goto out;
	}
	for (size_t k = 0; k < count; k++)
		if (draft_scaling(h, &drafts, &scalings[k], e) < 0)
			goto out;
	if (drafts_check(h, &drafts, e) < 0)
		goto out;
	drafts_commit(h, &drafts);
	request = request_open(id);
	for (size_t k = 0; k < count; k++) {
		struct draft *d = draft_find(&drafts, scalings[k].app);

		remember_scale(h, d, scalings[k].who);
		wait_for_scale(request, d, waits_ready);
		d->is_awaited = true;
	}
	request_begin(h, request);
	herd_leave(h);
	rc = 0;
out:
	vec_release_with(&drafts, draft_free);
	return rc;
}
