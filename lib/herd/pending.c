/*
 * What a request still waits for, as data for the error of a timeout.
 */
#include "base/assert.h"
#include "base/buf.h"
#include "herd/deploy.h"
#include "herd/herd_private.h"
#include "herd/receipt.h"
#include "herd/request_wait.h"

/* So many are named; the rest is a number. */
enum { PENDING_TOLD_MAX = 3 };

static void add_pending_name(const struct app *a, struct strings *apps)
{
	if (!strings_have(apps, a->spec->name))
		strings_add(apps, a->spec->name);
}

void request_add_apps(const struct herd *h, const struct herd_wait *r, struct strings *apps)
{
	const struct rollout_wait *wait = NULL;
	size_t k = 0;

	for (k = 0; k < r->len; k++) {
		const struct instance *i = r->waits[k].is_done ? NULL : herd_by_slot(h, r->waits[k].slot);

		if (i)
			add_pending_name(i->app, apps);
	}
	VEC_EACH (&r->rollouts, k, wait) {
		const struct app *a = request_rolled_app(h, wait->rollout);

		if (a)
			add_pending_name(a, apps);
	}
}

struct telling {
	struct wait_results *out;
	size_t count;
};

/* The first ones are named, the others only counted. */
static void tell_pending(
	struct telling *t, const struct app *a, const struct instance *i, const struct reason *why)
{
	struct wait_result *r = NULL;

	if (++t->count > PENDING_TOLD_MAX)
		return;
	r = wait_result_new(a->spec->name, false, why, NULL);
	r->instance = i ? i->number : -1;
	r->is_continued = t->count > 1;
	wait_results_add(t->out, r);
}

static void tell_instance(struct telling *t, const struct instance *i)
{
	struct buf name = BUF_INIT;
	struct reason *cause = NULL;

	instance_name(i, &name);
	if (i->state == STATE_STARTING && i->phase == PHASE_UP) {
		tell_pending(t, i->app, i,
			&REASON_OF(NOT_READY_YET, .instance = name.ptr,
				.expects = spec_ready(instance_spec(i)), .port = i->port,
				.cause = instance_check_reason(i)));
	} else {
		cause = instance_reason(i);
		tell_pending(t, i->app, i,
			&REASON_OF(NOT_YET, .instance = name.ptr, .state = state_word(i->state),
				.cause = cause));
	}
	reason_free(cause);
	buf_release(&name);
}

static void tell_request(const struct herd *h, const struct herd_wait *r, struct telling *t)
{
	const struct rollout_wait *wait = NULL;
	size_t k = 0;

	ASSERT(r->left <= r->len + r->rollouts.len, "request %llu waits for %zu of %zu",
		(unsigned long long)r->id, (size_t)r->left, r->len + r->rollouts.len);
	for (k = 0; k < r->len; k++) {
		const struct instance *i = r->waits[k].is_done ? NULL : herd_by_slot(h, r->waits[k].slot);

		if (i)
			tell_instance(t, i);
	}
	VEC_EACH (&r->rollouts, k, wait) {
		const struct app *a = request_rolled_app(h, wait->rollout);

		if (a)
			tell_pending(t, a, NULL, &REASON_OF(DEPLOY_CONTINUES, .app = a->spec->name));
	}
}

void herd_pending(const struct herd *h, const uint64_t *ids, size_t count, struct wait_results *out)
{
	struct telling t = { .out = out };
	struct wait_result *more = NULL;

	for (size_t k = 0; k < h->requests.len; k++) {
		const struct herd_wait *r = h->requests.items[k];

		for (size_t n = 0; n < count; n++)
			if (r->id == ids[n] || receipt_waiter(r->receipt) == ids[n])
				tell_request(h, r, &t);
	}
	if (t.count <= PENDING_TOLD_MAX)
		return;
	more = wait_result_new(
		NULL, false, &REASON_OF(MORE_PENDING, .count = (int64_t)(t.count - PENDING_TOLD_MAX)), NULL);
	more->is_continued = true;
	wait_results_add(out, more);
}
