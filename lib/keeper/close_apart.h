/*
 * Closing what another process has sent.  It may hold up who closes it: a file of a file system that the process serves itself (FUSE), or a connection that
 * lingers.
 */
#ifndef OX_KEEPER_CLOSE_APART_H
#define OX_KEEPER_CLOSE_APART_H

#include <stdbool.h>

/* Touches no file system. */
bool close_is_socket(int fd);
/* Sets it to -1; what is no socket is closed by a process of its own. */
void close_apart(int *fd);

#endif
