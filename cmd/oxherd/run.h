/*
 * What oxherd does once its command line is read.
 */
#ifndef OX_CMD_OXHERD_RUN_H
#define OX_CMD_OXHERD_RUN_H

#include <stdbool.h>
#include <stdint.h>

struct err;

struct options {
	bool daemon, help, version, verbose, without_cgroups, check;
	const char *brain, *group, *failed;
	int64_t patience_ms, grace_ms, answer_ms, handover, back;
};

/* Takes the lock and keeps, until all is stopped; with `daemon` in the background. */
int run(const struct options *o, struct err *e);
/* Continues the work of the build before. */
int run_again(const struct options *o, struct err *e);
/* Says what it is, if it understands what the keeper here has written down. */
int run_check(struct err *e);

#endif
