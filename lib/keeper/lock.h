/*
 * One keeper a run folder: a lock file that is never removed, flock'd for as long as the keeper lives.  In it stand the holder's pid
 * and the token of its marks, which stays the same for the next keeper of the folder, so that it knows its own again.
 */
#ifndef OX_KEEPER_LOCK_H
#define OX_KEEPER_LOCK_H

struct err;

enum { LOCK_TOKEN_LEN = 16 };

struct lock {
	int fd;                         /* -1: not held */
	char token[LOCK_TOKEN_LEN + 1]; /* hexadecimal */
};

#define LOCK_INIT                                                                                            \
	{                                                                                                    \
		.fd = -1,                                                                                    \
	}

/* -1 with words that name the pid when another one has it; e->number is EWOULDBLOCK then, and nothing was touched. */
int lock_take(struct lock *l, const char *folder, struct err *e);
/* Writes the pid of who calls: after a fork the child is the one to be named. */
int lock_sign(const struct lock *l, struct err *e);
void lock_release(struct lock *l);

#endif
