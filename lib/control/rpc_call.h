/*
 * A call that came over the JSON-RPC socket.  It may outlive its session and the server: then nobody reads what it answers.
 */
#ifndef OX_CONTROL_RPC_CALL_H
#define OX_CONTROL_RPC_CALL_H

#include <stddef.h>

#include "control/call.h"
#include "wire/rpc.h"

struct rpc_session;

struct rpc_call {
	struct call call;            /* the first member: transport functions find the rest by it */
	struct rpc_session *session; /* NULL: the client is gone */
	struct rpc_request request;
};

/* Reads a request, and answers it or hands it to the handler; both may be later. */
void rpc_call_take(struct rpc_session *session, const char *line, size_t len);
/* The session is gone: calls the handler's `gone`, if it has one.  The call lives until the handler answers it. */
void rpc_call_detach(struct rpc_call *r);

#endif
