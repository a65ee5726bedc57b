/*
 * What an effect knows at once is a fact like any other, but the herd is in the middle of a step: it is kept, and heard when the herd has
 * finished.
 */
#ifndef OX_HERD_FACTS_H
#define OX_HERD_FACTS_H

#include <stdint.h>

#include "model/ticket.h"

struct herd;
struct reason;

struct herd_fact {
	enum {
		FACT_SPAWN_FAILED,
		FACT_PORT_FREE,
		FACT_PORT_TAKEN, /* `why` is who holds it */
		FACT_NOTE,
		FACT_LISTENS, /* `why`: no gate can hold its socket */
		FACT_READY,
		FACT_SAID_READY, /* to an earlier brain */
	} kind;
	struct ticket ticket;
	const struct reason *why; /* copied; NULL: none */
};

void herd_fact_later(struct herd *h, const struct herd_fact *fact);
/* In order, until there is none: the herd may answer each with an effect that is a fact again. */
void herd_facts_hear(struct herd *h, int64_t now);

#endif
