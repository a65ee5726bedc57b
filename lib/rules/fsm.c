#include "rules/fsm.h"

#include "base/assert.h"

#include <stddef.h>

/* A legal step.  What is not listed is not legal. */
#define GO(state, action)                                                                                    \
	{                                                                                                    \
		true, STATE_##state, ACT_##action,                                                           \
	}

/*
 * Whether an instance is wanted up lives in the herd, not here: a start while stopping or a second stop change nothing that runs, so they
 * are no steps.  Whatever ends a process is legal in every state that has one, so that no exit is ever lost.
 */
static const struct step steps[STATE_COUNT][EVENT_COUNT] = {
	[STATE_STOPPED] = {
		[EVENT_START] = GO(STARTING, SPAWN),
		[EVENT_BLOCK] = GO(BLOCKED, WATCH),
	},
	[STATE_BLOCKED] = {
		[EVENT_START] = GO(STARTING, SPAWN),
		[EVENT_STOP] = GO(STOPPED, REST),
	},
	[STATE_STARTING] = {
		/* The port was free when we looked, and taken when it bound; or there was no process yet. */
		[EVENT_BLOCK] = GO(BLOCKED, WATCH),
		[EVENT_READY] = GO(RUNNING, SETTLE),
		[EVENT_STOP] = GO(STOPPING, SIGNAL),
		[EVENT_CRASHED] = GO(BACKOFF, DELAY),
		[EVENT_LIMITED] = GO(BACKOFF, DELAY),
		[EVENT_GAVE_UP] = GO(CRASHED, REST),
		[EVENT_FINISHED] = GO(FINISHED, REST),
		[EVENT_DIED] = GO(STOPPED, REST),
	},
	[STATE_RUNNING] = {
		[EVENT_UNHEALTHY] = GO(UNHEALTHY, NONE),
		[EVENT_STOP] = GO(STOPPING, SIGNAL),
		[EVENT_CRASHED] = GO(BACKOFF, DELAY),
		[EVENT_LIMITED] = GO(BACKOFF, DELAY),
		[EVENT_GAVE_UP] = GO(CRASHED, REST),
		[EVENT_FINISHED] = GO(FINISHED, REST),
		[EVENT_DIED] = GO(STOPPED, REST),
	},
	[STATE_UNHEALTHY] = {
		/* Not SETTLE: the window of being ready continues, and dependents know already. */
		[EVENT_HEALTHY] = GO(RUNNING, NONE),
		[EVENT_STOP] = GO(STOPPING, SIGNAL),
		[EVENT_CRASHED] = GO(BACKOFF, DELAY),
		[EVENT_LIMITED] = GO(BACKOFF, DELAY),
		[EVENT_GAVE_UP] = GO(CRASHED, REST),
		[EVENT_FINISHED] = GO(FINISHED, REST),
		[EVENT_DIED] = GO(STOPPED, REST),
	},
	[STATE_STOPPING] = {
		/* After a failed start or health check it is stopped too; its end is then a crash. */
		[EVENT_CRASHED] = GO(BACKOFF, DELAY),
		[EVENT_LIMITED] = GO(BACKOFF, DELAY),
		[EVENT_GAVE_UP] = GO(CRASHED, REST),
		[EVENT_FINISHED] = GO(FINISHED, REST),
		[EVENT_DIED] = GO(STOPPED, REST),
	},
	[STATE_BACKOFF] = {
		[EVENT_START] = GO(STARTING, SPAWN),
		[EVENT_BLOCK] = GO(BLOCKED, WATCH),
		[EVENT_STOP] = GO(STOPPED, REST),
		[EVENT_RETRY] = GO(STARTING, SPAWN),
		[EVENT_RESET] = GO(STARTING, SPAWN),
	},
	[STATE_CRASHED] = {
		[EVENT_START] = GO(STARTING, SPAWN),
		[EVENT_BLOCK] = GO(BLOCKED, WATCH),
		[EVENT_STOP] = GO(STOPPED, REST),
		[EVENT_RESET] = GO(STARTING, SPAWN),
	},
	[STATE_FINISHED] = {
		[EVENT_START] = GO(STARTING, SPAWN),
		[EVENT_BLOCK] = GO(BLOCKED, WATCH),
		[EVENT_STOP] = GO(STOPPED, REST),
	},
};

static const char *const action_docs[] = {
	[ACT_NONE] = "nothing else changes",
	[ACT_SPAWN] = "a process is started",
	[ACT_SIGNAL] = "the stop signal is sent",
	[ACT_DELAY] = "the restart timer is set",
	[ACT_WATCH] = "what is in the way is watched",
	[ACT_SETTLE] = "dependents and upstream are updated",
	[ACT_REST] = "what it held is released",
};

struct step fsm_step(enum state from, enum event event)
{
	ASSERT((unsigned int)from < STATE_COUNT && (unsigned int)event < EVENT_COUNT,
		"there is no event %d in a state %d", (int)event, (int)from);
	ASSERT(!steps[from][event].is_legal || steps[from][event].to != from, "%s leads from %s to itself",
		event_word(event), state_word(from));
	return steps[from][event];
}

void fsm_print_mdoc(struct buf *out)
{
	buf_adds(out,
		".Bl -column \"unhealthy\" \"unhealthy\" \"unhealthy\" \"dependents and upstream are updated\"\n");
	buf_adds(out, ".It Sy State Ta Sy Event Ta Sy Becomes Ta Sy And\n");
	for (int from = 0; from < STATE_COUNT; from++) {
		for (int event = 0; event < EVENT_COUNT; event++) {
			const struct step *step = &steps[from][event];

			if (step->is_legal)
				buf_addf(out, ".It %s Ta %s Ta %s Ta %s\n", state_word((enum state)from),
					event_word((enum event)event), state_word(step->to),
					action_docs[step->action]);
		}
	}
	buf_adds(out, ".El\n");
}
