/*
 * What a process tree looks like from outside, for words about a start that failed and for what a deploy may assume.
 */
#include "engine/process_look.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"
#include "engine/brain_private.h"
#include "os/cgroup.h"
#include "os/netdiag.h"
#include "os/procfs.h"
#include "sense/proctree.h"

/* One walk over the machine, for all who are asked about in the same turn of the loop. */
struct process_walk {
	struct netdiag_sockets sockets;
	struct proctree tree;
	bool is_complete;
};

struct looking {
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

static bool hear_socket(void *context, uint32_t inode)
{
	const struct looking *l = context;

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
	struct looking looking = { .out = out };
	struct proctree *tree = NULL;
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
			netdiag_pid_sockets(tree->procs[i].is.pid, hear_socket, &looking);
}

/* --- left behind ----------------------------------------------------------------------------------------------------- */

enum { CHILDREN_MAX = 16384, COMMAND_MAX = 80 };

static int by_pid(const void *left, const void *right)
{
	const pid_t *a = left;
	const pid_t *b = right;

	return (*a > *b) - (*a < *b);
}

/* The main processes that are known, by pid. */
static pid_t *known_pids(const struct brain *b, size_t *count)
{
	pid_t *pids = mem_zalloc(herd_counts(b->herd).instances + 1, sizeof(*pids));

	*count = 0;
	for (const struct instance *i = herd_first(b->herd); i; i = herd_next(b->herd, i))
		if (instance_pid(i) > 0)
			pids[(*count)++] = (pid_t)instance_pid(i);
	qsort(pids, *count, sizeof(*pids), by_pid);
	return pids;
}

/* "…/oxherd-<token>/3.17.api:0", where it has a cgroup; what it was started with tells less, as nginx and others write their titles over it. */
static bool is_in_group_of(pid_t pid, const struct instance *i)
{
	struct ticket t = instance_ticket(i);
	char path[CGROUP_PATH_MAX];
	struct buf name = BUF_INIT;
	bool is = false;

	buf_addf(&name, "/%u.%llu.%s:%d", t.slot, (unsigned long long)t.generation, instance_app(i),
		instance_number(i));
	is = cgroup_of(pid, path, sizeof(path)) && strstr(path, name.ptr);
	buf_release(&name);
	return is;
}

static bool is_started_as(pid_t pid, const struct instance *i)
{
	char app[128];
	char number[16];
	char wanted[16];

	snprintf(wanted, sizeof(wanted), "%d", instance_number(i));
	return procfs_environ(pid, "OXHERD_APP", app, sizeof(app)) && str_eq(app, instance_app(i)) &&
		procfs_environ(pid, "OXHERD_INSTANCE", number, sizeof(number)) && str_eq(number, wanted);
}

static bool is_of(pid_t pid, const struct instance *i)
{
	struct proc p;

	if (!procfs_read(pid, &p) || p.state == 'Z')
		return false;
	return p.session == (pid_t)instance_pid(i) || is_in_group_of(pid, i) || is_started_as(pid, i);
}

struct search {
	const struct brain *b;
	const struct instance *i;
	pid_t *known;
	size_t count;
	pid_t found;
};

/* False when it was found. */
static bool consider(struct search *s, pid_t pid)
{
	bool is_known = pid == getpid() || bsearch(&pid, s->known, s->count, sizeof(*s->known), by_pid);

	if (!is_known && is_of(pid, s->i))
		s->found = pid;
	return !s->found;
}

static bool visit(void *context, const struct proc *p)
{
	struct search *s = context;

	return p->parent != (pid_t)s->b->keeper_pid || consider(s, p->pid);
}

/* The kernel's list of children is quick, and may leave some out while others end: for a server all processes are looked at then. */
static pid_t find_left(const struct brain *b, const struct instance *i)
{
	struct search s = { .b = b, .i = i };
	pid_t *children = mem_zalloc(CHILDREN_MAX, sizeof(*children));
	ssize_t len = procfs_children((pid_t)b->keeper_pid, children, CHILDREN_MAX);

	s.known = known_pids(b, &s.count);
	for (ssize_t k = 0; k < len && k < CHILDREN_MAX; k++)
		if (!consider(&s, children[k]))
			break;
	if (!s.found && spec_ready(instance_spec(i)) != READY_ALIVE)
		(void)procfs_each(visit, &s);
	mem_free(s.known);
	mem_free(children);
	return s.found;
}

void process_look_left(
	const struct brain *b, const struct instance *i, struct left_behind *left, struct buf *command)
{
	enum state state = instance_state(i);
	struct process_walk *walk = NULL;
	struct process_look look;

	if (state != STATE_STARTING && state != STATE_RUNNING && state != STATE_UNHEALTHY)
		return;
	left->pid = find_left(b, i);
	if (!left->pid)
		return;
	(void)procfs_command((pid_t)left->pid, command, COMMAND_MAX);
	left->command = command->ptr;
	process_look_take(&walk, (pid_t)left->pid, &look);
	process_walk_free(walk);
	left->port = look.ports_len ? look.ports[0] : 0;
}
