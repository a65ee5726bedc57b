#include "os/affinity.h"

#include <limits.h>
#include <sched.h>
#include <string.h>

enum { LONG_BITS = sizeof(unsigned long) * CHAR_BIT };

/* As the kernel has it; it refuses to fill one that is smaller than its own. */
union mask {
	unsigned long words[CPU_LIST_MAX / LONG_BITS];
	cpu_set_t set;
};

int affinity_get(struct cpu_list *out)
{
	union mask mask;

	memset(&mask, 0, sizeof(mask));
	memset(out, 0, sizeof(*out));
	if (sched_getaffinity(0, sizeof(mask), &mask.set) < 0)
		return -1;
	for (int cpu = 0; cpu < CPU_LIST_MAX; cpu++)
		if (mask.words[cpu / LONG_BITS] >> (cpu % LONG_BITS) & 1)
			cpu_list_add(out, cpu);
	return 0;
}

int affinity_set(const struct cpu_list *list)
{
	union mask mask;

	memset(&mask, 0, sizeof(mask));
	for (int cpu = 0; cpu < CPU_LIST_MAX; cpu++)
		if (cpu_list_has(list, cpu))
			mask.words[cpu / LONG_BITS] |= 1UL << (cpu % LONG_BITS);
	return sched_setaffinity(0, sizeof(mask), &mask.set);
}

/*
 * The kernel says it of a process that asks for all.  One that had all still asks for all, so that a cpuset which grows later is not cut off by the set of
 * today.
 */
int affinity_reachable(struct cpu_list *out)
{
	struct cpu_list own;
	struct cpu_list all;

	memset(&all, 0xff, sizeof(all));
	if (affinity_get(&own) < 0)
		return -1;
	if (affinity_set(&all) < 0 || affinity_get(out) < 0) {
		*out = own;
		return 0;
	}
	return cpu_list_equal(out, &own) ? 0 : affinity_set(&own);
}
