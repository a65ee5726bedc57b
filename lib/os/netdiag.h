/*
 * Who has a TCP port on this machine.  The kernel is asked over netlink (sock_diag); where that is not built in, /proc/net/tcp{,6} is read.
 * Sockets are known by their inode; which process holds one is found by looking at the descriptors of all, as far as we may.
 */
#ifndef OX_OS_NETDIAG_H
#define OX_OS_NETDIAG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"

struct err;
struct sockaddr;

enum {
	NETDIAG_SOCKETS_MAX = 131072, /* taken from one answer; what is beyond is left out */
	NETDIAG_PROCS_MAX = 65536,    /* processes looked at for one holder */
	NETDIAG_OWN_MS = 150,         /* of processor time for a question about a process and its tree */
	NETDIAG_LOOK_MS = 250,        /* and for one about all processes */
	NETDIAG_COMMAND_MAX = 200,    /* bytes of a command line */
};

struct netdiag_socket {
	uint32_t inode; /* 0: nobody holds it any more */
	uint32_t uid;
	uint16_t port;
};

struct netdiag_sockets {
	struct netdiag_socket *items; /* by port */
	size_t len;
	size_t cap;
};

#define NETDIAG_SOCKETS_INIT                                                                                 \
	{                                                                                                    \
		.items = NULL,                                                                               \
	}

void netdiag_release(struct netdiag_sockets *sockets);
/* What listens on `port`, or on any with 0; IPv4 and IPv6.  -1 with words if the kernel tells nothing either way. */
int netdiag_listeners(int port, struct netdiag_sockets *out, struct err *e);
/* The first with that port, or NULL; those of one port stand together. */
const struct netdiag_socket *netdiag_find(const struct netdiag_sockets *sockets, int port);
/*
 * Which socket takes a new connection to that address and port: one quick question over a link that is kept open.  The inode, 0 when nobody
 * listens, -1 when the kernel does not tell this way (then ask netdiag_listeners()).
 */
int netdiag_link(void);
int64_t netdiag_listener(int link, const struct sockaddr *to);
/* Established connections whose local port it is. */
int netdiag_connections(int port, size_t *count, struct err *e);
/* Connections to it that are not established yet: their clients have an answer, and theirs is on its way. */
int netdiag_half_open(int port, size_t *count, struct err *e);
/* The same as netdiag_listeners() gives listeners; how many of one port is netdiag_count(). */
int netdiag_connected(int port, struct netdiag_sockets *out, struct err *e);
size_t netdiag_count(const struct netdiag_sockets *sockets, int port);

/*
 * Each socket among the process's descriptors, until it gives false.  From `until` (clock_cpu_ms()) on nothing more is found: any user can make
 * thousands of processes with thousands of descriptors, and to look at each of them would take a minute.
 */
typedef bool (*netdiag_visit)(void *context, uint32_t inode);
void netdiag_pid_sockets(pid_t pid, int64_t until, netdiag_visit visit, void *context);
/* True if one of the process's descriptors is that socket. */
bool netdiag_pid_holds(pid_t pid, int64_t until, uint32_t inode);
/* A process that holds it, or 0: none that we may look at, or none within NETDIAG_LOOK_MS. */
pid_t netdiag_pid_of(uint32_t inode);
/* The same for one of several. */
pid_t netdiag_pid_among(uint32_t inode, int64_t until);

struct netdiag_holder {
	pid_t pid; /* 0: not known */
	uid_t uid;
	struct buf command;
};

/* 1 with the holder filled in (its buf is inited by the caller), 0 if nobody has a socket on the port, -1 with words. */
int netdiag_holder(int port, struct netdiag_holder *holder, struct err *e);

#endif
