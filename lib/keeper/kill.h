/*
 * The only kill.  Two rules keep strangers safe: a pid is signalled only while its process has not been reaped by us, or through a
 * pidfd that was checked after it was opened; and no pid below 2 is ever signalled.
 */
#ifndef OX_KEEPER_KILL_H
#define OX_KEEPER_KILL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct slot;
struct slots;

/*
 * A signal for a child that only its keeper reaps.  SIGCONT follows it where a stopped process would not hear it.  -1 with errno; ESRCH for
 * pids that are nobody's to signal.
 */
int kill_child(pid_t pid, int number);
/* One that is held by a pidfd: it cannot be anybody else. */
int kill_pidfd(int fd, int number);
/* The slot's main process: ESRCH when it has ended. */
int kill_main(const struct slot *s, int number);
/* The main process and everything that came from it, once, as far as it is seen now. */
int kill_signal_tree(const struct slots *all, struct slot *s, int number, const char *token);

/*
 * One round for all slots that are is_killing: SIGKILL for whatever is left of them.  Those that have nothing left, and whose main
 * process was reaped, are is_gone and owe it.  With `is_sweep` all that came from the keeper is killed, but for the brain and its own.
 * `is_thorough` looks at every process even where that
 * seems needless.  Gives how many processes are left: then another round is due when one of them has died, or after a while.
 */
int kill_round(struct slots *all, bool is_sweep, bool is_thorough, const char *token);

#endif
