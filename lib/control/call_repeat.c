#include "control/call_repeat.h"

#include "base/json.h"
#include "control/handle.h"
#include "control/pending_reply.h"
#include "engine/brain.h"
#include "herd/herd.h"

/* Nobody gets what came of another user's call, and no call what came of another method. */
static void write_key(const struct call *c, struct buf *out)
{
	buf_addf(out, "%u.%s.%s", (unsigned int)c->caller.uid, method_name(call_method(c)), call_key(c));
}

void call_repeat_open(struct handle *h, const struct call *c)
{
	struct buf key = BUF_INIT;

	if (!call_key(c))
		return;
	write_key(c, &key);
	herd_receipt_open(brain_herd(h->brain), key.ptr, brain_now(h->brain));
	buf_release(&key);
}

void call_repeat_close(struct handle *h, const char *text)
{
	herd_receipt_close(brain_herd(h->brain), text);
}

static struct json *result_of(const struct herd_receipt *receipt)
{
	struct buf text = BUF_INIT;
	struct json *result = NULL;

	buf_adds(&text, *receipt->text ? receipt->text : "{}");
	result = json_parse(text.ptr, text.len, text.len, NULL);
	buf_release(&text);
	return result ? result : json_new_object();
}

/* It is under way: this client hears of it from here on. */
static void attach(struct handle *h, struct call *c, const char *key, const struct herd_receipt *receipt)
{
	struct json *result = result_of(receipt);
	struct pending_reply *w = pending_reply_attach(h, c);
	const struct json *app = NULL;

	JSON_EACH (json_get(result, "apps"), app)
		pending_reply_watch(w, json_string(json_get(app, "name"), ""));
	herd_receipt_wait(brain_herd(h->brain), key, pending_reply_id(w));
	pending_reply_begin(w, result);
}

bool call_repeat(void *context, struct call *c)
{
	struct handle *h = context;
	struct herd_receipt receipt;
	struct buf key = BUF_INIT;
	bool is_known = false;

	if (!call_key(c))
		return false;
	write_key(c, &key);
	is_known = herd_receipt_find(brain_herd(h->brain), key.ptr, &receipt);
	if (is_known && receipt.is_done)
		pending_reply_answer(c, result_of(&receipt), receipt.results);
	else if (is_known)
		attach(h, c, key.ptr, &receipt);
	buf_release(&key);
	return is_known;
}
