/*
 * A new keeper and the herd of one that was killed.  Services live on without their parent; the process that inherits them (init, as a rule) knows nothing
 * of them.  The new keeper finds them twice over:
 *
 *	In the ledger (keeper/ledger.h): ticket, pid and start time of each, and how those ended whose end no brain has taken yet.
 *	By the mark in their environment: for what was forked in the moment of the kill, and when there is no ledger.  A process that carries
 *	a mark with its own pid is a main process, if the mark is sealed (keeper/env_mark.h), for the user that the process has, and newer than
 *	what the ledger knows of its slot.  Other marks prove nothing and are logged; but where our cgroup says the same, the cgroup is believed.
 *
 * Nothing slips through between the two keepers: a child holds the old keeper's lock until its exec, so a new keeper begins when all of them
 * have one behind them, and a mark with it.
 *
 * An adopted slot is as any other, but for this: its main process is no child.  It is held by a pidfd, which tells its end; the status is
 * asked from the kernel, else it is KEEPER_STATUS_UNKNOWN.  Orphans of its tree do not come back to the keeper, and are known by session and mark.
 */
#ifndef OX_KEEPER_ADOPT_H
#define OX_KEEPER_ADOPT_H

struct err;
struct slot;
struct slots;

enum {
	ADOPT_BRAIN_MS = 3000, /* that an old brain has to write down what it knows, before it is killed */
	ADOPT_KILL_MS = 2000,  /* and then to be gone */
};

/*
 * Fills `all` from its ledger and from marks with this token; ends an old brain.  Gives how many live; -1 with words when one
 * cannot be watched or an old brain does not end: then nothing was touched, and nothing may be started.
 */
int adopt_all(struct slots *all, const char *token, struct err *e);
/* After its pidfd has become readable: notes its end, which is to be sent. */
void adopt_ended(struct slots *all, struct slot *s);

#endif
