/*
 * What a process tree looks like from outside, for words about a start that failed and for what a deploy may assume.
 */
#include "engine/process_look.h"

#include <stdlib.h>

#include "engine/proctree.h"
#include "os/netdiag.h"
#include "os/procfs.h"

struct looking {
	struct netdiag_sockets sockets;
	struct process_look *out;
};

static void add_port(struct process_look *out, int port)
{
	int at = 0;

	while (at < out->ports_len && out->ports[at] < port)
		at++;
	if ((at < out->ports_len && out->ports[at] == port) || out->ports_len == LOOK_PORTS_MAX)
		return;
	for (int k = out->ports_len++; k > at; k--)
		out->ports[k] = out->ports[k - 1];
	out->ports[at] = port;
}

static bool hear_socket(void *context, uint32_t inode)
{
	const struct looking *l = context;

	for (size_t i = 0; i < l->sockets.len; i++)
		if (l->sockets.items[i].inode == inode)
			add_port(l->out, l->sockets.items[i].port);
	return true;
}

void process_look_take(pid_t main, struct process_look *out)
{
	struct looking looking = { .sockets = NETDIAG_SOCKETS_INIT, .out = out };
	struct proctree tree = PROCTREE_INIT;
	struct proc first;

	*out = (struct process_look){ .ports_len = 0 };
	if (main <= 0)
		return;
	out->is_first_thread_over = procfs_read(main, &first) && first.state == 'Z' && first.threads > 1;
	if (netdiag_listeners(0, &looking.sockets, NULL) == 0 && proctree_scan(&tree) == 0) {
		proctree_assign(&tree, &main, 1);
		for (size_t i = 0; i < tree.len; i++)
			if (tree.procs[i].owner == 0)
				netdiag_pid_sockets(tree.procs[i].is.pid, hear_socket, &looking);
	}
	proctree_release(&tree);
	netdiag_release(&looking.sockets);
}
