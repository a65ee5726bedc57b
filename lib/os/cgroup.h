/*
 * Where this process stands in the tree of cgroups, version 2.  A machine may have both versions; then the second stands in a folder of its
 * own, and has no controllers.
 */
#ifndef OX_OS_CGROUP_H
#define OX_OS_CGROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/buf.h"

enum { CGROUP_PATH_MAX = 4096 };

/* The folder of our own cgroup, appended; false where version 2 is not mounted, or not so that we can see ourselves. */
bool cgroup_folder(struct buf *out);
/* The cgroup of a process as the kernel names it, "/a/b", cut to size - 1 bytes.  False when it is gone or has none. */
bool cgroup_of(pid_t pid, char *path, size_t size);
/* Does anybody live in the cgroup `name` of the folder `dir`, or below it?  False as well when there is no such cgroup. */
bool cgroup_is_populated(int dir, const char *name);
/* SIGKILL for everybody in it and below it, all at once.  -1 with errno; ENOENT where the kernel (before 5.14) cannot. */
int cgroup_kill(int dir, const char *name);
/* Calls `visit` for each process in it and below it.  One that comes or goes meanwhile may be missed.  -1 with errno when it cannot be read. */
int cgroup_each(int dir, const char *name, void (*visit)(void *context, pid_t pid), void *context);
/* Takes it away with what is below it.  -1 with errno: EBUSY when somebody lives there.  One that is not there is no failure. */
int cgroup_remove(int dir, const char *name);

#endif
