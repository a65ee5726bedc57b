/*
 * The only waitpid: everything that has ended, in one pass, as one SIGCHLD may stand for many.
 */
#ifndef OX_KEEPER_REAP_H
#define OX_KEEPER_REAP_H

#include <stdbool.h>
#include <sys/types.h>

struct slots;

/* Has that child been stopped since it was asked last, as by SIGSTOP? */
bool reap_is_stopped(pid_t pid);

/*
 * Reaps until nothing more is there.  A slot's exit is noted, and to be sent, after what its child still had to report.  The brain's end is noted in
 * its slot; it is not sent.  Orphans are reaped too, and are nobody's business.  Gives how many were reaped.
 */
int reap_all(struct slots *all);

#endif
