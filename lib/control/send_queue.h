/*
 * What is to be sent to one client and has not left yet, in order.  A text is shared by all the outboxes that hold it, so an event costs
 * its bytes once, however many listen.  Events are counted apart: they may be dropped, answers may not.
 */
#ifndef OX_CONTROL_SEND_QUEUE_H
#define OX_CONTROL_SEND_QUEUE_H

#include <stdbool.h>
#include <stddef.h>

struct send_queue_text;
struct send_queue_item;

struct send_queue {
	struct send_queue_item *first, *last;
	size_t sent;        /* bytes of the first that have left */
	size_t bytes;       /* still to send, events included */
	size_t event_bytes; /* of texts that are events and have not left whole */
};

/* Holds one reference, the caller's. */
struct send_queue_text *send_text_new(const char *bytes, size_t len);
size_t send_text_len(const struct send_queue_text *text);
void send_text_drop(struct send_queue_text *text);

/* Takes a reference of its own. */
void send_queue_push(struct send_queue *out, struct send_queue_text *text, bool is_event);
/* What was pushed last says that something was changed, and waits until that is on disk. */
void send_queue_promise(struct send_queue *out);
/* It is: or it is not, and then `members`, as `,"saved":false`, stand in the result of each answer that says so.  NULL: all is well. */
void send_queue_keep(struct send_queue *out, const char *members);
void send_queue_release(struct send_queue *out);
/* Sends what the socket takes now, never waits; 0, or -1 with errno if the peer is gone. */
int send_queue_flush(struct send_queue *out, int fd);

#endif
