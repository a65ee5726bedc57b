/*
 * The named pipe of one output of one instance, which the instance itself holds open both ways, as does the brain.
 */
#ifndef OX_LOGS_FIFO_H
#define OX_LOGS_FIFO_H

#include <stdbool.h>

struct err;

enum {
	FIFO_SIZE = 1 << 20, /* asked for; bursts fit into it */
	/* Descriptors that no pipe gets: for those who ask, and for what is done about it: clients, checks, files. */
	FIFO_FDS_LEFT = 320,
};

/*
 * Makes it where it is not, and opens it without waiting.  What is there already has to be a pipe of ours, also if another brain made
 * it.  -1 with words; also when so few descriptors are left (at most half of them all are kept) that nobody could ask why.
 */
int fifo_open(const char *path, struct err *e);
/* What fifo_open() gives for that path the next time: an end of a pipe whose file was deleted; taken over. */
void fifo_give(const char *path, int *fd);
/* Is that file the pipe that this is an end of? */
bool fifo_is_at(const char *path, int fd);

#endif
