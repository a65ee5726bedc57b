/*
 * A failed assertion does not end the keeper, as that would end nothing else: it is logged, counted, and reported to the brain once.
 * What was asked for where it failed is refused there.
 */
#ifndef OX_KEEPER_ASSERTIONS_H
#define OX_KEEPER_ASSERTIONS_H

#include <stdint.h>

#include "wire/keeper_msg.h"

struct failed_assertions {
	uint64_t count;
	uint64_t reported; /* how many of them the brain knows of */
	char words[KEEPER_WORDS_MAX + 1];
};

/* From now on they end up in what this gives; there is one a program, as with the log. */
struct failed_assertions *assertions_survive(void);

#endif
