/*
 * Who serves, which is not a number: a port may be shared by slots, and a slot may have two generations on one port for a moment.
 */
#ifndef OX_MODEL_ENDPOINT_H
#define OX_MODEL_ENDPOINT_H

#include <stdbool.h>
#include <stdint.h>

#include "model/ticket.h"

struct endpoint {
	const char *address; /* borrowed; NULL: 127.0.0.1 */
	int port;            /* 0: it has none */
	struct ticket ticket;
	int64_t gate; /* the number of the gate that it is behind; 0: none */
};

const char *endpoint_address(const struct endpoint *e);
/* The same address and port, whichever instance serves there: all that a proxy can tell apart. */
bool endpoint_is_same_place(const struct endpoint *a, const struct endpoint *b);

#endif
