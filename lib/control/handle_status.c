/*
 * What is seen of the daemon and all of its apps: once, or before the events that follow it.
 */
#include "base/err.h"
#include "base/json_emit.h"
#include "control/handle.h"
#include "engine/brain.h"

static void write_version(struct snapshot *s, int64_t version, struct buf *out)
{
	s->version = version > SNAPSHOT_VERSION_MAX ? SNAPSHOT_VERSION_MAX : version > 1 ? (int)version : 1;
	snapshot_write(s, out);
}

/* -1 with words. */
static int write_snapshot(struct handle *h, const char *const *targets, size_t count, int64_t version,
	struct buf *out, struct err *e)
{
	struct snapshot s = SNAPSHOT_INIT;
	int rc = brain_snapshot(h->brain, targets, count, &s, e);

	if (rc == 0)
		write_version(&s, version, out);
	snapshot_release(&s);
	return rc;
}

void handle_status(void *context, struct call *c)
{
	const struct param_strings *targets = &c->params.status.targets;
	struct buf text = BUF_INIT;
	struct err e = ERR_INIT;

	if (write_snapshot(
		    context, targets->items, targets->count, c->params.status.version.value, &text, &e) == 0)
		call_answer_text(c, &text);
	else
		call_refuse(c, &e);
	buf_release(&text);
	err_release(&e);
}

void handle_subscribe(void *context, struct call *c)
{
	struct buf snapshot = BUF_INIT;
	struct buf text = BUF_INIT;

	(void)write_snapshot(context, NULL, 0, 1, &snapshot, NULL);
	emit_open(&text, NULL, '{');
	emit_int(&text, "seq", call_listen(c, true));
	emit_text(&text, "snapshot", snapshot.ptr, snapshot.len);
	emit_close(&text, '}');
	call_answer_text(c, &text);
	buf_release(&snapshot);
	buf_release(&text);
}
