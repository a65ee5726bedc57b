/*
 * How many instances a count means on this machine.
 */
#ifndef OX_RULES_SCALE_H
#define OX_RULES_SCALE_H

#include "model/spec.h"

/* `cpus` is what this process may really use.  At least 1, at most APP_INSTANCES_MAX, but a written 0 stays 0. */
int scale_resolve(struct count count, int cpus);

#endif
