/*
 * Events for the clients that have subscribed, each with a sequence number that goes up by one.  The answer to `subscribe` holds a snapshot and the
 * number of the last event that is in it; the next event is the one after that: no gap, no repeat.  A client that reads too slowly loses events;
 * before the next one it gets a `missed` notification with their number, and had better ask for a snapshot again.
 */
#ifndef OX_CONTROL_RPC_STREAM_H
#define OX_CONTROL_RPC_STREAM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

struct rpc_server;

/* Whether it is worth while to write events at all. */
bool rpc_stream_has_listeners(const struct rpc_server *s);
/* `event` is a JSON object whose `seq` is one more than rpc_stream_seq(); without listeners it may be empty. */
void rpc_stream_publish(struct rpc_server *s, const struct buf *event);
/* The number of the last event. */
int64_t rpc_stream_seq(const struct rpc_server *s);

#endif
