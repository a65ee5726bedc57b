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

struct tree_listens {
	struct netdiag_sockets sockets;
	struct proctree tree;
	bool has_tree;
	int64_t until; /* see netdiag_pid_sockets(), for this question */
};

/* Only one port is asked for, or all with 0. */
void tree_listens_init(struct tree_listens *look, int port);
void tree_listens_release(struct tree_listens *look);
/* The inode of a listener on that port, or 0. */
uint32_t tree_listens_inode(const struct tree_listens *look, int port);
/* True if `main`, a descendant of it, one of its session, or a process of `cgroup` (a folder, or NULL) holds a listener there. */
bool tree_listens(struct tree_listens *look, int port, pid_t main, const char *cgroup);

/* The same question about one socket: does `main`, a descendant, or one of its session hold it? */
bool tree_holds(struct tree_listens *look, uint32_t inode, pid_t main);

#endif
