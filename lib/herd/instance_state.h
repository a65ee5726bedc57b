/*
 * The small state machines of an instance, beside its state (rules/fsm): each is one enum.  Where not every step is legal there is a table of those
 * that are, in instance_state.c, and one function that takes them.
 */
#ifndef OX_HERD_INSTANCE_STATE_H
#define OX_HERD_INSTANCE_STATE_H

#include <stdbool.h>

#include "model/state.h"

struct instance;
struct reason;

/* What exists in its slot. */
enum phase {
	PHASE_NONE,
	PHASE_DELAYED,   /* start_delay; no process yet */
	PHASE_STAGGERED, /* it waits for its turn to start (start_queue.h); no process yet */
	PHASE_CHECKING,  /* its port is being looked at, or is taken; no process yet */
	PHASE_PORT_FREE, /* it was free a moment ago: a process is next, in the same call */
	PHASE_SPAWNING,  /* the keeper was asked for a process, and has not answered */
	PHASE_UP,        /* a process runs */
	PHASE_LEFTOVERS, /* the main process ended, its tree did not yet */
	PHASE_COUNT,
};

/* How far one that stops gently has come.  DRAIN_DONE lasts until it is ready again: its server is marked down meanwhile. */
enum drain_step {
	DRAIN_NONE,
	DRAIN_REMOVING, /* the upstream is to name it no more */
	DRAIN_DRAINING, /* its connections are to end */
	DRAIN_DONE,     /* it may get its stop signal */
	DRAIN_STEP_COUNT,
};

/* What becomes of it. */
enum tenure {
	TENURE_STAYS,
	TENURE_RETIRED, /* scaled away or deleted: removed when it is down */
	TENURE_SPARE,   /* beside the count, for a rollout */
	TENURE_DROPPED, /* a spare that is needed no more: removed when it is down */
	TENURE_COUNT,
};

/* By the target of the rollout that is under way. */
enum trial {
	TRIAL_OPEN,
	TRIAL_PROVEN,
	TRIAL_FAILED, /* it ended, or was not ready in time */
};

/* A place among those that may be down for their health. */
enum health_slot {
	HEALTH_SLOT_NONE,
	HEALTH_SLOT_WAITING,
	HEALTH_SLOT_HELD,
	HEALTH_SLOT_COUNT,
};

/* What this brain knows of one that an earlier one started; until herd_resume(). */
enum adoption {
	ADOPTION_NONE, /* the keeper has not named it */
	ADOPTION_DONE,
	ADOPTION_END_PUBLISHED, /* and its end was published by that brain */
};

/* What it goes down for, or went, although it is wanted. */
enum down_cause {
	DOWN_NONE,
	DOWN_RESTART, /* people want a new process, or its definition does */
	DOWN_PULLED,  /* for a rollout alone */
	DOWN_LIMIT,   /* it has passed a limit; limit_reason says which */
	DOWN_FAILING, /* not ready in time, or unhealthy: a crash, once it is gone */
	DOWN_CAUSE_COUNT,
};

/* What its app's counters have of it. */
enum {
	COUNTED_WANTED = 1,
	COUNTED_READY = 2,
	COUNTED_GOING_DOWN = 4,
};

void instance_set_phase(struct instance *i, enum phase phase);
/* May what is in that state have that phase, between two calls of the herd? */
bool state_has_phase(enum state state, enum phase phase);
void instance_set_drain(struct instance *i, enum drain_step step);
void instance_set_tenure(struct instance *i, enum tenure tenure);
/* It is not to come back; a spare is dropped. */
void instance_retire(struct instance *i);
bool instance_is_spare(const struct instance *i);
bool instance_is_retired(const struct instance *i);
/* The attempt that it makes now was proven once. */
bool instance_is_trusted(const struct instance *i);
void instance_set_health_slot(struct instance *i, enum health_slot slot);
/* Not DOWN_LIMIT, which has words. */
void instance_set_down(struct instance *i, enum down_cause cause);
void instance_set_down_limit(struct instance *i, const struct reason *which);
/* It goes down once and is started again; one that does so for a rollout or a limit keeps that cause. */
void instance_restart(struct instance *i);
/* It goes down for a new process, and counts as ended by nobody's fault. */
bool instance_is_restarting(const struct instance *i);

/* Words for the store. */
const char *drain_step_word(enum drain_step drain);
bool drain_step_parse(const char *word, enum drain_step *drain);
const char *phase_word(enum phase phase);
bool phase_parse(const char *word, enum phase *phase);

#endif
