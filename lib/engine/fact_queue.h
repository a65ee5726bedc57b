/*
 * Facts that an effect was answered with at once: the herd hears them when it has finished speaking.
 */
#ifndef OX_ENGINE_FACT_QUEUE_H
#define OX_ENGINE_FACT_QUEUE_H

#include "base/vec.h"
#include "model/ticket.h"

struct herd;
struct reason;

struct fact {
	enum {
		FACT_SPAWN_FAILED,
		FACT_PORT_FREE,
		FACT_PORT_TAKEN,
		FACT_NOTE,
		FACT_SAID_READY, /* to an earlier brain */
	} kind;
	struct ticket ticket;
	struct reason *why; /* owned; NULL: none */
};

/* Zeroed is empty. */
struct fact_queue {
	struct vec facts; /* of struct fact * */
};

void fact_queue_add(struct fact_queue *q, struct fact fact);
/* Until there is none: the herd may answer each with an effect that is a fact again. */
void fact_queue_tell(struct fact_queue *q, struct herd *h);
void fact_queue_release(struct fact_queue *q);

#endif
