/* Programs that get their listening sockets from the keeper (LISTEN_FDS). */
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/fd.h"
#include "os/reuseport.h"
#include "stage_gate.h"
#include "unit.h"

enum { PORT = 4821, OTHER = 4822, NOBODYS_UID = 65534, MANY = 20 };

static const char node[] =
	"const [name] = process.argv.slice(1);"
	"require('http').createServer((q, r) => {"
	" r.setHeader('connection', 'close'); r.end('generation ' + name); }).listen({ fd: 3 })";

static const char python[] =
	"import os, socket, sys\n"
	"n = int(os.environ['LISTEN_FDS']); l = [socket.socket(fileno=3 + i) for i in range(n)]\n"
	"print('pid', os.environ['LISTEN_PID'] == str(os.getpid()), 'names', os.environ['LISTEN_FDNAMES'], 'at',"
	" [s.getsockname()[:2] for s in l], 'user', os.getuid(), 'open', sorted(map(int, os.listdir('/proc/self/fd')))[:-1])\n"
	"while True:\n"
	" c = l[-1].accept()[0]; c.recv(999)\n"
	" c.sendall(b'HTTP/1.0 200 OK\\r\\n\\r\\ngeneration ' + sys.argv[1].encode()); c.close()\n";

static void order_sockets(struct spawn_order *w, int place, int port)
{
	order_gate(w, place, port);
	w->m.spawn.hook = KEEPER_HOOK_FDS;
}

static struct note *start_node(struct stage *s, uint64_t generation, int place)
{
	char name[24];
	struct spawn_order w;

	(void)snprintf(name, sizeof(name), "%llu", (unsigned long long)generation);
	order_program(&w, generation, NULL, WORDS("node", "-e", node, name));
	order_sockets(&w, place, PORT);
	order_say(s, &w);
	stage_expect(s, KEEPER_SPAWNED, generation);
	return stage_expect(s, KEEPER_LISTENS, generation);
}

static void two_share_a_port(void **state)
{
	struct stage *s = *state;
	const struct note *a = start_node(s, 1, 0);
	const struct note *b = start_node(s, 2, 1);

	assert_int_equal(a->index, 0);
	assert_int_equal(b->index, 1);
	assert_int_equal(a->is_chosen, 1);
	assert_int_equal(b->is_chosen + b->is_free + a->is_free, 0);
	assert_int_equal(gate_share(PORT, 50, 1), 50);
	gate_choose_all(s, SOCKETS(a->socket, b->socket));
	gate_done(s);
	assert_in_range(gate_share(PORT, 400, 2), 130, 270);
	for (int i = 0; i < 100; i++) {
		assert_int_equal(gate_who(PORT, i & 1), 1 + (i & 1));
		if (gate_who_over_ipv6(PORT, -1) != NOBODY)
			assert_int_equal(gate_who_over_ipv6(PORT, i & 1), 1 + (i & 1));
	}
}

/* From the first moment on, also while nobody is there. */
static void nobody_is_refused(void **state)
{
	struct stage *s = *state;
	int fds[MANY];
	int64_t socket = start_node(s, 1, 0)->socket;

	gate_kill(s, 1);
	for (int i = 0; i < MANY; i++)
		gate_ask(fds[i] = gate_connect(PORT, -1));
	assert_int_equal(start_node(s, 2, 0)->socket, socket);
	for (int i = 0; i < MANY; i++)
		assert_int_equal(gate_answer(&fds[i]), 2);
}

static void several_ports(void **state)
{
	struct stage *s = *state;
	struct buf text = BUF_INIT;
	struct spawn_order w;
	int out = -1;

	order_program(&w, 1, &out, WORDS("python3", "-uc", python, "1"));
	order_sockets(&w, 0, OTHER);
	order_sockets(&w, 0, PORT);
	keeper_list_add(&w.env, "LISTEN_FDS=9");
	keeper_list_add(&w.env, "LISTEN_FDNAMES=x");
	keeper_list_add(&w.env, "LISTEN_PID=1");
	order_say(s, &w);
	gate_read(s, out, &text, "open");
	stage_assert_has(&text, "pid True names 4822:4821 at [('");
	stage_assert_has(&text, "4822), ('");
	stage_assert_has(&text, "open [0, 1, 2, 3, 4]");
	assert_int_equal(stage_expect(s, KEEPER_LISTENS, 1)->index, 0);
	assert_int_equal(stage_expect(s, KEEPER_LISTENS, 1)->index, 0);
	assert_int_equal(gate_who(PORT, -1), 1);
	fd_close(&out);
	buf_release(&text);
}

/* Below 1024 only root may open one, and here the keeper does. */
static void as_another_user(void **state)
{
	struct stage *s = *state;
	struct buf text = BUF_INIT;
	struct spawn_order w;
	int out = -1;

	if (geteuid() != 0)
		skip();
	for (uint64_t i = 1; i <= 2; i++) {
		order_program(&w, i, &out, WORDS("python3", "-uc", python, i == 1 ? "1" : "2"));
		order_sockets(&w, (int)i, 821);
		w.m.spawn.flags |= KEEPER_SPAWN_USER;
		w.m.spawn.uid = w.m.spawn.gid = NOBODYS_UID;
		order_say(s, &w);
		gate_read(s, out, &text, "user 65534");
		assert_int_equal(stage_expect(s, KEEPER_LISTENS, i)->index, (int)i - 1);
		assert_int_equal(gate_who(821, (int)i - 1), (int)i);
		buf_clear(&text);
		fd_close(&out);
	}
	buf_release(&text);
}

/* The old one still has its socket. */
static void after_a_change_of_user(void **state)
{
	struct stage *s = *state;

	if (geteuid() != 0)
		skip();
	for (uint64_t i = 1; i <= 2; i++) {
		struct buf text = BUF_INIT;
		struct spawn_order w;
		int out = -1;

		order_program(&w, i, &out, WORDS("python3", "-uc", python, i == 1 ? "1" : "2"));
		order_sockets(&w, (int)i, PORT);
		w.m.spawn.flags |= KEEPER_SPAWN_USER;
		w.m.spawn.uid = w.m.spawn.gid = NOBODYS_UID - (int)i;
		order_say(s, &w);
		gate_read(s, out, &text, i == 1 ? "user 65533" : "user 65532");
		assert_int_equal(stage_expect(s, KEEPER_LISTENS, i)->index, (int)i - 1);
		assert_int_equal(gate_who(PORT, (int)i - 1), (int)i);
		fd_close(&out);
		buf_release(&text);
	}
}

static void what_cannot_be_opened(void **state)
{
	struct stage *s = *state;
	struct sockaddr_in6 at = { .sin6_family = AF_INET6, .sin6_port = htons(OTHER) };
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct spawn_order w;
	const struct note *n = NULL;

	if (fd < 0)
		skip();
	assert_int_equal(bind(fd, (const struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(fd, 1), 0);
	order_program(&w, 1, NULL, WORDS("node", "-e", node, "1"));
	order_sockets(&w, 0, PORT);
	order_sockets(&w, 0, OTHER);
	stage_assert_fails(s, &w, KEEPER_STAGE_HOOK, EADDRINUSE);
	/* The other one was, and waits for the next one, or to be dropped. */
	n = stage_expect(s, KEEPER_LISTENS, 1);
	assert_int_equal(n->is_free, 1);
	gate_drop_one(s, n->socket);
	gate_done(s);
	assert_true(gate_connect(PORT, -1) < 0 && errno == ECONNREFUSED);
	fd_close(&fd);
	/* The same where the program is not there. */
	order_program(&w, 2, NULL, WORDS("no-such-program"));
	order_sockets(&w, 0, PORT);
	order_say(s, &w);
	assert_int_equal(stage_expect(s, KEEPER_SPAWN_FAILED, 2)->number, ENOENT);
	do
		n = stage_expect(s, KEEPER_LISTENS, 2);
	while (!n->is_free);
	gate_drop_one(s, n->socket);
	gate_done(s);
	assert_true(gate_connect(PORT, -1) < 0 && errno == ECONNREFUSED);
}

static void numbers_that_are_taken(void **state)
{
	struct stage *s = *state;
	struct spawn_order w;

	order_program(&w, 1, NULL, WORDS("node", "-e", node, "1"));
	order_sockets(&w, 0, PORT);
	w.m.spawn.descriptors[w.m.spawn.descriptor_count++] =
		(struct keeper_descriptor){ 3, KEEPER_FROM_NULL, 0, "" };
	stage_assert_fails(s, &w, KEEPER_STAGE_HOOK, EBUSY);
	order_program(&w, 2, NULL, WORDS("node", "-e", node, "2"));
	order_sockets(&w, 0, PORT);
	w.m.spawn.descriptors[w.m.spawn.descriptor_count++] =
		(struct keeper_descriptor){ 4, KEEPER_FROM_NULL, 0, "" };
	order_say(s, &w);
	stage_expect(s, KEEPER_LISTENS, 2);
	assert_int_equal(gate_who(PORT, -1), 2);
}

int main(void)
{
#define ON_STAGE(sentence, function)                                                                         \
	{                                                                                                    \
		(sentence), (function), stage_open, stage_close, NULL                                        \
	}
	const struct CMUnitTest tests[] = {
		ON_STAGE("two instances share a port whose sockets they are given", two_share_a_port),
		ON_STAGE("a successor is given the socket with what waits at it", nobody_is_refused),
		ON_STAGE("one socket a port, with its name", several_ports),
		ON_STAGE("as another user too, also below 1024", as_another_user),
		ON_STAGE("one of another user shares the port with those that listen already",
			after_a_change_of_user),
		ON_STAGE("a socket that cannot be opened fails the start, and nothing is left of the others",
			what_cannot_be_opened),
		ON_STAGE("descriptors that are placed otherwise are not overwritten", numbers_that_are_taken),
	};

	return cmocka_run_group_tests_name("keeper: gate, by LISTEN_FDS", tests, NULL, NULL);
}
