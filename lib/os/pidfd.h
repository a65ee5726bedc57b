/*
 * A process that is not our child, held so that its pid can never mean another one.
 */
#ifndef OX_OS_PIDFD_H
#define OX_OS_PIDFD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* The system calls, which not every C library has; -1 with errno. */
int pidfd_open_any(pid_t pid);
int pidfd_signal(int fd, int number);
/* A descriptor of that process, as one of ours, close-on-exec. */
int pidfd_copy(int fd, int number);
/* Of the process that has this pid and began then; -1 with errno, ESRCH when there is no such process (any more).  Readable once it has ended. */
int pidfd_of(pid_t pid, uint64_t start_time);
/* True when it has ended within that time; below 0: without end. */
bool pidfd_ends(int fd, int64_t timeout_ms);
/*
 * Of one that has ended, as waitpid would give it: from the kernel since 6.15, else from /proc while its parent has not reaped it yet.  False when
 * nobody can tell any more.
 */
bool pidfd_status(int fd, pid_t pid, uint64_t start_time, int *status);

#endif
