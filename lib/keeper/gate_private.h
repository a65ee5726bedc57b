/*
 * What the gate's own files share.
 */
#ifndef OX_KEEPER_GATE_PRIVATE_H
#define OX_KEEPER_GATE_PRIVATE_H

#include "keeper/gate.h"

/* --- gate.c: records --- */

/* NULL when there is no room. */
struct gate_list *gate_new_list(struct gate *g, int64_t number, const struct tcp_address *address);
/* NULL when there is no room; the descriptor is still the caller's. */
struct gate_socket *gate_new_socket(struct gate *g, struct gate_list *l, int fd);
/* NULL when nothing has that number any more. */
struct gate_socket *gate_find(struct gate *g, int64_t number);
struct gate_list *gate_list_of(struct gate *g, const struct gate_socket *h);
/* Those of a list, NULL after the last. */
struct gate_socket *gate_first(struct gate *g, const struct gate_list *l);
struct gate_socket *gate_next(struct gate *g, const struct gate_socket *h);
/* Closes ours, and forgets it.  Its list ends with its last socket. */
void gate_release(struct gate *g, struct gate_socket *h);
/* The brain does not want to hear of it again. */
void gate_forget_announced(struct gate *g, struct gate_socket *h);
/* The calls of its process are not seen any more. */
void gate_unhook(struct gate *g, struct slot *s);

/* --- gate_free.c --- */

/* Has a place as many sockets as it may have, or as many lists, where this one (NULL: a new one) is another? */
bool gate_is_full(struct gate *g, const struct slot *s, const struct gate_list *l);

/* --- gate_calls.c --- */

bool gate_has_port(const struct slot *s, int port);
/* The call that the last keeper had received and not answered, if there is one. */
void gate_take_up(struct slots *all, struct gate *g, struct slot *s);

/* --- gate_adopt.c --- */

/* The first one of a list has index 0; false with errno: others listen there of whom nothing is known. */
bool gate_is_alone(struct gate *g, struct gate_list *l, const struct gate_socket *h);

/* --- gate_choice.c: who gets connections --- */

/* The program for a list as it is now, after a look whether all of it still listen.  -1 with errno. */
int gate_attach(struct gate *g, struct gate_list *l);
/* It has stopped listening: the last one has its index now. */
void gate_move_out(struct gate *g, struct gate_socket *h);
/* The ledger has which processes of a gate get connections. */
void gate_note_choice(struct gate *g, int64_t gate);
/* Those that were freed after `before` leave the choice, if a living one is left in it. */
void gate_leave_choice(struct gate *g, struct gate_list *l, uint64_t before);

#endif
