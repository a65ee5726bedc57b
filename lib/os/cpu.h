/*
 * How many processors this process may really use: its affinity mask and its cgroup's quota, not the
 * machine's core count.
 */
#ifndef OX_OS_CPU_H
#define OX_OS_CPU_H

/* At least 1. */
int cpu_usable(void);
/* As cpu_usable, with the files it reads below `root` ("" is the real one), for tests. */
int cpu_quota(const char *root);

#endif
