/*
 * The brain's end of the keeper: messages out, messages in, nothing lost and nothing waited for.  What the socket does not take now is
 * sent in order as soon as it does.
 */
#ifndef OX_SPAWN_KEEPER_CLIENT_H
#define OX_SPAWN_KEEPER_CLIENT_H

#include <stddef.h>

#include "wire/keep.h"

struct ev_loop;
struct parent;

struct parent_calls {
	/* Strings are borrowed for the call; descriptors are the callee's. */
	void (*message)(void *context, const struct keep_message *m, const int *fds, size_t fd_count);
	/* The keeper is gone: there is nothing left to be a brain of. */
	void (*gone)(void *context);
};

/* Uses the descriptor, which stays the caller's.  `calls` and `context` are borrowed. */
struct parent *parent_new(struct ev_loop *loop, int fd, const struct parent_calls *calls, void *context);
void parent_free(struct parent *p);
/* `fd` goes along unless it is -1, and stays the caller's.  A message that breaks a rule of keep.h is logged and gives -1. */
int parent_send(struct parent *p, const struct keep_message *m, int fd);
/* Messages that wait for room. */
size_t parent_waiting(const struct parent *p);

#endif
