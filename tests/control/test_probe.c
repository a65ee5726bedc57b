/*
 * Checks of health against servers that behave, and servers that do not.  Each server is a process of its own, for whose it is matters.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "loop/watchers.h"
#include "manners.h"
#include "os/clock.h"
#include "refuse.h"
#include "sense/probe.h"
#include "unit.h"
#include "view/reason_text.h"

enum { PATIENCE_MS = 10000, TIMEOUT_MS = 300 };

struct stand {
	struct ev_loop *loop;
	struct probes *probes;
	struct spec *spec;
	pid_t servers[8];
	int server_count;
	int answers;
	enum probe_answer answer;
	char words[512];
};

/* --- servers ------------------------------------------------------------------------------------------------------ */

/* Drains what the client still says, so that closing is no reset. */
static void end_client(int c)
{
	char bytes[1024];

	shutdown(c, SHUT_WR);
	while (recv(c, bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
		;
	close(c);
}

static _Noreturn void run_server(int fd, serve how)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGPIPE, SIG_IGN);
	for (;;) {
		/* cppcheck-suppress nullPointer */
		int c = accept(fd, NULL, NULL);

		if (c >= 0)
			how(c);
		end_client(c);
	}
}

static int listen_on(int family)
{
	struct sockaddr_in four = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int on = 1;
	int rc = setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));

	assert_int_equal(rc, 0);
	rc = family == AF_INET ? bind(fd, (const struct sockaddr *)&four, sizeof(four))
			       : bind(fd, (const struct sockaddr *)&six, sizeof(six));
	assert_int_equal(rc, 0);
	assert_int_equal(listen(fd, 16), 0);
	return fd;
}

static int port_of(int fd)
{
	struct sockaddr_in6 at = { .sin6_port = 0 };
	socklen_t len = sizeof(at);

	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
	return ntohs(at.sin6_port);
}

static void serve_from(struct stand *t, int fd, serve how)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		run_server(fd, how);
	t->servers[t->server_count++] = pid;
	close(fd);
}

/* A process that serves so; its port. */
static int server(struct stand *t, int family, serve how)
{
	int fd = listen_on(family);
	int port = port_of(fd);

	serve_from(t, fd, how);
	return port;
}

/* --- the stand ------------------------------------------------------------------------------------------------------ */

static void on_told(void *context, struct ticket ticket, enum probe_answer answer, const struct reason *why)
{
	struct stand *t = context;
	struct buf words = BUF_INIT;

	(void)ticket;
	t->answers++;
	t->answer = answer;
	reason_text(why, &words);
	(void)snprintf(t->words, sizeof(t->words), "%s", words.ptr);
	buf_release(&words);
}

static int setup(void **state)
{
	struct stand *t = mem_zalloc(1, sizeof(*t));

	t->loop = ev_loop_new(EVFLAG_AUTO | EVFLAG_NOENV);
	t->probes = probes_new(t->loop, NULL, on_told, t);
	t->spec = spec_new("api");
	t->spec->health.timeout_ms = TIMEOUT_MS;
	t->spec->health.endpoint = mem_strdup("http://localhost:1/health?a=b");
	*state = t;
	return 0;
}

static int teardown(void **state)
{
	struct stand *t = *state;

	for (int i = 0; i < t->server_count; i++) {
		kill(t->servers[i], SIGKILL);
		(void)waitpid(t->servers[i], NULL, 0);
	}
	probes_free(t->probes);
	ev_loop_destroy(t->loop);
	spec_free(t->spec);
	mem_free(t);
	return 0;
}

static void start(struct stand *t, int port, pid_t pid)
{
	struct spawn_effect request = {
		.ticket = { .slot = 1, .generation = 7 },
		.name = "api:2",
		.spec = t->spec,
		.port = port,
	};

	t->answers = 0;
	probes_start(t->probes, &request, pid, NULL, NULL);
	assert_int_equal(t->answers, 0);
}

static void on_tick(struct ev_loop *loop, ev_timer *w, int events)
{
	(void)w;
	(void)events;
	ev_break(loop, EVBREAK_ONE);
}

static void wait_told(struct stand *t)
{
	int64_t limit = clock_ms() + PATIENCE_MS;
	ev_timer tick;

	ev_timer_init(&tick, on_tick, 0.01, 0.01);
	ev_timer_start(t->loop, &tick);
	while (!t->answers && clock_ms() < limit)
		ev_run(t->loop, EVRUN_ONCE);
	ev_timer_stop(t->loop, &tick);
	assert_int_equal(t->answers, 1);
}

static void check(struct stand *t, int port, pid_t pid, enum probe_answer answer, const char *words)
{
	start(t, port, pid);
	wait_told(t);
	if (t->answer != answer || (words && strcmp(t->words, words) != 0))
		fail_msg("the answer is %d '%s'", (int)t->answer, t->words);
}

static int first_free_descriptor(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int number = fd;

	close(fd);
	return number;
}

/* --- promises ------------------------------------------------------------------------------------------------------- */

static void whatever_a_server_does_is_an_answer(void **state)
{
	static const struct {
		serve how;
		enum probe_answer answer;
		const char *words;
	} rows[] = {
		{ serve_well, PROBE_PASSED, "HTTP status 200" },
		{ serve_if_well_asked, PROBE_PASSED, "HTTP status 200" },
		{ serve_redirect, PROBE_PASSED, "HTTP status 302" },
		{ serve_continue, PROBE_PASSED, "HTTP status 204" },
		{ serve_in_pieces, PROBE_PASSED, "HTTP status 200" },
		{ serve_dripping_body, PROBE_PASSED, "HTTP status 200" },
		{ serve_error, PROBE_FAILED, "HTTP status 503" },
		{ serve_ssh, PROBE_FAILED, "what it answers is not HTTP" },
		{ serve_endless_headers, PROBE_FAILED, "what it answers is not HTTP" },
		{ serve_flood, PROBE_FAILED, "what it answers is not HTTP" },
		{ serve_end, PROBE_FAILED, "the connection was closed before an answer" },
		{ serve_reset, PROBE_FAILED, "the connection was reset before an answer" },
		{ serve_nothing, PROBE_FAILED, "no answer within 0.3 s" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int port = 0;
		int64_t before = clock_ms();

		port = server(*state, i % 2 ? AF_INET : AF_INET6, rows[i].how);
		check(*state, port, ((struct stand *)*state)->servers[0], rows[i].answer, rows[i].words);
		assert_true(clock_ms() - before < 5000);
		teardown(state);
		setup(state);
	}
}

static void a_slow_drip_is_bounded_in_time(void **state)
{
	struct stand *t = *state;
	int port = server(t, AF_INET, serve_drip);
	int64_t before = clock_ms();

	/* "HHHH" is no beginning of an answer, and answers so at once. */
	check(t, port, t->servers[0], PROBE_FAILED, "what it answers is not HTTP");
	assert_true(clock_ms() - before < 2000);
}

static void nobody_there(void **state)
{
	struct stand *t = *state;
	int fd = listen_on(AF_INET);
	int port = port_of(fd);

	close(fd);
	check(t, port, getpid(), PROBE_FAILED, "connection refused");
	t->spec->health.tcp = true;
	mem_free(t->spec->health.endpoint);
	t->spec->health.endpoint = NULL;
	check(t, port, getpid(), PROBE_FAILED, "connection refused");
	check(t, 0, getpid(), PROBE_FAILED, "it has no port to connect to");
}

static void tcp_is_a_connection(void **state)
{
	struct stand *t = *state;
	int port = server(t, AF_INET, serve_nothing);

	mem_free(t->spec->health.endpoint);
	t->spec->health.endpoint = NULL;
	t->spec->health.tcp = true;
	check(t, port, t->servers[0], PROBE_PASSED, "");
	port = server(t, AF_INET6, serve_end);
	check(t, port, t->servers[1], PROBE_PASSED, "");
}

/* While somebody else waits in its queue of one, the kernel drops what asks for a connection, and is asked again a second later. */
static void a_connection_may_take_its_time(void **state)
{
	struct stand *t = *state;
	int fd = listen_on(AF_INET);
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port_of(fd)) };
	int first = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(listen(fd, 0), 0);
	assert_int_equal(connect(first, (const struct sockaddr *)&at, sizeof(at)), 0);
	t->spec->health.timeout_ms = PATIENCE_MS;
	start(t, ntohs(at.sin_port), getpid());
	close(first);
	serve_from(t, fd, serve_well);
	wait_told(t);
	assert_int_equal(t->answer, PROBE_PASSED);
}

static void a_strangers_answer_is_not_believed(void **state)
{
	struct stand *t = *state;
	int own = server(t, AF_INET, serve_well);
	int other = server(t, AF_INET, serve_well);
	int sick = server(t, AF_INET, serve_error);
	char expected[64];

	check(t, own, t->servers[0], PROBE_PASSED, NULL);
	check(t, own, t->servers[0], PROBE_PASSED, NULL);
	check(t, other, t->servers[0], PROBE_STRANGER, NULL);
	(void)snprintf(expected, sizeof(expected), "port %d is answered by pid %d '", other, t->servers[1]);
	assert_ptr_equal(strstr(t->words, expected), t->words);
	assert_non_null(strstr(t->words, "', which is not api:2's"));
	check(t, other, t->servers[0], PROBE_STRANGER, NULL);
	check(t, sick, t->servers[0], PROBE_STRANGER, NULL);
	check(t, own, t->servers[0], PROBE_PASSED, NULL);
	/* To its parent, which is this test, all of them belong. */
	check(t, other, getpid(), PROBE_PASSED, NULL);
}

/* The port changes hands under a socket that was known. */
static void a_successor_is_looked_at_again(void **state)
{
	struct stand *t = *state;
	int port = server(t, AF_INET, serve_well);
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	int on = 1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	pid_t first = t->servers[0];

	check(t, port, first, PROBE_PASSED, NULL);
	kill(first, SIGSTOP);
	kill(first, SIGKILL);
	(void)waitpid(first, NULL, 0);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	assert_int_equal(bind(fd, (const struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(fd, 16), 0);
	t->servers[0] = fork();
	if (t->servers[0] == 0)
		run_server(fd, serve_well);
	close(fd);
	check(t, port, first, PROBE_STRANGER, NULL);
}

static void the_urls_own_port_counts_elsewhere(void **state)
{
	struct stand *t = *state;
	int port = server(t, AF_INET, serve_well);
	char url[64];

	(void)snprintf(url, sizeof(url), "http://127.0.0.1:%d/", port);
	mem_free(t->spec->health.endpoint);
	t->spec->health.endpoint = mem_strdup(url);
	/* An instance without a port. */
	check(t, 0, t->servers[0], PROBE_PASSED, NULL);
}

static void no_room_to_watch_is_not_the_servers_fault(void **state)
{
	struct stand *t = *state;
	int port = server(t, AF_INET, serve_well);

	refused.epoll_ctl = 1;
	check(t, port, t->servers[0], PROBE_UNKNOWN, "the kernel has no room to watch the connection");
	check(t, port, t->servers[0], PROBE_PASSED, NULL);
	mem_free(t->spec->health.endpoint);
	t->spec->health.endpoint = NULL;
	t->spec->health.tcp = true;
	refused.epoll_ctl = 1;
	check(t, port, t->servers[0], PROBE_UNKNOWN, NULL);
}

static void stopping_tells_nobody(void **state)
{
	struct stand *t = *state;
	int port = server(t, AF_INET, serve_nothing);

	for (int i = 0; i < 10; i++) {
		start(t, port, t->servers[0]);
		ev_run(t->loop, i % 2 ? EVRUN_NOWAIT : EVRUN_ONCE);
		probes_stop(t->probes, (struct ticket){ .slot = 1, .generation = 7 });
		probes_stop(t->probes, (struct ticket){ .slot = 1, .generation = 7 });
	}
	start(t, port, t->servers[0]);
	/* Another process of the slot: what is about the last one changes nothing. */
	probes_stop(t->probes, (struct ticket){ .slot = 1, .generation = 6 });
	wait_told(t);
	assert_string_equal(t->words, "no answer within 0.3 s");
}

static void descriptors_stay(void **state)
{
	struct stand *t = *state;
	int well = server(t, AF_INET, serve_well);
	int reset = server(t, AF_INET6, serve_reset);
	int before = first_free_descriptor();

	for (int i = 0; i < 200; i++)
		check(t, i % 2 ? well : reset, getpid(), i % 2 ? PROBE_PASSED : PROBE_FAILED, NULL);
	assert_int_equal(first_free_descriptor(), before);
}

/* The brain was stopped while its question was under way, as in a machine that sleeps. */
static void standing_still_is_not_the_servers_fault(void **state)
{
	struct stand *t = *state;
	int port = server(t, AF_INET, serve_nothing);

	t->spec->health.timeout_ms = 50;
	start(t, port, t->servers[0]);
	ev_run(t->loop, EVRUN_NOWAIT);
	pause_ms(50 + PROBE_LATE_MS + 100);
	wait_told(t);
	assert_int_equal(t->answer, PROBE_UNKNOWN);
	/* And an answer that came meanwhile counts, although it timed out. */
	port = server(t, AF_INET, serve_continue);
	start(t, port, t->servers[1]);
	for (int i = 0; i < 5; i++)
		ev_run(t->loop, EVRUN_NOWAIT);
	pause_ms(50 + PROBE_LATE_MS + 100);
	wait_told(t);
	assert_int_equal(t->answer, PROBE_PASSED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "whatever a server does, the check ends with the right answer",
			whatever_a_server_does_is_an_answer, setup, teardown, NULL },
		{ "a server that drips without end fails at once, or in time", a_slow_drip_is_bounded_in_time,
			setup, teardown, NULL },
		{ "a port where nobody listens refuses", nobody_there, setup, teardown, NULL },
		{ "a tcp check is a connection, over IPv4 or IPv6", tcp_is_a_connection, setup, teardown,
			NULL },
		{ "a connection that stands only after a while carries the request",
			a_connection_may_take_its_time, setup, teardown, NULL },
		{ "the answer of somebody else's process is not believed, and named",
			a_strangers_answer_is_not_believed, setup, teardown, NULL },
		{ "a port that changed hands is looked at again", a_successor_is_looked_at_again, setup,
			teardown, NULL },
		{ "an instance without a port is checked at the address as written",
			the_urls_own_port_counts_elsewhere, setup, teardown, NULL },
		{ "a check that is stopped tells nobody", stopping_tells_nobody, setup, teardown, NULL },
		{ "checks leave no descriptor behind", descriptors_stay, setup, teardown, NULL },
		{ "a daemon that cannot watch a connection blames nobody, and takes no connection for made",
			no_room_to_watch_is_not_the_servers_fault, setup, teardown, NULL },
		{ "a daemon that stood still blames nobody", standing_still_is_not_the_servers_fault, setup,
			teardown, NULL },
	};

	return cmocka_run_group_tests_name("probe", tests, NULL, NULL);
}
