/* The order of sockets against the kernel that runs here: skipped where that makes no such sockets. */
#include "os/reuseport_order.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "os/fd.h"
#include "os/reuseport.h"
#include "unit.h"

enum { SOCKETS = 12 };

struct list {
	int fds[SOCKETS];
	struct tcp_address address;
};

static int open_one(int family, bool is_loopback, int port)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port) };
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (is_loopback)
		v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (is_loopback)
		v6.sin6_addr = in6addr_loopback;
	if (fd < 0 || reuseport_share(fd) < 0 ||
		(family == AF_INET ? bind(fd, (struct sockaddr *)&v4, sizeof(v4))
				   : bind(fd, (struct sockaddr *)&v6, sizeof(v6))) < 0 ||
		listen(fd, 4) < 0)
		skip();
	return fd;
}

static void open_list(struct list *l, int family, bool is_loopback)
{
	int port = 0;

	for (int i = 0; i < SOCKETS; i++) {
		l->fds[i] = open_one(family, is_loopback, port);
		assert_int_equal(reuseport_address(l->fds[i], &l->address), 0);
		port = l->address.port;
	}
}

static void close_list(struct list *l)
{
	for (int i = 0; i < SOCKETS; i++)
		fd_close(&l->fds[i]);
}

/* In another order than they began to listen in; `hole` is where one was closed, and the last one has moved to. */
static void assert_order(const struct list *l, int hole)
{
	int fds[SOCKETS], order[SOCKETS], places[SOCKETS];
	int count = 0;

	memcpy(places, l->fds, sizeof(places));
	if (hole >= 0)
		places[hole] = l->fds[SOCKETS - 1];
	for (int i = SOCKETS - 1; i >= 0; i--)
		if (l->fds[i] >= 0)
			fds[count++] = l->fds[i];
	assert_int_equal(reuseport_order(fds, (size_t)count, &l->address, order), 0);
	for (int i = 0; i < count; i++)
		assert_int_equal(fds[order[i]], places[i]);
	/* Nothing waits at any of them, and nothing of theirs has changed. */
	for (int i = 0; i < count; i++) {
		int least = -1;
		socklen_t len = sizeof(least);

		assert_int_equal(reuseport_queue(fds[i]), 0);
		assert_int_equal(getsockopt(fds[i], IPPROTO_IP, IP_MINTTL, &least, &len), 0);
		assert_int_equal(least, 0);
	}
}

static void order_is_found(int family, bool is_loopback)
{
	struct list l;

	open_list(&l, family, is_loopback);
	assert_order(&l, -1);
	fd_close(&l.fds[3]);
	assert_order(&l, 3);
	close_list(&l);
}

static void at_loopback(void **state)
{
	(void)state;
	order_is_found(AF_INET, true);
}

static void at_all_of_ipv4(void **state)
{
	(void)state;
	order_is_found(AF_INET, false);
}

static void at_all_addresses(void **state)
{
	(void)state;
	order_is_found(AF_INET6, false);
}

static void at_loopback_of_ipv6(void **state)
{
	(void)state;
	order_is_found(AF_INET6, true);
}

/* Connections to the nearest addresses go to others. */
static void beside_others(void **state)
{
	struct list l, near, six;

	(void)state;
	open_list(&l, AF_INET6, false);
	for (int i = 0; i < SOCKETS; i++) {
		near.fds[i] = open_one(AF_INET, true, l.address.port);
		six.fds[i] = open_one(AF_INET6, true, l.address.port);
	}
	assert_order(&l, -1);
	close_list(&l);
	close_list(&near);
	close_list(&six);
}

static void with_full_queues(void **state)
{
	struct list l;
	struct sockaddr_in to = { .sin_family = AF_INET };
	int clients[SOCKETS * 20];
	int order[SOCKETS];

	(void)state;
	open_list(&l, AF_INET, true);
	to.sin_port = htons(l.address.port);
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	for (int i = 0; i < SOCKETS * 20; i++) {
		clients[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		(void)connect(clients[i], (const struct sockaddr *)&to, sizeof(to));
	}
	assert_int_equal(reuseport_order(l.fds, SOCKETS, &l.address, order), 0);
	for (int i = 0; i < SOCKETS; i++)
		assert_int_equal(order[i], i);
	for (int i = 0; i < SOCKETS * 20; i++)
		fd_close(&clients[i]);
	close_list(&l);
}

static void not_with_a_stranger(void **state)
{
	struct list l;
	int order[SOCKETS];

	(void)state;
	open_list(&l, AF_INET, true);
	assert_int_equal(reuseport_order(l.fds, SOCKETS - 1, &l.address, order), 0);
	assert_int_equal(reuseport_order(l.fds + 1, SOCKETS - 1, &l.address, order), -1);
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(reuseport_order(l.fds, 0, &l.address, order), -1);
	close_list(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("the order of sockets is found at 127.0.0.1, and no connection reaches one",
			at_loopback),
		PROMISE("at all addresses of IPv4", at_all_of_ipv4),
		PROMISE("at all addresses of both", at_all_addresses),
		PROMISE("at ::1", at_loopback_of_ipv6),
		PROMISE("and where others listen at the nearest addresses", beside_others),
		PROMISE("also where all queues are full", with_full_queues),
		PROMISE("a socket that is not known is noticed when it stands before one that is",
			not_with_a_stranger),
	};

	return cmocka_run_group_tests_name("os: the order of sockets that share a port", tests, NULL, NULL);
}
