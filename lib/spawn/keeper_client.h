/*
 * The brain's end of the keeper: messages out, messages in, nothing lost and nothing waited for.  What the socket does not take now is
 * sent in order as soon as it does.
 */
#ifndef OX_SPAWN_KEEPER_CLIENT_H
#define OX_SPAWN_KEEPER_CLIENT_H

#include <stddef.h>

#include "model/effect.h"
#include "wire/keeper_msg.h"

struct ev_loop;
struct keeper_client;

struct keeper_client_calls {
	/* Strings are borrowed for the call; descriptors are the callee's. */
	void (*message)(void *context, const struct keeper_msg *m, const int *fds, size_t fd_count);
	/* The keeper is gone: there is nothing left to be a brain of. */
	void (*gone)(void *context);
};

/* Uses the descriptor, which stays the caller's.  `calls` and `context` are borrowed. */
struct keeper_client *keeper_client_new(
	struct ev_loop *loop, int fd, const struct keeper_client_calls *calls, void *context);
void keeper_client_free(struct keeper_client *p);
/* `fd` goes along unless it is -1, and stays the caller's.  A message that breaks a rule of keep.h is logged and gives -1. */
int keeper_client_send(struct keeper_client *p, const struct keeper_msg *m, int fd);
/* Whom a message is about. */
struct ticket keeper_client_ticket(const struct keeper_msg *m);
/* From what waitpid says in an EXITED: one of the two; the code is LAST_EXIT_UNSEEN where nobody saw how it ended. */
void keeper_client_exit(int64_t status, int *code, int *signal);
/* Messages of a kind and what they are about: a process (an ERROR about it carries its generation), a signal to it, or what has a name. */
int keeper_client_tell(struct keeper_client *p, enum keeper_msg_kind kind, struct ticket ticket);
int keeper_client_tell_signal(struct keeper_client *p, enum keeper_msg_kind kind, struct ticket ticket,
	const char *signal, enum reach reach);
int keeper_client_tell_name(struct keeper_client *p, enum keeper_msg_kind kind, const char *name, int fd);

#endif
