/*
 * A call that is made once more under its key, as after the brain's death: it gets what came of the first, by the receipt that the herd
 * keeps of it (herd_receipt_open()), and nothing is done twice.
 */
#ifndef OX_CONTROL_CALL_REPEAT_H
#define OX_CONTROL_CALL_REPEAT_H

#include <stdbool.h>

struct handle;
struct call;

/* Around all that the handler asks of the herd: opens the receipt.  Nothing, for a call without a key. */
void call_repeat_open(struct handle *h, const struct call *c);
/* `text` is the result so far as JSON; NULL: the call was refused. */
void call_repeat_close(struct handle *h, const char *text);
/* True when the call was made before: then it is answered, or will be. */
bool call_repeat(void *context, struct call *c);

#endif
