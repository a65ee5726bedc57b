/*
 * Starting the daemon, and seeing it end.  This is the only place of oxctl that forks.
 */
#ifndef OX_CMD_OXCTL_LAUNCH_H
#define OX_CMD_OXCTL_LAUNCH_H

#include <stdbool.h>
#include <stdint.h>

struct err;

/*
 * Runs `oxherd --daemon`, found beside this program, where it is installed, or in PATH, in a session of its own: no Ctrl-C of the caller's shell
 * reaches it, and nothing of the caller's terminal stays open.  Returns when it says that it serves; -1 with words, and those that it wrote itself.
 * e->number is EAGAIN where it ended without a start: another one may have been about to end.
 */
int launch_daemon(struct err *e);
/* Waits until a process, ours or not, has ended; false after that time. */
bool launch_is_gone(int64_t pid, int64_t timeout_ms);
/* Another program in the foreground, found by PATH: 0 when it ends well, else -1 with words. */
int launch_program(char *const argv[], struct err *e);

#endif
