#include "control/call_repeat.h"

#include "control/handle.h"
#include "control/pending_reply.h"
#include "engine/brain.h"
#include "herd/herd.h"
#include "model/spec.h"

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

/* It is under way: this client hears of it from here on. */
static void attach(struct handle *h, struct call *c, const char *key, const struct buf *result)
{
	struct pending_reply *w = pending_reply_attach(h, c);
	struct strings apps = { .items = NULL };

	herd_receipt_apps(brain_herd(h->brain), key, &apps);
	for (size_t k = 0; k < apps.len; k++)
		pending_reply_watch(w, apps.items[k]);
	strings_release(&apps);
	herd_receipt_wait(brain_herd(h->brain), key, pending_reply_id(w));
	pending_reply_begin(w, result);
}

bool call_repeat(void *context, struct call *c)
{
	struct handle *h = context;
	struct herd_receipt receipt;
	struct buf key = BUF_INIT;
	struct buf result = BUF_INIT;
	bool is_known = false;

	if (!call_key(c))
		return false;
	write_key(c, &key);
	is_known = herd_receipt_find(brain_herd(h->brain), key.ptr, &receipt);
	if (is_known)
		buf_adds(&result, *receipt.text ? receipt.text : "{}");
	if (is_known && receipt.is_done)
		pending_reply_answer(c, &result, receipt.results);
	else if (is_known)
		attach(h, c, key.ptr, &result);
	buf_release(&key);
	buf_release(&result);
	return is_known;
}
