#include "control/rpc_call.h"

#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "base/json_emit.h"
#include "base/mem.h"
#include "control/rpc_session.h"

static struct rpc_call *rpc_call_of(struct call *c)
{
	return (struct rpc_call *)c;
}

/* The session may now have room for a line that waits. */
static void rpc_call_free(struct rpc_call *r)
{
	struct rpc_session *s = r->session;

	if (s) {
		vec_drop(&s->calls, r);
		rpc_session_mark(s);
	}
	params_release(&r->call.params);
	rpc_request_release(&r->request);
	mem_free(r);
}

static bool wants_answer(const struct rpc_call *r)
{
	return r->session && r->request.id;
}

static void on_answer(struct call *c, const struct buf *result)
{
	struct rpc_call *r = rpc_call_of(c);
	struct rpc_session *s = r->session;
	struct buf line = BUF_INIT;

	if (wants_answer(r)) {
		rpc_write_result(&line, r->request.id, result->ptr, result->len);
		if (line.len > RPC_MESSAGE_MAX) {
			buf_release(&line);
			rpc_write_error(&line, r->request.id, RPC_TOO_LARGE,
				"the answer is too large; ask for less", NULL);
		}
		rpc_session_answer(s, &line);
		if (method_changes(call_method(c)) && !s->is_broken && !s->is_closing) {
			s->has_promised = true;
			rpc_send_queue_promise(&s->out);
		}
	}
	buf_release(&line);
	rpc_call_free(r);
}

static void on_fail(struct call *c, int code, const char *words, const struct buf *data)
{
	struct rpc_call *r = rpc_call_of(c);
	struct buf line = BUF_INIT;

	if (wants_answer(r)) {
		rpc_write_error(&line, r->request.id, code, words, data);
		rpc_session_answer(r->session, &line);
	}
	buf_release(&line);
	rpc_call_free(r);
}

/* A notification with the request's id as the last of its parameters. */
static void write_call_note(
	const struct rpc_call *r, const char *name, const struct buf *params, struct buf *line)
{
	struct buf text = BUF_INIT;

	buf_add(&text, params->ptr, params->len - 1);
	emit_text(&text, "id", r->request.id, strlen(r->request.id));
	emit_close(&text, '}');
	rpc_write_notification(line, name, &text);
	buf_release(&text);
}

/* An event may have an `id` of its own, which gives way. */
static void write_progress(const struct rpc_call *r, const struct buf *params, struct buf *line)
{
	struct json *object = json_parse(params->ptr, params->len, params->len, NULL);
	struct buf text = BUF_INIT;

	json_set(object, "id", json_clone(json_get(r->request.root, "id")));
	json_write(&text, object);
	rpc_write_notification(line, "progress", &text);
	json_free(object);
	buf_release(&text);
}

static void on_progress(struct call *c, const struct buf *params)
{
	struct rpc_call *r = rpc_call_of(c);
	struct buf line = BUF_INIT;
	struct rpc_send_text *text = NULL;

	if (wants_answer(r)) {
		write_progress(r, params, &line);
		text = rpc_send_text_new(line.ptr, line.len);
		rpc_session_event(r->session, text);
		rpc_send_text_drop(text);
	}
	buf_release(&line);
}

static void on_call_note(struct call *c, const char *name, const struct buf *params)
{
	struct rpc_call *r = rpc_call_of(c);
	struct buf line = BUF_INIT;

	if (wants_answer(r)) {
		write_call_note(r, name, params, &line);
		rpc_session_answer(r->session, &line);
	}
	buf_release(&line);
}

static void want_room(struct call *c)
{
	rpc_session_mark(rpc_call_of(c)->session);
}

static int64_t listen_to(struct call *c, bool listens)
{
	struct rpc_session *s = rpc_call_of(c)->session;

	s->is_subscribed = listens;
	return s->server->seq;
}

static bool logs_refusal(struct call *c)
{
	return rpc_server_logs_refusal(rpc_call_of(c)->session->server);
}

static const struct call_transport transport = {
	.answer = on_answer,
	.fail = on_fail,
	.progress = on_progress,
	.note = on_call_note,
	.want_room = want_room,
	.listen = listen_to,
	.logs_refusal = logs_refusal,
};

static struct rpc_call *rpc_call_new(struct rpc_session *s)
{
	struct rpc_call *r = mem_zalloc(1, sizeof(*r));

	r->session = s;
	r->call.transport = &transport;
	r->call.router = &s->server->options.router;
	r->call.params.method = METHOD_COUNT;
	r->call.caller = (struct caller){
		.uid = s->peer.uid,
		.pid = s->peer.pid,
		.is_owner = rpc_session_is_owner(s),
	};
	vec_push(&s->calls, r);
	return r;
}

/* A code with words, or 0. */
static int read_call(struct rpc_call *r, const char *line, size_t len, struct err *e)
{
	int code = rpc_request_parse(&r->request, line, len, e);
	enum method method = METHOD_COUNT;

	if (code)
		return code;
	method = method_find(r->request.method, e);
	if (method == METHOD_COUNT)
		return RPC_METHOD;
	r->call.key = r->request.once;
	return params_decode(&r->call.params, method, r->request.params, e) < 0 ? RPC_PARAMS : 0;
}

/* By the code a newer client learns which parameter an older daemon does not know. */
static void refuse_params(struct rpc_call *r, const struct err *e)
{
	const char *unknown = params_unknown(method_find(r->request.method, NULL), r->request.params);
	struct buf data = BUF_INIT;

	emit_open(&data, NULL, '{');
	emit_string(&data, "code", unknown ? "unknown_parameter" : "bad_parameter");
	if (unknown)
		emit_string(&data, "parameter", unknown);
	emit_close(&data, '}');
	call_fail_with(&r->call, RPC_PARAMS, &data, "%s", e->text.ptr);
	buf_release(&data);
}

void rpc_call_take(struct rpc_session *session, const char *line, size_t len)
{
	struct rpc_call *r = rpc_call_new(session);
	struct err e = ERR_INIT;
	int code = read_call(r, line, len, &e);

	if (code == RPC_PARAMS)
		refuse_params(r, &e);
	else if (code)
		call_fail(&r->call, code, "%s", e.text.ptr);
	else
		call_begin(&r->call);
	err_release(&e);
}

void rpc_call_detach(struct rpc_call *r)
{
	r->session = NULL;
	call_lose_client(&r->call);
}
