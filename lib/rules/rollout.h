/*
 * What a rollout does next.  Pure: a picture of the slots and of the time goes in, one decision comes out; the herd carries it out and asks again
 * until the decision is to wait.
 *
 * The promises: no slot that serves is touched before the new revision was tested on a spare (unless surge is 0 or all have ended for good);
 * never fewer serve than are wanted, whatever crashes beside it (with surge 0: max_unavailable fewer); at most max_unavailable slots
 * are on their way at once; a slot is proven when it was well for min_healthy_ms without a break, never by a timeout.
 *
 * Going back is the same with the old revision as the target, but that is known to be good: its slots need not be proven longer than they
 * take to be ready, and their failures are no reason to turn round once more.
 *
 * A proxy whose list of servers nobody keeps true learns that a slot is down by asking it, and holds it for dead for a while (nginx: 10 s from
 * the last refusal, and then has no server left when each was refused once).  There the slots keep a pace: see rollout_pace().
 */
#ifndef OX_RULES_ROLLOUT_H
#define OX_RULES_ROLLOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum rollout_phase {
#define X(name, word, doc) ROLLOUT_##name,
#include "rules/rollout_phases.def"
#undef X
	ROLLOUT_PHASE_COUNT,
};

enum rollout_step {
#define X(name, word, doc) ROLLOUT_STEP_##name,
#include "rules/rollout_steps.def"
#undef X
	ROLLOUT_STEP_COUNT,
};

enum rollout_seat {
	SEAT_REAL,
	SEAT_SPARE,   /* beside the count, for this rollout only */
	SEAT_SURPLUS, /* will be too many at the end; not replaced, and serves until then */
};

struct rollout_slot {
	enum rollout_seat seat;
	bool is_target;  /* runs by the target, or will as soon as it is down */
	bool is_wanted;  /* somebody wants it up */
	bool is_retired; /* a spare or surplus that was dropped and is not gone yet */
	bool serves;     /* takes requests now, and is to keep them */
	bool is_up;      /* it may take some, though it is not counted on: it is not well, or about to go */
	bool is_well;    /* ready, since `well_since` without a break */
	bool is_proven;  /* said to be, by an earlier decision */
	bool has_failed; /* by the target: it ended, or was not ready in time */
	bool is_stuck;   /* cannot be stopped */
	bool is_held; /* the port that it has by the target is that of `holder` now, which is not by the target yet */
	size_t holder; /* a slot */
	bool has_ended; /* it ended and does not start again by itself; if it serves all the same, its job is done */
	int64_t well_since;
};

struct rollout_rules {
	int surge, at_once, canary; /* canary 0: none, or continued */
	int64_t min_healthy_ms, stall_ms;
	int64_t pace_ms; /* a replaced slot is not proven before; 0: as soon as it is well */
};

struct rollout_picture {
	enum rollout_phase phase; /* all but POST; before PROOF spares that were overtaken go, and no more */
	struct rollout_rules rules;
	const struct rollout_slot *slots;
	size_t len;
	int64_t now, progress_at;
	int64_t spare_at;       /* going back, no spare is added before: one has failed */
	bool is_stall_reported; /* a rollback takes as long as it takes, but waiting clients get one answer */
};

enum rollout_verb {
	ROLLOUT_DO_WAIT,       /* until something changes, or `at` */
	ROLLOUT_DO_ADD_SPARE,  /* start one by the target */
	ROLLOUT_DO_DROP_SPARE, /* `slot`, a spare or surplus */
	ROLLOUT_DO_OPEN,       /* the target has passed its test: from PROOF to REPLACE */
	ROLLOUT_DO_REPLACE,    /* `slot` goes over to the target */
	ROLLOUT_DO_PROVE,      /* `slot` has passed its test, and serves from now on */
	ROLLOUT_DO_PAUSE,      /* the canaries are proven */
	ROLLOUT_DO_FAIL, /* because of `slot`; or ROLLOUT_NO_SLOT: no progress for stall_ms; in a rollback, waiting clients get that answer */
	ROLLOUT_DO_END,  /* all is by the target, and no spare is left */
};

#define ROLLOUT_NO_SLOT ((size_t)-1)

struct rollout_decision {
	enum rollout_verb verb;
	size_t slot;
	int64_t at; /* -1: nothing is due */
};

/* What deploy.surge = "auto" looks at. */
struct rollout_subject {
	int instances;
	bool is_port_written;
	bool listens; /* on a port that it was given */
	bool is_job;  /* restart = "never" */
};

/* A spare costs nothing where instances serve side by side; of a bot, or of what holds a lock, there must never be two. */
int rollout_surge(const struct rollout_subject *s);
/*
 * How long each of `instances` slots, replaced `at_once` at a time, is waited for at least, so that the last is not taken away before the first is
 * believed to be alive again by a proxy that keeps away from it for so long; 0 where that cannot be, as with all at once.
 */
int64_t rollout_pace(int instances, int at_once, int64_t fail_timeout_ms);
struct rollout_decision rollout_decide(const struct rollout_picture *p);
const char *rollout_phase_word(enum rollout_phase phase);
/* The sentence that goes with it. */
const char *rollout_phase_about(enum rollout_phase phase);
const char *rollout_step_word(enum rollout_step step);
/* False if there is no such word. */
bool rollout_phase_parse(const char *word, enum rollout_phase *phase);
bool rollout_step_parse(const char *word, enum rollout_step *step);

#endif
