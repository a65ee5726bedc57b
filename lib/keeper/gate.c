#include "keeper/gate.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/log.h"
#include "keeper/gate_fds.h"
#include "keeper/gate_preload.h"
#include "keeper/gate_private.h"
#include "keeper/slots.h"
#include "os/bind_hook.h"
#include "os/fd.h"
#include "os/procfs.h"

static struct gate gate = { .epoll = -1 };

struct gate *gate_open(void)
{
	struct gate *g = &gate;

	ASSERT(g->epoll < 0 && !g->held, "a second gate is opened, and %d sockets are held", g->held);
	bind_hook_prepare();
	g->epoll = epoll_create1(EPOLL_CLOEXEC);
	g->free_socket = g->first_pending = g->last_pending = g->ledger.fd = -1;
	return g;
}

void gate_close(struct gate *g)
{
	if (!g)
		return;
	for (int i = 0; i < g->used_sockets; i++)
		if (g->sockets[i].number)
			gate_release(g, &g->sockets[i]);
	ASSERT(!g->held && !g->hooks && g->first_pending < 0, "%d sockets and %d hooks are left of the gate",
		g->held, g->hooks);
	gate_ledger_close(&g->ledger);
	fd_close(&g->epoll);
}

/* --- records --- */

static int index_of(const struct gate *g, const struct gate_socket *h)
{
	return (int)(h - g->sockets);
}

struct gate_socket *gate_find(struct gate *g, int64_t number)
{
	struct gate_socket *h = &g->sockets[number % GATE_SOCKETS_MAX];

	return number > 0 && h->number == number ? h : NULL;
}

struct gate_list *gate_list_of(struct gate *g, const struct gate_socket *h)
{
	ASSERT(h->number && g->lists[h->list].total > 0, "socket %lld stands in no list",
		(long long)h->number);
	return &g->lists[h->list];
}

struct gate_socket *gate_first(struct gate *g, const struct gate_list *l)
{
	return l->first < 0 ? NULL : &g->sockets[l->first];
}

struct gate_socket *gate_next(struct gate *g, const struct gate_socket *h)
{
	return h->next < 0 ? NULL : &g->sockets[h->next];
}

struct gate_list *gate_find_list(struct gate *g, const struct tcp_address *address)
{
	for (int i = 0; i < g->used_lists; i++)
		if (g->lists[i].total && tcp_address_equal(&g->lists[i].address, address))
			return &g->lists[i];
	return NULL;
}

bool gate_is_anothers(const struct gate *g, int64_t number, const struct tcp_address *address)
{
	for (int i = 0; i < g->used_lists; i++)
		if (g->lists[i].total && g->lists[i].gate != number &&
			tcp_address_overlaps(&g->lists[i].address, address))
			return true;
	return false;
}

struct gate_socket *gate_find_inode(struct gate *g, const struct gate_list *l, uint64_t inode)
{
	struct gate_socket *h = gate_first(g, l);

	while (h && h->inode != inode)
		h = gate_next(g, h);
	return h;
}

struct gate_list *gate_new_list(struct gate *g, int64_t number, const struct tcp_address *address)
{
	int i = 0;

	ASSERT(number > 0, "a list is made for gate %lld", (long long)number);
	while (i < g->used_lists && g->lists[i].total)
		i++;
	if (i == GATE_LISTS_MAX)
		return NULL;
	if (i == g->used_lists)
		g->used_lists++;
	g->lists[i] = (struct gate_list){ .address = *address, .gate = number, .first = -1 };
	return &g->lists[i];
}

struct gate_socket *gate_new_socket(struct gate *g, struct gate_list *l, int fd)
{
	struct gate_socket *h = NULL;
	struct stat st;
	int i = g->free_socket;

	if (fstat(fd, &st) < 0 || (i < 0 && g->used_sockets == GATE_SOCKETS_MAX))
		return NULL;
	if (i >= 0)
		g->free_socket = g->sockets[i].next;
	else
		i = g->used_sockets++;
	h = &g->sockets[i];
	ASSERT(!h->number, "the record of socket %lld is given away", (long long)h->number);
	*h = (struct gate_socket){
		.number = (int64_t)(++g->serial * GATE_SOCKETS_MAX) + i,
		.inode = st.st_ino,
		.fd = fd,
		.list = (int)(l - g->lists),
		.next = l->first,
		.next_pending = -1,
		.index = -1,
	};
	l->first = i;
	l->total++;
	g->held++;
	return h;
}

static void unlink_pending(struct gate *g, struct gate_socket *h)
{
	int *link = &g->first_pending;
	int before = -1;

	if (!h->is_pending)
		return;
	while (*link >= 0 && *link != index_of(g, h)) {
		before = *link;
		link = &g->sockets[before].next_pending;
	}
	if (!ASSERT_OR(*link >= 0, "socket %lld is pending, and not in the queue", (long long)h->number))
		return;
	*link = h->next_pending;
	if (g->last_pending == index_of(g, h))
		g->last_pending = before;
	h->next_pending = -1;
	h->is_pending = false;
}

void gate_release(struct gate *g, struct gate_socket *h)
{
	struct gate_list *l = gate_list_of(g, h);
	int *link = &l->first;

	while (*link >= 0 && *link != index_of(g, h))
		link = &g->sockets[*link].next;
	if (!ASSERT_OR(*link >= 0, "socket %lld is released, and not in its list", (long long)h->number))
		return;
	*link = h->next;
	unlink_pending(g, h);
	l->total--;
	g->held--;
	/* Its process may have made a connection of it, which lingers. */
	bind_hook_close(&h->fd);
	h->number = 0;
	h->next = g->free_socket;
	g->free_socket = index_of(g, h);
	ASSERT(l->total >= 0 && !l->total == (l->first < 0) && g->held >= 0,
		"%d sockets are left in a list, %d in all", l->total, g->held);
}

/* --- messages to the brain --- */

void gate_announce(struct gate *g, struct gate_socket *h)
{
	int i = index_of(g, h);

	ASSERT(h->number, "an unused record is announced");
	if (h->is_pending || h->is_spare)
		return;
	h->is_announced = h->is_pending = true;
	h->next_pending = -1;
	*(g->last_pending >= 0 ? &g->sockets[g->last_pending].next_pending : &g->first_pending) = i;
	g->last_pending = i;
}

struct gate_socket *gate_pending(const struct gate *g)
{
	return g->first_pending < 0 ? NULL : (struct gate_socket *)&g->sockets[g->first_pending];
}

int64_t gate_number(const struct gate *g, const struct gate_socket *h)
{
	return g->lists[h->list].gate;
}

void gate_told(struct gate *g)
{
	if (!ASSERT_OR(g->first_pending >= 0, "nothing of the gate is pending, and it was sent"))
		return;
	unlink_pending(g, &g->sockets[g->first_pending]);
}

void gate_tell_all(struct gate *g)
{
	for (int i = 0; i < g->used_sockets; i++)
		if (g->sockets[i].number && g->sockets[i].is_announced)
			gate_announce(g, &g->sockets[i]);
	ASSERT((g->first_pending < 0) == (g->last_pending < 0), "the queue of the gate has no end");
}

void gate_forget_announced(struct gate *g, struct gate_socket *h)
{
	unlink_pending(g, h);
	h->is_announced = false;
}

/* --- who has a socket --- */

bool gate_is_owner(const struct gate_socket *h, const struct slot *s)
{
	return h->owner.slot == s->ticket.slot && h->owner.generation == s->ticket.generation;
}

void gate_take(struct gate *g, struct gate_socket *h, const struct slot *s, pid_t pid)
{
	struct proc p;

	ASSERT(s->gate.number, "%s is behind no gate, and takes socket %lld", s->name, (long long)h->number);
	h->owner = s->ticket;
	h->place = s->gate.place;
	h->pid = pid;
	h->start_time = procfs_read(pid, &p) ? p.start_time : 0;
	h->is_spare = false;
	h->freed_at = slot_lives(s) ? 0 : ++g->frees;
}

/* --- listening --- */

static enum gate_held unheld(struct gate *g, struct gate_list *l, struct gate_socket *h, int number)
{
	ASSERT(number > 0, "a socket cannot be held for error %d", number);
	/* The descriptor is the caller's again. */
	if (h) {
		h->fd = -1;
		gate_release(g, h);
	}
	ASSERT(!l || l->total >= 0, "a list has %d sockets", l ? l->total : 0);
	errno = number;
	return GATE_UNHELD;
}

/*
 * The kernel's list has it at its end from now on.  The program comes after it began to listen, also where it is the first: with a program before, the
 * kernel refuses it beside sockets of an address that contains its own.  -1 with errno when there can be none.
 */
static int append(struct gate *g, struct gate_list *l, struct gate_socket *h)
{
	int number = 0;

	ASSERT(h->index < 0 && l->count < GATE_LIST_MAX, "socket %lld is number %d of a list",
		(long long)h->number, l->count);
	h->index = l->count++;
	h->is_chosen = !h->index;
	if (gate_attach(g, l) == 0)
		return 0;
	number = errno;
	log_warn_sys(number, "gate: cannot tell the kernel of the sockets at port %d", l->address.port);
	errno = number;
	return -1;
}

enum gate_held gate_hold(struct gate *g, const struct slot *s, struct gate_listen *what)
{
	struct gate_list *l = gate_find_list(g, &what->address);
	struct gate_socket *h = NULL;

	if (!ASSERT_OR(s->gate.number, "%s is behind no gate, and a socket of its is to be held", s->name))
		return unheld(g, l, NULL, EINVAL);
	if ((l && l->count == GATE_LIST_MAX) || gate_is_full(g, s, l))
		return unheld(g, l, NULL, EMFILE);
	if (reuseport_share(what->fd) < 0)
		return unheld(g, l, NULL, errno);
	if (!l)
		l = gate_new_list(g, s->gate.number, &what->address);
	h = l ? gate_new_socket(g, l, what->fd) : NULL;
	if (!h)
		return unheld(g, l, NULL, ENOSPC);
	if (listen(what->fd, what->backlog) < 0) {
		(void)unheld(g, l, h, errno);
		return GATE_REFUSED;
	}
	gate_take(g, h, s, what->pid);
	if ((append(g, l, h) < 0 || !gate_is_alone(g, l, h)) && l->count == 1) {
		l->count = 0;
		return unheld(g, l, h, errno);
	}
	what->fd = -1;
	gate_announce(g, h);
	return GATE_HELD;
}

int gate_listen_again(struct gate *g, struct gate_socket *h, int backlog)
{
	struct gate_list *l = gate_list_of(g, h);

	if (h->index >= 0 && !reuseport_listens(h->fd))
		gate_move_out(g, h);
	if (listen(h->fd, backlog) < 0)
		return errno;
	if (h->index < 0) {
		(void)append(g, l, h);
		gate_announce(g, h);
	}
	ASSERT(h->index < l->count, "socket %lld is number %d of %d", (long long)h->number, h->index,
		l->count);
	return 0;
}

/* --- slots --- */

void gate_enter(struct gate *g, struct slot *s, const struct keeper_msg *m)
{
	ASSERT(!s->gate.number && m->spawn.port_count <= KEEPER_PORTS_MAX, "%s is behind two gates", s->name);
	s->gate.number = m->gate;
	s->gate.place = m->place;
	s->gate.kind = (int)m->spawn.hook;
	for (size_t i = 0; i < m->spawn.port_count && i < KEEPER_PORTS_MAX; i++)
		s->gate.ports[s->gate.port_count++] = (uint16_t)m->spawn.ports[i];
	gate_ledger_note(&g->ledger, s);
}

void gate_hooked(struct gate *g, struct slot *s, int *hook)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = s };

	if (ASSERT_OR(g && s->gate.number && s->gate.hook < 0, "%s has a hook already", s->name) &&
		epoll_ctl(g->epoll, EPOLL_CTL_ADD, *hook, &event) == 0) {
		s->gate.hook = *hook;
		*hook = -1;
		g->hooks++;
		return;
	}
	log_warn_sys(errno, "%s: cannot see where it listens", s->name);
	fd_close(hook);
}

void gate_unhook(struct gate *g, struct slot *s)
{
	if (s->gate.hook < 0)
		return;
	gate_preload_hang_up(g, s);
	/* By hand: its process has a copy, and would keep it watched. */
	(void)epoll_ctl(g->epoll, EPOLL_CTL_DEL, s->gate.hook, NULL);
	bind_hook_close(&s->gate.hook);
	g->hooks--;
	ASSERT(g->hooks >= 0, "%d hooks are counted", g->hooks);
}

void gate_ended(struct gate *g, struct slot *s)
{
	if (!g || !s->gate.number)
		return;
	ASSERT(!slot_is_brain(s), "the brain is behind gate %lld", (long long)s->gate.number);
	for (int i = 0; i < g->used_lists; i++) {
		struct gate_list *l = &g->lists[i];
		uint64_t before = g->frees;

		if (!l->total || l->gate != s->gate.number)
			continue;
		for (struct gate_socket *h = gate_first(g, l); h; h = gate_next(g, h))
			if (gate_is_owner(h, s) && !h->freed_at)
				h->freed_at = ++g->frees;
		if (g->frees != before)
			gate_leave_choice(g, l, before);
	}
	if (s->has_failure)
		gate_fds_tell(g, s);
}

void gate_forget(struct gate *g, struct slot *s)
{
	if (g) {
		gate_unhook(g, s);
		gate_ledger_erase(&g->ledger, s);
	}
	ASSERT(s->gate.hook < 0, "%s is forgotten, and its hook is open", s->name);
}
