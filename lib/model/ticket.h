/*
 * Which run of which slot is meant, wherever something is said of one.
 */
#ifndef OX_MODEL_TICKET_H
#define OX_MODEL_TICKET_H

#include <stdint.h>

/*
 * One attempt to run something in one slot.  A slot ("api:2") has a number that is never given to another; a generation is never given
 * to a second attempt of any slot, so that nothing meant for one process can hit its successor.  0 is no slot and no generation.
 */
struct ticket {
	uint32_t slot;
	uint64_t generation;
};

#endif
