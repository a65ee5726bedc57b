/*
 * One look at the machine: which ports are listened on, and whether the listener belongs to an instance.  The processes are walked over only if
 * an instance's main process does not hold the socket itself, and then once for all questions of this look.
 */
#ifndef OX_SENSE_PORT_OWNER_H
#define OX_SENSE_PORT_OWNER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "os/netdiag.h"
#include "sense/proctree.h"

struct port_kin;

struct port_owner {
	struct netdiag_sockets sockets;
	struct proctree tree;
	bool has_tree;
	const struct port_kin *kin; /* what is held is left out (sense/port.h); NULL: nothing is */
	int64_t until;              /* see netdiag_pid_sockets(), for this question */
};

/* Only one port is asked for, or all with 0. */
void port_owner_init(struct port_owner *look, int port);
void port_owner_release(struct port_owner *look);
/* The inode of a listener on that port, or 0. */
uint32_t port_owner_inode(const struct port_owner *look, int port);
/* True if `main`, a descendant of it, one of its session, or a process of `cgroup` (a folder, or NULL) holds a listener there. */
bool port_owner_listens(struct port_owner *look, int port, pid_t main, const char *cgroup);

/* The same question about one socket: does `main`, a descendant, or one of its session hold it? */
bool port_owner_holds(struct port_owner *look, uint32_t inode, pid_t main);

#endif
