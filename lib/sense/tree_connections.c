#include "sense/tree_connections.h"

#include <stdlib.h>

#include "base/mem.h"
#include "os/clock.h"
#include "os/netdiag.h"
#include "sense/proctree.h"

struct connection_of {
	uint32_t inode;
	int port;
	size_t owner; /* who was last found to have it: it may have it twice */
};

struct count_look {
	const int *ports;
	size_t *counts;
	struct connection_of *all; /* by inode */
	size_t len;
	size_t owner; /* whose descriptors are looked at */
};

static int by_inode(const void *left, const void *right)
{
	const struct connection_of *a = left;
	const struct connection_of *b = right;

	return (a->inode > b->inode) - (a->inode < b->inode);
}

static bool count_socket(void *context, uint32_t inode)
{
	struct count_look *look = context;
	const struct connection_of wanted = { .inode = inode };
	struct connection_of *found = bsearch(&wanted, look->all, look->len, sizeof(wanted), by_inode);

	if (found && found->port == look->ports[look->owner] && found->owner != look->owner) {
		found->owner = look->owner;
		look->counts[look->owner]++;
	}
	return true;
}

/* False: not all could be looked at. */
static bool look_through(struct count_look *look, const struct proctree *tree)
{
	int64_t until = clock_cpu_ms() + NETDIAG_OWN_MS;

	for (size_t i = 0; i < tree->len; i++) {
		look->owner = tree->procs[i].owner;
		if (look->owner != PROCTREE_NOBODY)
			netdiag_pid_sockets(tree->procs[i].is.pid, until, count_socket, look);
	}
	return clock_cpu_ms() < until;
}

static bool is_asked(const int *ports, size_t len, int port)
{
	for (size_t i = 0; i < len; i++)
		if (ports[i] == port)
			return true;
	return false;
}

/* What nobody has accepted yet has no inode. */
static void take_connections(struct count_look *look, const struct netdiag_sockets *sockets, size_t asked)
{
	look->all = mem_zalloc(sockets->len, sizeof(*look->all));
	for (size_t i = 0; i < sockets->len; i++) {
		const struct netdiag_socket *s = &sockets->items[i];

		if (s->inode && is_asked(look->ports, asked, s->port))
			look->all[look->len++] = (struct connection_of){
				.inode = s->inode, .port = s->port, .owner = PROCTREE_NOBODY
			};
	}
	qsort(look->all, look->len, sizeof(*look->all), by_inode);
}

/* All of them at once where they share a port, as the instances behind one gate do. */
static int only_port(const int *ports, size_t len)
{
	for (size_t i = 1; i < len; i++)
		if (ports[i] != ports[0])
			return 0;
	return len ? ports[0] : 0;
}

void tree_connections(const int *ports, const pid_t *mains, size_t len, size_t *counts)
{
	struct count_look look = { .ports = ports, .counts = counts };
	struct netdiag_sockets sockets = NETDIAG_SOCKETS_INIT;
	struct proctree tree = PROCTREE_INIT;
	bool is_known = netdiag_connected(only_port(ports, len), &sockets, NULL) == 0;

	for (size_t i = 0; i < len; i++)
		counts[i] = 0;
	if (is_known)
		take_connections(&look, &sockets, len);
	/* Without a connection the processes need not be looked at. */
	if (is_known && look.len) {
		is_known = proctree_scan(&tree) == 0;
		if (is_known) {
			proctree_assign(&tree, mains, len);
			is_known = look_through(&look, &tree);
		}
	}
	for (size_t i = 0; i < len && !is_known; i++)
		if (!counts[i])
			counts[i] = 1;
	mem_free(look.all);
	netdiag_release(&sockets);
	proctree_release(&tree);
}
