/*
 * Which process the kernel kills first when memory runs out: /proc/self/oom_score_adj, from -1000 (never) to 1000.  Safe between fork
 * and exec.
 */
#ifndef OX_OS_OOM_H
#define OX_OS_OOM_H

#include <stdint.h>

enum {
	OOM_DAEMON = -900, /* behind every service, and not quite exempt */
	OOM_KEEP = 10000,  /* no score: what is there stays */
};

/* OOM_KEEP when it cannot be read. */
int oom_score(void);
/* -1 with errno. */
int oom_set_score(int64_t score);
/* OOM_DAEMON for this process, where it may have that.  Gives the score that it had before, for its children; OOM_KEEP: nothing changed. */
int oom_protect(void);

#endif
