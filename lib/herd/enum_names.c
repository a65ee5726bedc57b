/*
 * The words of this room's closed sets, for events and for the store.
 */
#include "base/str.h"
#include "herd/herd_private.h"

static const char *const phase_words[PHASE_COUNT] = {
	[PHASE_NONE] = "none",
	[PHASE_DELAYED] = "delayed",
	[PHASE_STAGGERED] = "staggered",
	[PHASE_CHECKING] = "checking",
	[PHASE_PORT_FREE] = "port-free",
	[PHASE_SPAWNING] = "asked",
	[PHASE_UP] = "up",
	[PHASE_LEFTOVERS] = "leftovers",
};

static const char *const timer_words[TIMER_KIND_COUNT] = {
	[TIMER_DELAY] = "delay",
	[TIMER_ALIVE] = "alive",
	[TIMER_NEVER_READY] = "never-ready",
	[TIMER_KILL] = "kill",
	[TIMER_GRACE] = "grace",
	[TIMER_BACKOFF] = "backoff",
	[TIMER_UNKILLABLE] = "unkillable",
	[TIMER_DRAIN] = "leave",
	[TIMER_CHECK] = "check",
	[TIMER_WATCHDOG] = "watchdog",
	[TIMER_ROLLOUT] = "rollout",
	[TIMER_STAGGER] = "stagger",
	[TIMER_DEADLINE] = "deadline",
};

static const char *const drain_step_words[DRAIN_STEP_COUNT] = {
	[DRAIN_NONE] = "none",
	[DRAIN_REMOVING] = "out",
	[DRAIN_DRAINING] = "drain",
	[DRAIN_DONE] = "over",
};

const char *drain_step_word(enum drain_step drain)
{
	return drain_step_words[drain];
}

const char *phase_word(enum phase phase)
{
	return phase_words[phase];
}

const char *timer_word(enum timer_kind kind)
{
	return timer_words[kind];
}

bool phase_parse(const char *word, enum phase *phase)
{
	int found = 0;

	if (!str_find(phase_words, PHASE_COUNT, word, &found))
		return false;
	*phase = (enum phase)found;
	return true;
}

bool timer_parse(const char *word, enum timer_kind *kind)
{
	int found = 0;

	if (!str_find(timer_words, TIMER_KIND_COUNT, word, &found))
		return false;
	*kind = (enum timer_kind)found;
	return true;
}

bool drain_step_parse(const char *word, enum drain_step *drain)
{
	int found = 0;

	if (!str_find(drain_step_words, DRAIN_STEP_COUNT, word, &found))
		return false;
	*drain = (enum drain_step)found;
	return true;
}
