/*
 * What is seen of the daemon and all of its apps: once, or before the events that follow it.
 */
#include <errno.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "control/handle.h"
#include "control/rpc_stream.h"
#include "engine/brain.h"

/* NULL with words. */
static struct json *snapshot_to_json(
	struct handle *h, const char *const *targets, size_t count, struct err *e)
{
	struct snapshot s = SNAPSHOT_INIT;
	struct buf text = BUF_INIT;
	struct json *j = NULL;

	if (brain_snapshot(h->brain, targets, count, &s, e) == 0) {
		snapshot_write(&s, &text);
		j = json_new_text(text.ptr);
	}
	buf_release(&text);
	snapshot_release(&s);
	return j;
}

int handle_status(void *context, struct request *r)
{
	struct handle *h = context;
	size_t count = 0;
	const char **targets = handle_strings(r, "targets", &count);
	struct json *snapshot = NULL;
	struct err e = ERR_INIT;

	snapshot = snapshot_to_json(h, targets, count, &e);
	if (snapshot)
		request_answer(r, snapshot);
	else
		request_error(r, e.number == ENOENT ? RPC_NO_TARGET : RPC_FAILED, NULL, "%s", e.text.ptr);
	err_release(&e);
	mem_free(targets);
	return 0;
}

int handle_subscribe(void *context, struct request *r)
{
	struct handle *h = context;

	rpc_stream_subscribe(r, snapshot_to_json(h, NULL, 0, NULL));
	return 0;
}
