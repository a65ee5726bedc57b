/*
 * A request whose answer comes later: when the herd has settled it, when its time is over, or never, because the client is gone.
 */
#ifndef OX_CONTROL_WAITING_H
#define OX_CONTROL_WAITING_H

#include <stdint.h>

struct err;
struct handle;
struct json;
struct request;
struct waiting;

/* Makes a number for herd_request() and the like. */
struct waiting *waiting_new(struct handle *h, struct request *r);
/* For what an earlier request began: the herd is asked for nothing. */
struct waiting *waiting_attach(struct handle *h, struct request *r);
uint64_t waiting_id(const struct waiting *w);
/* A further number: the answer comes when all of them are settled, and is good when all are. */
uint64_t waiting_another(struct waiting *w);
/* From now on events of this app that a person would want to see come as progress. */
void waiting_watch(struct waiting *w, const char *app);
/*
 * The herd took the request: `result` (taken over) is the answer when it is settled; what the herd says of its own accord is in it as
 * `verdict`.  It may have been settled already.
 */
void waiting_go(struct waiting *w, struct json *result);
/* The herd refused it: answers with the words.  What it took under another number goes on. */
void waiting_refused(struct waiting *w, const struct err *e);

#endif
