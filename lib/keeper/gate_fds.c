#include "keeper/gate_fds.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/log.h"
#include "keeper/gate_private.h"
#include "keeper/slots.h"
#include "os/fd.h"
#include "os/reuseport.h"

/* --- opening --- */

/* Where a socket is to be bound. */
union place {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

/* IPv4 and IPv6, or, where there is no IPv6, the former.  Its owner is the user of the process, as others of its list have him too. */
static int new_socket(const struct keeper_spawn *spawn, uint16_t port, union place *at, socklen_t *len)
{
	static const int yes = 1;
	static const int no = 0;
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memset(at, 0, sizeof(*at));
	if (fd >= 0) {
		at->v6 = (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_port = htons(port) };
		*len = sizeof(at->v6);
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof(no));
	} else {
		fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		at->v4 = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(port) };
		*len = sizeof(at->v4);
	}
	if (fd < 0)
		return -1;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) < 0 || reuseport_share(fd) < 0 ||
		((spawn->flags & KEEPER_SPAWN_USER) && geteuid() == 0 &&
			fchown(fd, (uid_t)spawn->uid, (gid_t)-1) < 0))
		fd_close(&fd);
	return fd;
}

static struct gate_socket *listen_there(
	struct gate *g, const struct slot *s, struct gate_listen *what, const union place *at, socklen_t len)
{
	struct gate_socket *h = NULL;

	if (bind(what->fd, &at->any, len) < 0 || gate_hold(g, s, what) != GATE_HELD)
		return NULL;
	/* The newest of a list is its first. */
	h = gate_first(g, gate_find_list(g, &what->address));
	if (!ASSERT_OR(h && gate_is_owner(h, s), "%s: a socket is held, and not its own", s->name))
		return NULL;
	/* The brain hears of it after it has heard of the process. */
	gate_forget_announced(g, h);
	return h;
}

static struct gate_socket *open_one(
	struct gate *g, const struct slot *s, const struct keeper_spawn *spawn, uint16_t port)
{
	struct gate_listen what = { .backlog = SOMAXCONN };
	struct gate_socket *h = NULL;
	struct gate_list *l = NULL;
	union place at;
	socklen_t len = 0;
	int number = 0;

	what.fd = new_socket(spawn, port, &at, &len);
	if (what.fd < 0 || reuseport_address_of(what.fd, &at, len, &what.address) < 0)
		goto out;
	errno = EADDRINUSE;
	if (gate_is_anothers(g, s->gate.number, &what.address))
		goto out;
	l = gate_find_list(g, &what.address);
	h = l ? gate_find_free(g, l, s, 0) : NULL;
	if (h) {
		gate_take(g, h, s, 0);
		goto out;
	}
	/* Its app may have had another user before. */
	if (l && gate_first(g, l) && reuseport_own_as(what.fd, gate_first(g, l)->fd) < 0)
		log_debug("%s: its socket cannot get the owner of those that are held", s->name);
	h = listen_there(g, s, &what, &at, len);
out:
	number = errno;
	fd_close(&what.fd);
	errno = number;
	return h;
}

int gate_fds_open(struct gate *g, struct slot *s, const struct keeper_spawn *spawn, int fds[KEEPER_PORTS_MAX])
{
	ASSERT(!slot_lives(s), "%s lives before it gets its sockets", s->name);
	if (!g) {
		errno = ENOSYS;
		return -1;
	}
	for (int i = 0; i < s->gate.port_count; i++) {
		struct gate_socket *h = open_one(g, s, spawn, s->gate.ports[i]);

		int number = h && h->index < 0 ? gate_listen_again(g, h, SOMAXCONN) : 0;

		if (number)
			errno = number;
		if (!h || number)
			return -1;
		/* Its last process may have changed that. */
		(void)fd_set_nonblocking(h->fd, false);
		fds[i] = h->fd;
	}
	return 0;
}

/* --- who has them --- */

static void each(
	struct gate *g, struct slot *s, void (*visit)(struct gate *g, struct gate_socket *h, struct slot *s))
{
	for (int i = 0; i < g->used_sockets; i++)
		if (g->sockets[i].number && gate_is_owner(&g->sockets[i], s))
			visit(g, &g->sockets[i], s);
}

static void take(struct gate *g, struct gate_socket *h, struct slot *s)
{
	gate_take(g, h, s, s->pid);
}

static void announce(struct gate *g, struct gate_socket *h, struct slot *s)
{
	(void)s;
	gate_announce(g, h);
}

void gate_fds_born(struct gate *g, struct slot *s)
{
	ASSERT(slot_lives(s), "%s gets its sockets, and has no process", s->name);
	if (s->gate.kind != KEEPER_HOOK_FDS)
		return;
	each(g, s, take);
	gate_note_choice(g, s->gate.number);
}

void gate_fds_tell(struct gate *g, struct slot *s)
{
	if (g && s->gate.number && s->gate.kind == KEEPER_HOOK_FDS)
		each(g, s, announce);
}
