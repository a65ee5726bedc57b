#include "control/pending_reply.h"

#include <string.h>

#include "base/err.h"
#include "base/json_emit.h"
#include "base/map.h"
#include "base/mem.h"
#include "control/handle.h"
#include "engine/brain.h"
#include "herd/herd.h"
#include "journal/event_item.h"
#include "loop/watchers.h"
#include "model/spec.h"
#include "model/wait_result.h"
#include "view/wait_text.h"

struct pending_reply {
	struct handle *h;
	struct call *c;
	struct buf result; /* the answer so far, an object */
	ev_timer timeout;
	uint64_t *ids;
	size_t ids_len, left;
	bool is_going; /* the herd took it */
	struct wait_results results;
	struct map watched; /* apps whose progress is sent */
};

static void waiting_free(struct pending_reply *w)
{
	for (size_t k = 0; k < w->h->watchers.len; k++) {
		if (w->h->watchers.items[k] != w)
			continue;
		vec_remove(&w->h->watchers, k);
		break;
	}
	ev_timer_stop(w->h->loop, &w->timeout);
	call_on_gone(w->c, NULL, NULL);
	wait_results_release(&w->results);
	map_release(&w->watched);
	buf_release(&w->result);
	mem_free(w->ids);
	mem_free(w);
}

static void forget_all(const struct pending_reply *w)
{
	for (size_t k = 0; k < w->ids_len; k++)
		brain_forget(w->h->brain, w->ids[k]);
}

static void answer_call(struct call *c, const struct buf *result, const struct wait_results *results)
{
	struct buf words = BUF_INIT;
	struct buf text = BUF_INIT;

	wait_results_text(results, &words);
	if (results->is_ok)
		buf_add(&text, result->ptr, result->len - 1);
	else
		emit_open(&text, NULL, '{');
	wait_results_emit(results, "results", &text);
	if (results->is_ok && words.len)
		emit_string(&text, "verdict", words.ptr);
	emit_close(&text, '}');
	if (results->is_ok)
		call_answer(c, &text);
	else
		call_fail_with(c, RPC_FAILED, &text, "%s", words.ptr);
	buf_release(&words);
	buf_release(&text);
}

static void answer_waiting(struct pending_reply *w)
{
	struct call *c = w->c;
	struct buf result = w->result;
	struct wait_results results = w->results;

	buf_init(&w->result);
	memset(&w->results, 0, sizeof(w->results));
	waiting_free(w);
	answer_call(c, &result, &results);
	wait_results_release(&results);
	buf_release(&result);
}

static void on_settled(void *context, const struct wait_results *results)
{
	struct pending_reply *w = context;

	w->left--;
	w->results.is_ok = w->results.is_ok && results->is_ok;
	wait_results_add_copies(&w->results, results);
	if (w->is_going && !w->left)
		answer_waiting(w);
}

static void on_timeout(struct ev_loop *loop, ev_timer *t, int events)
{
	struct pending_reply *w = t->data;
	struct call *c = w->c;
	struct wait_results pending = WAIT_RESULTS_INIT;
	struct buf words = BUF_INIT;
	struct buf data = BUF_INIT;

	(void)loop;
	(void)events;
	herd_pending(brain_herd(w->h->brain), w->ids, w->ids_len, &pending);
	timeout_text(call_timeout_ms(c), &pending, &words);
	emit_open(&data, NULL, '{');
	wait_results_emit(&pending, "results", &data);
	emit_close(&data, '}');
	forget_all(w);
	waiting_free(w);
	call_fail_with(c, RPC_TIMED_OUT, &data, "%s", words.ptr);
	wait_results_release(&pending);
	buf_release(&words);
	buf_release(&data);
}

/* What was asked for continues; only its answer is dropped. */
static void on_client_gone(void *context, struct call *c)
{
	struct pending_reply *w = context;

	forget_all(w);
	waiting_free(w);
	call_answer_text(c, "null");
}

static struct pending_reply *reply_new(struct handle *h, struct call *c)
{
	struct pending_reply *w = mem_zalloc(1, sizeof(*w));

	w->h = h;
	w->c = c;
	w->results.is_ok = true;
	buf_init(&w->result);
	ev_timer_init(&w->timeout, on_timeout, 0, 0);
	w->timeout.data = w;
	(void)pending_reply_another_id(w);
	return w;
}

/* Nobody gets what came of another user's call, and no call what came of another method. */
static void write_key(const struct call *c, struct buf *out)
{
	buf_addf(out, "%u.%s.%s", (unsigned int)c->caller.uid, method_name(call_method(c)), call_key(c));
}

static void open_receipt(struct handle *h, const struct call *c)
{
	struct buf key = BUF_INIT;

	if (!call_key(c))
		return;
	write_key(c, &key);
	herd_receipt_open(brain_herd(h->brain), key.ptr, brain_now(h->brain));
	buf_release(&key);
}

struct pending_reply *pending_reply_new(struct handle *h, struct call *c)
{
	open_receipt(h, c);
	return reply_new(h, c);
}

uint64_t pending_reply_id(const struct pending_reply *w)
{
	return w->ids[0];
}

uint64_t pending_reply_another_id(struct pending_reply *w)
{
	uint64_t id = brain_expect(w->h->brain, on_settled, w);

	w->ids = mem_resize(w->ids, w->ids_len + 1, sizeof(*w->ids));
	w->ids[w->ids_len++] = id;
	w->left++;
	return id;
}

void pending_reply_watch(struct pending_reply *w, const char *app)
{
	if (!w->watched.len)
		vec_push(&w->h->watchers, w);
	map_put(&w->watched, app, w);
}

void handle_published(struct handle *h, const struct event_item *event)
{
	struct buf text = BUF_INIT;
	struct pending_reply *w = NULL;
	size_t k = 0;

	VEC_EACH (&h->watchers, k, w) {
		if (!map_get(&w->watched, event_item_app(event)))
			continue;
		if (!text.len)
			event_item_write(event, &text);
		call_progress(w->c, &text);
	}
	buf_release(&text);
}

void pending_reply_begin(struct pending_reply *w, const struct buf *result)
{
	int64_t timeout = call_timeout_ms(w->c);

	buf_adds(&w->result, result ? result->ptr : "{}");
	if (call_key(w->c))
		herd_receipt_close(brain_herd(w->h->brain), w->result.ptr);
	w->is_going = true;
	if (!w->left) {
		answer_waiting(w);
		return;
	}
	if (timeout > 0) {
		ev_timer_set(&w->timeout, (double)timeout / 1000, 0);
		ev_timer_start(w->h->loop, &w->timeout);
	}
	call_on_gone(w->c, on_client_gone, w);
}

void pending_reply_refuse(struct pending_reply *w, const struct err *e)
{
	struct call *c = w->c;

	herd_receipt_close(brain_herd(w->h->brain), NULL);
	forget_all(w);
	waiting_free(w);
	call_refuse(c, e);
}

/* --- the same call once more ------------------------------------------------------------------------------------------- */

/* It is under way: this client hears of it from here on. */
static void attach(struct handle *h, struct call *c, const char *key, const struct buf *result)
{
	struct pending_reply *w = reply_new(h, c);
	struct strings apps = { .items = NULL };

	herd_receipt_apps(brain_herd(h->brain), key, &apps);
	for (size_t k = 0; k < apps.len; k++)
		pending_reply_watch(w, apps.items[k]);
	strings_release(&apps);
	herd_receipt_wait(brain_herd(h->brain), key, pending_reply_id(w));
	pending_reply_begin(w, result);
}

bool pending_reply_repeat(void *context, struct call *c)
{
	struct handle *h = context;
	struct herd_receipt receipt;
	struct buf key = BUF_INIT;
	struct buf result = BUF_INIT;
	bool is_known = false;

	write_key(c, &key);
	is_known = herd_receipt_find(brain_herd(h->brain), key.ptr, &receipt);
	if (is_known)
		buf_adds(&result, *receipt.text ? receipt.text : "{}");
	if (is_known && receipt.is_done)
		answer_call(c, &result, receipt.results);
	else if (is_known)
		attach(h, c, key.ptr, &result);
	buf_release(&key);
	buf_release(&result);
	return is_known;
}
