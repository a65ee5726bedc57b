/*
 * Going into the background so that the command that started it knows how it went: the first process waits until its child serves, or shows its error.
 */
#ifndef OX_KEEPER_DETACH_H
#define OX_KEEPER_DETACH_H

#include <sys/types.h>

struct err;

/*
 * 0 in the child, with *fd to send the outcome through; the child's pid in the parent, with *fd for detach_wait(); -1 with words.  The
 * child is in a session of its own, and has /dev/null as input and `log_path` (made with 0600, appended to) as output.
 */
pid_t detach(const char *log_path, int *fd, struct err *e);
/* One byte '\0' means that all is well; anything else is words, and -1. */
int detach_wait(int *fd, struct err *e);

#endif
