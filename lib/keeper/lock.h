/*
 * One keeper a run folder and one a state folder: a lock file in each, never removed, flock'd for as long as the keeper lives.  (The same user
 * may have two run folders, with and without XDG_RUNTIME_DIR, but one state.)  In them stand the holder's pid, the token of its marks, which
 * stays the same for the next keeper, so that it knows its own again, whether the holder ended well, and its run folder.  In a second line, which
 * version 0.1.0 neither writes nor reads: the secret of its marks.  Nobody else can read the file.
 */
#ifndef OX_KEEPER_LOCK_H
#define OX_KEEPER_LOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "keeper/env_mark.h"

struct err;

enum {
	LOCK_TOKEN_LEN = 16,
	LOCK_WAIT_MS =
		5000, /* for children of a keeper that was killed before they had their exec behind them */
};

struct lock {
	int run_fd; /* -1: not held */
	int state_fd; /* -1: not held; then the state folder cannot be written, and the run folder alone counts */
	char token[LOCK_TOKEN_LEN + 1]; /* hexadecimal */
	struct env_mark_secret secret;
	bool was_left; /* the last holder did not end well: its processes may live */
	char *run;
};

#define LOCK_INIT                                                                                            \
	{                                                                                                    \
		.run_fd = -1, .state_fd = -1,                                                                \
	}

/*
 * -1 with words that name the pid when another one has it; e->number is EWOULDBLOCK then, and nothing was touched.  So it is when the last holder
 * of the state was killed and had another run folder: what it left can be kept only there.
 */
int lock_take(struct lock *l, const char *run, const char *state, struct err *e);
/* Takes the lock of any descriptor, and waits so long for who has it.  False: somebody has it still. */
bool lock_wait(int fd, int64_t ms);
/* Writes the pid of who calls: after a fork the child is the one to be named. */
int lock_sign(const struct lock *l, struct err *e);
/*
 * The secret of a lock that is held already, whose `token` and `run` are known: read from its files, else made and written there.
 */
int lock_find_secret(struct lock *l, struct err *e);
/* All has ended well, and nothing is left to be found by the next one. */
void lock_sign_off(const struct lock *l);
void lock_release(struct lock *l);

#endif
