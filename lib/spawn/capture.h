/*
 * The end of what a command writes to standard output and error: a pipe whose reading end is here.  Only the last CAPTURE_MAX bytes are kept.
 */
#ifndef OX_SPAWN_CAPTURE_H
#define OX_SPAWN_CAPTURE_H

#include <stddef.h>

#include "base/buf.h"
#include "loop/watchers.h"

struct err;

enum { CAPTURE_MAX = 4096 };

struct capture {
	struct ev_loop *loop;
	ev_io reader;
	ev_timer again; /* the kernel had no room to watch the pipe */
	int fd;         /* -1: closed */
	struct buf bytes;
};

/* Storage is the caller's, and stays where it is. */
void capture_init(struct capture *c, struct ev_loop *loop);
void capture_release(struct capture *c);
/* Begins to read; the writing end is the caller's.  -1 with words. */
int capture_open(struct capture *c, int *write_end, struct err *e);
/* Takes what is there, and reads no more. */
void capture_close(struct capture *c);
/* The last bytes, borrowed; what was before them is gone. */
const char *capture_tail(const struct capture *c, size_t *len);

#endif
