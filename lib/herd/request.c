/*
 * What people ask for: flags are set and instances touched; the steps follow from that.
 */
#include "base/assert.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "herd/deploy.h"
#include "herd/request_wait.h"
#include "model/refusal.h"

struct targeted_request {
	struct herd *h;
	const struct herd_request *r;
	struct vec instances, apps; /* in dependency order */
	struct herd_wait *request;  /* NULL: nobody waits */
};

static const char *const verb_words[] = {
	[HERD_START] = "start",
	[HERD_STOP] = "stop",
	[HERD_RESTART] = "restart",
	[HERD_DELETE] = "delete",
	[HERD_RESET] = "reset",
	[HERD_SIGNAL] = "signal",
};

/* It is down or waits: the next step may be taken now, as if nothing had happened before. */
static void hurry(struct instance *i, enum event start_by)
{
	ASSERT_OF(i, start_by == EVENT_START || start_by == EVENT_RESET, "is to start by another event");
	i->has_ended = false;
	i->start_by = start_by;
	i->was_delayed = false;
	instance_forget_crashes(i);
	if (i->state == STATE_BACKOFF)
		timer_disarm(&i->app->herd->timers, &i->life);
	ASSERT_OF(i, i->state != STATE_BACKOFF || !timer_is_armed(&i->life), "hurries, and waits");
}

static void start_instance(const struct targeted_request *q, struct instance *i)
{
	const struct rollout *r = i->app->rollout;
	bool is_left = q->r->is_deploy && i->has_ended && r && r->phase == ROLLOUT_WAITING;

	ASSERT_OF(i, !instance_is_retired(i), "is to go, and is started");
	i->wants_up = true;
	if (!is_left && (!state_is_live(i->state) || i->state == STATE_STOPPING))
		hurry(i, EVENT_START);
	instance_mark_dirty(i);
}

static void start_app(const struct targeted_request *q, struct app *a)
{
	ASSERT(!a->is_deleting, "%s is deleted, and is started", a->spec->name);
	a->wants_up = true;
	app_note_start(a);
	for (size_t k = 0; k < a->instances.len; k++) {
		struct instance *i = a->instances.items[k];

		if (!instance_is_retired(i))
			start_instance(q, i);
	}
}

static bool has_app(const struct vec *apps, const struct app *a)
{
	for (size_t k = 0; k < apps->len; k++)
		if (apps->items[k] == a)
			return true;
	return false;
}

/* What the instances depend on is started with them. */
static void add_needs(struct targeted_request *q)
{
	struct vec apps = VEC_INIT;
	struct vec needs = VEC_INIT;
	size_t k = 0;
	struct app *need = NULL;

	for (k = 0; k < q->instances.len; k++)
		vec_push(&apps, ((const struct instance *)q->instances.items[k])->app);
	graph_add_needs(&apps, &needs);
	VEC_EACH (&needs, k, need) {
		if (has_app(&q->apps, need))
			continue;
		vec_push(&q->apps, need);
		for (size_t n = 0; n < need->instances.len; n++)
			if (!instance_is_retired(need->instances.items[n]))
				vec_push(&q->instances, need->instances.items[n]);
	}
	vec_release(&apps);
	vec_release(&needs);
	ASSERT(q->apps.len <= q->h->apps.len, "%zu apps of %zu are started", q->apps.len, q->h->apps.len);
}

static void start(struct targeted_request *q)
{
	if (!q->r->is_alone)
		add_needs(q);
	for (size_t k = 0; k < q->apps.len; k++)
		start_app(q, q->apps.items[k]);
	for (size_t k = 0; k < q->instances.len; k++) {
		struct instance *i = q->instances.items[k];

		start_instance(q, i);
		if (q->r->waits_ready)
			request_wait(q->request, i, GOAL_READY);
	}
}

/* Nobody has to ask for those that are on their way out, but when all is said to be down, so are they. */
static void wait_for_retired(struct targeted_request *q)
{
	for (size_t k = 0; k < q->apps.len; k++) {
		const struct app *a = q->apps.items[k];

		for (size_t n = 0; n < a->instances.len; n++) {
			struct instance *i = a->instances.items[n];

			if (!instance_is_retired(i))
				continue;
			request_wait(q->request, i, GOAL_DOWN);
			instance_mark_dirty(i);
		}
	}
}

static void stop(struct targeted_request *q)
{
	ASSERT(q->instances.len <= q->h->slots.len, "%zu instances of %zu are stopped", q->instances.len,
		q->h->slots.len);
	wait_for_retired(q);
	for (size_t k = 0; k < q->apps.len; k++)
		((struct app *)q->apps.items[k])->wants_up = false;
	for (size_t k = 0; k < q->instances.len; k++) {
		struct instance *i = q->instances.items[k];

		i->wants_up = false;
		request_wait(q->request, i, GOAL_DOWN);
		instance_mark_dirty(i);
	}
}

static void restart(struct targeted_request *q)
{
	enum goal goal = q->r->waits_ready ? GOAL_READY : GOAL_CYCLED;

	ASSERT(q->instances.len <= q->h->slots.len, "%zu instances of %zu are restarted", q->instances.len,
		q->h->slots.len);
	for (size_t k = 0; k < q->apps.len; k++)
		((struct app *)q->apps.items[k])->wants_up = true;
	/* All of them first: what depends on another must not take it for ready in between. */
	for (size_t k = 0; k < q->instances.len; k++) {
		struct instance *i = q->instances.items[k];

		i->wants_up = true;
		instance_set_down(i, state_is_live(i->state) ? DOWN_RESTART : DOWN_NONE);
		if (i->state == STATE_STOPPING || !state_is_live(i->state))
			hurry(i, EVENT_START);
		else
			instance_forget_crashes(i);
		request_wait(q->request, i, goal);
	}
	for (size_t k = 0; k < q->apps.len; k++)
		app_note_start(q->apps.items[k]);
	for (size_t k = 0; k < q->instances.len; k++)
		instance_mark_dirty(q->instances.items[k]);
}

static void delete (struct targeted_request *q)
{
	wait_for_retired(q);
	for (size_t k = 0; k < q->instances.len; k++)
		request_wait(q->request, q->instances.items[k], GOAL_DOWN);
	for (size_t k = 0; k < q->apps.len; k++)
		app_delete(q->apps.items[k]);
}

static void reset(struct targeted_request *q)
{
	for (size_t k = 0; k < q->instances.len; k++) {
		struct instance *i = q->instances.items[k];

		if (i->state == STATE_CRASHED || i->state == STATE_BACKOFF)
			hurry(i, EVENT_RESET);
		else
			instance_forget_crashes(i);
		instance_mark_dirty(i);
	}
}

static void send_signal(struct targeted_request *q)
{
	struct herd *h = q->h;

	for (size_t k = 0; k < q->instances.len; k++) {
		const struct instance *i = q->instances.items[k];

		if (i->phase == PHASE_UP)
			h->options.effects->signal(h->options.context, instance_ticket(i), q->r->signal);
	}
}

static int check(const struct targeted_request *q, struct err *e)
{
	if (q->h->is_shutting_down)
		return refusal_set(e, REFUSAL_OF(STOPPING), "the daemon is stopping; nothing new is begun");
	if (q->r->verb == HERD_SIGNAL && !q->r->signal)
		return err_set(e, "signal needs the name of a signal");
	for (size_t k = 0; k < q->instances.len && q->r->verb == HERD_DELETE; k++) {
		const struct app *a = ((const struct instance *)q->instances.items[k])->app;

		if (!has_app(&q->apps, a))
			return refusal_set(e, REFUSAL_OF(NOT_AN_APP, .app = a->spec->name),
				"delete takes whole apps; 'scale %s %d' has one instance less", a->spec->name,
				a->count - 1);
	}
	for (size_t k = 0; k < q->apps.len && q->r->count && q->r->verb == HERD_START; k++) {
		const struct spec *s = ((const struct app *)q->apps.items[k])->spec;

		if (s->disabled && q->r->count == 1 && str_eq(q->r->targets[0], s->name))
			return refusal_set(e, REFUSAL_OF(DISABLED, .app = s->name),
				"'%s' is disabled in its oxfile", s->name);
	}
	ASSERT(q->r->targets || !q->r->count, "%zu targets are nowhere", q->r->count);
	return 0;
}

void instance_remember(struct herd *h, struct instance *i, const struct reason *why)
{
	const struct herd_event event = {
		.at = h->now,
		.kind = HERD_EVENT_NOTE,
		.app = i->app->spec->name,
		.instance = i->number,
		.from = i->state,
		.to = i->state,
		.why = why,
		.run = i->generation,
		.delay_ms = -1,
	};

	ASSERT_OF(i, why, "is to remember nothing");
	h->options.effects->remember(h->options.context, &event);
}

/* Kept for `why`: who asked.  A start means nothing to what runs. */
static void remember(const struct targeted_request *q)
{
	const struct reason why = REASON_OF(ASKED, .verb = verb_words[q->r->verb], .who = q->r->who);

	for (size_t k = 0; k < q->instances.len; k++) {
		struct instance *i = q->instances.items[k];

		if (q->r->verb != HERD_START || instance_is_going_down(i) || !state_is_live(i->state))
			instance_remember(q->h, i, &why);
	}
}

int herd_request(struct herd *h, const struct herd_request *r, int64_t now, struct err *e)
{
	static void (*const verbs[])(struct targeted_request *) = {
		[HERD_START] = start,
		[HERD_STOP] = stop,
		[HERD_RESTART] = restart,
		[HERD_DELETE] = delete,
		[HERD_RESET] = reset,
		[HERD_SIGNAL] = send_signal,
	};
	struct targeted_request q = { .h = h, .r = r, .instances = VEC_INIT, .apps = VEC_INIT };
	int rc = -1;

	herd_begin(h, now);
	if (targets_find(h, r->targets, r->count, &q.instances, &q.apps, e) < 0 || check(&q, e) < 0)
		goto out;
	if (r->who)
		remember(&q);
	q.request = request_open(r->id);
	verbs[r->verb](&q);
	/* An app without instances remembers it too. */
	h->is_changed = true;
	request_begin(h, q.request);
	herd_commit(h);
	rc = 0;
out:
	vec_release(&q.instances);
	vec_release(&q.apps);
	return rc;
}

void herd_shutdown(struct herd *h, uint64_t id, int64_t deadline_ms, int64_t now)
{
	struct herd_wait *request = request_open(id);

	herd_begin(h, now);
	if (!h->is_shutting_down && deadline_ms > 0) {
		h->deadline.kind = TIMER_DEADLINE;
		timer_arm(&h->timers, &h->deadline, h->now + deadline_ms);
	}
	h->is_shutting_down = true;
	for (size_t k = h->slots.len; k-- > 0;)
		request_wait(request, h->slots.items[k], GOAL_DOWN);
	for (size_t k = 0; k < h->apps.len; k++)
		app_mark_dirty(h->apps.items[k]);
	request_begin(h, request);
	herd_commit(h);
	ASSERT(h->is_shutting_down, "the daemon is to end, and does not");
}
