#include "control/rpc_call.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "control/rpc_session.h"

struct request *request_new(struct rpc_session *session)
{
	struct request *r = mem_zalloc(1, sizeof(*r));

	r->session = session;
	r->method = r->params.method = METHOD_COUNT;
	r->peer = session->peer;
	buf_init(&r->e.text);
	vec_push(&session->requests, r);
	return r;
}

enum method request_method(const struct request *r)
{
	return r->method;
}

const struct json *request_params(const struct request *r)
{
	return r->rpc.params;
}

struct unixsock_peer request_peer(const struct request *r)
{
	return r->peer;
}

bool request_is_owner(const struct request *r)
{
	return r->peer.uid == 0 || r->peer.uid == geteuid();
}

void request_forbid(struct request *r, const char *what, const char *needs)
{
	const struct rpc_server_options *o = &r->session->server->options;

	if (rpc_server_logs_refusal(r->session->server))
		log_warn("control: refused %s to uid %u, pid %d", method_name(r->method),
			(unsigned int)r->peer.uid, (int)r->peer.pid);
	request_error(r, RPC_FORBIDDEN, NULL,
		"permission denied: %s needs %s; you are in group '%s' with right '%s'", what, needs,
		o->group_name ? o->group_name : "", o->group_rights ? o->group_rights : "control");
}

void request_forbid_member(struct request *r, const char *format, ...)
{
	struct buf what = BUF_INIT;
	char needs[64];
	va_list args;

	va_start(args, format);
	buf_addfv(&what, format, args);
	va_end(args);
	(void)snprintf(needs, sizeof(needs), "the owner (uid %u)", (unsigned int)geteuid());
	request_forbid(r, what.ptr, needs);
	buf_release(&what);
}

const char *request_once(const struct request *r)
{
	return method_changes(r->method) ? r->rpc.once : NULL;
}

struct err *request_err(struct request *r)
{
	return &r->e;
}

/* The session may now have room for a line that waits. */
static void request_leave(struct request *r)
{
	struct rpc_session *s = r->session;

	for (size_t i = 0; s && i < s->requests.len; i++) {
		if (s->requests.items[i] != r)
			continue;
		vec_remove(&s->requests, i);
		break;
	}
	if (s)
		rpc_session_mark(s);
	params_release(&r->params);
	rpc_request_release(&r->rpc);
	err_release(&r->e);
	mem_free(r);
}

static bool wants_answer(const struct request *r)
{
	return r->session && r->rpc.id;
}

void request_answer(struct request *r, struct json *result)
{
	struct buf line = BUF_INIT;

	if (wants_answer(r)) {
		rpc_write_result(&line, r->rpc.id, result);
		if (line.len > RPC_MESSAGE_MAX) {
			buf_release(&line);
			rpc_write_error(&line, r->rpc.id, RPC_TOO_LARGE,
				"the answer is too large; ask for less", NULL);
		}
		rpc_session_answer(r->session, &line);
		if (method_changes(r->method) && !r->session->is_broken && !r->session->is_closing) {
			r->session->has_promised = true;
			rpc_send_queue_promise(&r->session->out);
		}
	}
	json_free(result);
	buf_release(&line);
	request_leave(r);
}

void request_error(struct request *r, int code, struct json *data, const char *format, ...)
{
	struct buf words = BUF_INIT;
	struct buf line = BUF_INIT;
	va_list args;

	va_start(args, format);
	buf_addfv(&words, format, args);
	va_end(args);
	if (wants_answer(r)) {
		rpc_write_error(&line, r->rpc.id, code, words.ptr, data);
		rpc_session_answer(r->session, &line);
	}
	json_free(data);
	buf_release(&words);
	buf_release(&line);
	request_leave(r);
}

void request_refuse(struct request *r, const struct err *e)
{
	int code = e->number == ENOENT ? RPC_NO_TARGET : e->number == EINVAL ? RPC_PARAMS : RPC_FAILED;

	request_error(r, code, NULL, "%s", e->text.ptr);
}

void request_progress(struct request *r, struct json *params)
{
	struct buf line = BUF_INIT;
	struct rpc_send_text *text = NULL;

	if (wants_answer(r)) {
		const struct json *id = json_get(r->rpc.root, "id");

		json_set(params, "id", json_clone(id));
		rpc_write_notification(&line, "progress", params);
		text = rpc_send_text_new(line.ptr, line.len);
		rpc_session_event(r->session, text);
		rpc_send_text_drop(text);
	}
	json_free(params);
	buf_release(&line);
}

void request_note(struct request *r, const char *method, struct json *params)
{
	struct buf line = BUF_INIT;

	if (wants_answer(r)) {
		json_set(params, "id", json_clone(json_get(r->rpc.root, "id")));
		rpc_write_notification(&line, method, params);
		rpc_session_answer(r->session, &line);
	}
	json_free(params);
	buf_release(&line);
}

void request_on_room(struct request *r, void (*room)(void *context, struct request *r), void *context)
{
	r->room = room;
	r->room_context = context;
	if (r->session)
		rpc_session_mark(r->session);
}

void request_on_gone(struct request *r, void (*gone)(void *context, struct request *r), void *context)
{
	if (!r->session && gone) {
		gone(context, r);
		return;
	}
	r->gone = gone;
	r->gone_context = context;
}

bool request_is_gone(const struct request *r)
{
	return !r->session;
}

void request_detach(struct request *r)
{
	void (*gone)(void *context, struct request *r) = r->gone;

	r->session = NULL;
	r->gone = NULL;
	r->room = NULL;
	/* It may answer in there, which ends the request. */
	if (gone)
		gone(r->gone_context, r);
}
