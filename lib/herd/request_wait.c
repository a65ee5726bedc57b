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

enum {
	/* Results of this many instances; the rest is a number. */
	FAILURES_TOLD_MAX = 3,
	/* Then the wait ends as failed: with the usual delays this is after a quarter of a minute. */
	CRASHES_WAITED_MAX = 8,
};

struct herd_wait *request_alloc(uint64_t id)
{
	struct herd_wait *r = mem_zalloc(1, sizeof(*r));

	r->id = id;
	r->results.is_ok = true;
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
	wait_results_release(&r->results);
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
	ASSERT(r->len <= r->cap && r->left > 0 && slot, "request %llu waits for slot %u",
		(unsigned long long)r->id, slot);
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
	ASSERT(r->left > 0, "request %llu waits for rollout %llu, and for nothing", (unsigned long long)r->id,
		(unsigned long long)rollout);
}

/* Success has a result as well: a deploy ends with its verdict. */
void request_tell(struct herd_wait *r, const struct wait_result *result, bool is_ok)
{
	struct wait_result *copy = NULL;

	if (!r)
		return;
	r->failed += !is_ok;
	copy = wait_result_copy(result);
	copy->is_ok = is_ok;
	wait_results_add(&r->results, copy);
}

/* NULL: nobody knows how it ended. */
static void rollout_over(struct herd_wait *r, size_t at, const struct wait_result *verdict)
{
	struct rollout_wait *wait = vec_remove(&r->rollouts, at);

	ASSERT(r->left > 0, "request %llu waits for nothing, and a rollout of it ends",
		(unsigned long long)r->id);
	r->left--;
	r->is_done = !r->left;
	if (verdict)
		request_tell(r, verdict, verdict->is_ok || wait->any_end);
	mem_free(wait);
}

void rollouts_settled(struct herd *h, uint64_t rollout, const struct wait_result *verdict)
{
	for (size_t k = 0; k < h->requests.len; k++) {
		struct herd_wait *r = h->requests.items[k];

		for (size_t n = r->rollouts.len; n-- > 0;)
			if (((const struct rollout_wait *)r->rollouts.items[n])->rollout == rollout)
				rollout_over(r, n, verdict);
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

static enum answer fail_with(
	const struct instance *i, const struct reason *why, const char *lines, struct wait_result **result)
{
	struct reason named = *why;
	struct buf name = BUF_INIT;

	instance_name(i, &name);
	named.instance = name.ptr;
	*result = wait_result_new(i->app->spec->name, false, &named, lines);
	(*result)->instance = i->number;
	buf_release(&name);
	return ANSWER_FAILED;
}

static enum answer fail_by(const struct instance *i, const struct reason *why, struct wait_result **result)
{
	return fail_with(i, why, NULL, result);
}

/* With the last lines that it wrote before it died. */
static enum answer fail_with_lines(
	const struct instance *i, const struct reason *why, struct wait_result **result)
{
	struct buf lines = BUF_INIT;

	instance_last_lines(i, &lines);
	(void)fail_with(i, why, lines.ptr, result);
	buf_release(&lines);
	return ANSWER_FAILED;
}

static enum answer look_down(const struct instance *i, struct wait_result **result)
{
	if (instance_is_down(i))
		return ANSWER_OK;
	if (i->is_unkillable)
		return fail_by(i, &REASON_OF(DOES_NOT_DIE), result);
	if (!instance_should_run(i) || i->state == STATE_STOPPING || instance_is_restarting(i))
		return ANSWER_WAIT;
	return fail_by(i, &REASON_OF(STARTED_AGAIN), result);
}

/* It cannot be executed at all, or has crashed often enough for everybody to stop waiting. */
static enum answer look_failing(
	const struct instance *i, const struct instance_wait *w, struct wait_result **result)
{
	int64_t crashes = i->history ? i->history->crashes : 0;

	if (i->hopeless > w->hopeless)
		return fail_with_lines(i, &REASON_OF(CANNOT_START, .cause = i->why), result);
	if (crashes < CRASHES_WAITED_MAX || i->generation <= w->generation)
		return ANSWER_WAIT;
	return fail_with_lines(i, &REASON_OF(KEEPS_CRASHING, .count = crashes, .cause = i->why), result);
}

/* Nobody wants it any more, or it ended: an answer, whatever was waited for. */
static enum answer look_unwanted(const struct instance *i, struct wait_result **result)
{
	if (!instance_is_wanted(i))
		return fail_by(i, &REASON_OF(WAS_STOPPED), result);
	if (i->state == STATE_FINISHED)
		return ANSWER_OK;
	if (i->state == STATE_CRASHED)
		return fail_with_lines(i, &REASON_OF(HAS_CRASHED, .cause = i->why), result);
	return fail_by(i, &REASON_OF(IS_NOT_UP, .state = state_word(i->state), .cause = i->why), result);
}

/* What it depends on will not become ready by itself: which, or NULL. */
static const struct app *hopeless_need(const struct instance *i, bool *has_crashed)
{
	for (size_t k = 0; k < i->app->needs.len; k++) {
		const struct app *need = i->app->needs.items[k];
		size_t n = 0;
		const struct instance *other = NULL;

		*has_crashed = false;
		VEC_EACH (&need->instances, n, other) {
			*has_crashed |=
				instance_is_wanted(other) && other->has_ended && !instance_is_ready(other);
		}
		if (*has_crashed || !need->wanted)
			return need;
	}
	return NULL;
}

static enum answer look_needs(const struct instance *i, struct wait_result **result)
{
	bool has_crashed = false;
	const struct app *need = hopeless_need(i, &has_crashed);
	const struct reason cause = {
		.kind = has_crashed ? REASON_NEED_CRASHED : REASON_NEED_STOPPED,
		.app = need ? need->spec->name : NULL,
	};

	return need ? fail_by(i, &REASON_OF(NEED_HOPELESS, .cause = &cause), result) : ANSWER_WAIT;
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

/* Of one that is to be up, and on its way there. */
static enum answer look_blocked(
	const struct instance *i, const struct instance_wait *w, struct wait_result **result)
{
	enum answer answer = ANSWER_WAIT;

	if (i->state == STATE_BLOCKED && i->phase == PHASE_NONE)
		answer = look_needs(i, result);
	if (answer == ANSWER_WAIT && w->goal == GOAL_READY && i->state == STATE_BACKOFF)
		answer = look_failing(i, w, result);
	/* Its port is a stranger's, who may keep it for ever. */
	if (i->state == STATE_BLOCKED && i->phase == PHASE_CHECKING && !is_port_given_up(i))
		answer = fail_by(i, &REASON_OF(IS_BLOCKED, .cause = i->why), result);
	return answer;
}

static enum answer look_up(
	const struct instance *i, const struct instance_wait *w, struct wait_result **result)
{
	bool is_new = i->generation > w->generation;

	if (!instance_should_run(i) && !instance_is_restarting(i))
		return look_unwanted(i, result);
	if (look_blocked(i, w, result) == ANSWER_FAILED)
		return ANSWER_FAILED;
	if (w->goal == GOAL_READY)
		return instance_is_ready(i) ? ANSWER_OK : ANSWER_WAIT;
	if (is_new && i->phase == PHASE_UP)
		return ANSWER_OK;
	if (is_new && i->state == STATE_BACKOFF)
		return fail_by(
			i, &REASON_OF(IS_NOT_UP, .state = state_word(i->state), .cause = i->why), result);
	return ANSWER_WAIT;
}

/* Takes the result over. */
static void fail(struct herd_wait *r, struct wait_result *result)
{
	if (++r->failed > FAILURES_TOLD_MAX) {
		r->untold++;
		wait_result_free(result);
		return;
	}
	result->is_continued = !r->is_patient && r->results.items.len;
	wait_results_add(&r->results, result);
}

static void look(struct herd_wait *r, struct instance_wait *w, const struct instance *i)
{
	struct wait_result *result = NULL;
	enum answer answer = w->goal == GOAL_DOWN ? look_down(i, &result) : look_up(i, w, &result);

	ASSERT(r->left > 0, "request %llu waits for nothing, and is not done", (unsigned long long)r->id);
	if (answer != ANSWER_WAIT) {
		w->is_done = true;
		r->left--;
	}
	if (answer == ANSWER_FAILED)
		fail(r, result);
	/* A wait for all to be up has its answer with the first that fails; a stop waits for every one. */
	if (!r->left || (answer == ANSWER_FAILED && w->goal != GOAL_DOWN && !r->is_patient))
		r->is_done = true;
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

static void add_untold(struct herd_wait *r)
{
	struct wait_result *result =
		wait_result_new(NULL, false, &REASON_OF(MORE_FAILED, .count = (int64_t)r->untold), NULL);

	result->is_continued = true;
	wait_results_add(&r->results, result);
}

static void answer(struct herd *h, struct herd_wait *r)
{
	if (r->untold)
		add_untold(r);
	r->results.is_ok = !r->failed;
	if (r->id)
		h->options.effects->settled(h->options.context, r->id, &r->results);
	if (r->receipt)
		receipt_settled(h, r->receipt, &r->results);
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
	ASSERT(h->requests.len <= len, "%zu requests wait, of %zu", h->requests.len, len);
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

const struct app *request_rolled_app(const struct herd *h, uint64_t rollout)
{
	for (size_t k = 0; k < h->apps.len; k++) {
		const struct app *a = h->apps.items[k];

		if (a->rollout && a->rollout->number == rollout)
			return a;
	}
	return NULL;
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
		if (!request_rolled_app(h, ((const struct rollout_wait *)r->rollouts.items[n])->rollout))
			rollout_over(r, n, NULL);
	r->is_done = !r->left;
}

void requests_resume(struct herd *h)
{
	for (size_t k = 0; k < h->requests.len; k++)
		resume(h, h->requests.items[k]);
}
