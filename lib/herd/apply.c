/*
 * An oxfile's apps come in.
 */
#include <string.h>

#include "base/assert.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "herd/changeset.h"
#include "herd/deploy.h"
#include "herd/request_wait.h"
#include "model/fields.h"
#include "model/notes.h"
#include "model/plan.h"
#include "model/refusal.h"
#include "model/selector.h"
#include "model/wait_result.h"

struct applying {
	const struct herd *h;
	const struct herd_apply *a;
	struct vec drafts;
	struct vec chosen; /* of const struct spec *: what was named, and what that depends on */
	bool *is_named;    /* by place in a->specs */
	struct vec same;   /* of struct same *: what a deploy leaves alone */
};

/* One that did not change, and what was looked at to tell. */
struct same {
	struct app *app;
	struct build *build;
	struct buf compared;
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

static int no_such(const struct applying *p, const char *name, struct err *e)
{
	struct str_guess guess = { .typed = name };
	const struct app *other = app_find(p->h, name);

	if (selector_check_whole(name, e) < 0)
		return -1;
	selector_guess(&guess, p->a->specs);
	if (other && !other->is_deleting && other->spec->oxfile)
		return refusal_set(e, REFUSAL_OF(NO_TARGET, .target = name, .oxfile = other->spec->oxfile),
			"the oxfile has no app or namespace '%s': '%s' comes from %s; use --config %s", name,
			name, other->spec->oxfile, other->spec->oxfile);
	if (guess.best)
		return refusal_set(e, REFUSAL_OF(NO_TARGET, .target = name, .guess = guess.best),
			"the oxfile has no app or namespace '%s'; did you mean '%s'?", name, guess.best);
	return refusal_set(
		e, REFUSAL_OF(NO_TARGET, .target = name), "the oxfile has no app or namespace '%s'", name);
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
			selector_add_with_needs(p->a->specs, s, &p->chosen);
	}
	return 0;
}

static int count_of(const struct herd *h, const struct change *d)
{
	if (d->spec->disabled)
		return 0;
	return d->scaled >= 0 ? d->scaled : count_resolve(d->spec->instances, h->options.cpus);
}

static bool same_count(struct count a, struct count b)
{
	return a.kind == b.kind && a.value == b.value;
}

/* One that stands still, having failed, is tried once more. */
static bool rolls_anyway(const struct applying *p, const struct app *app)
{
	return p->a->changes &&
		(p->a->forces || p->a->is_reload || (app->rollout && app->rollout->phase == ROLLOUT_HALTED));
}

/* It runs by another definition, and stays as it is. */
static void note_other(const struct applying *p, const char *name)
{
	notes_add(p->a->notes, name, "its oxfile was edited and is not applied; 'oxctl deploy' does that");
}

/* "(command, instances)" */
static void add_differences(const struct spec *a, const struct spec *b, struct buf *out)
{
	const char *between = "";

	if (!str_eq(a->folder, b->folder)) {
		buf_adds(out, "folder");
		between = ", ";
	}
	for (size_t k = 0; k < fields_count; k++) {
		if (field_equal(&fields[k], a, b))
			continue;
		buf_addf(out, "%s%s", between, fields[k].key);
		between = ", ";
	}
}

/* What was started without an oxfile and is described in another way now. */
static int refuse_other(const struct spec *is, const struct spec *wanted, struct err *e)
{
	struct buf words = BUF_INIT;
	struct buf scale = BUF_INIT;

	add_differences(is, wanted, &words);
	if (str_eq(words.ptr, "instances") && wanted->instances.kind == COUNT_NUMBER)
		buf_addf(&scale, "'oxctl scale %s %lld' or ", is->name, (long long)wanted->instances.value);
	refusal_set(e, REFUSAL_OF(OTHER_SETTINGS, .app = is->name),
		"%s already exists with other settings (%s); use %s'oxctl delete %s' first", is->name,
		words.ptr, scale.ptr, is->name);
	buf_release(&words);
	buf_release(&scale);
	return -1;
}

/* One that is new, and brings no environment: that of another app from the same oxfile. */
static int64_t fellows_caller(const struct applying *p)
{
	const struct app *app = NULL;
	size_t i = 0;

	VEC_EACH (&p->h->apps, i, app) {
		if (!app->is_deleting && p->a->oxfile && str_eq(app->spec->oxfile, p->a->oxfile))
			return app->target->caller;
	}
	return 0;
}

static void add_same(struct applying *p, struct app *app, const struct spec *s, struct build *now)
{
	struct same *same = mem_zalloc(1, sizeof(*same));

	ASSERT(app && !app->is_deleting, "'%s' is as it was, and goes", s->name);
	*same = (struct same){ .app = app, .build = now, .compared = BUF_INIT };
	build_compared(s, app->target->build, now, &same->compared);
	vec_push(&p->same, same);
}

static void same_free(void *item)
{
	struct same *same = item;

	build_free(same->build);
	buf_release(&same->compared);
	mem_free(same);
}

/* From here on the draft has the build. */
static void change_build(struct change *d, const struct app *app, struct build *now)
{
	struct buf words = BUF_INIT;
	bool is_there = app && !app->is_deleting;

	ASSERT(!d->build, "'%s' has two builds", d->spec->name);
	d->build = now;
	if (is_there && build_differs(app->target->build, now, &words))
		d->build_words = buf_detach(&words);
	buf_release(&words);
}

static int change_spec(struct applying *p, const struct spec *s, struct err *e)
{
	struct app *app = app_find(p->h, s->name);
	struct change *d = change_find(&p->drafts, s->name);
	bool is_there = app && !app->is_deleting;
	bool is_held = false;
	struct build *now = NULL;

	if (app && apply_claim(p->a, app, s, e) < 0)
		return -1;
	if (is_there && !p->a->changes) {
		if (app_is_started_by(p->h, p->a, app, s))
			return 0;
		if (!p->a->oxfile)
			return refuse_other(app->spec, s, e);
		note_other(p, s->name);
		return 0;
	}
	now = apply_look(p->h, p->a, app, s, &is_held);
	if (is_there && !rolls_anyway(p, app) && app_is_same(app, s, now)) {
		add_same(p, app, s, now);
		return 0;
	}
	if (!d)
		d = change_add(&p->drafts, app, s);
	change_build(d, app, now);
	d->is_held = is_held;
	if (is_there && !same_count(app->spec->instances, s->instances))
		d->scaled = -1;
	d->spec = s;
	d->caller = p->a->caller;
	d->is_changed = true;
	d->rolls = is_there && rolls_anyway(p, app);
	d->kind = p->a->is_reload ? ROLLOUT_RELOAD : ROLLOUT_DEPLOY;
	/* A reload is no request for another environment. */
	if (is_there && (p->a->is_reload || !d->caller))
		d->caller = app->target->caller;
	else if (!d->caller)
		d->caller = fellows_caller(p);
	d->count = count_of(p->h, d);
	ASSERT(d->count >= 0 && d->count <= APP_INSTANCES_MAX, "'%s' is to have %d instances", s->name,
		d->count);
	return 0;
}

static void change_removed(struct applying *p)
{
	size_t i = 0;
	struct change *d = NULL;

	VEC_EACH (&p->drafts, i, d) {
		if (d->app && apply_is_of(p->a, d->app->spec->oxfile) &&
			!find_spec(p->a->specs, d->spec->name))
			d->is_removed = true;
	}
}

static int change_all(struct applying *p, struct err *e)
{
	size_t i = 0;
	const struct spec *s = NULL;

	if (choose_all(p, e) < 0)
		return -1;
	changeset_of(p->h, &p->drafts);
	VEC_EACH (&p->chosen, i, s) {
		if (change_spec(p, s, e) < 0)
			return -1;
	}
	if (p->a->prunes && !p->a->only_count && p->a->oxfile)
		change_removed(p);
	return changeset_check(p->h, &p->drafts, e);
}

static void release(struct applying *p)
{
	vec_release_with(&p->drafts, change_free);
	vec_release_with(&p->same, same_free);
	vec_release(&p->chosen);
	mem_free(p->is_named);
}

/* Removed apps are waited for until they are down, the others as the request says. */
static void wait_for(struct herd_wait *r, const struct applying *p)
{
	size_t i = 0;
	const struct change *d = NULL;

	VEC_EACH (&p->drafts, i, d) {
		for (size_t k = 0; d->is_removed && k < d->app->instances.len; k++)
			request_wait(r, d->app->instances.items[k], GOAL_DOWN);
	}
}

/* What is down is started in the environment of this caller; what runs keeps the one that it has. */
static void lend(struct app *app, int64_t caller)
{
	size_t i = 0;
	const struct instance *instance = NULL;

	ASSERT(caller && app->target, "%s is lent the environment of nobody", app->spec->name);
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

static bool is_to_start(const struct applying *p, const struct spec *s, const struct change *d)
{
	return p->a->starts || (p->a->starts_new && ((d && d->is_new) || is_named(p, s)));
}

/* Not for those that a deploy leaves alone: how they are is none of its business. */
static void wait_ready(
	const struct applying *p, const struct app *app, const struct change *d, struct herd_wait *r)
{
	bool is_rolled = app->rollout && p->a->changes;

	if (!p->a->waits_ready || is_rolled || (p->a->starts_new && (!d || !d->is_changed)))
		return;
	for (size_t k = 0; k < app->instances.len; k++) {
		const struct instance *i = app->instances.items[k];

		/* A spare is gone when its rollout is over. */
		if (!instance_is_retired(i) && !instance_is_spare(i) && (p->a->starts || i->wants_up))
			request_wait(r, i, GOAL_READY);
	}
}

/* A deploy is over with its rollouts; one that is paused waits for somebody's word. */
static void wait_for_rollout(
	const struct applying *p, struct app *app, const struct change *d, struct herd_wait *r)
{
	struct wait_result *result = NULL;

	if (!app->rollout || !p->a->changes)
		return;
	if (app->rollout->phase != ROLLOUT_PAUSED) {
		request_wait_rollout(r, app->rollout->number, !d || !d->is_rolled);
		return;
	}
	result = rollout_pause_result(app->rollout);
	request_tell(r, result, true);
	wait_result_free(result);
}

static void start_chosen(struct herd *h, const struct applying *p, struct herd_wait *r)
{
	size_t i = 0;
	const struct spec *s = NULL;
	struct vec names = VEC_INIT;
	struct herd_request start = {
		.verb = HERD_START, .is_alone = true, .is_deploy = p->a->changes, .who = p->a->who
	};

	VEC_EACH (&p->chosen, i, s) {
		struct app *app = app_find(h, s->name);
		const struct change *d = change_find(&p->drafts, s->name);

		ASSERT(app, "'%s' was chosen, and is not there", s->name);
		if (is_to_start(p, s, d)) {
			vec_push(&names, s->name);
			if (p->a->caller)
				lend(app, p->a->caller);
			/* What it waits for is wanted from here on. */
			for (size_t k = 0; k < app->instances.len; k++)
				if (!instance_is_retired(app->instances.items[k]))
					((struct instance *)app->instances.items[k])->wants_up = true;
		}
		wait_ready(p, app, d, r);
		wait_for_rollout(p, app, d, r);
	}
	start.targets = (const char *const *)names.items;
	start.count = names.len;
	request_begin(h, r);
	if (names.len)
		herd_request(h, &start, h->now, NULL);
	vec_release(&names);
}

static const char *compared(const struct applying *p, const char *app)
{
	size_t i = 0;
	const struct same *same = NULL;

	VEC_EACH (&p->same, i, same) {
		if (str_eq(same->app->spec->name, app))
			return same->compared.ptr;
	}
	return NULL;
}

static void tell_did(const struct applying *p)
{
	size_t i = 0;
	const struct spec *s = NULL;

	if (!p->a->did)
		return;
	VEC_EACH (&p->chosen, i, s) {
		const struct change *d = change_find(&p->drafts, s->name);
		struct herd_deed deed = { .app = s->name, .did = HERD_DID_NOTHING };

		if (d && d->is_changed) {
			deed.did = d->did;
			deed.build = d->build_words;
		} else {
			deed.compared = compared(p, s->name);
		}
		p->a->did(p->a->did_context, &deed);
	}
}

static void tell_removed(const struct applying *p)
{
	size_t i = 0;
	const struct change *d = NULL;

	VEC_EACH (&p->drafts, i, d) {
		const struct herd_deed deed = { .app = d->spec->name, .did = HERD_DID_REMOVE };

		if (p->a->did && d->is_removed)
			p->a->did(p->a->did_context, &deed);
	}
}

/* One of an older state has no build yet: it gets the one that is there.  Others get what came later, such as a work tree of git. */
static void record_builds(struct applying *p)
{
	size_t i = 0;
	struct same *same = NULL;

	VEC_EACH (&p->same, i, same) {
		struct revision *r = same->app->target;

		if (!same->build || same->app->rollout)
			continue;
		if (r->build)
			build_learn(r->build, same->build);
		else
			revision_take_build(r, same->build);
		if (r->build == same->build)
			same->build = NULL;
	}
}

int herd_apply(struct herd *h, const struct herd_apply *a, int64_t now, struct err *e)
{
	struct applying p = { .h = h, .a = a, .drafts = VEC_INIT, .chosen = VEC_INIT, .same = VEC_INIT };
	struct herd_wait *request = NULL;
	int rc = -1;

	herd_begin(h, now);
	if (h->is_shutting_down) {
		refusal_set(e, REFUSAL_OF(STOPPING), "the daemon is stopping; nothing new is begun");
		goto out;
	}
	if (change_all(&p, e) < 0)
		goto out;
	request = request_open(a->id);
	wait_for(request, &p);
	tell_removed(&p);
	changeset_commit(h, &p.drafts);
	record_builds(&p);
	tell_did(&p);
	start_chosen(h, &p, request);
	herd_commit(h);
	rc = 0;
out:
	release(&p);
	return rc;
}

int herd_plan(const struct herd *h, const struct herd_apply *a, struct plan *plan, struct err *e)
{
	struct applying p = { .h = h, .a = a, .drafts = VEC_INIT, .chosen = VEC_INIT, .same = VEC_INIT };
	size_t i = 0;
	const struct change *d = NULL;
	int rc = change_all(&p, e);

	VEC_EACH (&p.drafts, i, d) {
		if (rc == 0 && (d->is_changed || d->is_removed || find_spec(&p.chosen, d->spec->name)))
			change_plan(d, plan);
	}
	release(&p);
	return rc;
}
