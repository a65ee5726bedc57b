#include "keeper/fd_store.h"

#include <errno.h>
#include <stdint.h>

#include "base/assert.h"
#include "os/fd.h"
#include "wire/keeper_msg.h"

static int fd_of(const void *value)
{
	return (int)(intptr_t)value - 1;
}

int fd_store_put(struct fd_store *h, const char *name, int *fd)
{
	int old = fd_store_get(h, name);

	if (!ASSERT_OR(*fd >= 0, "'%s' is to be held, and is no descriptor", name)) {
		errno = EBADF;
		return -1;
	}
	if (old < 0 && h->by_name.len >= KEEPER_HELD_MAX) {
		errno = ENOSPC;
		return -1;
	}
	(void)map_put(&h->by_name, name, (void *)(intptr_t)(*fd + 1));
	*fd = -1;
	fd_close(&old);
	ASSERT(h->by_name.len <= KEEPER_HELD_MAX, "%zu descriptors are held", h->by_name.len);
	return 0;
}

int fd_store_get(const struct fd_store *h, const char *name)
{
	return fd_of(map_get(&h->by_name, name));
}

int fd_store_release(struct fd_store *h, const char *name)
{
	int fd = fd_of(map_remove(&h->by_name, name));

	if (fd < 0)
		return -1;
	fd_close(&fd);
	return 0;
}

const char *fd_store_name(const struct fd_store *h, size_t index)
{
	return index < h->by_name.len ? map_at(&h->by_name, index)->key : NULL;
}

void fd_store_release_all(struct fd_store *h)
{
	const struct map_entry *entry = NULL;

	MAP_EACH (&h->by_name, entry) {
		int fd = fd_of(entry->value);

		ASSERT(fd >= 0, "'%s' is held, and is no descriptor", entry->key);
		fd_close(&fd);
	}
	map_release(&h->by_name);
}
