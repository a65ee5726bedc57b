/*
 * Checks of instances that share a port: each by its mark, with others at the same address.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "loop/watchers.h"
#include "manners.h"
#include "os/clock.h"
#include "os/fd.h"
#include "rules/gate_program.h"
#include "sense/probe.h"
#include "unit.h"
#include "view/reason_text.h"

enum { PATIENCE_MS = 10000, SERVERS = 3, SICK = 1, ROUNDS = 20 };

struct shared_port {
	struct ev_loop *loop;
	struct probes *probes;
	struct spec *spec;
	int port;
	pid_t pids[SERVERS];
	struct probe_helds held[SERVERS];
	int answers;
	enum probe_answer answer;
	char words[256];
};

static void on_told(void *context, struct ticket ticket, enum probe_answer answer, const struct reason *why)
{
	struct shared_port *t = context;
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
	struct shared_port *t = mem_zalloc(1, sizeof(*t));

	t->loop = ev_loop_new(EVFLAG_AUTO | EVFLAG_NOENV);
	t->probes = probes_new(t->loop, NULL, on_told, t);
	t->spec = spec_new("web");
	t->spec->health.timeout_ms = PATIENCE_MS;
	*state = t;
	return 0;
}

static void end_servers(struct shared_port *t)
{
	for (int i = 0; i < SERVERS; i++) {
		if (t->pids[i] <= 0)
			continue;
		(void)kill(t->pids[i], SIGKILL);
		(void)waitpid(t->pids[i], NULL, 0);
		t->pids[i] = 0;
	}
	t->port = 0;
}

static int teardown(void **state)
{
	struct shared_port *t = *state;

	end_servers(t);
	probes_free(t->probes);
	ev_loop_destroy(t->loop);
	spec_free(t->spec);
	mem_free(t);
	return 0;
}

static _Noreturn void run_server(int fd, serve how)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		/* cppcheck-suppress nullPointer */
		int c = accept(fd, NULL, NULL);

		if (c < 0)
			continue;
		how(c);
		(void)shutdown(c, SHUT_WR);
		close(c);
	}
}

/* Where they listen, and what a check of them is to ask. */
struct listen_place {
	const char *address;
	bool is_only_v6;
	const char *url;
};

static int open_listener(struct shared_port *t, const struct listen_place *at)
{
	struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)t->port) };
	struct sockaddr_in four = { .sin_family = AF_INET, .sin_port = htons((uint16_t)t->port) };
	bool is_six = strchr(at->address, ':') != NULL;
	int only = at->is_only_v6;
	int fd = socket(is_six ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct tcp_address where;

	assert_int_equal(inet_pton(is_six ? AF_INET6 : AF_INET, at->address,
				 is_six ? (void *)&six.sin6_addr : (void *)&four.sin_addr),
		1);
	if (is_six)
		assert_int_equal(setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof(only)), 0);
	assert_int_equal(reuseport_share(fd), 0);
	assert_int_equal(bind(fd, is_six ? (struct sockaddr *)&six : (struct sockaddr *)&four,
				 is_six ? sizeof(six) : sizeof(four)),
		0);
	assert_int_equal(listen(fd, 16), 0);
	assert_int_equal(reuseport_address(fd, &where), 0);
	t->port = where.port;
	return fd;
}

/* All connections without a mark go to the first. */
static void open_servers(struct shared_port *t, const struct listen_place *at)
{
	static struct gate_step steps[GATE_PROGRAM_MAX];
	const int first = 0;
	int fds[SERVERS];

	for (int i = 0; i < SERVERS; i++) {
		struct probe_held *h = &t->held[i].items[0];
		struct stat st;

		fds[i] = open_listener(t, at);
		assert_int_equal(fstat(fds[i], &st), 0);
		assert_int_equal(reuseport_address(fds[i], &h->address), 0);
		h->index = i;
		h->inode = (uint32_t)st.st_ino;
		t->held[i].len = 1;
	}
	assert_int_equal(reuseport_attach(fds[0], steps, gate_program(steps, &first, 1, SERVERS)), 0);
	for (int i = 0; i < SERVERS; i++) {
		t->pids[i] = fork();
		assert_true(t->pids[i] >= 0);
		if (t->pids[i] == 0) {
			for (int k = 0; k < SERVERS; k++)
				if (k != i)
					close(fds[k]);
			run_server(fds[i], i == SICK ? serve_error : serve_well);
		}
	}
	for (int i = 0; i < SERVERS; i++)
		fd_close(&fds[i]);
}

static void on_tick(struct ev_loop *loop, ev_timer *w, int events)
{
	(void)w;
	(void)events;
	ev_break(loop, EVBREAK_ONE);
}

static void check(struct shared_port *t, pid_t pid, const struct probe_helds *held)
{
	struct spawn_effect request = {
		.ticket = { .slot = (uint32_t)pid, .generation = 7 },
		.name = "web:1",
		.spec = t->spec,
		.port = t->port,
		.gate = 1,
	};
	int64_t limit = clock_ms() + PATIENCE_MS;
	ev_timer tick;

	t->answers = 0;
	probes_start(t->probes, &request, pid, NULL, held);
	ev_timer_init(&tick, on_tick, 0.01, 0.01);
	ev_timer_start(t->loop, &tick);
	while (!t->answers && clock_ms() < limit)
		ev_run(t->loop, EVRUN_ONCE);
	ev_timer_stop(t->loop, &tick);
	assert_int_equal(t->answers, 1);
}

static void ask_for(struct shared_port *t, const char *url)
{
	mem_free(t->spec->health.endpoint);
	t->spec->health.endpoint = mem_strdup(url);
	t->spec->health.tcp = !url;
}

static void each_is_reached(void **state)
{
	static const struct listen_place places[] = {
		{ "127.0.0.1", false, "http://localhost/health" },
		{ "127.0.0.1", false, "http://127.0.0.1:80/health" },
		{ "0.0.0.0", false, "http://localhost/health" },
		{ "127.0.0.5", false, "http://localhost/health" },
		{ "::", false, "http://localhost/health" },
		{ "::", false, "http://127.0.0.1/health" },
		{ "::", true, "http://localhost/health" },
		{ "::", true, "http://[::1]/health" },
		{ "::1", false, "http://localhost/health" },
		{ "::ffff:127.0.0.1", false, "http://localhost/health" },
	};
	struct shared_port *t = *state;

	for (size_t k = 0; k < sizeof(places) / sizeof(places[0]); k++) {
		ask_for(t, places[k].url);
		open_servers(t, &places[k]);
		for (int round = 0; round < ROUNDS * SERVERS; round++) {
			int i = round % SERVERS;

			check(t, t->pids[i], &t->held[i]);
			if (t->answer != (i == SICK ? PROBE_FAILED : PROBE_PASSED))
				fail_msg("at %s server %d answers '%s'", places[k].address, i, t->words);
			assert_string_equal(t->words, i == SICK ? "HTTP status 503" : "HTTP status 200");
		}
		end_servers(t);
	}
}

static void another_instance_never_answers(void **state)
{
	const struct listen_place place = { "127.0.0.1", false, NULL };
	const struct probe_helds none = { .len = 0 };
	struct shared_port *t = *state;

	open_servers(t, &place);
	ask_for(t, "http://localhost/");
	check(t, t->pids[0], &none);
	assert_int_equal(t->answer, PROBE_FAILED);
	assert_string_equal(t->words, "connection refused");
	ask_for(t, "http://[::1]/");
	check(t, t->pids[0], &t->held[0]);
	assert_int_equal(t->answer, PROBE_FAILED);
	assert_string_equal(t->words, "connection refused");
	ask_for(t, NULL);
	check(t, t->pids[0], &none);
	assert_int_equal(t->answer, PROBE_FAILED);
	check(t, t->pids[0], &t->held[0]);
	assert_int_equal(t->answer, PROBE_PASSED);
	/* The socket is somebody else's by now. */
	ask_for(t, "http://localhost/");
	check(t, t->pids[0], &t->held[2]);
	assert_int_equal(t->answer, PROBE_STRANGER);
}

/* What has no mark says nothing about the instance. */
static void too_many_at_an_address_without_marks(void **state)
{
	const struct listen_place place = { "::1", false, NULL };
	struct shared_port *t = *state;

	open_servers(t, &place);
	ask_for(t, "http://localhost/");
	t->held[0].items[0].index = GATE_MARKS_IPV6;
	check(t, t->pids[0], &t->held[0]);
	assert_int_equal(t->answer, PROBE_UNKNOWN);
}

int main(void)
{
#define SHARED(sentence, function) PROMISE_IN(setup, teardown, sentence, function)
	const struct CMUnitTest tests[] = {
		SHARED("a check reaches the instance that it is about, at any address", each_is_reached),
		SHARED("no other instance answers for one that does not listen",
			another_instance_never_answers),
		SHARED("one that has no mark is not called unhealthy", too_many_at_an_address_without_marks),
	};

	return cmocka_run_group_tests_name("probes behind a gate", tests, NULL, NULL);
}
