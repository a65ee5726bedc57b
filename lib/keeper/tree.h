/*
 * Who came from whom.  The keeper is a subreaper: whatever its children leave behind comes back to it, so every process of the herd has a chain of
 * parents that ends at the keeper, and nobody else has.  The last link before the keeper says whose it is: a main process is its slot; an orphan
 * belongs to the slot whose session it is in, or whose mark is in its environment, or whose cgroup it is in (groups.h), or whose it was when we
 * looked before.  (Without cgroups, one that had left its session, emptied its environment and lost its parent before anybody looked is nobody's: it
 * is found at shutdown only.)
 *
 * An adopted main process is its slot too, wherever it hangs.  Its orphans end up among strangers, and are known there by mark and session, or from
 * an earlier look.
 */
#ifndef OX_KEEPER_TREE_H
#define OX_KEEPER_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "wire/keeper_msg.h"

struct slot;
struct slots;

enum { TREE_MAX = 65536 }; /* processes of the machine that are looked at */

struct tree_node {
	pid_t pid;
	pid_t parent;
	pid_t session;
	uint64_t start_time;
	struct slot *slot;           /* NULL: nobody's */
	struct keeper_ticket ticket; /* of the slot, for the next look: by then it may have been given back */
	bool is_ours;                /* the chain ends at the keeper, and not through the brain */
	bool is_dead;                /* only its parent has to take note, and that is not us */
	bool is_ending; /* its memory is gone and its environment with it, its descriptors perhaps not yet */
	bool is_known;  /* slot and is_ours are settled */
};

struct tree {
	struct tree_node *nodes; /* by pid; of the whole machine */
	size_t count;
	/* Something may be missing: a process changed its parent while we looked, or one that is just ending no longer shows whose it was. */
	bool is_torn;
};

/* Looks at /proc once; `token` is that of the keeper's marks.  Borrowed until the next call. */
struct tree *tree_look(const struct slots *all, const char *token);
/* Has the keeper any child that is no slot's main process?  Where nobody knows: true. */
bool tree_has_orphans(const struct slots *all);

#endif
