/* Ports that several share: who is in the way, and who listens where no gate sees it. */
#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "loop/watchers.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/reuseport.h"
#include "sense/port_waits.h"
#include "unit.h"

enum { PATIENCE_MS = 5000, QUIET_MS = 60 };

struct shared {
	struct ev_loop *loop;
	struct port_waits *waits;
	int port;
	int first, second;  /* sockets at that port, in this process */
	uint32_t held, kin; /* inodes; 0: none */
	bool has_quiet;     /* somebody has the port who does not listen */
	int free, listens, strangers;
};

static void on_free(void *context, struct ticket ticket)
{
	struct shared *t = context;

	assert_int_equal(ticket.slot, 3);
	t->free++;
}

static void on_listens(void *context, struct ticket ticket)
{
	struct shared *t = context;

	assert_int_equal(ticket.slot, 3);
	t->listens++;
}

static void on_stranger(void *context, struct ticket ticket, const char *words)
{
	struct shared *t = context;

	(void)ticket;
	(void)words;
	t->strangers++;
}

static bool is_held(void *context, struct ticket ticket, uint32_t inode)
{
	const struct shared *t = context;

	(void)ticket;
	return t->held && inode == t->held;
}

static bool is_kin(void *context, struct ticket ticket, uint32_t inode)
{
	const struct shared *t = context;

	return inode ? is_held(context, ticket, inode) || inode == t->kin : t->has_quiet;
}

static const struct port_waits_calls calls = {
	.is_free = on_free,
	.listens = on_listens,
	.stranger = on_stranger,
	.is_held = is_held,
	.is_kin = is_kin,
};

static int open_bound(struct shared *t)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons((uint16_t)t->port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct tcp_address where;

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(reuseport_share(fd), 0);
	assert_int_equal(bind(fd, (const struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(reuseport_address(fd, &where), 0);
	t->port = where.port;
	return fd;
}

static uint32_t inode_of(int fd)
{
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	return (uint32_t)st.st_ino;
}

static int setup(void **state)
{
	static struct shared shared;
	struct shared *t = &shared;

	memset(t, 0, sizeof(*t));
	t->loop = ev_loop_new(EVFLAG_AUTO | EVFLAG_NOENV);
	t->waits = port_waits_new(t->loop, &calls, t);
	t->first = open_bound(t);
	t->second = open_bound(t);
	*state = t;
	return 0;
}

static int teardown(void **state)
{
	struct shared *t = *state;

	port_waits_free(t->waits);
	fd_close(&t->first);
	fd_close(&t->second);
	ev_loop_destroy(t->loop);
	return 0;
}

static void on_patience(struct ev_loop *loop, ev_timer *w, int events)
{
	(void)w;
	(void)events;
	ev_break(loop, EVBREAK_ONE);
}

static void run_until(struct shared *t, const int *value, int64_t patience_ms)
{
	ev_timer patience;

	ev_timer_init(&patience, on_patience, (double)patience_ms / 1000, 0);
	ev_timer_start(t->loop, &patience);
	while (!*value && ev_is_active(&patience))
		ev_run(t->loop, EVRUN_ONCE);
	ev_timer_stop(t->loop, &patience);
}

static struct endpoint behind(const struct shared *t, int64_t gate)
{
	return (struct endpoint){ .port = t->port, .ticket = { .slot = 3, .generation = 5 }, .gate = gate };
}

static bool is_taken(struct shared *t, int64_t gate, pid_t *pid)
{
	const struct endpoint at = behind(t, gate);
	struct netdiag_holder holder = { .command = BUF_INIT };
	bool is_it = port_waits_until_free(t->waits, &at, &holder);

	*pid = holder.pid;
	buf_release(&holder.command);
	port_waits_cancel(t->waits, at.ticket);
	return is_it;
}

static void kin_are_no_hindrance(void **state)
{
	struct shared *t = *state;
	pid_t pid = 0;

	assert_int_equal(listen(t->first, 1), 0);
	assert_int_equal(listen(t->second, 1), 0);
	t->held = inode_of(t->first);
	assert_true(is_taken(t, 7, &pid));
	assert_int_equal(pid, getpid());
	t->kin = inode_of(t->second);
	assert_false(is_taken(t, 7, &pid));
	/* To what shares its port with nobody they are. */
	assert_true(is_taken(t, 0, &pid));
}

static void a_port_that_is_only_bound_may_be_kins(void **state)
{
	struct shared *t = *state;
	pid_t pid = 0;

	assert_true(is_taken(t, 7, &pid));
	t->has_quiet = true;
	assert_false(is_taken(t, 7, &pid));
}

static void it_is_free_when_the_stranger_leaves(void **state)
{
	struct shared *t = *state;
	const struct endpoint at = behind(t, 7);
	struct netdiag_holder holder = { .command = BUF_INIT };

	assert_int_equal(listen(t->first, 1), 0);
	assert_int_equal(listen(t->second, 1), 0);
	t->held = inode_of(t->first);
	assert_true(port_waits_until_free(t->waits, &at, &holder));
	buf_release(&holder.command);
	fd_close(&t->second);
	run_until(t, &t->free, PATIENCE_MS);
	assert_int_equal(t->free, 1);
}

static void what_is_held_is_left_to_the_gate(void **state)
{
	struct shared *t = *state;
	const struct endpoint at = behind(t, 7);

	assert_int_equal(listen(t->first, 1), 0);
	t->held = inode_of(t->first);
	port_waits_until_listening(t->waits, &at, getpid());
	run_until(t, &t->listens, QUIET_MS);
	assert_int_equal(t->listens, 0);
	/* One that the gate does not hold. */
	assert_int_equal(listen(t->second, 1), 0);
	run_until(t, &t->listens, PATIENCE_MS);
	assert_int_equal(t->listens, 1);
	assert_int_equal(t->strangers, 0);
}

static void the_gate_ends_the_wait(void **state)
{
	struct shared *t = *state;
	const struct endpoint at = behind(t, 7);

	assert_false(port_waits_listens(t->waits, at.ticket));
	port_waits_until_listening(t->waits, &at, getpid());
	assert_false(port_waits_listens(t->waits, (struct ticket){ .slot = 3, .generation = 4 }));
	assert_true(port_waits_listens(t->waits, at.ticket));
	assert_false(port_waits_listens(t->waits, at.ticket));
	assert_int_equal(listen(t->second, 1), 0);
	run_until(t, &t->listens, QUIET_MS);
	assert_int_equal(t->listens, 0);
}

int main(void)
{
#define SHARED(sentence, function) PROMISE_IN(setup, teardown, sentence, function)
	const struct CMUnitTest tests[] = {
		SHARED("a port that only its own instances listen on is free for the next of them",
			kin_are_no_hindrance),
		SHARED("an instance that has bound the port and does not listen yet is no stranger",
			a_port_that_is_only_bound_may_be_kins),
		SHARED("a shared port is free when the stranger on it has left",
			it_is_free_when_the_stranger_leaves),
		SHARED("what the gate holds is no readiness, what it does not hold is",
			what_is_held_is_left_to_the_gate),
		SHARED("what the gate says ends the wait", the_gate_ends_the_wait),
	};

	return cmocka_run_group_tests_name("ports that are shared", tests, NULL, NULL);
}
