/*
 * The only fork.  Everything is made ready before it; between fork and exec there are only async-signal-safe calls; how exec went comes
 * home through a close-on-exec pipe, which the keeper reads when it has something to say.  It is a plain fork and not a vfork, so that a
 * folder or program on a dead network mount holds up its own child and never the keeper.
 */
#ifndef OX_KEEPER_SPAWN_H
#define OX_KEEPER_SPAWN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "wire/keeper_msg.h"

struct fd_store;
struct slot;
struct slots;

/* What a child needs beside its message. */
struct spawner {
	const char *token;    /* of the marks */
	struct rlimit nofile; /* as it was when the keeper started: children get that */
	int oom;              /* the same of its oom_score_adj; OOM_KEEP: they get what it has now */
	const struct fd_store *held;
	const int *fds; /* that came with the message */
	size_t fd_count;
};

/*
 * Forks for a slot that has no process yet, and puts it into KEEPER_STATE_STARTING with a report_fd to watch; the slot's ticket and name
 * are in the child's mark.  When that cannot be done: -1, with the slot in KEEPER_STATE_FAILED, its stage and number.
 */
int spawn_child(
	struct slots *all, struct slot *s, const struct keeper_spawn *spawn, const struct spawner *by);
/*
 * Reads what the child reported, if it did: the slot is KEEPER_STATE_RUNNING, or has_failure is set and the process is about to be
 * reaped.  False when nothing was there yet.
 */
bool spawn_settle(const struct slots *all, struct slot *s);

#endif
