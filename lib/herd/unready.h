/*
 * Starts that fail although the program runs, between the files of this room.
 */
#ifndef OX_HERD_UNREADY_H
#define OX_HERD_UNREADY_H

#include <stdbool.h>

#include "model/reason.h"

struct instance;
struct left_behind;

/* Why it was not ready in time, from a look at it, borrowed from it and its name; a start that failed is stopped, and counts as a crash. */
struct reason unready_reason(const struct instance *i, const char *name);
void instance_fail_start(struct instance *i, const struct reason *why);
/* On its port; a look at its processes. */
bool instance_listens(const struct instance *i);
/* That an end with 0 left a process behind; borrowed from `left`. */
struct reason background_reason(const struct instance *i, const struct left_behind *left);
/* It was to serve, and what it left behind is what it took for that. */
bool is_background_start(const struct instance *i, const struct left_behind *left);

#endif
