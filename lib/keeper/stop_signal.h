/*
 * Signals for many processes in one go.  To find and open a process takes time, in which the keeper itself may be killed.  So all are opened
 * first, then the ledger learns whose rest is signalled, and then nothing but the signals is left to send: the next keeper must not send them
 * again, as many programs end at once at a second one, nor leave out those that were never sent.
 */
#ifndef OX_KEEPER_STOP_SIGNAL_H
#define OX_KEEPER_STOP_SIGNAL_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct slot;
struct slots;
struct tree_node;

enum { SIGNAL_BATCH_MAX = 32 };

struct signal_target {
	pid_t pid;
	int fd; /* -1: our own child, or there are no pidfds */
	uint64_t start_time;
	int number;
	struct slot *rest; /* NULL, or whose rest_signal this is */
};

struct signal_batch {
	const struct slots *all;
	size_t count;
	struct signal_target targets[SIGNAL_BATCH_MAX];
};

/* What has ended is passed over; a batch that is full is sent first.  It is not to be reaped from an add to the send. */
void signal_batch_add(struct signal_batch *v, const struct tree_node *n, int number, struct slot *rest);
void signal_batch_send(struct signal_batch *v);

#endif
