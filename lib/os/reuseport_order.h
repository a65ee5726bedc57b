/*
 * In which order the kernel has the sockets of one address, which it tells nobody: a connection is tried that the program of the list sends to one index,
 * and whose first packet no socket accepts, as too few hops are left to it; the socket that has dropped one more is the one.  So no process notices.
 *
 * Meanwhile new connections are shared out among all of them.
 */
#ifndef OX_OS_REUSEPORT_ORDER_H
#define OX_OS_REUSEPORT_ORDER_H

#include <stddef.h>

struct tcp_address;

enum { REUSEPORT_ORDER_MAX = 4096 };

/*
 * Of all sockets that listen at `address`, so many: order[i] is which of them has index i.  -1 with errno: EAGAIN, there are others, or the list has changed
 * meanwhile; the program of the list is another one then, too.
 */
int reuseport_order(const int *fds, size_t count, const struct tcp_address *address, int *order);

#endif
