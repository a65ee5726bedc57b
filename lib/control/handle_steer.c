/*
 * Words to a rollout that is under way, or is over: on, back, and how it ended.
 */
#include "base/err.h"
#include "base/log.h"
#include "control/audit.h"
#include "control/handle.h"
#include "control/pending_reply.h"
#include "engine/brain.h"

enum { NAMES_MAX = 8 };

static bool may_be_meant(const struct app_status *app, bool is_under_way)
{
	return app->rollout.phase || !is_under_way;
}

static void list_name(struct buf *names, const char *name, size_t count)
{
	if (count <= NAMES_MAX)
		buf_addf(names, "%s%s", names->len ? ", " : "", name);
	else if (count == NAMES_MAX + 1)
		buf_adds(names, ", ...");
}

/* The only app; where there are more, the only one that is being deployed, if that is what it is about.  NULL with words: it is not clear. */
static const char *only_app(struct handle *h, bool is_under_way, struct buf *words)
{
	size_t all = herd_app_count(brain_herd(h->brain));
	struct buf names = BUF_INIT;
	const char *found = NULL;
	size_t count = 0;

	for (size_t i = 0; i < all; i++) {
		struct app_status app;

		herd_app_status(brain_herd(h->brain), i, &app);
		if (!may_be_meant(&app, is_under_way) && all > 1)
			continue;
		found = app.name;
		list_name(&names, app.name, ++count);
	}
	if (!all)
		buf_adds(words, "there is no app");
	else if (!count)
		buf_adds(words, "no deploy in progress");
	else if (count > 1)
		buf_addf(words, "%zu %s; name one: %s", count,
			is_under_way ? "deploys are in progress" : "apps are known", names.ptr);
	buf_release(&names);
	return count == 1 ? found : NULL;
}

/* `app` may be NULL: the one that it must be. */
static void steer(struct handle *h, struct call *c, enum herd_steering steering, const char *app)
{
	struct buf who = BUF_INIT;
	struct buf words = BUF_INIT;
	struct pending_reply *w = NULL;
	struct err e = ERR_INIT;

	if (!app)
		app = only_app(h, steering == HERD_CONTINUE || steering == HERD_ABORT, &words);
	if (!app)
		call_fail(c, RPC_PARAMS, "%s", words.ptr);
	buf_release(&words);
	if (!app)
		return;
	w = pending_reply_new(h, c);
	audit_who(c, &who);
	log_info("%s %s by %s", method_name(call_method(c)), app, who.ptr);
	buf_release(&who);
	pending_reply_watch(w, app);
	brain_begin(h->brain);
	if (herd_steer(brain_herd(h->brain), pending_reply_id(w), steering, app, brain_now(h->brain), &e) < 0)
		pending_reply_refuse(w, &e);
	else
		pending_reply_begin(w, NULL);
	brain_end(h->brain);
	err_release(&e);
}

void handle_rollback(void *context, struct call *c)
{
	const struct params_rollback *p = &c->params.rollback;

	steer(context, c, p->definition_only ? HERD_ROLLBACK_DEFINITION : HERD_ROLLBACK, p->app);
}

void handle_abort(void *context, struct call *c)
{
	steer(context, c, HERD_ABORT, c->params.abort.app);
}

void handle_continue(void *context, struct call *c)
{
	steer(context, c, HERD_CONTINUE, c->params.resume.app);
}

void handle_await(void *context, struct call *c)
{
	struct handle *h = context;
	const struct param_strings *targets = &c->params.await.targets;
	struct pending_reply *w = pending_reply_new(h, c);
	struct vec specs = VEC_INIT;
	const struct spec *s = NULL;
	struct err e = ERR_INIT;
	size_t i = 0;

	(void)herd_target_specs(brain_herd(h->brain), targets->items, targets->count, &specs, NULL);
	VEC_EACH (&specs, i, s) {
		pending_reply_watch(w, s->name);
	}
	vec_release(&specs);
	if (herd_await_rollouts(brain_herd(h->brain), pending_reply_id(w), targets->items, targets->count,
		    brain_now(h->brain), &e) < 0)
		pending_reply_refuse(w, &e);
	else
		pending_reply_begin(w, NULL);
	err_release(&e);
}
