/*
 * What a process tree looks like from outside, for words about a start that failed and for what a deploy may assume.
 */
#include "sense/process_look.h"

#include "base/mem.h"
#include "os/clock.h"
#include "os/netdiag.h"
#include "os/procfs.h"
#include "sense/proctree.h"

/* One walk over the machine, for all who are asked about in the same turn of the loop. */
struct process_walk {
	struct netdiag_sockets sockets;
	struct proctree tree;
	bool is_complete;
};

struct port_listing {
	const struct process_walk *walk;
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

static bool note_listener(void *context, uint32_t inode)
{
	const struct port_listing *l = context;

	for (size_t i = 0; i < l->walk->sockets.len; i++)
		if (l->walk->sockets.items[i].inode == inode)
			add_port(l->out, l->walk->sockets.items[i].port);
	return true;
}

static struct process_walk *walk_new(void)
{
	struct process_walk *walk = mem_zalloc(1, sizeof(*walk));

	walk->sockets = (struct netdiag_sockets)NETDIAG_SOCKETS_INIT;
	walk->tree = (struct proctree)PROCTREE_INIT;
	walk->is_complete =
		netdiag_listeners(0, &walk->sockets, NULL) == 0 && proctree_scan(&walk->tree) == 0;
	return walk;
}

void process_walk_free(struct process_walk *walk)
{
	if (!walk)
		return;
	proctree_release(&walk->tree);
	netdiag_release(&walk->sockets);
	mem_free(walk);
}

void process_look_take(struct process_walk **walk, pid_t main, struct process_look *out)
{
	struct port_listing looking = { .out = out };
	struct proctree *tree = NULL;
	int64_t until = clock_cpu_ms() + NETDIAG_OWN_MS;
	struct proc first;

	*out = (struct process_look){ .ports_len = 0 };
	if (main <= 0)
		return;
	out->is_first_thread_over = procfs_read(main, &first) && first.state == 'Z' && first.threads > 1;
	if (!*walk)
		*walk = walk_new();
	if (!(*walk)->is_complete)
		return;
	looking.walk = *walk;
	tree = &(*walk)->tree;
	proctree_assign(tree, &main, 1);
	for (size_t i = 0; i < tree->len; i++)
		if (tree->procs[i].owner == 0)
			netdiag_pid_sockets(tree->procs[i].is.pid, until, note_listener, &looking);
}
