/* Which of the free sockets the next process of a place gets, and how many a place may have. */
#include "base/assert.h"
#include "keeper/gate_private.h"
#include "keeper/slots.h"
#include "os/clock.h"
#include "os/netdiag.h"
#include "os/procfs.h"
#include "os/reuseport.h"

enum { LOOK_MS = 5 }; /* of processor time, through the descriptors of one process */

struct looking {
	struct gate *gate;
	const struct gate_list *list;
};

static bool mark_held(void *context, uint32_t inode)
{
	struct looking *l = context;

	for (struct gate_socket *h = gate_first(l->gate, l->list); h; h = gate_next(l->gate, h))
		h->is_selected |= (uint32_t)h->inode == inode;
	return true;
}

/* Those of a list that a process has open are selected.  False: not in time, and nothing is known. */
static bool select_held(struct gate *g, const struct gate_list *l, pid_t pid)
{
	struct looking looking = { .gate = g, .list = l };
	int64_t until = clock_cpu_ms() + LOOK_MS;

	for (struct gate_socket *h = gate_first(g, l); h; h = gate_next(g, h))
		h->is_selected = false;
	netdiag_pid_sockets(pid, until, mark_held, &looking);
	return clock_cpu_ms() < until;
}

static bool is_gone(const struct gate_socket *h)
{
	struct proc p;

	return !procfs_read(h->pid, &p) || p.start_time != h->start_time || p.state == 'Z';
}

/*
 * A socket that its process has closed before it binds anew, as those do that try a port first; or the one of a process in the same tree that is gone.
 * The descriptors are looked through once, as a process may have many of both.
 */
static struct gate_socket *find_abandoned(
	struct gate *g, const struct gate_list *l, const struct slot *s, pid_t pid)
{
	bool has_looked = false;
	bool is_known = false;

	for (struct gate_socket *h = gate_first(g, l); h; h = gate_next(g, h)) {
		if (h->freed_at || !gate_is_owner(h, s))
			continue;
		if (h->pid == pid && !has_looked) {
			is_known = select_held(g, l, pid);
			has_looked = true;
		}
		if ((h->pid == pid ? is_known && !h->is_selected : is_gone(h)) && reuseport_may_listen(h->fd))
			return h;
	}
	return NULL;
}

/* The later freed the better: it may have connections that wait.  Of the spare ones the first, so that lists may become shorter. */
static bool is_better(const struct gate_socket *h, const struct gate_socket *than)
{
	if (!than || h->is_spare != than->is_spare)
		return !than || than->is_spare;
	return h->is_spare ? h->index < than->index : h->freed_at > than->freed_at;
}

struct gate_socket *gate_find_free(struct gate *g, const struct gate_list *l, const struct slot *s, pid_t pid)
{
	struct gate_socket *best = find_abandoned(g, l, s, pid);

	ASSERT(s->gate.number == l->gate, "%s looks for a socket of gate %lld", s->name, (long long)l->gate);
	if (best)
		return best;
	for (struct gate_socket *h = gate_first(g, l); h; h = gate_next(g, h)) {
		bool is_free = h->freed_at && (h->is_spare || h->place == s->gate.place);

		/* Its process may have made a connection of it, which nobody can listen at. */
		if (is_free && is_better(h, best) && reuseport_may_listen(h->fd))
			best = h;
	}
	return best;
}

static int count_of_place(struct gate *g, const struct gate_list *l, int64_t place)
{
	int count = 0;

	for (struct gate_socket *h = gate_first(g, l); h; h = gate_next(g, h))
		count += h->place == place && !h->is_spare;
	return count;
}

bool gate_is_full(struct gate *g, const struct slot *s, const struct gate_list *l)
{
	int sockets = 0;
	int others = 0;

	for (int i = 0; i < g->used_lists; i++) {
		const struct gate_list *one = &g->lists[i];
		bool is_its = one->total && one->gate == s->gate.number;
		int count = is_its ? count_of_place(g, one, s->gate.place) : 0;

		sockets += count;
		others += count && one != l;
	}
	ASSERT(sockets <= g->held, "%d sockets are counted of %d", sockets, g->held);
	return sockets >= GATE_PLACE_MAX || others >= GATE_PLACE_LISTS_MAX;
}
