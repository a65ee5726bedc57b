/*
 * What is seen of the daemon and its apps: the snapshot, what happened, and why.
 */
#include "base/err.h"
#include "base/json_emit.h"
#include "base/version.h"
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

/* `rc` as it came with `e`. */
static void answer_or_refuse(struct call *c, int rc, const struct buf *answer, const struct err *e)
{
	if (rc == 0)
		call_answer(c, answer);
	else
		call_refuse(c, e);
}

void handle_status(void *context, struct call *c)
{
	const struct param_strings *targets = &c->params.status.targets;
	struct buf text = BUF_INIT;
	struct err e = ERR_INIT;
	int rc = write_snapshot(
		context, targets->items, targets->count, c->params.status.version.value, &text, &e);

	answer_or_refuse(c, rc, &text, &e);
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
	call_answer(c, &text);
	buf_release(&snapshot);
	buf_release(&text);
}

void handle_ping(void *context, struct call *c)
{
	(void)context;
	call_answer_text(c, "\"pong\"");
}

void handle_version(void *context, struct call *c)
{
	struct buf text = BUF_INIT;

	(void)context;
	emit_open(&text, NULL, '{');
	emit_string(&text, "version", ox_version);
	emit_int(&text, "protocol", 1);
	emit_bool(&text, "once", true);
	emit_close(&text, '}');
	call_answer(c, &text);
	buf_release(&text);
}

void handle_events(void *context, struct call *c)
{
	struct handle *h = context;
	const struct params_events *p = &c->params.events;
	const struct param_strings *targets = &p->targets;
	struct vec known = VEC_INIT;
	struct buf events = BUF_INIT;
	struct err e = ERR_INIT;
	int rc = 0;

	if (targets->count)
		rc = herd_targets(brain_herd(h->brain), targets->items, targets->count, &known, &e);
	if (rc == 0)
		brain_events(h->brain, targets->items, targets->count,
			p->since.is_given ? p->since.value : -1, (size_t)p->limit.value, &events);
	answer_or_refuse(c, rc, &events, &e);
	buf_release(&events);
	vec_release(&known);
	err_release(&e);
}

void handle_unsubscribe(void *context, struct call *c)
{
	(void)context;
	(void)call_listen(c, false);
	call_answer_text(c, "{}");
}

void handle_why(void *context, struct call *c)
{
	struct handle *h = context;
	const struct params_why *p = &c->params.why;
	struct snapshot why = SNAPSHOT_INIT;
	struct buf text = BUF_INIT;
	struct err e = ERR_INIT;
	int rc = brain_why(h->brain, p->target, (size_t)p->limit.value, &why, &e);

	snapshot_write_why(&why, p->target, &text);
	answer_or_refuse(c, rc, &text, &e);
	snapshot_release(&why);
	buf_release(&text);
	err_release(&e);
}

void handle_info(void *context, struct call *c)
{
	struct handle *h = context;
	struct daemon_status info;
	struct buf text = BUF_INIT;

	brain_info(h->brain, &info);
	daemon_info_write(&info, &text);
	call_answer(c, &text);
	buf_release(&text);
}
