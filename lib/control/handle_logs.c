/*
 * logs: read only as fast as the client takes it.  A batch leaves when there is room for it, so neither a long log nor a client that does not
 * read costs memory or keeps anybody waiting.
 */
#include <errno.h>

#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/version.h"
#include "control/handle.h"
#include "engine/follow.h"
#include "model/logline.h"
#include "rules/pattern.h"

enum {
	BATCH_BYTES = 32 * 1024,
	READERS_MAX = 8, /* of one member at a time: each has the files of all that it reads open */
};

struct telling {
	struct handle *h;
	struct request *r;
	struct follower *follower;
};

static void add_line(void *context, const struct logs_line *l)
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

	json_push(context, logline_to_json(&line));
}

static void telling_free(struct telling *t)
{
	for (size_t i = t->h->readers.len; i-- > 0;)
		if (t->h->readers.items[i] == t)
			vec_remove(&t->h->readers, i);
	follow_free(t->follower);
	mem_free(t);
}

static void tell(void *context, struct request *r)
{
	struct telling *t = context;
	struct json *params = json_new_object();
	struct json *lines = json_set(params, "lines", json_new_array());
	enum logs_got got = logs_read(follow_logs(t->follower), BATCH_BYTES, add_line, lines);

	if (json_first(lines)) {
		json_set(params, "cursor", logs_cursor(follow_logs(t->follower)));
		request_note(r, "log", params);
	} else {
		json_free(params);
	}
	if (got == LOGS_MORE)
		request_on_room(r, tell, t);
	if (got != LOGS_END)
		return;
	request_on_gone(r, NULL, NULL);
	telling_free(t);
	request_answer(r, json_new_object());
}

static void wake(void *context)
{
	struct telling *t = context;

	request_on_room(t->r, tell, t);
}

static void on_gone(void *context, struct request *r)
{
	telling_free(context);
	request_answer(r, NULL);
}

static int64_t int_of(const struct json *params, const char *name, int64_t fallback)
{
	int64_t value = fallback;

	return json_int(json_get(params, name), &value) ? value : fallback;
}

static int read_query(const struct json *params, struct logs_query *q, struct err *e)
{
	const char *stream = json_string(json_get(params, "stream"), NULL);

	*q = (struct logs_query){
		.lines = int_of(params, "lines", LOGS_ALL),
		.since_ms = int_of(params, "since_ms", INT64_MIN),
		.until_ms = int_of(params, "until_ms", INT64_MAX),
		.kinds = 1U << MARK_OUT | 1U << MARK_ERR,
		.grep = json_string(json_get(params, "grep"), NULL),
		.follows = json_bool(json_get(params, "follow"), false),
		.cursor = json_get(params, "cursor"),
	};
	if (q->lines < LOGS_ALL)
		return err_set(e, "logs: 'lines' must be 0 or more; leave it out for every line");
	/* A pattern can be made to search for minutes, and the daemon serves everybody. */
	if (q->grep && !pattern_is_plain(q->grep))
		return err_set(e,
			"logs: 'grep' must be plain text: oxctl %s searches for patterns itself, and an older oxctl does not; "
			"'oxctl version' shows which one this is",
			ox_version);
	if (!stream)
		return 0;
	q->kinds = 1U << (str_eq(stream, "err") ? MARK_ERR : MARK_OUT);
	if (str_eq(stream, "out") || str_eq(stream, "err"))
		return 0;
	return err_set(e, "logs: 'stream' is to be \"out\" or \"err\"");
}

static bool has_too_many(const struct handle *h, const struct request *r)
{
	const struct telling *t = NULL;
	size_t own = 0;
	size_t i = 0;

	VEC_EACH (&h->readers, i, t) {
		own += request_peer(t->r).uid == request_peer(r).uid;
	}
	return own >= READERS_MAX && !request_is_owner(r);
}

static int begin(struct handle *h, struct request *r, const struct logs_query *query)
{
	struct telling *t = mem_zalloc(1, sizeof(*t));
	struct follow_wish wish = { .query = *query, .wake = wake, .context = t };
	const char **targets = handle_strings(r, "targets", &wish.count);
	struct err e = ERR_INIT;

	t->h = h;
	t->r = r;
	wish.targets = targets;
	t->follower = follow_new(h->brain, &wish, &e);
	if (t->follower) {
		vec_push(&h->readers, t);
		request_on_room(r, tell, t);
		request_on_gone(r, on_gone, t);
	} else {
		mem_free(t);
		request_error(r, e.number == ENOENT ? RPC_NO_TARGET : RPC_PARAMS, NULL, "%s", e.text.ptr);
	}
	mem_free(targets);
	err_release(&e);
	return 0;
}

int handle_logs(void *context, struct request *r)
{
	struct logs_query query;

	if (read_query(request_params(r), &query, request_err(r)) < 0) {
		request_error(r, RPC_PARAMS, NULL, "%s", request_err(r)->text.ptr);
		return 0;
	}
	if (has_too_many(context, r)) {
		request_error(r, RPC_TOO_MANY, NULL,
			"uid %u reads logs %d times at once already; end one of these and try again",
			(unsigned int)request_peer(r).uid, READERS_MAX);
		return 0;
	}
	return begin(context, r, &query);
}
