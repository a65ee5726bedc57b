/*
 * All processes of this moment, from one walk over /proc, and whose they are: what descends from an instance's main process, and what
 * is still in its session.  A process that left both (a daemon that forked twice) is found by its cgroup or not at all.
 */
#ifndef OX_SENSE_PROCTREE_H
#define OX_SENSE_PROCTREE_H

#include <stddef.h>
#include <sys/types.h>

#include "os/procfs.h"

enum { PROCTREE_MAX = 131072, PROCTREE_DEPTH_MAX = 1024 };

#define PROCTREE_NOBODY ((size_t)-1)

struct tree_proc {
	struct proc is;
	size_t owner; /* index of a root, or PROCTREE_NOBODY */
};

struct proctree {
	struct tree_proc *procs; /* by pid */
	size_t len;
	size_t cap;
};

#define PROCTREE_INIT                                                                                        \
	{                                                                                                    \
		.procs = NULL,                                                                               \
	}

void proctree_release(struct proctree *t);
/* What it held is replaced; processes that come or go meanwhile may be missing.  -1 if there is no /proc. */
int proctree_scan(struct proctree *t);
/* NULL if it was not there. */
struct tree_proc *proctree_find(const struct proctree *t, pid_t pid);
/* Sets every owner; a root of 0 owns nothing.  A process below two roots belongs to the nearer one. */
void proctree_assign(struct proctree *t, const pid_t *roots, size_t count);

/*
 * The memory of the process and of all below it as of now, of shared pages their share.  -1 when one of them does not let us look.
 */
int64_t proctree_share(pid_t main);

#endif
