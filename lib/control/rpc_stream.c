#include "control/rpc_stream.h"

#include "control/rpc_session.h"

bool rpc_stream_has_listeners(const struct rpc_server *s)
{
	for (size_t i = 0; i < s->sessions.len; i++)
		if (((const struct rpc_session *)s->sessions.items[i])->is_subscribed)
			return true;
	return false;
}

void rpc_stream_publish(struct rpc_server *s, const struct buf *event)
{
	struct buf line = BUF_INIT;
	struct rpc_send_text *text = NULL;
	struct rpc_session *session = NULL;
	size_t i = 0;

	s->seq++;
	if (!rpc_stream_has_listeners(s))
		return;
	rpc_write_notification(&line, "event", event);
	text = rpc_send_text_new(line.ptr, line.len);
	VEC_EACH (&s->sessions, i, session)
		if (session->is_subscribed)
			rpc_session_event(session, text);
	rpc_send_text_drop(text);
	buf_release(&line);
}

int64_t rpc_stream_seq(const struct rpc_server *s)
{
	return s->seq;
}
