/*
 * Descriptors that outlive the brain: listening sockets, the reading ends of log pipes.  Each has a name of the brain's choosing.
 */
#ifndef OX_KEEPER_HOLD_H
#define OX_KEEPER_HOLD_H

#include <stddef.h>

#include "base/map.h"

struct hold {
	struct map by_name; /* to descriptor + 1 */
};

/* Takes *fd and sets it to -1.  What had the name is closed.  -1 with errno ENOSPC when there is no room; then *fd stays the caller's. */
int hold_put(struct hold *h, const char *name, int *fd);
/* Borrowed; -1 when nothing has the name. */
int hold_get(const struct hold *h, const char *name);
/* -1 when nothing has the name. */
int hold_release(struct hold *h, const char *name);
/* The name of the one with that index, or NULL after the last. */
const char *hold_name(const struct hold *h, size_t index);
void hold_release_all(struct hold *h);

#endif
