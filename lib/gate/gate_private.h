/*
 * What the files of the gate share.
 */
#ifndef OX_GATE_GATE_PRIVATE_H
#define OX_GATE_GATE_PRIVATE_H

#include "base/map.h"
#include "base/vec.h"
#include "gate/gate.h"

/* Serials of ours are above; generations are below, and so is that of an upgrade. */
#define GATE_SERIAL_FIRST (UINT64_C(1) << 62)

/* A process with a socket that could not be held. */
struct unheld {
	struct ticket ticket;
	int number;
};

struct app_gate {
	int64_t number;
	struct vec sockets; /* of struct held_socket * */
	struct vec unheld;  /* of struct unheld * */
	/* How it should be, and whether anybody has said so. */
	bool is_set;
	struct ticket *chosen;
	size_t chosen_count;
	int port;
	int *places;
	size_t place_count;
	/* The last CHOOSE: sockets, rising.  It is not in effect when an answer or a later message of the keeper says otherwise. */
	struct vec sent; /* of int64_t * */
	uint64_t sent_serial;
	bool is_in_effect;
};

struct gate_waiter {
	uint64_t serial;
	struct ticket ticket;
	gates_done done;
	void *context;
};

struct gates {
	struct keeper_client *keeper;
	struct map by_number; /* -> struct app_gate *, which has the key */
	struct vec waiting;   /* of struct gate_waiter *, by serial */
	uint64_t serial;
};

/* NULL; or a new one. */
struct app_gate *gates_find(const struct gates *g, int64_t number);
struct app_gate *gates_need(struct gates *g, int64_t number);
void app_gate_free(void *item);
void held_socket_free(void *item);
bool gate_is_ticket(struct ticket a, struct ticket b);

/* --- gate_choice.c --- */

/* The keeper gets what it does not know yet.  The gate may be gone afterwards. */
void app_gate_settle(struct gates *g, struct app_gate *gate);
/* By the last CHOOSE. */
bool gate_was_chosen(const struct app_gate *gate, int64_t number);

#endif
