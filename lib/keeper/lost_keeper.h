/*
 * A keeper whose folders somebody has deleted: its locks are in files that have no names any more, so who starts next would not meet them.
 */
#ifndef OX_KEEPER_LOST_KEEPER_H
#define OX_KEEPER_LOST_KEEPER_H

/*
 * `lock_fd` is our own lock, new and empty.  The pid of a keeper of our user and our name that holds a deleted file of the same place; it is told, and
 * makes its files again.  0: there is none.
 */
long lost_keeper_find(int lock_fd);

#endif
