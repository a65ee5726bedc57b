/*
 * What is to be sent to one client and has not left yet, in order.  A text is shared by all the outboxes that hold it, so an event costs
 * its bytes once, however many listen.  Events are counted apart: they may be dropped, answers may not.
 */
#ifndef OX_CONTROL_RPC_SEND_QUEUE_H
#define OX_CONTROL_RPC_SEND_QUEUE_H

#include <stdbool.h>
#include <stddef.h>

struct rpc_send_text;
struct rpc_send_item;

struct rpc_send_queue {
	struct rpc_send_item *first, *last;
	size_t sent;        /* bytes of the first that have left */
	size_t bytes;       /* still to send, events included */
	size_t event_bytes; /* of texts that are events and have not left whole */
};

/* Holds one reference, the caller's. */
struct rpc_send_text *rpc_send_text_new(const char *bytes, size_t len);
size_t rpc_send_text_len(const struct rpc_send_text *text);
void rpc_send_text_drop(struct rpc_send_text *text);

/* Takes a reference of its own. */
void rpc_send_queue_push(struct rpc_send_queue *out, struct rpc_send_text *text, bool is_event);
/* What was pushed last says that something was changed, and waits until that is on disk. */
void rpc_send_queue_promise(struct rpc_send_queue *out);
/* It is: or it is not, and then `members`, as `,"saved":false`, stand in the result of each answer that says so.  NULL: all is well. */
void rpc_send_queue_keep(struct rpc_send_queue *out, const char *members);
void rpc_send_queue_release(struct rpc_send_queue *out);
/* Sends what the socket takes now, never waits; 0, or -1 with errno if the peer is gone. */
int rpc_send_queue_flush(struct rpc_send_queue *out, int fd);

#endif
