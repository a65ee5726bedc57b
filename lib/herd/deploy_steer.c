/*
 * Commands in the middle of a rollout, or after it: continue, abort, roll back, and wait for its verdict.
 */
#include "base/err.h"
#include "herd/changeset.h"
#include "herd/deploy.h"
#include "herd/request_wait.h"
#include "model/refusal.h"

static int go_on(struct app *a, struct err *e)
{
	struct rollout *r = a->rollout;
	struct instance *i = NULL;
	size_t k = 0;

	if (!r || !rollout_waits_for_word(r))
		return r ? refusal_set(e, REFUSAL_OF(NOT_PAUSED, .app = a->spec->name),
				   "%s: its deploy is in progress and not paused", a->spec->name)
			 : refusal_set(e, REFUSAL_OF(NO_DEPLOY, .app = a->spec->name),
				   "%s: no deploy in progress", a->spec->name);
	r->is_continued = true;
	rollout_set_failure(r, NULL);
	VEC_EACH (&a->instances, k, i) {
		if (i->trial == TRIAL_FAILED)
			i->trial = TRIAL_OPEN;
	}
	rollout_enter(r, ROLLOUT_REPLACE);
	return 0;
}

static int abort_it(struct app *a, struct err *e)
{
	struct rollout *r = a->rollout;

	if (!r)
		return refusal_set(e, REFUSAL_OF(NO_DEPLOY, .app = a->spec->name),
			"%s: no deploy in progress; 'oxctl rollback %s' goes back to the revision before",
			a->spec->name, a->spec->name);
	if (r->phase == ROLLOUT_BACK)
		return 0;
	r->is_aborted = true;
	rollout_set_failure(r, &REASON_OF(ABORTED));
	rollout_fail(r);
	return 0;
}

/* Nothing of it runs: the two revisions changed places at once. */
static void tell_switched(struct app *a)
{
	struct buf location = BUF_INIT;

	if (a->current->is_held)
		revision_location(a->current, &location);
	rollout_rested(a,
		wait_result_new(a->spec->name, true,
			&REASON_OF(NOT_RUNNING, .app = a->spec->name, .revision = a->current->number,
				.location = location.ptr),
			NULL));
	buf_release(&location);
}

static int roll_back_to(struct app *a, bool by_definition, struct err *e)
{
	struct rollout_start start = { .kind = ROLLOUT_ROLLBACK };
	struct revision *to = NULL;
	int rc = 0;

	if (a->rollout)
		return abort_it(a, e);
	if (!a->previous)
		return refusal_set(e, REFUSAL_OF(NO_REVISION, .app = a->spec->name),
			"'%s' has no earlier revision to go back to", a->spec->name);
	/* Where nothing runs the two change places at once. */
	to = revision_ref(a->previous);
	rc = by_definition ? 0 : app_check_back(a, to, e);
	if (rc == 0)
		rc = app_reaim(a, to, &start.count, e);
	if (rc == 0 && by_definition)
		app_renew_build(a, to);
	else if (rc == 0)
		to->is_held = true;
	if (rc == 0)
		app_roll(a, to, &start);
	if (rc == 0 && !a->rollout)
		tell_switched(a);
	revision_drop(to);
	return rc;
}

static int roll_back(struct app *a, struct err *e)
{
	return roll_back_to(a, false, e);
}

static int take_definition_back(struct app *a, struct err *e)
{
	return roll_back_to(a, true, e);
}

static void await(struct herd_wait *r, const struct app *a)
{
	if (a->rollout && !rollout_rests(a->rollout))
		request_wait_rollout(r, a->rollout->number, false);
	else if (a->verdict)
		request_tell(r, a->verdict, a->verdict->is_ok);
}

int herd_await_rollouts(
	struct herd *h, uint64_t id, const char *const *targets, size_t count, int64_t now, struct err *e)
{
	struct vec instances = VEC_INIT;
	struct vec apps = VEC_INIT;
	struct herd_wait *request = NULL;
	int rc = 0;

	herd_begin(h, now);
	rc = targets_find(h, targets, count, &instances, &apps, e);
	if (rc == 0) {
		request = request_open(id);
		for (size_t k = 0; k < apps.len && request; k++)
			await(request, apps.items[k]);
		request_begin(h, request);
	}
	vec_release(&instances);
	vec_release(&apps);
	herd_commit(h);
	return rc;
}

int herd_steer(
	struct herd *h, uint64_t id, enum herd_steering steering, const char *app, int64_t now, struct err *e)
{
	static int (*const steers[])(struct app *, struct err *) = {
		[HERD_CONTINUE] = go_on,
		[HERD_ABORT] = abort_it,
		[HERD_ROLLBACK] = roll_back,
		[HERD_ROLLBACK_DEFINITION] = take_definition_back,
	};
	struct vec instances = VEC_INIT;
	struct vec apps = VEC_INIT;
	struct herd_wait *request = NULL;
	struct app *a = NULL;
	bool is_abort = false;
	int rc = 0;

	herd_begin(h, now);
	if (h->is_shutting_down)
		return refusal_set(e, REFUSAL_OF(STOPPING), "the daemon is stopping; nothing new is begun");
	rc = targets_find(h, &app, 1, &instances, &apps, e);
	if (rc == 0 && apps.len == 1)
		a = apps.items[0];
	else if (rc == 0)
		(void)err_usage(
			e, "'%s' is not one app; a deploy is continued, aborted or rolled back by app", app);
	vec_release(&instances);
	vec_release(&apps);
	/* A rollback in the middle of a rollout is its abort. */
	is_abort = a && a->rollout && steering != HERD_CONTINUE;
	if (!a || steers[steering](a, e) < 0)
		return -1;
	/* An app without instances remembers it too. */
	h->is_changed = true;
	request = request_open(id);
	if (a->rollout)
		request_wait_rollout(request, a->rollout->number, is_abort);
	else if (a->verdict)
		request_tell(request, a->verdict, a->verdict->is_ok || is_abort);
	request_begin(h, request);
	herd_commit(h);
	return 0;
}
