/* How far the descriptors of others are looked at: any user can make as many as he likes. */
#include "os/netdiag.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("looking for a socket among descriptors ends in time", looking_has_an_end),
	};

	return cmocka_run_group_tests_name("netdiag", tests, NULL, NULL);
}
