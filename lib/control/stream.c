#include "control/stream.h"

#include "base/json.h"
#include "control/session.h"

bool stream_has_listeners(const struct server *s)
{
	for (size_t i = 0; i < s->sessions.len; i++)
		if (((const struct session *)s->sessions.items[i])->is_subscribed)
			return true;
	return false;
}

void stream_publish(struct server *s, const struct buf *event)
{
	struct json *params = NULL;
	struct buf line = BUF_INIT;
	struct send_queue_text *text = NULL;
	struct session *session = NULL;
	size_t i = 0;

	s->seq++;
	if (!stream_has_listeners(s))
		return;
	params = json_new_text(event->ptr);
	rpc_write_notification(&line, "event", params);
	text = send_text_new(line.ptr, line.len);
	VEC_EACH (&s->sessions, i, session)
		if (session->is_subscribed)
			session_event(session, text);
	send_text_drop(text);
	buf_release(&line);
	json_free(params);
}

int64_t stream_seq(const struct server *s)
{
	return s->seq;
}

void stream_subscribe(struct request *r, struct json *snapshot)
{
	struct json *answer = json_new_object();
	struct session *session = r->session;

	json_set_int(answer, "seq", session ? session->server->seq : 0);
	json_set(answer, "snapshot", snapshot ? snapshot : json_new_null());
	if (session)
		session->is_subscribed = true;
	request_answer(r, answer);
}

void stream_unsubscribe(struct request *r)
{
	struct json *answer = json_new_object();

	if (r->session)
		r->session->is_subscribed = false;
	request_answer(r, answer);
}
