/* Who has a port, when it becomes free, and when an instance listens; with real sockets on the loopback address. */
#include "loop/loop.h"
#include "loop/watchers.h"
#include "sense/port.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "os/clock.h"
#include "os/netdiag.h"
#include "refuse.h"
#include "unit.h"

enum { PATIENCE_MS = 5000 };

/* A listening socket on a port of the kernel's choice, or on *port; IPv4 loopback, or IPv6. */
static int listen_on(int family, int *port)
{
	struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	struct sockaddr_in four = { .sin_family = AF_INET };
	struct sockaddr *address = family == AF_INET ? (struct sockaddr *)&four : (struct sockaddr *)&six;
	socklen_t len = family == AF_INET ? sizeof(four) : sizeof(six);
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int yes = 1;

	four.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	four.sin_port = six.sin6_port = htons((unsigned short)*port);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	if (fd < 0 || bind(fd, address, len) < 0 || listen(fd, 16) < 0)
		return -1;
	getsockname(fd, address, &len);
	*port = ntohs(family == AF_INET ? four.sin_port : six.sin6_port);
	return fd;
}

/* A child that listens on *port (0: any) and tells which; it does so after it has been sent a byte, if it is to wait. */
struct listener {
	pid_t pid;
	int go; /* a byte makes it listen, its end makes the child end */
	int port;
};

static void child_listens(int family, int port, int go, int told, bool in_grandchild)
{
	char c = '\0';
	bool is_asked = false;
	int fd = -1;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (in_grandchild && fork() != 0) {
		while (read(go, &c, 1) < 0)
			continue;
		pause();
	}
	if (!in_grandchild && port && read(go, &c, 1) != 1)
		_exit(1);
	is_asked = !port;
	fd = listen_on(family, &port);
	if (fd < 0 || (is_asked && write(told, &port, sizeof(port)) != sizeof(port)))
		_exit(1);
	while (read(go, &c, 1) > 0)
		continue;
	_exit(0);
}

static struct listener start_listener(int family, int port, bool in_grandchild)
{
	struct listener l = { .port = port };
	int go[2];
	int told[2];

	assert_int_equal(pipe(go), 0);
	assert_int_equal(pipe(told), 0);
	l.pid = fork();
	if (l.pid == 0) {
		setsid();
		close(go[1]);
		close(told[0]);
		child_listens(family, port, go[0], told[1], in_grandchild);
	}
	close(go[0]);
	close(told[1]);
	l.go = go[1];
	if (!port)
		assert_int_equal(read(told[0], &l.port, sizeof(l.port)), sizeof(l.port));
	close(told[0]);
	return l;
}

static void end_listener(struct listener *l)
{
	close(l->go);
	kill(-l->pid, SIGKILL);
	waitpid(l->pid, NULL, 0);
}

static int free_port(void)
{
	int port = 0;
	int fd = listen_on(AF_INET, &port);

	assert_true(fd >= 0);
	close(fd);
	return port;
}

/* --- netdiag --- */

static void a_listener_is_found_with_its_process(void **state)
{
	static const int families[] = { AF_INET, AF_INET6 };
	struct netdiag_sockets sockets = NETDIAG_SOCKETS_INIT;
	struct err e = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		int port = 0;
		int fd = listen_on(families[i], &port);

		if (fd < 0)
			continue;
		assert_int_equal(netdiag_listeners(port, &sockets, &e), 0);
		assert_int_equal(sockets.len, 1);
		assert_int_equal(sockets.items[0].port, port);
		assert_int_equal(sockets.items[0].uid, geteuid());
		assert_true(netdiag_pid_holds(getpid(), INT64_MAX, sockets.items[0].inode));
		assert_int_equal(netdiag_pid_of(sockets.items[0].inode), getpid());
		netdiag_release(&sockets);
		assert_int_equal(netdiag_listeners(0, &sockets, &e), 0);
		assert_non_null(netdiag_find(&sockets, port));
		netdiag_release(&sockets);
		close(fd);
		assert_int_equal(netdiag_listeners(port, &sockets, &e), 0);
		assert_int_equal(sockets.len, 0);
		netdiag_release(&sockets);
	}
	err_release(&e);
}

static void connections_are_counted(void **state)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	struct err e = ERR_INIT;
	size_t count = 9;
	int clients[3];
	int accepted[3];
	int port = 0;
	int fd = listen_on(AF_INET, &port);

	(void)state;
	assert_int_equal(netdiag_connections(port, &count, &e), 0);
	assert_int_equal(count, 0);
	address.sin_port = htons((unsigned short)port);
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	for (int i = 0; i < 3; i++) {
		clients[i] = socket(AF_INET, SOCK_STREAM, 0);
		assert_int_equal(connect(clients[i], (struct sockaddr *)&address, sizeof(address)), 0);
		accepted[i] = accept(fd, NULL, NULL);
	}
	assert_int_equal(netdiag_connections(port, &count, &e), 0);
	assert_int_equal(count, 3);
	close(clients[0]);
	close(accepted[0]);
	assert_int_equal(netdiag_connections(port, &count, &e), 0);
	assert_int_equal(count, 2);
	for (int i = 1; i < 3; i++) {
		close(clients[i]);
		close(accepted[i]);
	}
	close(fd);
	err_release(&e);
}

/* --- one port --- */

static void lingering_connections_are_no_hindrance(void **state)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	int port = 0;
	int fd = listen_on(AF_INET, &port);
	int client = socket(AF_INET, SOCK_STREAM, 0);
	int accepted = -1;

	(void)state;
	address.sin_port = htons((unsigned short)port);
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(connect(client, (struct sockaddr *)&address, sizeof(address)), 0);
	accepted = accept(fd, NULL, NULL);
	/* The server closes first, so its side stays in TIME_WAIT. */
	close(accepted);
	close(fd);
	close(client);
	assert_true(port_is_free(port));
}

/* --- waiting --- */

struct fixture {
	struct ev_loop *loop;
	struct port_watch *watch;
	int free, listens, strangers;
	struct buf words;
	struct netdiag_holder holder;
};

static int setup(void **state)
{
	struct fixture *f = mem_zalloc(1, sizeof(*f));

	f->loop = loop_new();
	f->watch = port_watch_new(f->loop);
	buf_init(&f->words);
	buf_init(&f->holder.command);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	port_watch_free(f->watch);
	loop_free(f->loop);
	buf_release(&f->words);
	buf_release(&f->holder.command);
	mem_free(f);
	return 0;
}

static void on_port_event(void *context, enum port_event event, const char *words)
{
	struct fixture *f = context;

	f->free += event == PORT_FREE;
	f->listens += event == PORT_LISTENS;
	f->strangers += event == PORT_STRANGER;
	if (*words)
		buf_adds(&f->words, words);
}

static void on_patience(struct ev_loop *loop, struct ev_timer *w, int events)
{
	(void)w;
	(void)events;
	ev_break(loop, EVBREAK_ALL);
}

/* Runs the loop until *value is at least `least`; gives how long it took. */
static int64_t run_until(struct fixture *f, const int *value, int least, int64_t patience_ms)
{
	int64_t began = clock_ms();
	struct ev_timer patience;

	ev_timer_init(&patience, on_patience, (double)patience_ms / 1000, 0.);
	ev_timer_start(f->loop, &patience);
	while (*value < least && ev_is_active(&patience))
		ev_run(f->loop, EVRUN_ONCE);
	ev_timer_stop(f->loop, &patience);
	return clock_ms() - began;
}

/* Waits until it is free; who holds it is in f->holder. */
static struct port_wait *until_free(struct fixture *f, int port)
{
	return port_watch_until_free(f->watch, port, NULL, &f->holder, on_port_event, f);
}

static void a_taken_port_is_told_with_its_holder(void **state)
{
	struct fixture *f = *state;
	struct listener l = start_listener(AF_INET, 0, false);
	struct buf words = BUF_INIT;
	struct buf expected = BUF_INIT;
	struct port_wait *wait = until_free(f, l.port);

	assert_non_null(wait);
	assert_int_equal(f->holder.pid, l.pid);
	port_holder_print(&f->holder, &words);
	buf_addf(&expected, "pid %d '", (int)l.pid);
	assert_memory_equal(words.ptr, expected.ptr, expected.len);
	assert_non_null(strstr(words.ptr, "test_ports"));
	port_wait_cancel(wait);
	end_listener(&l);
	buf_release(&words);
	buf_release(&expected);
}

static void one_that_is_bound_but_does_not_listen_is_told_too(void **state)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	int port = free_port();
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)state;
	address.sin_port = htons((unsigned short)port);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_false(port_is_free(port));
	close(fd);
	assert_true(port_is_free(port));
}

static void a_port_is_free_the_moment_its_holder_ends(void **state)
{
	struct fixture *f = *state;
	struct listener l = start_listener(AF_INET, 0, false);
	int64_t took = 0;

	until_free(f, l.port);
	assert_int_equal(f->free, 0);
	/* The end of the pipe ends the child; nobody has to reap it for that. */
	close(l.go);
	took = run_until(f, &f->free, 1, PATIENCE_MS);
	assert_int_equal(f->free, 1);
	assert_true(took < PORT_WATCH_FREE_MS / 2);
	waitpid(l.pid, NULL, 0);
	/* Nothing is left that would wake the loop. */
	assert_int_equal(ev_pending_count(f->loop), 0);
	assert_false(ev_run(f->loop, EVRUN_NOWAIT));
}

static void a_holder_that_cannot_be_watched_is_looked_at_now_and_then(void **state)
{
	struct fixture *f = *state;
	struct listener l = start_listener(AF_INET, 0, false);

	refused.epoll_ctl = 1000;
	until_free(f, l.port);
	run_until(f, &f->free, 1, 3 * PORT_WATCH_FREE_MS / 2);
	/* No more often than the timer says, and the wait continues. */
	assert_true(refused.epoll_ctl >= 997);
	close(l.go);
	run_until(f, &f->free, 1, PATIENCE_MS);
	assert_int_equal(f->free, 1);
	waitpid(l.pid, NULL, 0);
	refused.epoll_ctl = 0;
}

static void a_port_is_free_when_its_holder_lives_on_without_it(void **state)
{
	struct fixture *f = *state;
	int port = 0;
	int fd = listen_on(AF_INET, &port);

	until_free(f, port);
	close(fd);
	run_until(f, &f->free, 1, PATIENCE_MS);
	assert_int_equal(f->free, 1);
}

static void nobody_waits_for_a_port_that_is_free(void **state)
{
	struct fixture *f = *state;
	struct listener l = start_listener(AF_INET, 0, false);

	end_listener(&l);
	assert_null(until_free(f, l.port));
	assert_int_equal(f->holder.pid, 0);
	assert_int_equal(ev_pending_count(f->loop), 0);
	assert_false(ev_run(f->loop, EVRUN_NOWAIT));
	assert_int_equal(f->free, 0);
}

static void an_instance_that_listens_is_noticed_soon(void **state)
{
	struct fixture *f = *state;
	struct listener l = start_listener(AF_INET, free_port(), false);
	int64_t took = 0;

	port_watch_until_listening(f->watch, l.port, l.pid, NULL, NULL, on_port_event, f);
	run_until(f, &f->listens, 1, 30);
	assert_int_equal(f->listens, 0);
	assert_int_equal(write(l.go, "x", 1), 1);
	took = run_until(f, &f->listens, 1, PATIENCE_MS);
	assert_int_equal(f->listens, 1);
	assert_true(took < 4 * PORT_WATCH_LISTEN_MAX_MS);
	assert_false(ev_run(f->loop, EVRUN_NOWAIT));
	end_listener(&l);
}

static void a_grandchild_may_be_the_one_that_listens(void **state)
{
	struct fixture *f = *state;
	struct listener l = start_listener(AF_INET, free_port(), true);

	port_watch_until_listening(f->watch, l.port, l.pid, NULL, NULL, on_port_event, f);
	run_until(f, &f->listens, 1, PATIENCE_MS);
	assert_int_equal(f->listens, 1);
	end_listener(&l);
}

static void a_stranger_on_the_port_is_no_readiness(void **state)
{
	struct fixture *f = *state;
	struct listener stranger = start_listener(AF_INET, 0, false);
	struct listener own = start_listener(AF_INET, free_port(), false);
	struct buf expected = BUF_INIT;
	struct port_wait *wait = NULL;

	wait = port_watch_until_listening(f->watch, stranger.port, own.pid, NULL, NULL, on_port_event, f);
	run_until(f, &f->strangers, 1, PATIENCE_MS);
	run_until(f, &f->listens, 1, 50);
	assert_int_equal(f->listens, 0);
	assert_int_equal(f->strangers, 1);
	buf_addf(&expected, "port %d is held by pid %d '", stranger.port, (int)stranger.pid);
	assert_memory_equal(f->words.ptr, expected.ptr, expected.len);
	port_wait_cancel(wait);
	assert_false(ev_run(f->loop, EVRUN_NOWAIT));
	end_listener(&stranger);
	end_listener(&own);
	buf_release(&expected);
}

static void many_wait_at_once(void **state)
{
	struct fixture *f = *state;
	struct listener l[20];

	for (int i = 0; i < 20; i++) {
		l[i] = start_listener(i % 2 ? AF_INET : AF_INET6, free_port(), false);
		port_watch_until_listening(f->watch, l[i].port, l[i].pid, NULL, NULL, on_port_event, f);
	}
	for (int i = 0; i < 20; i++)
		assert_int_equal(write(l[i].go, "x", 1), 1);
	run_until(f, &f->listens, 20, PATIENCE_MS);
	assert_int_equal(f->listens, 20);
	for (int i = 0; i < 20; i++)
		end_listener(&l[i]);
}

static void cancelled_waits_say_nothing(void **state)
{
	struct fixture *f = *state;
	struct listener l = start_listener(AF_INET, 0, false);

	port_wait_cancel(until_free(f, l.port));
	port_wait_cancel(port_watch_until_listening(f->watch, l.port, l.pid, NULL, NULL, on_port_event, f));
	port_wait_cancel(NULL);
	assert_false(ev_run(f->loop, EVRUN_NOWAIT));
	/* And a wait that is not cancelled is freed with the watch. */
	until_free(f, l.port);
	port_watch_until_listening(f->watch, l.port, l.pid, "/nonexistent", NULL, on_port_event, f);
	end_listener(&l);
	assert_int_equal(f->free + f->listens, 0);
}

int main(void)
{
#define ONE(sentence, function) PROMISE_IN(setup, teardown, sentence, function)
	const struct CMUnitTest tests[] = {
		PROMISE("a listener is found with its process, over IPv4 and IPv6",
			a_listener_is_found_with_its_process),
		PROMISE("established connections of a port are counted", connections_are_counted),
		ONE("a taken port is reported with its holder's pid and command line",
			a_taken_port_is_told_with_its_holder),
		PROMISE("a port that is bound but not listened on is taken",
			one_that_is_bound_but_does_not_listen_is_told_too),
		PROMISE("lingering connections are no hindrance", lingering_connections_are_no_hindrance),
		ONE("a port is free the moment its holder ends", a_port_is_free_the_moment_its_holder_ends),
		ONE("a holder that the kernel has no room to watch is looked at now and then, and no more",
			a_holder_that_cannot_be_watched_is_looked_at_now_and_then),
		ONE("a port is free when its holder lives on without it",
			a_port_is_free_when_its_holder_lives_on_without_it),
		ONE("nobody waits for a port that is free", nobody_waits_for_a_port_that_is_free),
		ONE("an instance that listens is noticed soon", an_instance_that_listens_is_noticed_soon),
		ONE("a grandchild may be the one that listens", a_grandchild_may_be_the_one_that_listens),
		ONE("a stranger on the port is no readiness, and is named",
			a_stranger_on_the_port_is_no_readiness),
		ONE("many wait at once, on IPv4 and IPv6", many_wait_at_once),
		ONE("a wait that was cancelled says nothing", cancelled_waits_say_nothing),
	};

	return cmocka_run_group_tests_name("ports", tests, NULL, NULL);
}
