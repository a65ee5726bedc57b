/*
 * One log file and its older siblings on the disk: turned (rules/rotate says how) together with their marks, put in order again after a
 * kill.  A kill between any two steps loses no line.
 */
#ifndef OX_LOGS_ROTATE_H
#define OX_LOGS_ROTATE_H

#include "rules/rotate.h"

struct err;
struct compressor;
struct log_location;

/* What is at its path becomes path.1 and so on.  -1 with words when it is still there. */
int rotate_now(const struct log_location *log, const struct rotate_policy *p, struct compressor *compressor,
	struct err *e);
/* Finishes what a killed brain had begun to rename or to compress; before its marks are opened. */
void rotate_heal(
	const struct log_location *log, const struct rotate_policy *p, struct compressor *compressor);

#endif
