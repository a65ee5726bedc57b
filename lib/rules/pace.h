/*
 * How far apart things are done that would cost too much together.  Times are arguments (monotonic ms).
 */
#ifndef OX_RULES_PACE_H
#define OX_RULES_PACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * When the state is written that nobody waits for.  Facts wait for others to be saved with; a slow disk is written to seldom, lest it did nothing
 * else; what the keeper remembers until it is saved is not put off for ever.
 */

enum {
	SAVE_DELAY_MS = 200, /* facts wait this long for others */
	SAVE_SHARE = 10,     /* and so many times as long as saving took */
	SAVE_DELAY_MAX_MS = 30000,
	SAVE_RETRY_MS = 5000,    /* between tries while the disk refuses */
	SAVE_FORGETS_SOON = 512, /* with so many ends that the keeper remembers for us it is not put off */
	SAVE_FORGETS_MAX =
		4096, /* so many wait for a disk that takes nothing; the keeper's room has its end too */
};

struct save_pace {
	bool is_failing; /* the last write has failed */
	int64_t took_ms; /* the last one */
	size_t forgets;  /* ends that the keeper remembers until they are saved */
};

/* How long what has just happened may wait. */
int64_t save_delay(const struct save_pace *p);
/* A write has ended, well or not: may the keeper forget what was in it? */
bool save_lets_forget(const struct save_pace *p);

/*
 * When the memory that events have freed is given back to the system: after a burst of them, and once more, as the first time may have been in
 * the middle of it.
 */

enum { TRIM_EVENTS = 100 }; /* so many leave enough behind to be given back */

/* Zeroed is "never yet". */
struct trim {
	int64_t seq;    /* the last event when memory was given back */
	bool was_burst; /* at the last question */
};

/* `seq` is the number of the last event. */
bool trim_is_due(struct trim *t, int64_t seq);

/*
 * How far apart the instances of one app start (stagger_ms): who started last, and how long the next one waits.  An instance keeps away from the
 * starts of others alone: one that crashes is started again by the rules for restarts, however often.
 */

struct stagger_start {
	uint32_t slot; /* 0: there was none */
	int64_t at;
};

struct stagger {
	struct stagger_start last;
	struct stagger_start other; /* the last one of another slot than that */
};

void stagger_note(struct stagger *s, uint32_t slot, int64_t now);
/* The last start of another than `slot`. */
struct stagger_start stagger_before(const struct stagger *s, uint32_t slot);
/* How long `slot` waits for it; 0: not at all. */
int64_t stagger_wait(const struct stagger *s, uint32_t slot, int64_t stagger_ms, int64_t now);

/*
 * How often it is asked whether connections have ended, and when that is over.  Times are arguments (monotonic ms).
 */

enum {
	DRAIN_FIRST_MS =
		5, /* the pause before the first question; each is twice as long as the one before, */
	DRAIN_MAX_MS = 250,        /* and at most this */
	DRAIN_HALF_OPEN_MS = 1000, /* for a connection that was half there at the first question */
	DRAIN_ALONE_MAX = 4, /* so many ports are asked for one by one; beyond, all connections at once */
};

int64_t drain_pause_after(int64_t pause_ms);
/* Until the next question: the pause, or less where the first deadline is before. */
int64_t drain_wait(int64_t pause_ms, int64_t first_deadline, int64_t now);
/* None is left, or the deadline has passed. */
bool drain_is_over(size_t left, int64_t deadline, int64_t now);

/*
 * The same for one behind a gate, which gets no new connection since `begun_at`.  A connection that is just being accepted is nowhere for a moment, so
 * that it has none counts when the question before said so too.
 */
struct drain_behind {
	int64_t begun_at, deadline;
	bool is_half_open; /* a connection was begun before that, and is not established: it will be at the old one */
	bool was_empty;
};

bool drain_behind_is_over(struct drain_behind *d, size_t left, int64_t now);

#endif
