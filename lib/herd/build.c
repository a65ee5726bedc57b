/*
 * What is on the disk beside a definition: whether a deploy finds it changed, where a rollback leads, and whose an oxfile is.
 */
#include "base/err.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/str.h"
#include "herd/deploy.h"
#include "model/notes.h"
#include "model/refusal.h"

/* --- oxfiles ------------------------------------------------------------------------------------------------------------- */

bool apply_is_of(const struct herd_apply *a, const char *oxfile)
{
	return str_eq(oxfile, a->oxfile) || (a->oxfile && oxfile && strings_have(a->also, oxfile));
}

static int refuse_claim(const char *there, const char *asking, const char *app, struct err *e)
{
	const struct refusal *why = REFUSAL_OF(OTHER_OXFILE, .app = app, .oxfile = there);

	if (!there)
		return refusal_set(e, why,
			"app '%s' was started without an oxfile; rename it in %s, or 'oxctl delete %s' first",
			app, asking, app);
	if (!asking)
		return refusal_set(e, why, "app '%s' belongs to %s; use another name", app, there);
	return refusal_set(e, why,
		"app '%s' belongs to %s; rename it in %s, or move %s away if %s replaces it", app, there,
		asking, there, asking);
}

int apply_claim(const struct herd_apply *a, const struct app *app, const struct spec *s, struct err *e)
{
	const char *there = app->spec->oxfile;
	bool is_gone = a->oxfile && there && strings_have(a->gone, there);

	if (app->is_deleting || a->is_reload || str_eq(there, a->oxfile) || app_is_lost(app))
		return 0;
	if (!apply_is_of(a, there) && !is_gone)
		return refuse_claim(there, a->oxfile, s->name, e);
	if (a->changes)
		notes_add(a->notes, s->name, "taken over from %s, which is %s", there,
			is_gone ? "gone" : "the same file by another name");
	return 0;
}

/* --- is anything different? ----------------------------------------------------------------------------------------------- */

static struct build *look(const struct herd *h, const struct build_query *effect)
{
	return h->options.look ? h->options.look(h->options.context, effect) : NULL;
}

static void note_lost(const struct herd_apply *a, const struct build *own, const char *app)
{
	struct buf folder = BUF_INIT;

	build_folder_words(own, &folder);
	notes_add(a->notes, app,
		"%s, which it was rolled back to, is gone; the reload runs the files that are there now",
		folder.ptr);
	buf_release(&folder);
}

struct build *apply_look(const struct herd *h, const struct herd_apply *a, const struct app *app,
	const struct spec *s, bool *is_held)
{
	bool is_there = app && !app->is_deleting;
	struct build_query effect = {
		.spec = s,
		.caller = is_there && (a->is_reload || !a->caller) ? app->target->caller : a->caller,
		.path = a->is_reload ? NULL : a->path,
	};
	struct build *now = NULL;

	/* What was rolled back stays so until somebody deploys, or its folder is gone. */
	*is_held = is_there && a->is_reload && app->target->is_held;
	effect.own = *is_held ? revision_own(app->target) : NULL;
	now = look(h, &effect);
	if (!effect.own || !now || now->folder)
		return now;
	build_free(now);
	note_lost(a, effect.own, s->name);
	*is_held = false;
	effect.own = NULL;
	return look(h, &effect);
}

bool app_is_same(const struct app *a, const struct spec *s, const struct build *now)
{
	return spec_equal(a->spec, s) && str_eq(a->spec->oxfile, s->oxfile) &&
		!build_differs(a->target->build, now, NULL);
}

/* One definition, in one folder by whatever name. */
static bool is_one(const struct revision *from, const struct spec *to, const struct build *now)
{
	const struct spec *s = from->spec;
	char *was = from->build && from->build->folder
		? mem_strdup(from->build->folder)
		: path_join(s->folder, s->working_dir ? s->working_dir : "");
	bool is = spec_equal(s, to) || (spec_equal_elsewhere(s, to) && now && str_eq(was, now->folder));

	mem_free(was);
	return is;
}

bool app_is_started_by(
	const struct herd *h, const struct herd_apply *a, const struct app *app, const struct spec *s)
{
	bool is_held = false;
	struct build *now = spec_equal(app->spec, s) ? NULL : apply_look(h, a, app, s, &is_held);
	bool is = is_one(app->target, s, now);

	build_free(now);
	return is;
}

/* --- what runs ------------------------------------------------------------------------------------------------------------ */

/* None runs, and one did: what is new was looked at a moment ago. */
static bool begins_anew(const struct app *a)
{
	bool has_run = false;
	size_t k = 0;
	const struct instance *i = NULL;

	VEC_EACH (&a->instances, k, i) {
		if (state_is_live(i->state) && !instance_is_restarting(i))
			return false;
		has_run |= i->generation != 0;
	}
	return has_run;
}

void app_renew_build(const struct app *a, struct revision *r)
{
	const struct build_query effect = { .spec = r->spec, .caller = r->caller };
	struct build *now = look(a->herd, &effect);

	r->is_pinned = r->is_held = false;
	if (now)
		revision_take_build(r, now);
}

void app_note_start(struct app *a)
{
	if (!a->rollout && !a->target->is_pinned && begins_anew(a))
		app_renew_build(a, a->target);
}

void app_overtake(struct app *a, const struct revision *to)
{
	size_t k = 0;
	const struct instance *i = NULL;

	if (a->current != to)
		revision_pin(a->current);
	VEC_EACH (&a->instances, k, i) {
		if (i->revision != to)
			revision_pin(i->revision);
	}
}

/* --- the way back --------------------------------------------------------------------------------------------------------- */

bool rollout_makes_way_back(const struct app *a, const struct revision *to, enum rollout_kind kind)
{
	const struct revision *from = a->current;

	if (kind == ROLLOUT_ROLLBACK || !is_one(from, to->spec, to->build))
		return true;
	/* A reload brings no definition; a new build in the same folder leaves nothing of the old one.  Another release folder is another matter. */
	if (kind == ROLLOUT_RELOAD)
		return from->build && to->build && to->build->folder && from->build->folder &&
			!str_eq(from->build->folder, to->build->folder);
	return build_differs(from->build, to->build, NULL);
}

bool app_has_lost(const struct app *a, const struct revision *to, struct buf *words)
{
	const struct build_query effect = {
		.spec = to->spec,
		.caller = to->caller,
		.own = to->build && to->build->folder ? to->build : NULL,
	};
	struct build *now = effect.own ? look(a->herd, &effect) : NULL;
	bool is_lost =
		build_is_lost(to->build, now, a->rollout ? a->rollout->to->build : a->current->build, words);

	build_free(now);
	return is_lost;
}

int app_check_back(const struct app *a, const struct revision *to, struct err *e)
{
	struct buf words = BUF_INIT;
	int rc = 0;

	if (app_has_lost(a, to, &words))
		rc = refusal_set(e,
			REFUSAL_OF(BUILD_LOST, .app = a->spec->name, .revision = to->number,
				.folder = to->build->folder),
			"%s: cannot go back to revision %d: %s (in %s); use 'oxctl rollback --definition-only %s' "
			"to take back the definition and run the files that are there now",
			a->spec->name, to->number, words.ptr, to->build->folder, a->spec->name);
	buf_release(&words);
	return rc;
}

void revision_location(const struct revision *r, struct buf *out)
{
	const struct build *own = revision_own(r);

	if (!own || str_eq(own->folder, own->named))
		return;
	build_folder_words(own, out);
}
