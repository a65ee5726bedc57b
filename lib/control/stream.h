/*
 * Events to whoever subscribed, each with a sequence number that goes up by one.  The answer to `subscribe` holds a snapshot and the number of the
 * last event that is in it; the next event is the one after that: no gap, no repeat.  A client that reads too slowly loses events; before
 * the next one it gets a `missed` notification with their number, and had better ask for a snapshot again.
 */
#ifndef OX_CONTROL_STREAM_H
#define OX_CONTROL_STREAM_H

#include <stdint.h>

struct json;
struct request;
struct server;

/* Takes over `event`, an object; sends it as `event` with its number as `seq`, and gives that number. */
int64_t stream_publish(struct server *s, struct json *event);
/* The number of the last event. */
int64_t stream_seq(const struct server *s);
/* Answers `{"seq": n, "snapshot": …}`, taking the snapshot over, and begins to send events. */
void stream_subscribe(struct request *r, struct json *snapshot);
/* Answers, and no event follows. */
void stream_unsubscribe(struct request *r);

#endif
