/*
 * A request that comes once more under its key, as after the brain's death: it gets what came of the first, and nothing is done twice.
 */
#ifndef OX_CONTROL_AGAIN_H
#define OX_CONTROL_AGAIN_H

#include <stdbool.h>

struct handle;
struct call;

/* From the handler's first word to the herd until its last: see herd_receipt_open().  Nothing, for a request without a key. */
void again_begin(struct handle *h, const struct call *c);
/* `text` is the result so far as JSON; NULL: it was refused. */
void again_end(struct handle *h, const char *text);
/* True when it was asked before: then it is answered, or will be. */
bool handle_again(void *context, struct call *c);

#endif
