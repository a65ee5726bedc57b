/*
 * A keeper whose folders somebody has deleted: its locks are in files that have no names any more, so the next keeper would not find them locked.
 */
#ifndef OX_KEEPER_LOST_KEEPER_H
#define OX_KEEPER_LOST_KEEPER_H

/*
 * Looks for a process with our user and our name that has our lock file open, deleted.  It gets SIGUSR1, which makes it create its files again.
 * Returns its pid, or 0 if there is none.  `lock_fd` is our own lock, new and empty.
 */
long lost_keeper_find(int lock_fd);

#endif
