/*
 * Packets with descriptors between two related processes, keeper and brain.  Whatever is made is close-on-exec.  Sockets that have a
 * path are os/unixsock.
 */
#ifndef OX_OS_SOCK_H
#define OX_OS_SOCK_H

#include <stddef.h>
#include <sys/types.h>

enum { SOCK_FDS_MAX = 32 };

/* Two ends that carry whole packets of up to `packet_max` bytes, as far as the machine's limits let them.  -1 with errno. */
int sock_pair(int ends[2], size_t packet_max);
/* One packet with descriptors, at once or not at all (EAGAIN).  Nobody gets a SIGPIPE.  0, or -1 with errno. */
int sock_send(int fd, const void *bytes, size_t len, const int *fds, size_t fd_count);
/*
 * One packet: its length, 0 at the end, -1 with errno (EAGAIN: none is there; EMSGSIZE: it was larger than `size`, and is gone).  Its
 * descriptors go to `fds`, SOCK_FDS_MAX of them, and are the caller's.
 */
ssize_t sock_receive(int fd, void *bytes, size_t size, int *fds, size_t *fd_count);
/* Nothing more is sent: the other end reads what is there, and then the end.  It may still send. */
void sock_finish(int fd);

#endif
