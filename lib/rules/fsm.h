/*
 * Which event leads from which state to which: a table and nothing else.  The herd owns every instance's
 * state and is the only writer; it asks here, logs `api:2: starting -> running on ready`, and does what the
 * action says.  An event that makes no sense in a state is reported and changes nothing.
 */
#ifndef OX_RULES_FSM_H
#define OX_RULES_FSM_H

#include <stdbool.h>

#include "base/buf.h"

enum state {
#define X(name, word, doc) STATE_##name,
#include "rules/states.def"
#undef X
	STATE_COUNT,
};

enum event {
#define X(name, word, doc) EVENT_##name,
#include "rules/events.def"
#undef X
	EVENT_COUNT,
};

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
const char *state_word(enum state state);
const char *event_word(enum event event);
const char *state_doc(enum state state);
const char *event_doc(enum event event);
/* False if there is no such word. */
bool state_parse(const char *word, enum state *state);
bool event_parse(const char *word, enum event *event);
/* It ended, or could not even begin: nothing of that attempt runs any more. */
bool event_is_end(enum event event);
/* A process exists or may exist: starting, running, unhealthy, stopping. */
bool state_is_live(enum state state);
/* Every legal step as rows of a table for oxherd(7), in mdoc. */
void fsm_print_mdoc(struct buf *out);

#endif
