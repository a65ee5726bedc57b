/*
 * Bytes in memory behind a descriptor, which nobody can change any more: a message that is too long for a socket goes to another process as
 * such a descriptor.
 */
#ifndef OX_OS_SEALED_H
#define OX_OS_SEALED_H

#include <stddef.h>

/* A new descriptor, close-on-exec; -1 with errno. */
int sealed_new(const void *bytes, size_t len);
/*
 * Looks at the bytes without copying them; NULL with errno: EINVAL where it is none of these, or holds nothing or more than `size_max`.  To be
 * given back to sealed_unmap().
 */
const void *sealed_map(int fd, size_t size_max, size_t *len);
void sealed_unmap(const void *bytes, size_t len);

#endif
