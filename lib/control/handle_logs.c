/*
 * logs: read only as fast as the client takes it.  A batch leaves when there is room for it, so neither a long log nor a client that does not
 * read costs memory or keeps anybody waiting.
 */
#include <errno.h>

#include "base/err.h"
#include "base/json_emit.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/version.h"
#include "control/handle.h"
#include "engine/brain.h"
#include "logs/follow.h"
#include "model/logline.h"
#include "rules/pattern.h"

enum {
	BATCH_BYTES = 32 * 1024,
	READERS_MAX = 8, /* of one member at a time: each has the files of all that it reads open */
};

struct telling {
	struct handle *h;
	struct call *c;
	struct follower *follower;
};

static void add_logline(void *context, const struct logs_line *l)
{
	const struct logline line = {
		.id = l->id,
		.stream = l->stream,
		.at_ms = l->line.is_marked ? l->line.mark.wall_ms : LOGLINE_NO_TIME,
		.bytes = l->line.bytes,
		.len = l->line.len,
		.is_continued = l->line.is_continued,
		.goes_on = l->line.goes_on,
	};

	logline_write(&line, context);
}

static void telling_free(struct telling *t)
{
	vec_drop(&t->h->readers, t);
	follow_free(t->follower);
	mem_free(t);
}

/* `lines` are the members of a list. */
static void note_lines(struct call *c, struct logs *logs, const struct buf *lines)
{
	struct buf params = BUF_INIT;

	emit_open(&params, NULL, '{');
	emit_open(&params, "lines", '[');
	emit_text(&params, NULL, lines->ptr, lines->len);
	emit_close(&params, ']');
	logs_cursor(logs, "cursor", &params);
	emit_close(&params, '}');
	call_note(c, "log", &params);
	buf_release(&params);
}

static void tell_lines(void *context, struct call *c)
{
	struct telling *t = context;
	struct logs *logs = follow_logs(t->follower);
	struct buf lines = BUF_INIT;
	enum logs_got got = logs_read(logs, BATCH_BYTES, add_logline, &lines);

	if (lines.len)
		note_lines(c, logs, &lines);
	buf_release(&lines);
	if (got == LOGS_MORE)
		call_on_room(c, tell_lines, t);
	if (got != LOGS_END)
		return;
	call_on_gone(c, NULL, NULL);
	telling_free(t);
	call_answer_text(c, "{}");
}

static void wake_teller(void *context)
{
	struct telling *t = context;

	call_on_room(t->c, tell_lines, t);
}

static void on_gone(void *context, struct call *c)
{
	telling_free(context);
	call_answer_text(c, "null");
}

static int64_t given_or(struct param_int number, int64_t fallback)
{
	return number.is_given ? number.value : fallback;
}

static int read_query(const struct params_logs *p, struct logs_query *q, struct err *e)
{
	*q = (struct logs_query){
		.lines = given_or(p->lines, LOGS_ALL),
		.since_ms = given_or(p->since_ms, INT64_MIN),
		.until_ms = given_or(p->until_ms, INT64_MAX),
		.kinds = 1U << MARK_OUT | 1U << MARK_ERR,
		.grep = p->grep,
		.follows = p->follow,
		.cursor = p->cursor,
	};
	if (q->lines < LOGS_ALL)
		return err_set(e, "logs: 'lines' must be 0 or more; leave it out for every line");
	/* A pattern can be made to search for minutes, and the daemon serves everybody. */
	if (q->grep && !pattern_is_plain(q->grep))
		return err_set(e,
			"logs: 'grep' must be plain text: oxctl %s searches for patterns itself, and an older oxctl does not; "
			"'oxctl version' shows which one this is",
			ox_version);
	if (!p->stream)
		return 0;
	q->kinds = 1U << (str_eq(p->stream, "err") ? MARK_ERR : MARK_OUT);
	if (str_eq(p->stream, "out") || str_eq(p->stream, "err"))
		return 0;
	return err_set(e, "logs: 'stream' is to be \"out\" or \"err\"");
}

static bool has_too_many(const struct handle *h, const struct call *c)
{
	const struct telling *t = NULL;
	size_t own = 0;
	size_t i = 0;

	VEC_EACH (&h->readers, i, t) {
		own += t->c->caller.uid == c->caller.uid;
	}
	return own >= READERS_MAX && !c->caller.is_owner;
}

static void begin_telling(struct handle *h, struct call *c, const struct logs_query *query)
{
	struct telling *t = mem_zalloc(1, sizeof(*t));
	const struct follow_request request = {
		.targets = c->params.logs.targets.items,
		.count = c->params.logs.targets.count,
		.query = *query,
		.wake = wake_teller,
		.context = t,
	};
	struct err e = ERR_INIT;

	t->h = h;
	t->c = c;
	t->follower = follow_new(brain_followers(h->brain), &request, &e);
	if (t->follower) {
		vec_push(&h->readers, t);
		call_on_room(c, tell_lines, t);
		call_on_gone(c, on_gone, t);
	} else {
		mem_free(t);
		call_refuse_as(c, RPC_PARAMS, &e);
	}
	err_release(&e);
}

void handle_logs(void *context, struct call *c)
{
	struct logs_query query;
	struct err e = ERR_INIT;

	if (read_query(&c->params.logs, &query, &e) < 0)
		call_fail(c, RPC_PARAMS, "%s", e.text.ptr);
	else if (has_too_many(context, c))
		call_fail(c, RPC_TOO_MANY,
			"uid %u reads logs %d times at once already; end one of these and try again",
			(unsigned int)c->caller.uid, READERS_MAX);
	else
		begin_telling(context, c, &query);
	err_release(&e);
}
