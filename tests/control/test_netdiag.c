/* How far the descriptors of others are looked at: any user can make as many as he likes. */
#include "os/netdiag.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "os/clock.h"
#include "unit.h"

static bool count(void *context, uint32_t inode)
{
	(void)inode;
	++*(int *)context;
	return true;
}

static void looking_has_an_end(void **state)
{
	int pair[2];
	int seen = 0;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	netdiag_pid_sockets(getpid(), clock_cpu_ms() + NETDIAG_OWN_MS, count, &seen);
	assert_true(seen >= 2);
	seen = 0;
	netdiag_pid_sockets(getpid(), clock_cpu_ms(), count, &seen);
	assert_int_equal(seen, 0);
	assert_false(netdiag_pid_holds(getpid(), clock_cpu_ms(), 1));
	assert_int_equal(netdiag_pid_among(1, clock_cpu_ms()), 0);
	close(pair[0]);
	close(pair[1]);
}

/* A client that never hears the answer to its first packet. */
static int begin_to_connect(const struct sockaddr_in *to)
{
	struct sock_filter drop = { .code = BPF_RET | BPF_K };
	const struct sock_fprog program = { .len = 1, .filter = &drop };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)), 0);
	assert_int_equal(connect(fd, (const void *)to, sizeof(*to)), -1);
	assert_int_equal(errno, EINPROGRESS);
	return fd;
}

static void what_is_half_open_is_counted(void **state)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof(to);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int port = 0;
	int fds[3];
	size_t half = 9;
	size_t whole = 9;

	(void)state;
	assert_int_equal(bind(listener, (const void *)&to, sizeof(to)), 0);
	assert_int_equal(listen(listener, 8), 0);
	assert_int_equal(getsockname(listener, (void *)&to, &len), 0);
	port = ntohs(to.sin_port);
	fds[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(fds[0], (const void *)&to, sizeof(to)), 0);
	assert_int_equal(netdiag_half_open(port, &half, NULL), 0);
	assert_int_equal(half, 0);
	fds[1] = begin_to_connect(&to);
	fds[2] = begin_to_connect(&to);
	assert_int_equal(netdiag_half_open(port, &half, NULL), 0);
	assert_int_equal(half, 2);
	assert_int_equal(netdiag_connections(port, &whole, NULL), 0);
	assert_int_equal(whole, 1);
	for (int i = 0; i < 3; i++)
		close(fds[i]);
	close(listener);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("looking for a socket among descriptors ends in time", looking_has_an_end),
		PROMISE("connections that are not established yet are counted apart from the others",
			what_is_half_open_is_counted),
	};

	return cmocka_run_group_tests_name("netdiag", tests, NULL, NULL);
}
