/*
 * What /proc says of a process.  It may end at any moment: a process that is gone is an ordinary answer.
 */
#ifndef OX_OS_PROCFS_H
#define OX_OS_PROCFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"

enum { PROCFS_NAME_MAX = 64 };

struct proc {
	pid_t pid;
	pid_t parent;
	pid_t group;
	pid_t session;
	char state; /* 'R', 'S', 'D', 'T', 'Z', … */
	uint64_t
		start_time; /* clock ticks since the machine started: with the pid, a name that is never used again */
	uint64_t cpu_ticks; /* user and system, its own */
	uint64_t rss_pages;
	int threads;
	bool has_memory; /* false: it is ending, or has ended; its descriptors may still be open */
};

/* False when there is no such process. */
bool procfs_read(pid_t pid, struct proc *p);
/* How one ended that nobody has reaped yet, as waitpid would say it.  False when it lives, is gone, or is another one. */
bool procfs_exit_status(pid_t pid, uint64_t start_time, int *status);
/*
 * Calls `visit` for each process of the machine until it gives false.  A process that comes or goes meanwhile may be missed.  False
 * when /proc cannot be read.
 */
bool procfs_each(bool (*visit)(void *context, const struct proc *p), void *context);
/* The same of those whose program has the name of our own, whatever its folder: of the others nothing else is read.  Those of other users are left out. */
bool procfs_each_like_us(bool (*visit)(void *context, const struct proc *p), void *context);
/*
 * The living and the dead children of a process' one thread, into `pids`, at most `max`: how many there are.  -1 where the kernel
 * does not tell (CONFIG_PROC_CHILDREN).
 */
ssize_t procfs_children(pid_t pid, pid_t *pids, size_t max);
/*
 * The value of a variable in the environment that a process was started with, cut to size - 1 bytes.  False when it has none, or when
 * we may not look.
 */
bool procfs_environ(pid_t pid, const char *variable, char *value, size_t size);
/*
 * Its command line as people type it, arguments with a space between, and '?' for control characters: it goes into lines of the log and to terminals,
 * and may be a stranger's.  Appends at most `max` bytes.  False when it is gone.
 */
bool procfs_command(pid_t pid, struct buf *out, size_t max);
/* Its descriptors and what /proc says that they are, cut to PROCFS_NAME_MAX, until `visit` gives false. */
void procfs_each_descriptor(
	pid_t pid, bool (*visit)(void *context, int number, const char *link), void *context);
/* Who traces it, as a debugger does; 0: nobody, or it is gone. */
pid_t procfs_tracer(pid_t pid);
/* The short name that the kernel has for a program, "" when it is gone.  Everybody may ask for it, of anybody's process. */
void procfs_name(pid_t pid, char name[PROCFS_NAME_MAX]);
/* The user who started it, whatever rights it has taken since. */
bool procfs_uid(pid_t pid, uid_t *uid);
/* It gains no rights by executing a program, as with no_new_privs of prctl(2); false if that is not known. */
bool procfs_no_new_privs(pid_t pid);
/* Memory that it uses, of shared pages its share; -1 when it is gone, or we may not look. */
int64_t procfs_share(pid_t pid);
/* How many processes the kernel has killed for want of memory since the machine started; -1 where it does not tell. */
int64_t procfs_oom_kills(void);
/* Appends the id of this run of the machine. */
bool procfs_boot_id(struct buf *out);

#endif
