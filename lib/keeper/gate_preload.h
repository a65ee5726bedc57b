/*
 * The calls of processes that the library liboxgate.so tells of, one connection a call.  Of one place at most one connection is open: who connects and says
 * nothing holds up none but its own.
 */
#ifndef OX_KEEPER_GATE_PRELOAD_H
#define OX_KEEPER_GATE_PRELOAD_H

#include <stddef.h>

struct bind_call;
struct gate;
struct slot;
struct slots;

enum gate_preload_next {
	PRELOAD_NEXT_NONE,
	PRELOAD_NEXT_CALL,
	PRELOAD_NEXT_NOTHING, /* somebody connected, and it was no call: look again */
};

/* Before its process is there: what it connects to, and the variable for its environment.  -1 with errno. */
int gate_preload_open(struct gate *g, struct slot *s, char *variable, size_t size);
enum gate_preload_next gate_preload_receive(
	const struct slots *all, struct gate *g, struct slot *s, struct bind_call *call);
/* For what its connection says, and for no other one. */
void gate_preload_wait(struct gate *g, struct slot *s);
/* And hangs up.  `given` as in os/preload_hook.h. */
void gate_preload_answer(struct gate *g, struct slot *s, int number, int given);
/* The caller gets no answer. */
void gate_preload_hang_up(struct gate *g, struct slot *s);

#endif
