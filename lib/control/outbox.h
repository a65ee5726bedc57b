/*
 * What is to be sent to one client and has not left yet, in order.  A text is shared by all the outboxes that hold it, so an event costs
 * its bytes once, however many listen.  Events are counted apart: they may be dropped, answers may not.
 */
#ifndef OX_CONTROL_OUTBOX_H
#define OX_CONTROL_OUTBOX_H

#include <stdbool.h>
#include <stddef.h>

struct outbox_text;
struct outbox_item;

struct outbox {
	struct outbox_item *first, *last;
	size_t sent;        /* bytes of the first that have left */
	size_t bytes;       /* still to send, events included */
	size_t event_bytes; /* of texts that are events and have not left whole */
};

/* Holds one reference, the caller's. */
struct outbox_text *outbox_text_new(const char *bytes, size_t len);
size_t outbox_text_len(const struct outbox_text *text);
void outbox_text_drop(struct outbox_text *text);

/* Takes a reference of its own. */
void outbox_push(struct outbox *out, struct outbox_text *text, bool is_event);
/* What was pushed last says that something was changed, and waits until that is on disk. */
void outbox_promise(struct outbox *out);
/* It is: or it is not, and then `members`, as `,"saved":false`, stand in the result of each answer that says so.  NULL: all is well. */
void outbox_keep(struct outbox *out, const char *members);
void outbox_release(struct outbox *out);
/* Sends what the socket takes now, never waits; 0, or -1 with errno if the peer is gone. */
int outbox_flush(struct outbox *out, int fd);

#endif
