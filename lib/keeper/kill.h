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
 * A signal for a child that only its keeper reaps.  SIGCONT follows it where a stopped process would not receive it.  -1 with errno; ESRCH for
 * pids that are nobody's to signal.
 */
int kill_child(pid_t pid, int number);
/* One that is held by a pidfd: it cannot be anybody else. */
int kill_pidfd(int fd, int number);
/* The slot's main process: ESRCH when it has ended. */
int kill_main(const struct slot *s, int number);
/*
 * A signal for the main process and everything that came from it, once.  Where only a walk through /proc finds them it is sent with the next
 * round, which serves all that wait for one.  ESRCH: nothing of it is left.
 */
int kill_signal_tree(struct slots *all, struct slot *s, int number);
/*
 * Once the main process has ended, what is left of the tree gets the signal, unless it had one already; the slot is_ending until nothing is left: then
 * it is_gone, which is to be sent.
 */
void kill_end_tree(struct slots *all, struct slot *s, int number);
/* SIGKILL for the whole tree, until nothing is left: is_killing. */
void kill_slot(struct slots *all, struct slot *s);
/*
 * To be called after the end of a main process.  With a GRACE the rest of its tree is ended: it gets the stop signal, and SIGKILL KILL_LATER_MS
 * after the grace.  By then the brain has sent KILL_TREE, which comes first as it is reported; the keeper's own is for when there is no brain.
 */
enum { KILL_LATER_MS = 1000 };
void kill_main_ended(struct slots *all, struct slot *s);
/* For a keeper that has adopted: the ends that the last one did not finish. */
void kill_resume_ends(struct slots *all);
/* SIGKILL for the trees whose grace has ended; true if there was one. */
bool kill_overdue(struct slots *all, int64_t now);
/* To be called when a cgroup whose end is awaited has changed. */
void kill_group_changed(struct slots *all, struct slot *s);

/*
 * One round for all slots that are waited for.  Those with a cgroup are looked at one by one; a single walk through /proc serves all the others.  With
 * `is_sweep` all that came from the keeper is killed, but for the brain and its own.  `is_thorough` looks at every process
 * even where that seems needless.  Gives how many are left: then another round is due when `wants_walk` is set, or after a while.
 */
int kill_round(struct slots *all, bool is_sweep, bool is_thorough, const char *token);

#endif
