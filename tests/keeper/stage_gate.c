#include "stage_gate.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "os/clock.h"
#include "os/fd.h"
#include "rules/gate_program.h"
#include "unit.h"

static const char node_script[] =
	"const [port, name, host] = process.argv.slice(1);"
	"require('http').createServer((q, r) => {"
	" r.setHeader('connection', 'close'); r.end('generation ' + name); }).listen(+port, host)";

void order_gate(struct spawn_order *w, int place, int port)
{
	w->m.spawn.flags |= KEEPER_SPAWN_GATE;
	w->m.gate = GATE;
	w->m.place = place;
	w->m.spawn.ports[w->m.spawn.port_count++] = port;
}

struct note *gate_node_at(struct stage *s, uint64_t generation, int place, int port, const char *host)
{
	char number[16], name[24];
	struct spawn_order w;

	(void)snprintf(number, sizeof(number), "%d", port);
	(void)snprintf(name, sizeof(name), "%llu", (unsigned long long)generation);
	order_program(&w, generation, NULL, WORDS("node", "-e", node_script, number, name, host));
	order_gate(&w, place, port);
	order_say(s, &w);
	stage_expect(s, KEEPER_SPAWNED, generation);
	return stage_expect(s, KEEPER_LISTENS, generation);
}

struct note *gate_node(struct stage *s, uint64_t generation, int place, int port)
{
	return gate_node_at(s, generation, place, port, "127.0.0.1");
}

struct note *gate_actor(struct stage *s, uint64_t generation, int place, int port)
{
	char number[16];
	struct spawn_order w;

	(void)snprintf(number, sizeof(number), "%d", port);
	order_actor(&w, generation, NULL, WORDS("--listen", number));
	order_gate(&w, place, port);
	order_say(s, &w);
	stage_expect(s, KEEPER_SPAWNED, generation);
	return stage_expect(s, KEEPER_LISTENS, generation);
}

void gate_python(struct stage *s, uint64_t generation, int place, int port, const char *script, int *out)
{
	char number[16];
	struct spawn_order w;

	(void)snprintf(number, sizeof(number), "%d", port);
	order_program(&w, generation, out, WORDS("python3", "-uc", script, number));
	order_gate(&w, place, port);
	order_say(s, &w);
	stage_expect(s, KEEPER_SPAWNED, generation);
}

pid_t gate_pid(const struct stage *s, uint64_t generation)
{
	for (int i = 0; i < s->note_count; i++)
		if (s->notes[i].kind == KEEPER_SPAWNED && s->notes[i].ticket.generation == generation)
			return (pid_t)s->notes[i].pid;
	fail_msg("nothing was started as generation %llu", (unsigned long long)generation);
	return 0;
}

void gate_kill(struct stage *s, uint64_t generation)
{
	stage_say_ticket(s, KEEPER_KILL_TREE, generation);
	stage_expect(s, KEEPER_EXITED, generation);
	stage_expect(s, KEEPER_TREE_GONE, generation);
}

uint64_t gate_choose_all(struct stage *s, const int64_t *sockets)
{
	struct keeper_msg m;
	struct buf numbers = BUF_INIT;
	uint64_t serial = 0;

	keeper_msg_init(&m, KEEPER_CHOOSE);
	m.gate = GATE;
	for (; *sockets; sockets++)
		keeper_numbers_add(&numbers, *sockets);
	m.chosen = keeper_numbers_of(&numbers);
	serial = stage_say(s, &m, NULL, 0);
	buf_release(&numbers);
	return serial;
}

uint64_t gate_drop_one(struct stage *s, int64_t socket)
{
	struct keeper_msg m;

	keeper_msg_init(&m, KEEPER_DROP);
	m.socket = socket;
	return stage_say(s, &m, NULL, 0);
}

void gate_done(struct stage *s)
{
	assert_null(stage_seen(s, KEEPER_ERROR, 0));
}

void gate_read(struct stage *s, int fd, struct buf *text, const char *words)
{
	struct pollfd wait = { .fd = fd, .events = POLLIN };
	int64_t limit = clock_ms() + STAGE_WAIT_MS;
	char bytes[4096];

	while (!strstr(text->ptr, words)) {
		ssize_t got = 0;

		if (clock_ms() > limit)
			fail_msg("'%s' never came, only '%s'", words, text->ptr);
		if (poll(&wait, 1, 100) == 1 && (got = read(fd, bytes, sizeof(bytes))) <= 0)
			fail_msg("'%s' never came, only '%s'", words, text->ptr);
		buf_add(text, bytes, (size_t)got);
		(void)stage_seen(s, KEEPER_HELLO, UINT64_MAX);
	}
}

int gate_connect(int port, int index)
{
	struct sockaddr_in from = { .sin_family = AF_INET };
	struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_port = htons((unsigned short)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int number = 0;

	from.sin_addr.s_addr = htonl(0x7f4d0000 + gate_mark_address(index));
	if (index >= 0)
		assert_int_equal(bind(fd, (const struct sockaddr *)&from, sizeof(from)), 0);
	if (connect(fd, (const struct sockaddr *)&to, sizeof(to)) == 0)
		return fd;
	number = errno;
	fd_close(&fd);
	errno = number;
	return -1;
}

void gate_ask(int fd)
{
	static const char question[] = "GET /generation HTTP/1.0\r\n\r\n";

	if (fd >= 0)
		(void)fd_write_all(fd, question, sizeof(question) - 1);
}

int gate_answer(int *fd)
{
	char text[2048];
	size_t len = 0;
	ssize_t got = 0;
	struct pollfd wait = { .fd = *fd, .events = POLLIN };
	const char *at = NULL;

	while (*fd >= 0 && len < sizeof(text) - 1 && poll(&wait, 1, STAGE_WAIT_MS) == 1 &&
		(got = read(*fd, text + len, sizeof(text) - 1 - len)) > 0)
		len += (size_t)got;
	text[len] = '\0';
	fd_close(fd);
	at = strstr(text, "generation ");
	return at ? (int)strtol(at + strlen("generation "), NULL, 10) : NOBODY;
}

int gate_who(int port, int index)
{
	int fd = gate_connect(port, index);

	gate_ask(fd);
	return gate_answer(&fd);
}

int gate_who_over_ipv6(int port, int index)
{
	struct sockaddr_in6 to = {
		.sin6_family = AF_INET6,
		.sin6_port = htons((unsigned short)port),
		.sin6_addr = IN6ADDR_LOOPBACK_INIT,
	};
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int traffic_class = gate_mark_class(index);

	if (index >= 0)
		assert_int_equal(
			setsockopt(fd, IPPROTO_IPV6, IPV6_TCLASS, &traffic_class, sizeof(traffic_class)), 0);
	if (connect(fd, (const struct sockaddr *)&to, sizeof(to)) < 0)
		fd_close(&fd);
	gate_ask(fd);
	return gate_answer(&fd);
}

int gate_share(int port, int connections, int generation)
{
	int count = 0;

	for (int i = 0; i < connections; i++)
		count += gate_who(port, -1) == generation;
	return count;
}

static void load(int port, int stop, int counts)
{
	struct pollfd wait = { .fd = stop, .events = POLLIN };
	int both[2] = { 0, 0 };

	/* It is not to keep a brain's socket open. */
	for (int fd = STDERR_FILENO + 1; fd < 256; fd++)
		if (fd != stop && fd != counts)
			(void)close(fd);
	/* On a slow machine it may have asked nothing yet. */
	while (poll(&wait, 1, 0) == 0 || both[0] + both[1] < GATE_LOAD_LEAST)
		both[gate_who(port, -1) == NOBODY]++;
	(void)fd_write_all(counts, (const char *)both, sizeof(both));
	_exit(0);
}

struct gate_load gate_load_start(int port)
{
	int stop[2], counts[2];
	struct gate_load l = { .pid = -1 };

	assert_int_equal(pipe2(stop, O_CLOEXEC) | pipe2(counts, O_CLOEXEC), 0);
	l.pid = fork();
	assert_true(l.pid >= 0);
	if (l.pid == 0) {
		fd_close(&stop[1]);
		load(port, stop[0], counts[1]);
	}
	fd_close(&stop[0]);
	fd_close(&counts[1]);
	l.stop = stop[1];
	l.counts = counts[0];
	return l;
}

int gate_load_end(struct gate_load *l, int *failed)
{
	int both[2] = { 0, 0 };

	fd_close(&l->stop);
	assert_int_equal(read(l->counts, both, sizeof(both)), sizeof(both));
	fd_close(&l->counts);
	assert_int_equal(stage_wait(l->pid), 0);
	*failed = both[1];
	return both[0];
}
