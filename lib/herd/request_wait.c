/*
 * When a request is over.  Each knows what it waits for in which slots; whenever an instance takes a step, the requests that wait for it look.
 */
#include <stdlib.h>

#include "base/assert.h"
#include "base/mem.h"
#include "herd/deploy.h"
#include "herd/herd_private.h"
#include "herd/receipt.h"
#include "herd/request_wait.h"
#include "view/reason_text.h"

enum {
	/* Words about this many instances; the rest is a number. */
	FAILURES_TOLD_MAX = 3,
	/* Then the wait ends as failed: with the usual delays this is after a quarter of a minute. */
	CRASHES_WAITED_MAX = 8,
};

struct herd_wait *request_alloc(uint64_t id)
{
	struct herd_wait *r = mem_zalloc(1, sizeof(*r));

	r->id = id;
	buf_init(&r->words);
	return r;
}

struct herd_wait *request_open(uint64_t id)
{
	return id ? request_alloc(id) : NULL;
}

void request_free(void *request)
{
	struct herd_wait *r = request;

	if (!r)
		return;
	buf_release(&r->words);
	vec_release_with(&r->rollouts, mem_free);
	mem_free(r->waits);
	mem_free(r);
}

void request_wait_slot(struct herd_wait *r, uint32_t slot, enum goal goal, uint64_t generation)
{
	if (r->len == r->cap) {
		r->cap = r->cap ? r->cap * 2 : 8;
		r->waits = mem_resize(r->waits, r->cap, sizeof(*r->waits));
	}
	r->waits[r->len++] = (struct instance_wait){
		.slot = slot,
		.goal = goal,
		.generation = generation,
	};
	r->left++;
}

void request_wait(struct herd_wait *r, const struct instance *i, enum goal goal)
{
	if (!r)
		return;
	request_wait_slot(r, i->slot, goal, i->generation);
	r->waits[r->len - 1].hopeless = i->hopeless;
}

void request_wait_rollout(struct herd_wait *r, uint64_t rollout, bool any_end)
{
	const struct rollout_wait wait = { .rollout = rollout, .any_end = any_end };

	if (!r)
		return;
	r->is_patient = true;
	r->left++;
	vec_push(&r->rollouts, mem_dup(&wait, sizeof(wait)));
}

/* Success has words as well: a deploy ends with its verdict. */
void request_tell(struct herd_wait *r, bool is_ok, const char *words)
{
	if (!r)
		return;
	r->failed += !is_ok;
	if (r->words.len)
		buf_addc(&r->words, '\n');
	buf_adds(&r->words, words);
}

static void rollout_over(struct herd_wait *r, size_t at, bool is_ok, const char *words)
{
	struct rollout_wait *wait = vec_remove(&r->rollouts, at);

	r->left--;
	r->is_done = !r->left;
	request_tell(r, is_ok || wait->any_end, words);
	mem_free(wait);
}

void rollouts_settled(struct herd *h, uint64_t rollout, bool is_ok, const char *words)
{
	for (size_t k = 0; k < h->requests.len; k++) {
		struct herd_wait *r = h->requests.items[k];

		for (size_t n = r->rollouts.len; n-- > 0;)
			if (((const struct rollout_wait *)r->rollouts.items[n])->rollout == rollout)
				rollout_over(r, n, is_ok, words);
	}
}

static int compare_waits(const void *left, const void *right)
{
	const struct instance_wait *a = left;
	const struct instance_wait *b = right;

	return (a->slot > b->slot) - (a->slot < b->slot);
}

void request_begin(struct herd *h, struct herd_wait *r)
{
	if (!r)
		return;
	if (r->len)
		qsort(r->waits, r->len, sizeof(*r->waits), compare_waits);
	r->is_done = !r->left;
	vec_push(&h->requests, r);
	receipt_covers(h, r);
}

enum answer { ANSWER_WAIT, ANSWER_OK, ANSWER_FAILED };

static enum answer look_down(const struct instance *i, struct buf *why)
{
	if (instance_is_down(i))
		return ANSWER_OK;
	if (i->is_unkillable) {
		buf_adds(why, "does not die after SIGKILL");
		return ANSWER_FAILED;
	}
	if (!instance_should_run(i) || i->state == STATE_STOPPING || instance_is_restarting(i))
		return ANSWER_WAIT;
	buf_adds(why, "was started again");
	return ANSWER_FAILED;
}

static void add_reason(const struct instance *i, const char *fallback, struct buf *out)
{
	if (i->why)
		reason_text(i->why, out);
	else
		buf_adds(out, fallback);
}

/* Where to read on, and the last lines that it wrote before it died. */
static void add_more(const struct instance *i, struct buf *why)
{
	struct buf lines = BUF_INIT;

	instance_last_lines(i, &lines);
	buf_adds(why, ". See 'oxctl why ");
	instance_name(i, why);
	buf_adds(why, lines.len ? "'. Its last lines:" : "'");
	buf_add(why, lines.ptr, lines.len);
	buf_release(&lines);
}

/* It cannot be executed at all, or has crashed often enough for everybody to stop waiting. */
static bool keeps_failing(const struct instance *i, const struct instance_wait *w, struct buf *why)
{
	int64_t crashes = i->history ? i->history->crashes : 0;

	if (i->hopeless > w->hopeless) {
		add_reason(i, "cannot be executed", why);
		add_more(i, why);
		return true;
	}
	if (crashes < CRASHES_WAITED_MAX || i->generation <= w->generation)
		return false;
	buf_addf(why, "keeps crashing (%lld times in a row: ", (long long)crashes);
	add_reason(i, "it ended", why);
	buf_addc(why, ')');
	add_more(i, why);
	return true;
}

/* Nobody wants it any more, or it ended: an answer, whatever was waited for. */
static enum answer look_unwanted(const struct instance *i, struct buf *why)
{
	if (instance_is_wanted(i) && i->state == STATE_FINISHED)
		return ANSWER_OK;
	if (instance_is_wanted(i)) {
		buf_addf(why, "%s: ", state_word(i->state));
		add_reason(i, "it ended", why);
	}
	if (instance_is_wanted(i) && i->state == STATE_CRASHED)
		add_more(i, why);
	else if (!instance_is_wanted(i))
		buf_adds(why, "was stopped");
	return ANSWER_FAILED;
}

/* What it depends on will not become ready by itself. */
static bool is_hopeless(const struct instance *i, struct buf *why)
{
	for (size_t k = 0; k < i->app->needs.len; k++) {
		const struct app *need = i->app->needs.items[k];
		size_t n = 0;
		const struct instance *other = NULL;
		bool has_crashed = false;

		VEC_EACH (&need->instances, n, other) {
			has_crashed |=
				instance_is_wanted(other) && other->has_ended && !instance_is_ready(other);
		}
		if (!has_crashed && need->wanted)
			continue;
		buf_addf(why, "waits for %s, which %s", need->spec->name,
			has_crashed ? "crashed" : "is stopped");
		return true;
	}
	return false;
}

/* It is one of ours that has the port, and on its way down: that ends by itself. */
static bool is_port_given_up(const struct instance *i)
{
	const struct herd *h = i->app->herd;
	const struct endpoint mine = instance_endpoint(i);

	for (size_t k = 0; k < h->slots.len; k++) {
		const struct instance *other = h->slots.items[k];
		const struct endpoint theirs = instance_endpoint(other);

		if (other != i && state_is_live(other->state) && !instance_should_run(other) &&
			endpoint_is_same_place(&theirs, &mine))
			return true;
	}
	return false;
}

static enum answer look_up(const struct instance *i, const struct instance_wait *w, struct buf *why)
{
	bool is_new = i->generation > w->generation;

	if (!instance_should_run(i) && !instance_is_restarting(i))
		return look_unwanted(i, why);
	if (i->state == STATE_BLOCKED && i->phase == PHASE_NONE && is_hopeless(i, why))
		return ANSWER_FAILED;
	if (w->goal == GOAL_READY && i->state == STATE_BACKOFF && keeps_failing(i, w, why))
		return ANSWER_FAILED;
	/* Its port is a stranger's, who may keep it for ever. */
	if (i->state == STATE_BLOCKED && i->phase == PHASE_CHECKING && !is_port_given_up(i)) {
		buf_adds(why, "is blocked, and starts once that is over: ");
		add_reason(i, "", why);
		return ANSWER_FAILED;
	}
	if (w->goal == GOAL_READY)
		return instance_is_ready(i) ? ANSWER_OK : ANSWER_WAIT;
	if (is_new && i->phase == PHASE_UP)
		return ANSWER_OK;
	if (is_new && i->state == STATE_BACKOFF) {
		buf_addf(why, "%s: ", state_word(i->state));
		add_reason(i, "", why);
		return ANSWER_FAILED;
	}
	return ANSWER_WAIT;
}

static void fail(struct herd_wait *r, const struct instance *i, const char *why)
{
	if (++r->failed > FAILURES_TOLD_MAX)
		return;
	if (r->words.len)
		buf_adds(&r->words, r->is_patient ? "\n" : "; ");
	instance_name(i, &r->words);
	buf_addf(&r->words, " %s", why);
}

static void look(struct herd_wait *r, struct instance_wait *w, const struct instance *i)
{
	struct buf why = BUF_INIT;
	enum answer answer = w->goal == GOAL_DOWN ? look_down(i, &why) : look_up(i, w, &why);

	ASSERT(r->left > 0, "request %llu waits for nothing, and is not done", (unsigned long long)r->id);
	if (answer != ANSWER_WAIT) {
		w->is_done = true;
		r->left--;
	}
	if (answer == ANSWER_FAILED)
		fail(r, i, why.ptr);
	/* A wait for all to be up has its answer with the first that fails; a stop waits for every one. */
	if (!r->left || (answer == ANSWER_FAILED && w->goal != GOAL_DOWN && !r->is_patient))
		r->is_done = true;
	buf_release(&why);
}

void requests_look(struct herd *h, const struct instance *i)
{
	struct instance_wait key = { .slot = i->slot };

	for (size_t k = 0; k < h->requests.len; k++) {
		struct herd_wait *r = h->requests.items[k];
		struct instance_wait *w = NULL;

		if (r->is_done || !r->len)
			continue;
		w = bsearch(&key, r->waits, r->len, sizeof(*r->waits), compare_waits);
		if (w && !w->is_done)
			look(r, w, i);
	}
}

static void answer(struct herd *h, struct herd_wait *r)
{
	if (r->failed > FAILURES_TOLD_MAX)
		buf_addf(&r->words, "; and %zu more", r->failed - FAILURES_TOLD_MAX);
	if (r->id)
		h->options.effects->settled(h->options.context, r->id, !r->failed, r->words.ptr);
	if (r->receipt)
		receipt_settled(h, r->receipt, !r->failed, r->words.ptr);
	request_free(r);
}

void requests_answer(struct herd *h)
{
	size_t kept = 0;
	size_t len = h->requests.len;

	for (size_t k = 0; k < len; k++) {
		struct herd_wait *r = h->requests.items[k];

		if (r->is_done)
			answer(h, r);
		else
			h->requests.items[kept++] = r;
	}
	h->requests.len = kept;
}

void herd_forget_request(struct herd *h, uint64_t id)
{
	for (size_t k = h->requests.len; k-- > 0;) {
		struct herd_wait *r = h->requests.items[k];

		if (r->id != id)
			continue;
		/* Its receipt is to say how it ended. */
		if (r->receipt)
			r->id = 0;
		else
			request_free(vec_remove(&h->requests, k));
	}
	receipts_unwait(h, id);
}

static bool has_rollout(const struct herd *h, uint64_t number)
{
	for (size_t k = 0; k < h->apps.len; k++) {
		const struct app *a = h->apps.items[k];

		if (a->rollout && a->rollout->number == number)
			return true;
	}
	return false;
}

static void resume(const struct herd *h, struct herd_wait *r)
{
	for (size_t k = 0; k < r->len; k++) {
		struct instance_wait *w = &r->waits[k];

		if (w->is_done || herd_by_slot(h, w->slot))
			continue;
		w->is_done = true;
		r->left--;
	}
	for (size_t n = r->rollouts.len; n-- > 0;)
		if (!has_rollout(h, ((const struct rollout_wait *)r->rollouts.items[n])->rollout))
			rollout_over(r, n, true, "");
	r->is_done = !r->left;
}

void requests_resume(struct herd *h)
{
	for (size_t k = 0; k < h->requests.len; k++)
		resume(h, h->requests.items[k]);
}
