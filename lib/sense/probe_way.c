/*
 * Where a check over the network goes: to an address, or, behind a gate, to one of the sockets that listen there.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "os/fd.h"
#include "rules/gate_program.h"
#include "sense/probe_private.h"

#define MARK_NET 0x7f4d0000U /* 127.77.0.0 */

static struct probe_way *add(struct probe *p, int family, int port)
{
	struct probe_way *way = &p->ways[p->way_count++];

	memset(way, 0, sizeof(*way));
	way->traffic_class = -1;
	if (family == AF_INET6) {
		way->to.six.sin6_family = AF_INET6;
		way->to.six.sin6_port = htons((uint16_t)port);
	} else {
		way->to.four.sin_family = AF_INET;
		way->to.four.sin_port = htons((uint16_t)port);
	}
	return way;
}

void probe_way_add(struct probe *p, bool is_ipv6, const char *host, int port)
{
	struct probe_way *way = add(p, is_ipv6 ? AF_INET6 : AF_INET, port);

	if (is_ipv6)
		(void)inet_pton(AF_INET6, host, &way->to.six.sin6_addr);
	else
		(void)inet_pton(AF_INET, host, &way->to.four.sin_addr);
}

/* --- behind a gate ---------------------------------------------------------------------------------------------------- */

static void add_held_ipv4(struct probe *p, const struct probe_held *h)
{
	struct probe_way *way = add(p, AF_INET, h->address.port);
	/* The last four bytes are the address also where it stands in one of IPv6, and 0 of "::". */
	const uint8_t *bytes = h->address.bytes + (h->address.family == AF_INET ? 0 : 12);

	memcpy(&way->to.four.sin_addr, bytes, sizeof(way->to.four.sin_addr));
	if (!way->to.four.sin_addr.s_addr)
		way->to.four.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	way->from.s_addr = htonl(MARK_NET + gate_mark_address(h->index));
	way->inode = h->inode;
}

static void add_held_ipv6(struct probe *p, const struct probe_held *h)
{
	struct probe_way *way = add(p, AF_INET6, h->address.port);

	memcpy(&way->to.six.sin6_addr, h->address.bytes, sizeof(way->to.six.sin6_addr));
	if (IN6_IS_ADDR_UNSPECIFIED(&way->to.six.sin6_addr))
		way->to.six.sin6_addr = in6addr_loopback;
	if (IN6_IS_ADDR_LINKLOCAL(&way->to.six.sin6_addr))
		way->to.six.sin6_scope_id = h->address.device;
	way->traffic_class = gate_mark_class(h->index);
	way->inode = h->inode;
}

/* Does it listen where that host is asked for? */
static bool is_meant(const struct probe_way *way, const struct probe_held *h, bool is_ipv6, const char *host)
{
	static const uint8_t any[sizeof(h->address.bytes)];
	struct in6_addr wanted;

	if (!host)
		return true;
	if (is_ipv6 != (way->to.any.sa_family == AF_INET6))
		return false;
	if (!memcmp(h->address.bytes, any, sizeof(any)))
		return true;
	if (inet_pton(way->to.any.sa_family, host, &wanted) != 1)
		return false;
	return is_ipv6 ? !memcmp(&wanted, &way->to.six.sin6_addr, sizeof(way->to.six.sin6_addr))
		       : !memcmp(&wanted, &way->to.four.sin_addr, sizeof(way->to.four.sin_addr));
}

/* Of a socket that takes both, IPv4 is the way: its marks reach more of them. */
void probe_way_add_held(struct probe *p, const struct probe_helds *held, bool is_ipv6, const char *host)
{
	for (size_t i = 0; i < held->len && p->way_count < PROBE_HELD_MAX; i++) {
		const struct probe_held *h = &held->items[i];

		if (tcp_address_takes_ipv4(&h->address))
			add_held_ipv4(p, h);
		else
			add_held_ipv6(p, h);
		if (!is_meant(&p->ways[p->way_count - 1], h, is_ipv6, host))
			p->way_count--;
	}
}

/* The port is taken at connect, where many may have the same. */
static int bind_to(int fd, const struct sockaddr *from, socklen_t len)
{
	const int on = 1;

	(void)setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
	return bind(fd, from, len);
}

static int mark(int fd, const struct probe_way *way)
{
	const struct sockaddr_in from = { .sin_family = AF_INET, .sin_addr = way->from };
	const struct sockaddr_in6 self = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };

	if (!way->inode)
		return 0;
	if (way->to.any.sa_family == AF_INET)
		return bind_to(fd, (const struct sockaddr *)&from, sizeof(from));
	if (way->traffic_class < 0) {
		errno = EADDRNOTAVAIL;
		return -1;
	}
	if (setsockopt(fd, IPPROTO_IPV6, IPV6_TCLASS, &way->traffic_class, sizeof(way->traffic_class)) < 0)
		return -1;
	return bind_to(fd, (const struct sockaddr *)&self, sizeof(self));
}

int probe_way_open(const struct probe_way *way)
{
	int fd = socket(way->to.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int number = 0;

	if (fd < 0 || mark(fd, way) == 0)
		return fd;
	number = errno;
	fd_close(&fd);
	errno = number;
	return -1;
}

socklen_t probe_way_len(const struct probe_way *way)
{
	return way->to.any.sa_family == AF_INET6 ? sizeof(way->to.six) : sizeof(way->to.four);
}
