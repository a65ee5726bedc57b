/*
 * Which processors a process may use.  What is set here is inherited by children, threads included.
 */
#ifndef OX_OS_AFFINITY_H
#define OX_OS_AFFINITY_H

#include "base/cpu_list.h"

/* Those of this process.  -1 with errno. */
int affinity_get(struct cpu_list *out);
/*
 * Those of `list` that there are and that its cpuset allows; EINVAL where there is none.  -1 with errno, and nothing changed.  Safe between fork and
 * exec.
 */
int affinity_set(const struct cpu_list *list);
/* All that affinity_set() could reach here, however few this process uses itself. */
int affinity_reachable(struct cpu_list *out);

#endif
