/*
 * Whose the connections of a port are: one look at the kernel's table of sockets and at the descriptors of process trees, for as many as are asked about.
 */
#ifndef OX_SENSE_TREE_CONNECTIONS_H
#define OX_SENSE_TREE_CONNECTIONS_H

#include <stddef.h>
#include <sys/types.h>

/*
 * Of each main process how many established connections with that local port it has open, with all that come from it.  What cannot be known, or not in
 * NETDIAG_OWN_MS of processor time, is 1.
 */
void tree_connections(const int *ports, const pid_t *mains, size_t len, size_t *counts);

#endif
