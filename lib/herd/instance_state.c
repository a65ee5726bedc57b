#include "herd/instance_state.h"

#include "base/assert.h"
#include "base/mem.h"
#include "base/str.h"
#include "herd/herd_private.h"

#define TO(state) (1U << (state))

/* A closed set of steps: what is not listed is a mistake of the herd. */
struct machine {
	const char *name;
	const char *const *words;
	const unsigned int *steps; /* from each: bits of where it may go */
};

static void check_step(const struct instance *i, const struct machine *m, unsigned int from, unsigned int to)
{
	ASSERT(from == to || (m->steps[from] & TO(to)), "%s:%d: its %s goes from %s to %s",
		i->app->spec->name, i->number, m->name, m->words[from], m->words[to]);
}

/* --- phase --- */

static const char *const phase_words[PHASE_COUNT] = {
	[PHASE_NONE] = "none",
	[PHASE_DELAYED] = "delayed",
	[PHASE_STAGGERED] = "staggered",
	[PHASE_CHECKING] = "checking",
	[PHASE_PORT_FREE] = "port free",
	[PHASE_SPAWNING] = "spawning",
	[PHASE_UP] = "up",
	[PHASE_LEFTOVERS] = "leftovers",
};

static const unsigned int phase_steps[PHASE_COUNT] = {
	[PHASE_NONE] = TO(PHASE_DELAYED) | TO(PHASE_STAGGERED) | TO(PHASE_CHECKING) | TO(PHASE_SPAWNING),
	[PHASE_DELAYED] = TO(PHASE_NONE),
	[PHASE_STAGGERED] = TO(PHASE_NONE),
	[PHASE_CHECKING] = TO(PHASE_NONE) | TO(PHASE_PORT_FREE),
	/* Another one may have started while its port was looked at. */
	[PHASE_PORT_FREE] = TO(PHASE_SPAWNING) | TO(PHASE_STAGGERED),
	/* Its end may be here before the word that it was started. */
	[PHASE_SPAWNING] = TO(PHASE_UP) | TO(PHASE_LEFTOVERS) | TO(PHASE_NONE),
	/* One that was adopted between its fork and its exec may turn out not to run; one may be lost. */
	[PHASE_UP] = TO(PHASE_LEFTOVERS) | TO(PHASE_NONE),
	[PHASE_LEFTOVERS] = TO(PHASE_NONE),
};

static const struct machine phases = { "phase", phase_words, phase_steps };

void instance_set_phase(struct instance *i, enum phase phase)
{
	check_step(i, &phases, i->phase, phase);
	if (i->phase == PHASE_STAGGERED)
		start_queue_remove(i);
	i->phase = phase;
	if (phase == PHASE_STAGGERED)
		start_queue_add(i);
}

bool state_has_phase(enum state state, enum phase phase)
{
	enum {
		WITHOUT = TO(PHASE_NONE) | TO(PHASE_LEFTOVERS),
		WITH = TO(PHASE_SPAWNING) | TO(PHASE_UP),
		BEFORE = TO(PHASE_DELAYED) | TO(PHASE_STAGGERED) | TO(PHASE_CHECKING),
	};
	static const unsigned int fits[STATE_COUNT] = {
		[STATE_STOPPED] = WITHOUT,
		[STATE_BLOCKED] = TO(PHASE_NONE) | TO(PHASE_CHECKING),
		[STATE_STARTING] = BEFORE | WITH,
		[STATE_RUNNING] = WITH,
		[STATE_UNHEALTHY] = WITH,
		[STATE_STOPPING] = WITH | TO(PHASE_LEFTOVERS),
		[STATE_BACKOFF] = WITHOUT,
		[STATE_CRASHED] = WITHOUT,
		[STATE_FINISHED] = WITHOUT,
	};

	return fits[state] & TO(phase);
}

/* --- drain --- */

static const char *const drain_words[DRAIN_STEP_COUNT] = {
	[DRAIN_NONE] = "none",
	[DRAIN_REMOVING] = "removing",
	[DRAIN_DRAINING] = "draining",
	[DRAIN_DONE] = "done",
};

/* From each it may be called back. */
static const unsigned int drain_steps[DRAIN_STEP_COUNT] = {
	[DRAIN_NONE] = TO(DRAIN_REMOVING),
	[DRAIN_REMOVING] = TO(DRAIN_NONE) | TO(DRAIN_DRAINING) | TO(DRAIN_DONE),
	[DRAIN_DRAINING] = TO(DRAIN_NONE) | TO(DRAIN_DONE),
	[DRAIN_DONE] = TO(DRAIN_NONE),
};

static const struct machine drains = { "drain step", drain_words, drain_steps };

void instance_set_drain(struct instance *i, enum drain_step step)
{
	check_step(i, &drains, i->drain, step);
	i->drain = step;
	ASSERT_OF(i, step != DRAIN_REMOVING || !instance_is_down(i),
		"is down, and is taken out of its upstream");
}

/* --- tenure --- */

static const char *const tenure_words[TENURE_COUNT] = {
	[TENURE_STAYS] = "stays",
	[TENURE_RETIRED] = "retired",
	[TENURE_SPARE] = "spare",
	[TENURE_DROPPED] = "dropped",
};

static const unsigned int tenure_steps[TENURE_COUNT] = {
	/* Who is a spare is made one at its birth. */
	[TENURE_STAYS] = TO(TENURE_RETIRED) | TO(TENURE_SPARE),
	[TENURE_RETIRED] = TO(TENURE_STAYS),
	[TENURE_SPARE] = TO(TENURE_DROPPED) | TO(TENURE_STAYS),
	/* Its number may become one of the app's own before it is gone. */
	[TENURE_DROPPED] = TO(TENURE_STAYS),
};

static const struct machine tenures = { "tenure", tenure_words, tenure_steps };

void instance_set_tenure(struct instance *i, enum tenure tenure)
{
	check_step(i, &tenures, i->tenure, tenure);
	ASSERT(tenure != TENURE_SPARE || !i->generation || i->tenure == TENURE_SPARE,
		"%s:%d has run, and becomes a spare", i->app->spec->name, i->number);
	i->tenure = tenure;
}

void instance_retire(struct instance *i)
{
	instance_set_tenure(i, instance_is_spare(i) ? TENURE_DROPPED : TENURE_RETIRED);
	ASSERT_OF(i, instance_is_retired(i), "is retired, and stays");
}

bool instance_is_spare(const struct instance *i)
{
	return i->tenure == TENURE_SPARE || i->tenure == TENURE_DROPPED;
}

bool instance_is_retired(const struct instance *i)
{
	return i->tenure == TENURE_RETIRED || i->tenure == TENURE_DROPPED;
}

bool instance_is_trusted(const struct instance *i)
{
	return i->generation && i->trusted == i->generation;
}

/* --- health slot --- */

static const char *const health_slot_words[HEALTH_SLOT_COUNT] = {
	[HEALTH_SLOT_NONE] = "none",
	[HEALTH_SLOT_WAITING] = "waiting",
	[HEALTH_SLOT_HELD] = "held",
};

static const unsigned int health_slot_steps[HEALTH_SLOT_COUNT] = {
	[HEALTH_SLOT_NONE] = TO(HEALTH_SLOT_WAITING) | TO(HEALTH_SLOT_HELD),
	[HEALTH_SLOT_WAITING] = TO(HEALTH_SLOT_HELD) | TO(HEALTH_SLOT_NONE),
	[HEALTH_SLOT_HELD] = TO(HEALTH_SLOT_NONE),
};

static const struct machine health_slots = { "health slot", health_slot_words, health_slot_steps };

void instance_set_health_slot(struct instance *i, enum health_slot slot)
{
	check_step(i, &health_slots, i->health_slot, slot);
	i->health_slot = slot;
}

/* --- why it goes down --- */

static const char *const down_words[DOWN_CAUSE_COUNT] = {
	[DOWN_NONE] = "none",
	[DOWN_RESTART] = "restart",
	[DOWN_PULLED] = "pulled",
	[DOWN_LIMIT] = "limit",
	[DOWN_FAILING] = "failing",
};

/* What people want overrides the rest, and a rollout what nobody wants. */
static const unsigned int down_steps[DOWN_CAUSE_COUNT] = {
	[DOWN_NONE] = TO(DOWN_RESTART) | TO(DOWN_PULLED) | TO(DOWN_LIMIT) | TO(DOWN_FAILING),
	[DOWN_RESTART] = TO(DOWN_NONE),
	[DOWN_PULLED] = TO(DOWN_NONE) | TO(DOWN_RESTART),
	[DOWN_LIMIT] = TO(DOWN_NONE) | TO(DOWN_RESTART) | TO(DOWN_PULLED),
	[DOWN_FAILING] = TO(DOWN_NONE) | TO(DOWN_RESTART) | TO(DOWN_PULLED),
};

static const struct machine downs = { "cause of going down", down_words, down_steps };

static void set_down(struct instance *i, enum down_cause cause, struct reason *limit)
{
	check_step(i, &downs, i->down_cause, cause);
	reason_free(i->limit_reason);
	i->down_cause = cause;
	i->limit_reason = limit;
}

void instance_set_down(struct instance *i, enum down_cause cause)
{
	ASSERT(cause != DOWN_LIMIT, "%s:%d goes down for a limit without words", i->app->spec->name,
		i->number);
	set_down(i, cause, NULL);
}

void instance_set_down_limit(struct instance *i, const struct reason *which)
{
	ASSERT_OF(i, which, "goes down for a limit, and nothing says which");
	set_down(i, DOWN_LIMIT, reason_copy(which));
}

bool instance_is_restarting(const struct instance *i)
{
	/* An instance that stops for a limit is judged by that limit. */
	return i->down_cause == DOWN_RESTART || i->down_cause == DOWN_PULLED ||
		(i->down_cause == DOWN_LIMIT && i->state != STATE_STOPPING);
}

void instance_restart(struct instance *i)
{
	if (!instance_is_restarting(i))
		instance_set_down(i, DOWN_RESTART);
	ASSERT_OF(i, instance_is_restarting(i), "is to restart, and does not");
}

/* --- words for events and for the store, as version 0.1.0 wrote them --- */

static const char *const stored_phases[PHASE_COUNT] = {
	[PHASE_NONE] = "none",
	[PHASE_DELAYED] = "delayed",
	[PHASE_STAGGERED] = "staggered",
	[PHASE_CHECKING] = "checking",
	[PHASE_PORT_FREE] = "port-free",
	[PHASE_SPAWNING] = "asked",
	[PHASE_UP] = "up",
	[PHASE_LEFTOVERS] = "leftovers",
};

static const char *const stored_drain_steps[DRAIN_STEP_COUNT] = {
	[DRAIN_NONE] = "none",
	[DRAIN_REMOVING] = "out",
	[DRAIN_DRAINING] = "drain",
	[DRAIN_DONE] = "over",
};

const char *drain_step_word(enum drain_step drain)
{
	return stored_drain_steps[drain];
}

const char *phase_word(enum phase phase)
{
	return stored_phases[phase];
}

bool phase_parse(const char *word, enum phase *phase)
{
	int found = 0;

	if (!str_find(stored_phases, PHASE_COUNT, word, &found))
		return false;
	*phase = (enum phase)found;
	return true;
}

bool drain_step_parse(const char *word, enum drain_step *drain)
{
	int found = 0;

	if (!str_find(stored_drain_steps, DRAIN_STEP_COUNT, word, &found))
		return false;
	*drain = (enum drain_step)found;
	return true;
}
