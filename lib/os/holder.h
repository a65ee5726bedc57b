/*
 * Who has a folder of the daemon: what its lock file says.  It stays there when its writer is gone.
 */
#ifndef OX_OS_HOLDER_H
#define OX_OS_HOLDER_H

#include <stdbool.h>
#include <sys/types.h>

enum { HOLDER_TOKEN_LEN = 16, HOLDER_TEXT_MAX = 4096 };

/* "PID TOKEN kept|ended RUN\n"; whatever else stands there is as good as nothing. */
struct holder {
	long pid;
	char token[HOLDER_TOKEN_LEN + 1]; /* "": nothing that makes sense */
	bool has_ended;                   /* well: nothing of it is left */
	char run[HOLDER_TEXT_MAX];        /* its run folder */
};

/* All zeros for a descriptor that is none. */
void holder_read(int fd, struct holder *h);
/* The same of the lock file in that folder, NULL for none. */
void holder_read_in(const char *folder, struct holder *h);
/* Is there such a process, and has it not ended? */
bool holder_lives(const struct holder *h);
/* A keeper's process, as its command line tells; -1: it is gone, or another one has its pid by now.  The descriptor is a pidfd. */
int holder_open(const struct holder *h);

#endif
