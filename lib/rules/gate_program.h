/*
 * Which socket of a port gets a new connection: the program that the kernel runs for the sockets that share it (SO_ATTACH_REUSEPORT_CBPF).  It sees
 * them by their place in the kernel's own list.  Of those that are chosen each gets as many as the others, by chance; the others get none, whatever
 * comes: a socket that is new stands at the end of the list, and one that nobody answers any more stays where it was.
 *
 * A connection with a mark goes to the socket that the mark names, chosen or not: so each of them can be asked by itself how it is.  A mark is the
 * address that a connection comes from, 127.77.x.y, or of ::1 its traffic class; nobody but this machine itself can have either.
 */
#ifndef OX_RULES_GATE_PROGRAM_H
#define OX_RULES_GATE_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* As the kernel's struct sock_filter. */
struct gate_step {
	uint16_t code;
	uint8_t yes, no;
	uint32_t number;
};

enum {
	GATE_PROGRAM_MAX = 4096, /* steps, as the kernel has it */
	GATE_PLACES_MAX = 16384, /* sockets in one list */
	GATE_MARKS_IPV6 = 63,    /* so many sockets at ::1 have a mark */
};

/*
 * `chosen` are places below `count`, in ascending order and none twice, one at least.  The number of steps; 0: it has no room, or these are no such
 * places.
 */
size_t gate_program(struct gate_step *steps, const int *chosen, size_t chosen_count, int count);

/* The last two numbers of the address that a probe of this place comes from: 127.77.(mark >> 8).(mark & 255). */
uint32_t gate_mark_address(int place);
/* The traffic class of a probe at ::1; -1: this place has none. */
int gate_mark_class(int place);

#endif
