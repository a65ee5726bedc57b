/*
 * What liboxgate.so and the keeper send to each other: one packet each way, on a connection of its own for each call.  Both are of this machine, perhaps of
 * two builds: what has another length or another form is not understood, and then the program's call is carried out as if there was no gate.
 */
#ifndef OX_OS_PRELOAD_CALL_H
#define OX_OS_PRELOAD_CALL_H

#include <stdint.h>

/* "<name of the keeper's socket> <port> <port>…".  Inner: never documented to users, never passed on. */
#define PRELOAD_VARIABLE "OXHERD_GATE"

enum {
	PRELOAD_FORM = 0x6f786731,
	PRELOAD_PORTS_MAX = 8,
	PRELOAD_NAME_MAX = 48, /* of the socket, its end counted */
	PRELOAD_ADDRESS_MAX = 128,
	PRELOAD_CONTINUE = -1, /* as an answer: the library makes the call itself */
};

enum preload_kind { PRELOAD_BIND, PRELOAD_LISTEN, PRELOAD_SHUTDOWN, PRELOAD_KIND_COUNT };

/* With the socket itself. */
struct preload_call {
	uint32_t form; /* PRELOAD_FORM */
	uint32_t kind; /* enum preload_kind */
	int32_t backlog;
	uint32_t len; /* of the address */
	unsigned char address[PRELOAD_ADDRESS_MAX];
};

/* With a socket, where one is to take the place of the program's own before anything else. */
struct preload_answer {
	int32_t number; /* 0 or an errno: the result; or PRELOAD_CONTINUE */
};

#endif
