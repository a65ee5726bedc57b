/*
 * Memory and processor time of instances, over their whole process trees.  Nothing is measured unasked: there are no
 * ticks.  One walk over /proc serves all instances of a question, and all questions of the next USAGE_FRESH_MS, so
 * a client that asks all the time costs a walk a second.
 *
 * Memory is the sum of resident sets: what processes share counts once for each of them (the exact share costs a walk over all pages of each).
 * Processor time is the share of one processor since the last walk, or since the start at the first one.  The time of children that have
 * ended is not in it.
 */
#ifndef OX_SENSE_USAGE_H
#define OX_SENSE_USAGE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
	USAGE_FRESH_MS = 1000, /* what was measured is so long as good as new */
	USAGE_LEAST_MS = 250,  /* of a life, to say what share it took: the kernel counts in steps of 10 ms */
};

struct usage;

struct usage_reading {
	pid_t pid;     /* asked: an instance's main process; 0 for none */
	int processes; /* answered: 0 if there is nothing */
	int64_t memory_bytes;
	double cpu_percent;
};

struct usage *usage_new(void);
void usage_free(struct usage *m);
/* Fills in every reading.  What was measured for processes that are not asked about any more is forgotten. */
void usage_read(struct usage *m, struct usage_reading *readings, size_t count);

#endif
