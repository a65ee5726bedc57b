#include "rules/fsm.h"

#include <stddef.h>

#include "base/str.h"

/* A legal step.  What is not listed is not legal. */
#define GO(state, action)                                                                                    \
	{                                                                                                    \
		true, STATE_##state, ACT_##action,                                                           \
	}

/*
 * The wish (up or down) lives in the herd, not here: a start while stopping or a second stop change nothing that runs, so they
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
		/* Not SETTLE: the window of being ready goes on, and dependents were told before. */
		[EVENT_HEALTHY] = GO(RUNNING, NONE),
		[EVENT_STOP] = GO(STOPPING, SIGNAL),
		[EVENT_CRASHED] = GO(BACKOFF, DELAY),
		[EVENT_LIMITED] = GO(BACKOFF, DELAY),
		[EVENT_GAVE_UP] = GO(CRASHED, REST),
		[EVENT_FINISHED] = GO(FINISHED, REST),
		[EVENT_DIED] = GO(STOPPED, REST),
	},
	[STATE_STOPPING] = {
		/* A failed start or a failed liveness check is told to stop too; when it is gone, it was a crash. */
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

struct word {
	const char *word;
	const char *doc;
};

static const struct word states[STATE_COUNT] = {
#define X(name, text, sentence) [STATE_##name] = { text, sentence },
#include "rules/states.def"
#undef X
};

static const struct word events[EVENT_COUNT] = {
#define X(name, text, sentence) [EVENT_##name] = { text, sentence },
#include "rules/events.def"
#undef X
};

static const char *const action_docs[] = {
	[ACT_NONE] = "nothing else changes",
	[ACT_SPAWN] = "a process is started",
	[ACT_SIGNAL] = "the stop signal is sent",
	[ACT_DELAY] = "the restart timer is set",
	[ACT_WATCH] = "what is in the way is watched",
	[ACT_SETTLE] = "dependents and upstream are told",
	[ACT_REST] = "what it held is released",
};

struct step fsm_step(enum state from, enum event event)
{
	return steps[from][event];
}

const char *state_word(enum state state)
{
	return states[state].word;
}

const char *event_word(enum event event)
{
	return events[event].word;
}

const char *state_doc(enum state state)
{
	return states[state].doc;
}

const char *event_doc(enum event event)
{
	return events[event].doc;
}

bool state_parse(const char *word, enum state *state)
{
	for (int i = 0; i < STATE_COUNT; i++) {
		if (!str_eq(states[i].word, word))
			continue;
		*state = (enum state)i;
		return true;
	}
	return false;
}

bool event_parse(const char *word, enum event *event)
{
	for (int i = 0; i < EVENT_COUNT; i++) {
		if (!str_eq(events[i].word, word))
			continue;
		*event = (enum event)i;
		return true;
	}
	return false;
}

bool event_is_end(enum event event)
{
	return event == EVENT_CRASHED || event == EVENT_GAVE_UP || event == EVENT_FINISHED ||
		event == EVENT_DIED || event == EVENT_LIMITED;
}

bool state_is_live(enum state state)
{
	return state == STATE_STARTING || state == STATE_RUNNING || state == STATE_UNHEALTHY ||
		state == STATE_STOPPING;
}

void fsm_print_mdoc(struct buf *out)
{
	buf_adds(out,
		".Bl -column \"unhealthy\" \"unhealthy\" \"unhealthy\" \"dependents and upstream are told\"\n");
	buf_adds(out, ".It Sy State Ta Sy Event Ta Sy Becomes Ta Sy And\n");
	for (int from = 0; from < STATE_COUNT; from++) {
		for (int event = 0; event < EVENT_COUNT; event++) {
			const struct step *step = &steps[from][event];

			if (step->is_legal)
				buf_addf(out, ".It %s Ta %s Ta %s Ta %s\n", states[from].word,
					events[event].word, states[step->to].word, action_docs[step->action]);
		}
	}
	buf_adds(out, ".El\n");
}
