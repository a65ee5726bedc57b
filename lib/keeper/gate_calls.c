/* What processes behind the gate do: their binds and listens, one after the other, never many of one of them at a time. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/stat.h>

#include "base/assert.h"
#include "base/log.h"
#include "keeper/close_apart.h"
#include "keeper/gate_preload.h"
#include "keeper/gate_private.h"
#include "keeper/slots.h"
#include "os/bind_hook.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/preload_hook.h"

enum {
	SLOTS_A_TURN = 16,
	CALLS_A_SLOT = 8,
	TURN_US = 3000, /* then the keeper does its other work */
};

/* How a call is answered: an errno, 0, or the kernel carries it out. */
enum { CONTINUE = (int)PRELOAD_CONTINUE };

/* What is known of a call. */
struct caller {
	struct slots *all;
	struct gate *gate;
	struct slot *slot;
	struct bind_call call;
	int given; /* by the answer to a library; -1 */
};

bool gate_has_port(const struct slot *s, int port)
{
	for (int i = 0; i < s->gate.port_count; i++)
		if (s->gate.ports[i] == port)
			return true;
	return false;
}

static uint64_t inode_of(int fd)
{
	struct stat st;

	return fstat(fd, &st) < 0 ? 0 : st.st_ino;
}

static bool is_of_library(const struct caller *c)
{
	return c->slot->gate.kind == KEEPER_HOOK_PRELOAD;
}

/* --- bind --- */

/* This one stands in place of its own when it has its answer, or before.  -1: it does not. */
static int replace(struct caller *c, int fd)
{
	if (!is_of_library(c))
		return bind_hook_replace(c->slot->gate.hook, &c->call, fd);
	fd_close(&c->given);
	c->given = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	return c->given < 0 ? -1 : 0;
}

/* It gets a held socket in place of its own. */
static int give(struct caller *c, struct gate_socket *h)
{
	struct slot *s = c->slot;

	ASSERT(h->fd >= 0 && s->gate.hook >= 0, "%s gets socket %lld", s->name, (long long)h->number);
	if (replace(c, h->fd) < 0)
		return CONTINUE;
	gate_take(c->gate, h, s, c->call.pid);
	return 0;
}

/* Its app may have had another user before: what is held already is that user's. */
static int share(const struct caller *c, const struct gate_list *l, int fd)
{
	const struct gate_socket *held = l ? gate_first(c->gate, l) : NULL;

	if (held && reuseport_own_as(fd, held->fd) < 0)
		log_debug("%s: its socket cannot get the owner of those that are held", c->slot->name);
	return reuseport_share(fd);
}

/* The kernel binds what stands at that number then. */
static int replace_multipath(struct caller *c, const struct gate_list *l)
{
	int plain = reuseport_plain(c->call.socket);

	if (plain >= 0 && share(c, l, plain) == 0)
		(void)replace(c, plain);
	fd_close(&plain);
	return CONTINUE;
}

static int do_bind(struct caller *c)
{
	const struct bind_call *call = &c->call;
	enum tcp_kind kind = reuseport_kind(call->socket);
	struct slot *s = c->slot;
	struct gate_socket *h = NULL;
	struct gate_list *l = NULL;
	struct tcp_address address;

	if (kind == TCP_NONE || !call->len || !slot_lives(s) ||
		reuseport_address_of(call->socket, call->address, call->len, &address) < 0 ||
		!gate_has_port(s, address.port))
		return CONTINUE;
	/* Then the kernel refuses it. */
	if (gate_is_anothers(c->gate, s->gate.number, &address))
		return CONTINUE;
	l = gate_find_list(c->gate, &address);
	/* A signal has interrupted a bind that was answered already; under a library none does. */
	if (l && (h = gate_find_inode(c->gate, l, inode_of(call->socket))))
		return gate_is_owner(h, s) && !is_of_library(c) ? 0 : CONTINUE;
	if (l && (h = gate_find_free(c->gate, l, s, call->pid)))
		return give(c, h);
	if (kind == TCP_MULTIPATH)
		return replace_multipath(c, l);
	(void)share(c, l, call->socket);
	return CONTINUE;
}

/* --- listen --- */

/* The brain gets a message; where others are at that address it would change their order, and is refused. */
static int listen_unheld(struct caller *c, const struct gate_list *l, int number)
{
	struct slot *s = c->slot;

	ASSERT(number > 0, "%s listens where it cannot be held, for error %d", s->name, number);
	if (!s->gate.unheld)
		log_warn_sys(number, "%s: the gate cannot hold where it listens", s->name);
	s->gate.unheld = number;
	slots_set_pending(c->all, s, PENDING_UNHELD);
	return l ? EADDRINUSE : CONTINUE;
}

static int hold(struct caller *c, const struct tcp_address *address)
{
	struct gate_listen what = {
		.fd = c->call.socket,
		.pid = c->call.pid,
		.backlog = c->call.backlog,
		.address = *address,
	};
	enum gate_held held = gate_hold(c->gate, c->slot, &what);
	int number = errno;

	c->call.socket = what.fd;
	ASSERT((held == GATE_HELD) == (what.fd < 0), "%s: its socket is %d after it was held", c->slot->name,
		what.fd);
	if (held == GATE_HELD)
		gate_note_choice(c->gate, c->slot->gate.number);
	if (held == GATE_UNHELD)
		return listen_unheld(c, gate_find_list(c->gate, address), number);
	return held == GATE_HELD ? 0 : number;
}

static int do_listen(struct caller *c)
{
	const struct bind_call *call = &c->call;
	enum tcp_kind kind = reuseport_kind(call->socket);
	struct gate_socket *h = NULL;
	struct gate_list *l = NULL;
	struct tcp_address address;
	int number = 0;

	if (kind == TCP_NONE || reuseport_address(call->socket, &address) < 0 ||
		!gate_has_port(c->slot, address.port))
		return CONTINUE;
	l = gate_find_list(c->gate, &address);
	h = l ? gate_find_inode(c->gate, l, inode_of(call->socket)) : NULL;
	if (h) {
		number = gate_listen_again(c->gate, h, call->backlog);
		if (!number && gate_is_owner(h, c->slot)) {
			gate_announce(c->gate, h);
			gate_note_choice(c->gate, c->slot->gate.number);
		}
		return number;
	}
	if (gate_is_anothers(c->gate, c->slot->gate.number, &address))
		return EADDRINUSE;
	/* It came with it from elsewhere, and stands where it stands. */
	if (reuseport_listens(call->socket))
		return CONTINUE;
	/* Nobody follows what comes from a process that has ended, and no list gets one more that is not held. */
	if (!slot_lives(c->slot))
		return l ? EADDRINUSE : CONTINUE;
	if (kind == TCP_MULTIPATH)
		return listen_unheld(c, l, EOPNOTSUPP);
	return hold(c, &address);
}

/* --- shutdown --- */

/* It would take a held socket from all who have it; only a library tells of it. */
static int do_shutdown(struct caller *c)
{
	struct gate_list *l = NULL;
	struct tcp_address address;
	int plain = -1;
	int number = CONTINUE;

	if (reuseport_kind(c->call.socket) != TCP_PLAIN || reuseport_address(c->call.socket, &address) < 0)
		return CONTINUE;
	l = gate_find_list(c->gate, &address);
	if (!l || !gate_find_inode(c->gate, l, inode_of(c->call.socket)))
		return CONTINUE;
	plain = reuseport_plain(c->call.socket);
	if (plain >= 0 && replace(c, plain) == 0)
		number = 0;
	fd_close(&plain);
	return number;
}

/* --- calls --- */

static int carry_out(struct caller *c)
{
	if (c->call.socket < 0)
		return CONTINUE;
	if (c->call.is_shutdown)
		return do_shutdown(c);
	return c->call.is_listen ? do_listen(c) : do_bind(c);
}

/* It was a socket when we looked, and something else when we took it: that is done on purpose. */
static void cut_off(struct caller *c)
{
	log_warn("%s: it gives the gate files for sockets, which does not see any more where it listens",
		c->slot->name);
	gate_unhook(c->gate, c->slot);
}

static void handle(struct caller *c)
{
	bool is_file = c->call.socket >= 0 && !close_is_socket(c->call.socket);
	int hook = c->slot->gate.hook;
	int number = is_file ? CONTINUE : carry_out(c);

	ASSERT(number >= CONTINUE, "%s: its call is answered with %d", c->slot->name, number);
	if (is_of_library(c))
		gate_preload_answer(c->gate, c->slot, number, c->given);
	else if (number == CONTINUE)
		bind_hook_continue(hook, &c->call);
	else
		bind_hook_answer(hook, &c->call, number);
	fd_close(&c->given);
	close_apart(&c->call.socket);
	if (is_file)
		cut_off(c);
}

static bool receive_from_library(struct caller *c)
{
	enum gate_preload_next next = gate_preload_receive(c->all, c->gate, c->slot, &c->call);

	if (next == PRELOAD_NEXT_CALL)
		handle(c);
	return next != PRELOAD_NEXT_NONE;
}

/* One call; false when there is none. */
static bool receive_one(struct caller *c)
{
	struct slot *s = c->slot;
	int got = 0;

	if (s->gate.hook < 0)
		return false;
	if (is_of_library(c))
		return receive_from_library(c);
	got = bind_hook_receive(s->gate.hook, &c->call);
	ASSERT(got <= 1, "%s: %d calls came at once", s->name, got);
	if (got > 0) {
		gate_ledger_note_call(&c->gate->ledger, s, &c->call);
		(void)bind_hook_take_up(s->gate.hook, &c->call);
		handle(c);
	}
	if (got >= 0)
		return got;
	if (errno == EBUSY) {
		log_warn(
			"%s: another process takes the calls of its filter; the gate does not see any more where "
			"it listens",
			s->name);
		s->gate.unheld = EBUSY;
		slots_set_pending(c->all, s, PENDING_UNHELD);
	}
	gate_unhook(c->gate, s);
	return false;
}

void gate_receive(
	struct slots *all, struct gate *g, void (*before)(void *context, struct slot *s), void *context)
{
	struct epoll_event events[SLOTS_A_TURN];
	int64_t limit = clock_us() + TURN_US;
	int count = epoll_wait(g->epoll, events, SLOTS_A_TURN, 0);

	for (int i = 0; i < count && clock_us() < limit; i++) {
		struct caller c = { .all = all, .gate = g, .slot = events[i].data.ptr, .given = -1 };

		if (!ASSERT_OR(c.slot->gate.hook >= 0, "%s has no hook, and calls come", c.slot->name))
			continue;
		/* Its exec is reported before its first socket. */
		before(context, c.slot);
		for (int calls = 0; calls < CALLS_A_SLOT && clock_us() < limit && receive_one(&c); calls++)
			;
	}
}

void gate_take_up(struct slots *all, struct gate *g, struct slot *s)
{
	struct caller c = { .all = all, .gate = g, .slot = s, .given = -1 };

	if (s->gate.hook >= 0 && s->gate.kind == KEEPER_HOOK_SECCOMP &&
		gate_ledger_call(&g->ledger, s, &c.call) && bind_hook_take_up(s->gate.hook, &c.call))
		handle(&c);
}
