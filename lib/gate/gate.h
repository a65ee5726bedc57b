/*
 * The brain's part of the gate: what the keeper holds in front of the instances of an app, and who is to get connections there.  The keeper sends each
 * socket that it holds (wire/keeper_msg.h), and gets back what the herd decides: CHOOSE when that has changed, DROP for what nobody needs any more.
 *
 * Our copies of the sockets serve for questions alone: where they listen, and how many wait there.
 */
#ifndef OX_GATE_GATE_H
#define OX_GATE_GATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/effect.h"
#include "os/reuseport.h"

struct gates;
struct keeper_client;
struct keeper_msg;

struct held_socket {
	int64_t number;       /* as the keeper has it */
	struct ticket ticket; /* whose it is; of a free one, whose it was */
	int place;
	int index; /* in the kernel's list; -1: it does not listen any more */
	bool is_free;
	uint32_t inode;
	struct tcp_address address;
	int fd;
};

/* The keeper is borrowed. */
struct gates *gates_new(struct keeper_client *keeper);
/* Closes its copies; the keeper holds on. */
void gates_free(struct gates *g);

/* A LISTENS; its descriptor, or -1, is taken over. */
void gates_hear(struct gates *g, const struct keeper_msg *m, int fd);
/* An ERROR or a PONG: false when it is about something else. */
bool gates_answered(struct gates *g, const struct keeper_msg *m);
/* Its main process has ended: its sockets are free. */
void gates_ended(struct gates *g, struct ticket ticket);

/* How it is to be from now on. */
void gates_set(struct gates *g, const struct gate_effect *effect);
/* What no effect was about is of an app that is gone: for a new brain, when the herd has said all that it wants. */
void gates_sweep(struct gates *g);
/* `done` is called, never from inside this call, when the keeper has done all that it got before, and all that it had to say was heard. */
typedef void (*gates_done)(void *context, struct ticket ticket);
void gates_after(struct gates *g, struct ticket ticket, gates_done done, void *context);
/* The last choice of that gate is not in effect: it is said again, and in effect until an answer says otherwise.  False: nothing was said. */
bool gates_choose_again(struct gates *g, int64_t gate);

/* --- questions --- */

/* The next socket of that process after `previous` (NULL: the first), listening; NULL: none.  Borrowed until anything of the above. */
const struct held_socket *gates_socket_of(
	const struct gates *g, int64_t gate, struct ticket ticket, const struct held_socket *previous);
/* The errno with which a socket of it could not be held; 0: there was none. */
int gates_unheld(const struct gates *g, int64_t gate, struct ticket ticket);
/* How many wait to be accepted by it, one where that cannot be known; -1: it has no held socket. */
int64_t gates_queue(const struct gates *g, int64_t gate, struct ticket ticket);
/* The gate at which a socket with that inode is held; 0: none.  What nobody needs any more, and the keeper still has, is not known here. */
int64_t gates_holder(const struct gates *g, uint32_t inode);
/* The gate at which that process has, or had, a socket; 0: none. */
int64_t gates_gate_of(const struct gates *g, struct ticket ticket);

#endif
