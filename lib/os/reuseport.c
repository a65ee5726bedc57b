#include "os/reuseport.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/fd.h"

/* Of Linux 4.5, 5.3 and 5.6; older headers lack some. */
#ifndef SO_ATTACH_REUSEPORT_CBPF
#define SO_ATTACH_REUSEPORT_CBPF 51
#endif
#ifndef SO_DETACH_REUSEPORT_BPF
#define SO_DETACH_REUSEPORT_BPF 68
#endif
#ifndef SO_BINDTOIFINDEX
#define SO_BINDTOIFINDEX 62
#endif
#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

/* -1 where it cannot be had. */
static int option(int fd, int level, int name)
{
	int value = 0;
	socklen_t len = sizeof(value);

	return getsockopt(fd, level, name, &value, &len) < 0 ? -1 : value;
}

static int set_option(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof(value));
}

enum tcp_kind reuseport_kind(int fd)
{
	int family = option(fd, SOL_SOCKET, SO_DOMAIN);
	int protocol = option(fd, SOL_SOCKET, SO_PROTOCOL);

	if ((family != AF_INET && family != AF_INET6) || option(fd, SOL_SOCKET, SO_TYPE) != SOCK_STREAM)
		return TCP_NONE;
	if (protocol == IPPROTO_MPTCP)
		return TCP_MULTIPATH;
	return protocol == IPPROTO_TCP ? TCP_PLAIN : TCP_NONE;
}

/* Any of the two, aligned. */
union name {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
	struct sockaddr_storage room;
};

static int fill(int fd, const union name *name, size_t len, struct tcp_address *out)
{
	int device = option(fd, SOL_SOCKET, SO_BINDTOIFINDEX);

	memset(out, 0, sizeof(*out));
	out->family = name->any.sa_family;
	out->device = device > 0 ? (uint32_t)device : 0;
	if (len >= sizeof(name->v4) && out->family == AF_INET) {
		out->port = ntohs(name->v4.sin_port);
		memcpy(out->bytes, &name->v4.sin_addr, sizeof(name->v4.sin_addr));
		return 0;
	}
	if (len >= sizeof(name->v6) && out->family == AF_INET6) {
		out->port = ntohs(name->v6.sin6_port);
		memcpy(out->bytes, &name->v6.sin6_addr, sizeof(out->bytes));
		if (IN6_IS_ADDR_UNSPECIFIED(&name->v6.sin6_addr))
			out->is_only_v6 = option(fd, IPPROTO_IPV6, IPV6_V6ONLY) == 1;
		else if (IN6_IS_ADDR_LINKLOCAL(&name->v6.sin6_addr) && name->v6.sin6_scope_id)
			out->device = name->v6.sin6_scope_id;
		return 0;
	}
	errno = EAFNOSUPPORT;
	return -1;
}

int reuseport_address(int fd, struct tcp_address *out)
{
	union name name;
	socklen_t len = sizeof(name);

	memset(&name, 0, sizeof(name));
	return getsockname(fd, &name.any, &len) < 0 ? -1 : fill(fd, &name, len, out);
}

int reuseport_address_of(int fd, const void *bytes, size_t len, struct tcp_address *out)
{
	union name name;

	memset(&name, 0, sizeof(name));
	memcpy(&name, bytes, len < sizeof(name) ? len : sizeof(name));
	/* The kernel takes "any" for IPv4, as programs have always done. */
	if (name.any.sa_family == AF_UNSPEC && option(fd, SOL_SOCKET, SO_DOMAIN) == AF_INET)
		name.any.sa_family = AF_INET;
	if (name.any.sa_family != option(fd, SOL_SOCKET, SO_DOMAIN)) {
		errno = EAFNOSUPPORT;
		return -1;
	}
	return fill(fd, &name, len, out);
}

bool tcp_address_equal(const struct tcp_address *a, const struct tcp_address *b)
{
	return !memcmp(a, b, sizeof(*a));
}

static bool is_any(const struct tcp_address *a)
{
	static const uint8_t any[sizeof(a->bytes)];

	return !memcmp(a->bytes, any, sizeof(any));
}

/* "::" for both, or an IPv4 address in the clothes of IPv6. */
bool tcp_address_takes_ipv4(const struct tcp_address *a)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	if (a->family == AF_INET)
		return true;
	return is_any(a) ? !a->is_only_v6 : !memcmp(a->bytes, mapped, sizeof(mapped));
}

bool tcp_address_overlaps(const struct tcp_address *a, const struct tcp_address *b)
{
	if (a->port != b->port || (a->device && b->device && a->device != b->device))
		return false;
	if (a->family != b->family)
		return tcp_address_takes_ipv4(a->family == AF_INET6 ? a : b);
	return is_any(a) || is_any(b) || !memcmp(a->bytes, b->bytes, sizeof(a->bytes));
}

int reuseport_plain(int fd)
{
	int family = option(fd, SOL_SOCKET, SO_DOMAIN);
	int plain = socket(family, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP);
	int only_v6 = option(fd, IPPROTO_IPV6, IPV6_V6ONLY);
	struct stat owner;

	if (plain < 0)
		return -1;
	if (fstat(fd, &owner) < 0 ||
		(owner.st_uid != geteuid() && fchown(plain, owner.st_uid, (gid_t)-1) < 0) ||
		set_option(plain, SOL_SOCKET, SO_REUSEADDR, option(fd, SOL_SOCKET, SO_REUSEADDR) == 1) < 0 ||
		(family == AF_INET6 && set_option(plain, IPPROTO_IPV6, IPV6_V6ONLY, only_v6 == 1) < 0))
		fd_close(&plain);
	return plain;
}

int reuseport_share(int fd)
{
	return set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
}

int reuseport_own_as(int fd, int other)
{
	struct stat own;
	struct stat wanted;

	if (fstat(fd, &own) < 0 || fstat(other, &wanted) < 0)
		return -1;
	return own.st_uid == wanted.st_uid ? 0 : fchown(fd, wanted.st_uid, (gid_t)-1);
}

bool reuseport_listens(int fd)
{
	return option(fd, SOL_SOCKET, SO_ACCEPTCONN) == 1;
}

bool reuseport_may_listen(int fd)
{
	struct tcp_info info;
	socklen_t len = sizeof(info);

	memset(&info, 0, sizeof(info));
	return reuseport_listens(fd) ||
		(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) == 0 && info.tcpi_state == TCP_CLOSE);
}

int reuseport_queue(int fd)
{
	struct tcp_info info;
	socklen_t len = sizeof(info);

	memset(&info, 0, sizeof(info));
	/* Of a listening socket the kernel has the length of its queue there. */
	return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) < 0 ? -1 : (int)info.tcpi_unacked;
}

void reuseport_reset_queue(int fd, int most)
{
	if (fd_set_nonblocking(fd, true) < 0)
		return;
	for (int i = 0; i < most; i++) {
		/* cppcheck-suppress nullPointer */
		int got = accept4(fd, NULL, NULL, SOCK_CLOEXEC);

		if (got < 0)
			return;
		fd_close(&got);
	}
}

int reuseport_attach(int fd, const void *steps, size_t count)
{
	struct sock_fprog program = {
		.len = (unsigned short)count,
		.filter = (struct sock_filter *)steps,
	};

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program, sizeof(program));
}

int reuseport_detach(int fd)
{
	return set_option(fd, SOL_SOCKET, SO_DETACH_REUSEPORT_BPF, 0);
}

void reuseport_stop(int fd)
{
	(void)shutdown(fd, SHUT_RDWR);
}

void reuseport_close(int *fd)
{
	static const struct linger none = { .l_onoff = 0 };

	/* Connections get this option from what listens. */
	if (*fd >= 0 && !reuseport_listens(*fd))
		(void)setsockopt(*fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
	fd_close(fd);
}
