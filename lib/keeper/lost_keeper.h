/*
 * A keeper whose folders somebody has deleted: its locks are in files that have no names any more, so the next keeper would not find them locked.
 */
#ifndef OX_KEEPER_LOST_KEEPER_H
#define OX_KEEPER_LOST_KEEPER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct lost_keeper {
	pid_t pid; /* 0: there is none */
	uint64_t start_time;
};

/* Looks for a process with our user and our name that has our lock file open, deleted.  `lock_fd` is our own lock, new and empty. */
bool lost_keeper_find(int lock_fd, struct lost_keeper *found);
/* Makes it create its files again: not while we hold a lock in their place. */
void lost_keeper_wake(const struct lost_keeper *found);

#endif
