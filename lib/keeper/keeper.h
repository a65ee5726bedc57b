/*
 * The keeper: one loop that sleeps until a child ends, a signal comes or the brain says something.  It keeps the herd over the brain's
 * death, tells the next brain what happened in between, and never ends because of anything that a brain says.
 */
#ifndef OX_KEEPER_KEEPER_H
#define OX_KEEPER_KEEPER_H

#include <stdbool.h>
#include <stdint.h>

struct err;

enum {
	KEEPER_PATIENCE_MS =
		10000, /* after SIGTERM: until a brain hears of it, else the keeper stops everything itself */
	KEEPER_GRACE_MS = 10000,   /* and then between SIGTERM and SIGKILL */
	KEEPER_KILL_MS = 10000,    /* what SIGKILL has not ended by then is left */
	KEEPER_FAREWELL_MS = 5000, /* that the brain has to end by itself once all is over */

	BRAIN_BACKOFF_MS = 100, /* the first death is answered at once, then this, doubled each time */
	BRAIN_BACKOFF_MAX_MS = 5000,
	BRAIN_SERVED_MAX_MS = 400, /* for one that had served: what killed it may be over, and clients wait */
	BRAIN_STEADY_MS = 10000,   /* lived that long: earlier deaths are forgotten */
	BRAIN_TRIES =
		3, /* deaths before any brain said SERVES, with nobody to keep: then the keeper gives up */
};

struct keeper_options {
	const char *brain; /* path of the program */
	const char *token; /* of the marks, [0-9a-z] */
	const char *run;   /* folder of the ledger */
	bool was_left;     /* the last keeper did not end well: what it left is looked for */
	int ready_fd;      /* gets one byte when a brain has said SERVES, and is closed; -1: nobody waits */
	int64_t patience_ms, grace_ms; /* as above; tests are less patient */
	bool without_cgroups;          /* even where one could be made */
};

/*
 * Lives until all is stopped.  0: stopped as asked.  -1 with words: it could not begin, no brain could, or something did not die.
 */
int keeper_run(const struct keeper_options *options, struct err *e);

#endif
