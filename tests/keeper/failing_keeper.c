/*
 * The keeper with an assertion that a test can make fail: no message of a brain is to be able to.  Linked in the place of fd_store_get.
 */
#include <errno.h>
#include <string.h>

#include "base/assert.h"
#include "keeper/fd_store.h"

int __real_fd_store_get(const struct fd_store *h, const char *name);
int __wrap_fd_store_get(const struct fd_store *h, const char *name);

int __wrap_fd_store_get(const struct fd_store *h, const char *name)
{
	ASSERT(strcmp(name, "continues") != 0, "'%s' was asked for", name);
	if (!ASSERT_OR(strcmp(name, "refused") != 0, "'%s' was asked for", name)) {
		errno = ENOTRECOVERABLE;
		return -1;
	}
	return __real_fd_store_get(h, name);
}
