/*
 * The keeper: one loop that sleeps until a child ends, a signal comes or the brain says something.  It keeps the herd over the brain's
 * death, tells the next brain what happened in between, and never ends because of anything that a brain says.
 */
#ifndef OX_KEEPER_KEEPER_H
#define OX_KEEPER_KEEPER_H

#include <stdbool.h>
#include <stdint.h>

struct env_mark_secret;
struct err;
struct handover;

enum {
	KEEPER_PATIENCE_MS =
		10000, /* after SIGTERM: how long a brain may take to read of it; then the keeper stops everything itself */
	KEEPER_GRACE_MS = 10000, /* and then between SIGTERM and SIGKILL */
	KEEPER_KILL_MS = 10000,  /* what SIGKILL has not ended by then is left behind */
	KEEPER_ANSWER_MS =
		5000, /* a brain has to answer a PING within this time, or it is killed and replaced */
	KEEPER_BRAIN_END_MS = 5000, /* for the brain to exit by itself when all services are stopped */

	BRAIN_BACKOFF_MS = 100, /* the first restart is immediate; then this delay, doubled each time */
	BRAIN_BACKOFF_MAX_MS = 5000,
	BRAIN_SERVED_MAX_MS = 400, /* the longest delay for a brain that has served: clients are waiting */
	BRAIN_STEADY_MS = 10000,   /* a brain that lived this long has its earlier deaths forgotten */
	UPGRADE_LEAVE_MS = 5000,   /* for the old brain to exit; then it is killed */
	UPGRADE_PROVE_MS =
		20000, /* for the new brain to send SERVES; then the old programs take over again */

	BRAIN_TRIES =
		3, /* deaths before any brain has sent SERVES, with no processes: then the keeper gives up */
};

struct keeper_options {
	const char *brain;                    /* path of the program */
	const char *token;                    /* of the marks, [0-9a-z] */
	const struct env_mark_secret *secret; /* of the marks too */
	const char *run;                      /* folder of the ledger */
	bool was_left; /* the last keeper was killed: its processes are to be adopted */
	int ready_fd;  /* gets one byte when a brain has sent SERVES, and is closed; -1: nobody waits */
	int64_t patience_ms, grace_ms, answer_ms; /* as above; tests use shorter ones */
	bool without_cgroups;                     /* even where one could be made */
	bool is_verbose;                          /* only for the command line of the next keeper */
	int run_lock, state_lock;                 /* descriptors that go to the next one; -1: none */
	/* Of a keeper that took over from another build; see keeper_resume(). */
	const struct handover *handover;
	int handover_fd, back_fd;
	const char *failed;
};

enum { KEEPER_UNBEGUN = -2 };

/*
 * Lives until all is stopped.  0: stopped as asked.  -1 with an error: the keeper or the brain could not start, or a process did not die.
 * KEEPER_UNBEGUN: so early that nothing of a handover was touched.
 */
int keeper_run(const struct keeper_options *options, struct err *e);
/*
 * The same for a keeper that another one has become by exec: all that it has is in the handover, a descriptor.  `back_fd` is the program of
 * the one before, which takes over again if this one cannot continue, or -1; `failed` are the words of one that has given the place back, or NULL.
 * The options hold what the command line says.
 */
int keeper_resume(struct keeper_options *options, int handover_fd, struct err *e);
/* Would this build understand what the keeper of that run folder has written down?  Touches nothing. */
int keeper_check(const char *run, struct err *e);

#endif
