/*
 * Descriptors that outlive the brain: listening sockets, the reading ends of log pipes.  Each has a name of the brain's choosing.
 */
#ifndef OX_KEEPER_FD_STORE_H
#define OX_KEEPER_FD_STORE_H

#include <stddef.h>

#include "base/map.h"

struct fd_store {
	struct map by_name; /* to descriptor + 1 */
};

/* Takes *fd and sets it to -1.  What had the name is closed.  -1 with errno ENOSPC when there is no room; then *fd stays the caller's. */
int fd_store_put(struct fd_store *h, const char *name, int *fd);
/* Borrowed; -1 when nothing has the name. */
int fd_store_get(const struct fd_store *h, const char *name);
/* -1 when nothing has the name. */
int fd_store_release(struct fd_store *h, const char *name);
/* The name of the one with that index, or NULL after the last. */
const char *fd_store_name(const struct fd_store *h, size_t index);
void fd_store_release_all(struct fd_store *h);

#endif
