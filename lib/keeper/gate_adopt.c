/*
 * The gate of a keeper that was killed.  Its sockets live on in the processes that listen at them, with the program that says who gets connections; what only
 * it had is closed, and the last ones of a list have moved into those places.  Binds wait meanwhile, as each process has the listener of its own filter open.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/log.h"
#include "keeper/close_apart.h"
#include "keeper/gate_ledger.h"
#include "keeper/gate_private.h"
#include "keeper/slots.h"
#include "keeper/tree.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/netdiag.h"
#include "os/pidfd.h"
#include "os/preload_hook.h"
#include "os/procfs.h"
#include "os/reuseport_order.h"

enum {
	LOOK_MS = 2000,  /* of processor time, through the descriptors of all processes behind a gate */
	LEARN_MS = 1000, /* for them all; the last sockets of a dead keeper may still be closing */
	LEARN_PAUSE_MS = 5,
};

_Static_assert((int)GATE_LIST_MAX <= (int)REUSEPORT_ORDER_MAX, "a list is too long to find its order");

/* --- what processes have open --- */

struct finder {
	struct gate *gate;
	const struct netdiag_sockets *listening; /* by inode; NULL: not known */
	struct slot *slot;
	const struct tree_node *node;
	int process; /* a pidfd */
	int64_t until;
};

static int by_inode(const void *a, const void *b)
{
	const struct netdiag_socket *left = a;
	const struct netdiag_socket *right = b;

	return (left->inode > right->inode) - (left->inode < right->inode);
}

/* Of what does not listen, as connections, no copy is made. */
static bool may_listen(const struct finder *f, uint64_t inode)
{
	const struct netdiag_socket wanted = { .inode = (uint32_t)inode };

	if (!f->listening)
		return true;
	return f->listening->len &&
		bsearch(&wanted, f->listening->items, f->listening->len, sizeof(wanted), by_inode);
}

/* It may be a file that its process has put there meanwhile. */
static void close_copy(int *fd)
{
	if (*fd >= 0 && close_is_socket(*fd))
		fd_close(fd);
	else
		close_apart(fd);
}

static void take_hook(const struct finder *f, int number)
{
	int fd = -1;

	if (f->slot->gate.kind != KEEPER_HOOK_SECCOMP || f->slot->gate.hook >= 0)
		return;
	fd = pidfd_copy(f->process, number);
	/* What stood at that number when it was looked at may be something else by now. */
	if (fd >= 0 && bind_hook_is_listener(fd))
		gate_hooked(f->gate, f->slot, &fd);
	close_copy(&fd);
}

/* Of those that have it open it is the oldest one's: the others got it from that one. */
static void meet_again(struct gate_socket *h, const struct finder *f)
{
	if (gate_is_owner(h, f->slot) && f->node->start_time < h->start_time) {
		h->pid = f->node->pid;
		h->start_time = f->node->start_time;
	}
}

static bool is_behind(const struct finder *f, int fd, struct tcp_address *address)
{
	return reuseport_listens(fd) && reuseport_kind(fd) == TCP_PLAIN &&
		reuseport_address(fd, address) == 0 && gate_has_port(f->slot, address->port) &&
		!gate_is_anothers(f->gate, f->slot->gate.number, address);
}

static void take_socket(const struct finder *f, int number, uint64_t inode)
{
	struct gate *g = f->gate;
	struct gate_list *l = NULL;
	struct gate_socket *h = NULL;
	struct tcp_address address;
	int fd = may_listen(f, inode) ? pidfd_copy(f->process, number) : -1;

	if (fd < 0 || !is_behind(f, fd, &address))
		goto out;
	l = gate_find_list(g, &address);
	h = l ? gate_find_inode(g, l, inode) : NULL;
	if (h) {
		meet_again(h, f);
		goto out;
	}
	l = l ? l : gate_new_list(g, f->slot->gate.number, &address);
	h = l && l->total < GATE_LIST_MAX && !gate_is_full(g, f->slot, l) ? gate_new_socket(g, l, fd) : NULL;
	if (!h) {
		log_warn("%s: there is no room to hold its socket at port %d", f->slot->name, address.port);
		goto out;
	}
	fd = -1;
	gate_take(g, h, f->slot, f->node->pid);
out:
	close_copy(&fd);
}

static bool look_at(void *context, int number, const char *link)
{
	static const char socket[] = "socket:[";
	const struct finder *f = context;

	if (!strcmp(link, BIND_HOOK_LINK))
		take_hook(f, number);
	else if (!strncmp(link, socket, sizeof(socket) - 1))
		take_socket(f, number, strtoull(link + sizeof(socket) - 1, NULL, 10));
	return clock_cpu_ms() < f->until;
}

/* The library of its processes connects to the name that the last keeper gave it. */
static void open_preload(struct gate *g, struct slot *s)
{
	char value[PRELOAD_NAME_MAX + PRELOAD_PORTS_MAX * 8];
	int hook = -1;

	if (s->gate.kind != KEEPER_HOOK_PRELOAD || s->gate.hook >= 0 ||
		!procfs_environ(s->pid, PRELOAD_VARIABLE, value, sizeof(value)))
		return;
	value[strcspn(value, " ")] = '\0';
	hook = preload_hook_open_as(value);
	if (hook < 0)
		log_warn_sys(errno, "%s: the gate does not see any more where it listens", s->name);
	else
		gate_hooked(g, s, &hook);
}

static void look_into(struct finder f, const struct tree_node *node)
{
	f.node = node;
	f.slot = node->slot;
	f.process = pidfd_of(node->pid, node->start_time);
	if (f.process >= 0)
		procfs_each_descriptor(node->pid, look_at, &f);
	if (node->pid == node->slot->pid)
		open_preload(f.gate, node->slot);
	fd_close(&f.process);
}

/* Main processes first: it is their slot that has a hook, and mostly their sockets. */
static void look_into_all(struct gate *g, const struct tree *tree, const struct netdiag_sockets *listening)
{
	struct finder f = { .gate = g, .listening = listening, .until = clock_cpu_ms() + LOOK_MS };

	for (int are_mains = 1; are_mains >= 0; are_mains--)
		for (size_t i = 0; i < tree->count; i++) {
			const struct tree_node *n = &tree->nodes[i];

			if (n->slot && n->slot->gate.number && !n->is_dead &&
				(n->pid == n->slot->pid) == are_mains)
				look_into(f, n);
		}
	if (clock_cpu_ms() >= f.until)
		log_warn("gate: processes have too many descriptors to look through them all");
}

static void find_sockets(struct gate *g, const struct tree *tree)
{
	struct netdiag_sockets listening = NETDIAG_SOCKETS_INIT;
	bool is_known = netdiag_listeners(0, &listening, NULL) == 0;

	if (is_known && listening.len)
		qsort(listening.items, listening.len, sizeof(listening.items[0]), by_inode);
	look_into_all(g, tree, is_known ? &listening : NULL);
	netdiag_release(&listening);
}

static bool is_needed(const struct slots *all)
{
	for (const struct slot *s = all->first; s; s = s->next)
		if (s->gate.number)
			return true;
	return false;
}

/* --- the order --- */

static struct gate_socket *members[GATE_LIST_MAX];
static int fds[GATE_LIST_MAX], order[GATE_LIST_MAX];

static size_t collect(struct gate *g, const struct gate_list *l)
{
	size_t count = 0;

	for (struct gate_socket *h = gate_first(g, l); h && count < GATE_LIST_MAX; h = gate_next(g, h)) {
		members[count] = h;
		fds[count++] = h->fd;
	}
	return count;
}

static bool learn(const struct gate_list *l, size_t count, int64_t until)
{
	while (reuseport_order(fds, count, &l->address, order) < 0) {
		if (clock_ms() >= until)
			return false;
		(void)poll(NULL, 0, LEARN_PAUSE_MS);
	}
	return true;
}

/* Somebody else listens there too, or nothing of this machine can reach it: then the kernel shares connections out among all. */
static void lose(struct gate *g, struct slots *all, const struct gate_list *l, size_t count)
{
	log_warn("gate: the sockets of port %d are not held any more: their order cannot be found",
		l->address.port);
	g->has_lost = true;
	(void)reuseport_detach(fds[0]);
	for (size_t i = 0; i < count; i++) {
		struct slot *s = slots_find(all, members[i]->owner);

		if (s)
			s->gate.unheld = EBUSY;
		gate_release(g, members[i]);
	}
	ASSERT(!l->total, "%d sockets are left of a list that was lost", l->total);
}

static void arrange(struct gate *g, struct slots *all, struct gate_list *l, int64_t until)
{
	size_t count = collect(g, l);

	if (!learn(l, count, until)) {
		lose(g, all, l, count);
		return;
	}
	for (size_t i = 0; i < count; i++) {
		struct gate_socket *h = members[order[i]];
		const struct slot *s = slots_find(all, h->owner);

		h->index = (int)i;
		h->is_chosen = s && s->gate.is_chosen && !h->freed_at;
		gate_announce(g, h);
	}
	l->count = (int)count;
	if (gate_attach(g, l) < 0)
		log_warn_sys(errno, "gate: cannot tell the kernel who gets the connections of port %d",
			l->address.port);
}

bool gate_is_alone(struct gate *g, struct gate_list *l, const struct gate_socket *h)
{
	if (!g->has_lost || l->count > 1)
		return true;
	if (reuseport_order(&h->fd, 1, &l->address, order) == 0)
		return gate_attach(g, l) == 0;
	(void)reuseport_detach(h->fd);
	errno = EBUSY;
	return false;
}

void gate_adopt(struct gate *g, struct slots *all, const struct tree *tree)
{
	int64_t until = clock_ms() + LEARN_MS;

	if (!g)
		return;
	ASSERT(!g->held && !g->hooks, "%d sockets are held before those of the last keeper", g->held);
	gate_ledger_resume(&g->ledger, all);
	if (!is_needed(all))
		return;
	find_sockets(g, tree);
	for (int i = 0; i < g->used_lists; i++)
		if (g->lists[i].total)
			arrange(g, all, &g->lists[i], until);
	for (struct slot *s = all->first; s; s = s->next)
		gate_take_up(all, g, s);
	if (g->held || g->hooks)
		log_info("gate: took over %d sockets and %d hooks of the last keeper", g->held, g->hooks);
}
