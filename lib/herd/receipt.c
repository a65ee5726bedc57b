/*
 * What was asked under a key, and what came of it: a client that asks again, as after the brain's death, gets that answer and nothing is done twice.
 * A receipt is saved with what it is about, so that a store has both or neither, and the requests that it waits for are saved with it.
 */
#include "herd/receipt.h"

#include <string.h>

#include "base/assert.h"
#include "base/json.h"
#include "base/json_check.h"
#include "base/json_emit.h"
#include "base/mem.h"
#include "base/str.h"
#include "herd/herd_private.h"
#include "herd/request_wait.h"
#include "view/wait_text.h"

enum {
	RECEIPTS_MAX = 128,
	RECEIPT_TEXT_MAX = 64 * 1024,    /* bytes of a result; a longer one is not kept */
	RECEIPT_RESULTS_MAX = 16 * 1024, /* bytes; further results are not kept */
	RECEIPTS_BYTES_MAX = 256 * 1024, /* of all of them */
	RECEIPT_AGE_MS = 600000,         /* nobody asks again after so long */
};

struct receipt {
	char *key;
	char *text; /* what the caller made of it, "" while it is open */
	struct wait_results results;
	size_t results_bytes;
	int64_t at;
	size_t left; /* requests that are not over */
	bool is_open;
	uint64_t waiter; /* the request that gets the answer when all is over; 0: none */
};

static void receipt_free(struct receipt *r)
{
	mem_free(r->key);
	mem_free(r->text);
	wait_results_release(&r->results);
	mem_free(r);
}

void receipts_release(struct herd *h)
{
	for (size_t k = 0; k < h->receipts.len; k++)
		receipt_free(h->receipts.items[k]);
	vec_release(&h->receipts);
}

static bool is_done(const struct receipt *r)
{
	return !r->is_open && !r->left;
}

static size_t size_of(const struct receipt *r)
{
	ASSERT(r->key && r->text, "a receipt has no key");
	return sizeof(*r) + strlen(r->key) + strlen(r->text) + r->results_bytes;
}

static struct receipt *find_receipt(const struct herd *h, const char *key)
{
	for (size_t k = 0; k < h->receipts.len; k++) {
		struct receipt *r = h->receipts.items[k];

		if (str_eq(r->key, key))
			return r;
	}
	return NULL;
}

/* Its requests continue, for those who wait for them by number. */
static void forget_receipt(struct herd *h, size_t at)
{
	struct receipt *r = NULL;

	ASSERT(at < h->receipts.len, "receipt %zu of %zu is forgotten", at, h->receipts.len);
	r = vec_remove(&h->receipts, at);
	for (size_t k = h->requests.len; k-- > 0;) {
		struct herd_wait *request = h->requests.items[k];

		if (request->receipt != r)
			continue;
		request->receipt = NULL;
		if (!request->id && !request->is_done)
			request_free(vec_remove(&h->requests, k));
	}
	receipt_free(r);
}

/* A key begins with whose it is: "0.scale.…". */
static bool is_same_owner(const struct receipt *a, const struct receipt *b)
{
	size_t len = strcspn(a->key, ".");

	return len == strcspn(b->key, ".") && !strncmp(a->key, b->key, len);
}

/* How much of the room its owner has: receipts, or bytes where there are too many of those. */
static size_t share_of(const struct herd *h, const struct receipt *r, bool is_in_bytes)
{
	size_t share = 0;

	for (size_t k = 0; k < h->receipts.len; k++) {
		const struct receipt *other = h->receipts.items[k];

		if (is_same_owner(r, other))
			share += is_in_bytes ? size_of(other) : 1;
	}
	return share;
}

/* Of those of the user who has most, so that nobody pushes out another one's: the oldest that is over goes first, and any where none is. */
static size_t next_to_go(const struct herd *h, bool is_in_bytes)
{
	size_t found = 0;
	size_t most = 0;
	bool is_found_done = false;

	for (size_t k = 0; k < h->receipts.len; k++) {
		const struct receipt *r = h->receipts.items[k];
		size_t share = share_of(h, r, is_in_bytes);

		if (share < most || (share == most && (is_found_done || !is_done(r))))
			continue;
		found = k;
		most = share;
		is_found_done = is_done(r);
	}
	ASSERT(found < h->receipts.len, "receipt %zu of %zu goes next", found, h->receipts.len);
	return found;
}

static void make_receipt_room(struct herd *h)
{
	size_t bytes = 0;

	for (size_t k = h->receipts.len; k-- > 0;) {
		const struct receipt *r = h->receipts.items[k];

		if (is_done(r) && h->now - r->at > RECEIPT_AGE_MS)
			forget_receipt(h, k);
		else
			bytes += size_of(r);
	}
	while (h->receipts.len >= RECEIPTS_MAX || (h->receipts.len && bytes > RECEIPTS_BYTES_MAX)) {
		size_t at = next_to_go(h, h->receipts.len < RECEIPTS_MAX);

		bytes -= size_of(h->receipts.items[at]) < bytes ? size_of(h->receipts.items[at]) : bytes;
		forget_receipt(h, at);
	}
	ASSERT(h->receipts.len < RECEIPTS_MAX, "%zu receipts are kept", h->receipts.len);
}

static struct receipt *add_receipt(struct herd *h, const char *key)
{
	struct receipt *r = mem_zalloc(1, sizeof(*r));

	r->key = mem_strdup(key);
	r->text = mem_strdup("");
	r->at = h->now;
	r->results.is_ok = true;
	vec_push(&h->receipts, r);
	ASSERT(h->receipts.len <= RECEIPTS_MAX, "%zu receipts are kept", h->receipts.len);
	return r;
}

void herd_receipt_open(struct herd *h, const char *key, int64_t now)
{
	herd_begin(h, now);
	make_receipt_room(h);
	h->receipt = add_receipt(h, key);
	h->receipt->is_open = true;
}

void herd_receipt_close(struct herd *h, const char *text)
{
	struct receipt *r = h->receipt;

	h->receipt = NULL;
	if (!r)
		return;
	r->is_open = false;
	if (!text) {
		/* It is the last one: nothing is opened meanwhile. */
		forget_receipt(h, h->receipts.len - 1);
		return;
	}
	mem_free(r->text);
	r->text = mem_strdup(strlen(text) <= RECEIPT_TEXT_MAX ? text : "");
	h->options.effects->changed(h->options.context);
}

bool herd_receipt_find(const struct herd *h, const char *key, struct herd_receipt *out)
{
	const struct receipt *r = find_receipt(h, key);

	if (!r)
		return false;
	*out = (struct herd_receipt){
		.is_done = is_done(r),
		.results = &r->results,
		.text = r->text,
	};
	return true;
}

void herd_receipt_apps(const struct herd *h, const char *key, struct strings *apps)
{
	const struct receipt *r = find_receipt(h, key);

	for (size_t k = 0; r && k < h->requests.len; k++) {
		const struct herd_wait *request = h->requests.items[k];

		if (request->receipt == r && !request->is_done)
			request_add_apps(h, request, apps);
	}
}

void herd_receipt_wait(struct herd *h, const char *key, uint64_t id)
{
	struct receipt *r = find_receipt(h, key);

	if (r)
		r->waiter = id;
}

uint64_t receipt_waiter(const struct receipt *r)
{
	return r ? r->waiter : 0;
}

void receipts_unwait(struct herd *h, uint64_t id)
{
	for (size_t k = 0; k < h->receipts.len; k++) {
		struct receipt *r = h->receipts.items[k];

		if (r->waiter == id)
			r->waiter = 0;
	}
}

void receipt_covers(struct herd *h, struct herd_wait *request)
{
	request->receipt = h->receipt;
	if (h->receipt)
		h->receipt->left++;
	ASSERT(!h->receipt || h->receipt->is_open || h->is_restoring, "%s is over, and covers a request",
		h->receipt->key);
}

static void add_results(struct receipt *r, const struct wait_results *results)
{
	const struct wait_result *item = NULL;
	size_t k = 0;

	VEC_EACH (&results->items, k, item) {
		if (r->results_bytes >= RECEIPT_RESULTS_MAX)
			break;
		r->results_bytes += wait_result_size(item);
		wait_results_add(&r->results, wait_result_copy(item));
	}
	r->results.is_ok = r->results.is_ok && results->is_ok;
}

void receipt_settled(struct herd *h, struct receipt *r, const struct wait_results *results)
{
	ASSERT(r->left > 0, "%s waits for nothing, and hears of an end", r->key);
	r->left--;
	add_results(r, results);
	/* It is the last of them: nothing is settled after it. */
	if (is_done(r) && r->waiter)
		h->options.effects->settled(h->options.context, r->waiter, &r->results);
}

/* --- over the brain's own death --- */

/* The words are for version 0.1.0. */
static void write_results(const struct wait_results *results, struct buf *out)
{
	struct buf words = BUF_INIT;

	wait_results_text(results, &words);
	emit_string(out, "words", words.ptr);
	if (results->items.len)
		wait_results_write(results, "results", out);
	buf_release(&words);
}

static void write_request(const struct herd_wait *request, struct buf *out)
{
	emit_open(out, NULL, '{');
	emit_bool(out, "is_patient", request->is_patient);
	emit_int(out, "failed", (int64_t)request->failed);
	if (request->untold)
		emit_int(out, "untold", (int64_t)request->untold);
	write_results(&request->results, out);
	emit_open(out, "waits", '[');
	for (size_t k = 0; k < request->len; k++) {
		const struct instance_wait *w = &request->waits[k];

		if (w->is_done)
			continue;
		emit_open(out, NULL, '{');
		emit_int(out, "slot", w->slot);
		emit_int(out, "goal", w->goal);
		emit_int(out, "generation", (int64_t)w->generation);
		emit_close(out, '}');
	}
	emit_close(out, ']');
	emit_open(out, "rollouts", '[');
	for (size_t k = 0; k < request->rollouts.len; k++) {
		const struct rollout_wait *w = request->rollouts.items[k];

		emit_open(out, NULL, '{');
		emit_int(out, "rollout", (int64_t)w->rollout);
		emit_bool(out, "any_end", w->any_end);
		emit_close(out, '}');
	}
	emit_close(out, ']');
	emit_close(out, '}');
}

void receipts_write(const struct herd *h, struct buf *out)
{
	if (!h->receipts.len)
		return;
	emit_open(out, "receipts", '[');
	for (size_t k = 0; k < h->receipts.len; k++) {
		const struct receipt *r = h->receipts.items[k];

		emit_open(out, NULL, '{');
		emit_string(out, "key", r->key);
		emit_string(out, "text", r->text);
		write_results(&r->results, out);
		emit_bool(out, "has_failed", !r->results.is_ok);
		emit_int(out, "age_ms", h->now - r->at);
		emit_open(out, "requests", '[');
		for (size_t n = 0; n < h->requests.len; n++)
			if (((const struct herd_wait *)h->requests.items[n])->receipt == r)
				write_request(h->requests.items[n], out);
		emit_close(out, ']');
		emit_close(out, '}');
	}
	emit_close(out, ']');
}

static void load_waits(struct herd_wait *request, const struct json *list)
{
	const struct json *item = NULL;

	JSON_EACH (list, item) {
		int64_t goal = json_get_int(item, "goal", 0);
		int64_t slot = json_get_int(item, "slot", 0);

		if (goal < GOAL_DOWN || goal > GOAL_READY || slot < 1 || slot > UINT32_MAX)
			continue;
		request_wait_slot(request, (uint32_t)slot, (enum goal)goal,
			(uint64_t)json_get_int(item, "generation", 0));
	}
}

/* A store of version 0.1.0 has the words alone. */
static void load_results(struct wait_results *results, const struct json *j)
{
	const char *words = json_string(json_get(j, "words"), "");

	if (json_get(j, "results"))
		wait_results_read(results, json_get(j, "results"));
	else if (*words)
		wait_results_add(results,
			wait_result_new(NULL, results->is_ok, &REASON_OF(OTHER, .text = words), NULL));
}

static void load_request(struct herd *h, struct receipt *r, const struct json *j)
{
	struct herd_wait *request = request_alloc(0);
	const struct json *item = NULL;

	load_waits(request, json_get(j, "waits"));
	JSON_EACH (json_get(j, "rollouts"), item)
		request_wait_rollout(request, (uint64_t)json_get_int(item, "rollout", 0),
			json_bool(json_get(item, "any_end"), false));
	request->is_patient = json_bool(json_get(j, "is_patient"), false);
	request->failed = (size_t)json_get_int(j, "failed", 0);
	request->untold = (size_t)json_get_int(j, "untold", 0);
	request->results.is_ok = !request->failed;
	load_results(&request->results, j);
	h->receipt = r;
	request_begin(h, request);
	h->receipt = NULL;
}

/* It is passed on as it is, so it has to be one. */
static bool is_object(const char *text)
{
	return *text == '{' && json_check(text, strlen(text), NULL) == 0;
}

void receipts_load(struct herd *h, const struct json *list)
{
	const struct json *item = NULL;
	const struct json *request = NULL;

	JSON_EACH (list, item) {
		const char *key = json_string(json_get(item, "key"), NULL);
		const char *text = json_string(json_get(item, "text"), "");
		struct receipt *r = NULL;

		if (!key || find_receipt(h, key) || h->receipts.len >= RECEIPTS_MAX)
			continue;
		r = add_receipt(h, key);
		mem_free(r->text);
		r->text = mem_strdup(is_object(text) ? text : "");
		r->results.is_ok = !json_bool(json_get(item, "has_failed"), false);
		load_results(&r->results, item);
		r->at = h->now - json_get_int(item, "age_ms", 0);
		JSON_EACH (json_get(item, "requests"), request)
			load_request(h, r, request);
	}
}
