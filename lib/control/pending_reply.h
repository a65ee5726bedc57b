/*
 * A request whose answer comes later: when the herd has settled it, at its timeout, or never, because the client is gone.
 */
#ifndef OX_CONTROL_PENDING_REPLY_H
#define OX_CONTROL_PENDING_REPLY_H

#include <stdbool.h>
#include <stdint.h>

struct buf;
struct err;
struct handle;
struct call;
struct pending_reply;

/* Makes a number for herd_request() and the like. */
struct pending_reply *pending_reply_new(struct handle *h, struct call *c);
uint64_t pending_reply_id(const struct pending_reply *w);
/* A further number: the answer comes when all of them are settled, and is good when all are. */
uint64_t pending_reply_another_id(struct pending_reply *w);
/* From now on events of this app that a person would want to see come as progress. */
void pending_reply_watch(struct pending_reply *w, const char *app);
/*
 * The herd took the request: `result`, an object as JSON (NULL: an empty one), is the answer when it is settled, with the `results` that the
 * herd has and their text as `verdict`.  It may have been settled already.
 */
void pending_reply_begin(struct pending_reply *w, const struct buf *result);
/* The herd refused it: answers with the words.  What it took under another number continues. */
void pending_reply_refuse(struct pending_reply *w, const struct err *e);

/*
 * A call that is made once more under its key, as after the brain's death: it gets what came of the first, by the receipt that the herd
 * keeps of it (herd_receipt_open()), and nothing is done twice.  True when the call was made before: then it is answered, or will be.
 */
bool pending_reply_repeat(void *context, struct call *c);

#endif
