/* The program against the kernel that runs here: skipped where that makes no such sockets. */
#include "os/reuseport.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "os/fd.h"
#include "rules/gate_program.h"
#include "unit.h"

enum { SOCKETS = 8, ROUNDS = 2000 };

/* An address to listen at, and one to reach it from. */
struct ways {
	int listens, connects;
};

static socklen_t loopback(struct sockaddr_storage *out, int family, int port)
{
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;
	struct sockaddr_in *v4 = (struct sockaddr_in *)out;

	memset(out, 0, sizeof(*out));
	out->ss_family = (sa_family_t)family;
	if (family == AF_INET6) {
		v6->sin6_addr = in6addr_loopback;
		v6->sin6_port = htons((uint16_t)port);
		return sizeof(*v6);
	}
	v4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	v4->sin_port = htons((uint16_t)port);
	return sizeof(*v4);
}

/* At any address; port 0 takes one.  -1: this kernel does not make one. */
static int open_one(int family, int *port)
{
	struct sockaddr_storage name;
	socklen_t len = loopback(&name, family, *port);
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct tcp_address address;

	((struct sockaddr_in6 *)&name)->sin6_addr = in6addr_any;
	if (family == AF_INET)
		((struct sockaddr_in *)&name)->sin_addr.s_addr = htonl(INADDR_ANY);
	if (fd < 0 || reuseport_share(fd) < 0 || bind(fd, (const struct sockaddr *)&name, len) < 0) {
		fd_close(&fd);
		return -1;
	}
	assert_int_equal(fd_set_nonblocking(fd, true), 0);
	assert_int_equal(reuseport_address(fd, &address), 0);
	*port = address.port;
	return fd;
}

static int connect_from(int family, int port, int index)
{
	struct sockaddr_in from = { .sin_family = AF_INET };
	struct sockaddr_storage to;
	socklen_t len = loopback(&to, family, port);
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int traffic_class = gate_mark_class(index);

	from.sin_addr.s_addr = htonl(0x7f4d0000 + gate_mark_address(index));
	if (index >= 0 && family == AF_INET)
		assert_int_equal(bind(fd, (const struct sockaddr *)&from, sizeof(from)), 0);
	if (index >= 0 && family == AF_INET6)
		assert_int_equal(
			setsockopt(fd, IPPROTO_IPV6, IPV6_TCLASS, &traffic_class, sizeof(traffic_class)), 0);
	assert_int_equal(connect(fd, (const struct sockaddr *)&to, len), 0);
	return fd;
}

static int who_accepts(const int *fds)
{
	struct pollfd waits[SOCKETS];
	int who = -1;

	for (int i = 0; i < SOCKETS; i++)
		waits[i] = (struct pollfd){ .fd = fds[i], .events = POLLIN };
	assert_int_equal(poll(waits, SOCKETS, 5000), 1);
	for (int i = 0; i < SOCKETS; i++)
		if (waits[i].revents)
			who = i;
	assert_int_equal(reuseport_queue(fds[who]), 1);
	reuseport_reset_queue(fds[who], 1);
	assert_int_equal(reuseport_queue(fds[who]), 0);
	return who;
}

static int attach(int fd, const int *chosen, size_t count, int places)
{
	static struct gate_step steps[GATE_PROGRAM_MAX];

	return reuseport_attach(fd, steps, gate_program(steps, chosen, count, places));
}

/* False where there are no such sockets here. */
static bool open_all(int family, int *fds, int *port)
{
	static const int first[] = { 0 };

	for (int i = 0; i < SOCKETS; i++)
		fds[i] = -1;
	fds[0] = open_one(family, port);
	if (fds[0] < 0 || listen(fds[0], 16) < 0 || attach(fds[0], first, 1, 1) < 0)
		return false;
	for (int i = 1; i < SOCKETS; i++) {
		fds[i] = open_one(family, port);
		assert_true(fds[i] >= 0);
		assert_int_equal(listen(fds[i], 16), 0);
	}
	return true;
}

static void the_kernel_does_what_the_program_says(struct ways ways)
{
	static const int chosen[] = { 1, 2, 3, 6 };
	int fds[SOCKETS];
	int got[SOCKETS] = { 0 };
	int port = 0;

	if (!open_all(ways.listens, fds, &port)) {
		fd_close(&fds[0]);
		skip();
	}
	assert_int_equal(attach(fds[SOCKETS - 1], chosen, 4, SOCKETS), 0);
	for (int i = 0; i < ROUNDS; i++) {
		int index = i % 2 ? -1 : i / 2 % SOCKETS;
		int fd = connect_from(ways.connects, port, index);
		int who = who_accepts(fds);

		if (index >= 0)
			assert_int_equal(who, index);
		else
			got[who]++;
		fd_close(&fd);
	}
	for (int i = 0; i < SOCKETS; i++) {
		bool is_chosen = i == 1 || i == 2 || i == 3 || i == 6;

		/* A quarter of 1000, by chance: 250, give or take 80 (six times what is usual). */
		if (is_chosen)
			assert_in_range(got[i], 170, 330);
		else
			assert_int_equal(got[i], 0);
		fd_close(&fds[i]);
	}
}

static void over_ipv4(void **state)
{
	(void)state;
	the_kernel_does_what_the_program_says((struct ways){ AF_INET, AF_INET });
}

static void over_both(void **state)
{
	(void)state;
	the_kernel_does_what_the_program_says((struct ways){ AF_INET6, AF_INET });
}

static void over_ipv6(void **state)
{
	(void)state;
	the_kernel_does_what_the_program_says((struct ways){ AF_INET6, AF_INET6 });
}

/* The order that the keeper counts on. */
static void the_last_takes_the_place_of_one_that_stops(void **state)
{
	static const int third[] = { 2 };
	int fds[SOCKETS];
	int port = 0;
	int fd = -1;

	(void)state;
	if (!open_all(AF_INET, fds, &port)) {
		fd_close(&fds[0]);
		skip();
	}
	reuseport_stop(fds[2]);
	assert_false(reuseport_listens(fds[2]));
	assert_true(reuseport_listens(fds[7]));
	fd_close(&fds[2]);
	assert_int_equal(attach(fds[7], third, 1, SOCKETS - 1), 0);
	fd = connect_from(AF_INET, port, -1);
	assert_int_equal(who_accepts(fds), 7);
	fd_close(&fd);
	fd = connect_from(AF_INET, port, 6);
	assert_int_equal(who_accepts(fds), 6);
	fd_close(&fd);
	assert_int_equal(reuseport_detach(fds[0]), 0);
	for (int i = 0; i < SOCKETS; i++)
		fd_close(&fds[i]);
}

static void addresses_are_told_apart(void **state)
{
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(80) };
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(80) };
	struct tcp_address a, b, any, one;
	int four = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int six = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int on = 1;

	(void)state;
	assert_int_equal(reuseport_kind(four), TCP_PLAIN);
	assert_int_equal(reuseport_kind(udp), TCP_NONE);
	assert_int_equal(reuseport_kind(-1), TCP_NONE);
	assert_int_equal(reuseport_address_of(four, &v4, sizeof(v4), &a), 0);
	assert_int_equal(a.port, 80);
	/* As long as the kernel likes it. */
	v4.sin_addr.s_addr = 0;
	v4.sin_family = AF_UNSPEC;
	assert_int_equal(reuseport_address_of(four, &v4, sizeof(v4), &b), 0);
	assert_true(tcp_address_equal(&a, &b));
	assert_int_equal(reuseport_address_of(four, &v4, 8, &b), -1);
	assert_int_equal(reuseport_address_of(four, &v6, sizeof(v6), &b), -1);
	if (six < 0)
		goto out;
	assert_int_equal(reuseport_kind(six), TCP_PLAIN);
	assert_int_equal(reuseport_address_of(six, &v6, sizeof(v6), &a), 0);
	assert_int_equal(setsockopt(six, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)), 0);
	assert_int_equal(reuseport_address_of(six, &v6, sizeof(v6), &b), 0);
	assert_false(tcp_address_equal(&a, &b));
	/* Only of "::" it matters. */
	v4.sin_family = AF_INET;
	assert_int_equal(reuseport_address_of(four, &v4, sizeof(v4), &any), 0);
	assert_true(tcp_address_overlaps(&a, &any) && tcp_address_overlaps(&any, &a));
	assert_false(tcp_address_overlaps(&b, &any));
	assert_true(tcp_address_overlaps(&b, &a));
	v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(reuseport_address_of(four, &v4, sizeof(v4), &one), 0);
	assert_true(tcp_address_overlaps(&one, &any) && tcp_address_overlaps(&one, &a));
	any = one;
	any.bytes[3] = 2;
	assert_false(tcp_address_overlaps(&one, &any));
	v6.sin6_addr = in6addr_loopback;
	assert_int_equal(reuseport_address_of(six, &v6, sizeof(v6), &b), 0);
	assert_int_equal(b.is_only_v6, 0);
out:
	fd_close(&four);
	fd_close(&six);
	fd_close(&udp);
}

static void a_multipath_socket_has_a_plain_double(void **state)
{
	int multi = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 262);
	int on = 1;
	int plain = -1;
	socklen_t len = sizeof(on);

	(void)state;
	if (multi < 0)
		skip();
	assert_int_equal(reuseport_kind(multi), TCP_MULTIPATH);
	assert_int_equal(setsockopt(multi, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)), 0);
	plain = reuseport_plain(multi);
	assert_int_equal(reuseport_kind(plain), TCP_PLAIN);
	assert_int_equal(getsockopt(plain, SOL_SOCKET, SO_REUSEADDR, &on, &len), 0);
	assert_int_equal(on, 1);
	fd_close(&multi);
	fd_close(&plain);
}

static void one_user_shares_an_address(void **state)
{
	struct sockaddr_storage name;
	socklen_t len = 0;
	int port = 0;
	int first = open_one(AF_INET, &port);
	int second = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)state;
	if (geteuid() != 0)
		skip();
	len = loopback(&name, AF_INET, port);
	assert_int_equal(fchown(second, 65533, (gid_t)-1), 0);
	assert_int_equal(reuseport_share(second), 0);
	assert_int_equal(listen(first, 1), 0);
	assert_int_equal(bind(second, (const struct sockaddr *)&name, len), -1);
	assert_int_equal(errno, EADDRINUSE);
	assert_int_equal(reuseport_own_as(second, first), 0);
	assert_int_equal(bind(second, (const struct sockaddr *)&name, len), 0);
	assert_int_equal(reuseport_own_as(-1, first), -1);
	fd_close(&first);
	fd_close(&second);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("the kernel does what the gate's program says, over IPv4", over_ipv4),
		PROMISE("the same from IPv4 to sockets of both", over_both),
		PROMISE("the same over ::1", over_ipv6),
		PROMISE("when a socket stops listening the last one takes its index",
			the_last_takes_the_place_of_one_that_stops),
		PROMISE("two addresses are the same where the kernel has one list of sockets for both",
			addresses_are_told_apart),
		PROMISE("a socket of another user shares an address once it has the owner of those that are there",
			one_user_shares_an_address),
		PROMISE("a multipath socket can be replaced by a plain one",
			a_multipath_socket_has_a_plain_double),
	};

	return cmocka_run_group_tests_name("reuseport", tests, NULL, NULL);
}
