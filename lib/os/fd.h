/*
 * Descriptors: closed once, close-on-exec from birth.
 */
#ifndef OX_OS_FD_H
#define OX_OS_FD_H

#include <stdbool.h>
#include <stddef.h>

/* Closes unless it is -1, and sets it to -1; errno stays. */
void fd_close(int *fd);
/* Closes every descriptor from `first` up, also inherited ones. */
void fd_close_from(int first);
/* Opens /dev/null in place of whichever of 0, 1 and 2 is closed, so that nothing else ever gets those numbers.  -1 with errno. */
int fd_fill_standard(void);
int fd_set_nonblocking(int fd, bool is_nonblocking);
/* All of it, over interruptions and short writes; -1 with errno. */
int fd_write_all(int fd, const void *bytes, size_t len);

#endif
