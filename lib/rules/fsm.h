/*
 * Which event leads from which state to which: a table and nothing else.  The herd owns every instance's
 * state and is the only writer; it asks here, logs `api:2: starting -> running on ready`, and does what the
 * action says.  An event that makes no sense in a state is reported and changes nothing.
 */
#ifndef OX_RULES_FSM_H
#define OX_RULES_FSM_H

#include <stdbool.h>

#include "base/buf.h"
#include "model/state.h"

/* What the herd does when it takes the step. */
enum action {
	ACT_NONE,
	ACT_SPAWN,  /* ask for a process */
	ACT_SIGNAL, /* send the stop signal, arm the kill timer */
	ACT_DELAY,  /* arm the restart timer */
	ACT_WATCH,  /* begin to look for what blocks it */
	ACT_SETTLE, /* it is ready: dependents, upstream, window */
	ACT_REST,   /* nothing runs any more: release what it held */
};

struct step {
	bool is_legal;
	enum state to;
	enum action action;
};

struct step fsm_step(enum state from, enum event event);
/* Every legal step as rows of a table for oxherd(7), in mdoc. */
void fsm_print_mdoc(struct buf *out);

#endif
