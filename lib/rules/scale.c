#include "rules/scale.h"

#include "base/assert.h"

static int clamp(int64_t wanted)
{
	if (wanted < 1)
		return 1;
	return wanted < APP_INSTANCES_MAX ? (int)wanted : APP_INSTANCES_MAX;
}

/* Rounded up: half of three processors is two instances, and one percent of any machine is one. */
static int64_t percent_of_cpus(int64_t cpus, int64_t percent)
{
	ASSERT(cpus > 0 && percent > 0, "%lld percent of %lld processors", (long long)percent,
		(long long)cpus);
	/* Beyond this one processor would be enough for all instances there may be, and the product stays small. */
	if (percent > 100LL * APP_INSTANCES_MAX)
		return APP_INSTANCES_MAX;
	return (cpus * percent + 99) / 100;
}

int scale_resolve(struct count count, int cpus)
{
	int64_t there = cpus > 1 ? cpus : 1;

	switch (count.kind) {
	case COUNT_NUMBER:
		return count.value ? clamp(count.value) : 0;
	case COUNT_MAX:
		/* `max` never means more than there is. */
		return clamp(count.value < 0 ? there + count.value : there);
	case COUNT_PERCENT:
		return count.value > 0 ? clamp(percent_of_cpus(there, count.value)) : 1;
	}
	return 1;
}
