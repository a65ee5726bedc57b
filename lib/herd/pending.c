/*
 * What a request still waits for, as sentences for the error of a timeout.
 */
#include "base/assert.h"
#include "base/buf.h"
#include "herd/deploy.h"
#include "herd/herd_private.h"
#include "herd/request_wait.h"
#include "view/reason_text.h"

/* So many are named; the rest is a number. */
enum { PENDING_TOLD_MAX = 3 };

static void add_not_ready(const struct instance *i, struct buf *out)
{
	static const char *const words[] = {
		[READY_AUTO] = "is not ready yet",
		[READY_ALIVE] = "has not been up for a second yet",
		[READY_LISTEN] = "is not listening on port",
		[READY_HEALTH] = "has not passed its health check yet",
		[READY_NOTIFY] = "has not sent READY=1 yet",
		[READY_IPC] = "has not sent 'ready' yet",
	};
	enum ready_kind kind = spec_ready(instance_spec(i));

	ASSERT_OF(i, i->state == STATE_STARTING, "is to be ready, and does not start");
	buf_adds(out, words[kind]);
	if (kind == READY_LISTEN)
		buf_addf(out, " %d yet", i->port);
	buf_adds(out, instance_check_reason(i) ? " (" : " (still starting");
	reason_text(instance_check_reason(i), out);
	buf_addc(out, ')');
}

static void add_instance(const struct instance *i, struct buf *out)
{
	struct reason *why = NULL;

	instance_name(i, out);
	buf_addc(out, ' ');
	if (i->state == STATE_STARTING && i->phase == PHASE_UP) {
		add_not_ready(i, out);
	} else {
		why = instance_reason(i);
		buf_addf(out, "is %s%s", state_word(i->state), why ? ": " : "");
		reason_text(why, out);
	}
	reason_free(why);
}

static void add_name(const struct app *a, struct strings *apps)
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
			add_name(i->app, apps);
	}
	VEC_EACH (&r->rollouts, k, wait) {
		const struct app *a = request_rolled_app(h, wait->rollout);

		if (a)
			add_name(a, apps);
	}
}

struct telling {
	struct buf *out;
	size_t count;
	const struct app *first; /* where to look further */
};

/* False when it is only counted. */
static bool tell(struct telling *t, const struct app *a)
{
	if (++t->count > PENDING_TOLD_MAX)
		return false;
	if (t->count > 1)
		buf_adds(t->out, "; ");
	t->first = t->first ? t->first : a;
	return true;
}

static void add_request(const struct herd *h, const struct herd_wait *r, struct telling *t)
{
	const struct rollout_wait *wait = NULL;
	size_t k = 0;

	ASSERT(r->left <= r->len + r->rollouts.len, "request %llu waits for %zu of %zu",
		(unsigned long long)r->id, (size_t)r->left, r->len + r->rollouts.len);
	for (k = 0; k < r->len; k++) {
		const struct instance *i = r->waits[k].is_done ? NULL : herd_by_slot(h, r->waits[k].slot);

		if (i && tell(t, i->app))
			add_instance(i, t->out);
	}
	VEC_EACH (&r->rollouts, k, wait) {
		const struct app *a = request_rolled_app(h, wait->rollout);

		if (a && tell(t, a))
			buf_addf(t->out, "the rollout of '%s' continues", a->spec->name);
	}
}

void herd_pending(const struct herd *h, const uint64_t *ids, size_t count, struct buf *out)
{
	struct telling t = { .out = out };

	for (size_t k = 0; k < h->requests.len; k++) {
		const struct herd_wait *r = h->requests.items[k];

		for (size_t n = 0; n < count; n++)
			if (r->id == ids[n])
				add_request(h, r, &t);
	}
	if (t.count > PENDING_TOLD_MAX)
		buf_addf(out, "; and %zu more", t.count - PENDING_TOLD_MAX);
	if (t.first)
		buf_addf(out, ". See 'oxctl why %s'", t.first->spec->name);
}
