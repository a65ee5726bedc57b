/* The gate: who gets a connection, when processes come, go, crash and follow each other. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/fd.h"
#include "os/reuseport.h"
#include "stage_gate.h"
#include "unit.h"

enum { PORT = 4801, OTHER = 4802, MANY = 20 };

static void two_share_a_port(void **state)
{
	struct stage *s = *state;
	const struct note *a = gate_node(s, 1, 0, PORT);
	const struct note *b = gate_node(s, 2, 1, PORT);
	int share = 0;

	assert_int_equal(a->gate, GATE);
	assert_int_equal(a->place, 0);
	assert_int_equal(a->index, 0);
	assert_int_equal(a->is_chosen, 1);
	assert_int_equal(b->place, 1);
	assert_int_equal(b->index, 1);
	assert_int_equal(b->is_chosen, 0);
	assert_int_equal(a->is_free + b->is_free, 0);
	assert_true(reuseport_listens(a->fd) && reuseport_listens(b->fd));
	assert_int_equal(gate_share(PORT, 100, 1), 100);
	/* It can be probed before it is chosen. */
	for (int i = 0; i < 20; i++)
		assert_int_equal(gate_who(PORT, 1), 2);
	gate_choose_all(s, SOCKETS(a->socket, b->socket));
	gate_done(s);
	share = gate_share(PORT, 400, 2);
	assert_in_range(share, 130, 270);
	/* And what they are asked for by a mark each answers itself. */
	for (int i = 0; i < 100; i++)
		assert_int_equal(gate_who(PORT, i & 1), 1 + (i & 1));
}

static void a_static_server_of_python_too(void **state)
{
	struct stage *s = *state;
	static const char *const folders[] = { "one", "two" };
	const struct note *n[2];
	char port[16], folder[128], name[32], path[160];

	(void)snprintf(port, sizeof(port), "%d", OTHER);
	for (int i = 0; i < 2; i++) {
		struct spawn_order w;

		(void)snprintf(folder, sizeof(folder), "%s/%s", s->home, folders[i]);
		assert_int_equal(mkdir(folder, 0755), 0);
		(void)snprintf(name, sizeof(name), "%s/generation", folders[i]);
		stage_file(s, path, sizeof(path), name, i ? "generation 2" : "generation 1", 0644);
		order_program(&w, (uint64_t)i + 1, NULL, WORDS("python3", "-m", "http.server", port));
		w.m.spawn.folder = folder;
		order_gate(&w, i, OTHER);
		order_say(s, &w);
		n[i] = stage_expect(s, KEEPER_LISTENS, (uint64_t)i + 1);
	}
	assert_int_equal(gate_share(OTHER, 20, 1), 20);
	gate_choose_all(s, SOCKETS(n[1]->socket));
	gate_done(s);
	assert_int_equal(gate_share(OTHER, 20, 2), 20);
	assert_int_equal(gate_who(OTHER, n[0]->index), 1);
}

static void a_choice_moves_all_new_connections(void **state)
{
	struct stage *s = *state;
	const struct note *n[] = { gate_node(s, 1, 0, PORT), gate_node(s, 2, 0, PORT),
		gate_node(s, 3, 1, PORT) };

	for (int i = 0; i < 9; i++) {
		gate_choose_all(s, SOCKETS(n[i % 3]->socket));
		gate_done(s);
		assert_int_equal(gate_share(PORT, 100, i % 3 + 1), 100);
	}
	/* Whole or not at all. */
	assert_int_equal(
		stage_expect_error(s, gate_choose_all(s, SOCKETS(n[0]->socket, n[1]->socket + 100)))->number,
		ESRCH);
	assert_int_equal(gate_share(PORT, 100, 3), 100);
}

static void at_all_addresses(void **state)
{
	struct stage *s = *state;
	int six = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const struct note *n[2];
	int others = 0;

	if (six < 0 || gate_who_over_ipv6(PORT, -1) != NOBODY)
		skip();
	fd_close(&six);
	for (int i = 0; i < 2; i++)
		n[i] = gate_node_at(s, (uint64_t)i + 1, i, PORT, "::");
	gate_choose_all(s, SOCKETS(n[1]->socket));
	gate_done(s);
	for (int i = 0; i < 200; i++) {
		assert_int_equal(gate_who(PORT, i & 1), 1 + (i & 1));
		assert_int_equal(gate_who_over_ipv6(PORT, i & 1), 1 + (i & 1));
		others += gate_who(PORT, -1) != 2;
		others += gate_who_over_ipv6(PORT, -1) != 2;
	}
	assert_int_equal(others, 0);
	/* One address more is a list of its own, with a first one of its own. */
	assert_int_equal(gate_node(s, 3, 2, PORT)->index, 0);
	assert_int_equal(gate_who(PORT, 0), 3);
	assert_int_equal(gate_who_over_ipv6(PORT, 0), 1);
}

static void others_are_left_alone(void **state)
{
	struct stage *s = *state;
	static const char script[] =
		"import socket, sys\n"
		"a = socket.create_server(('127.0.0.1', 4888)); b = socket.socket(socket.AF_UNIX)\n"
		"b.bind('\\0gate-test'); b.listen(); c = socket.create_server(('127.0.0.1', int(sys.argv[1])))\n"
		"print('shares', a.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT), c.getsockopt("
		"socket.SOL_SOCKET, socket.SO_REUSEPORT))\n"
		"import time; time.sleep(60)";
	struct buf text = BUF_INIT;
	int out = -1;

	gate_python(s, 1, 0, PORT, script, &out);
	stage_read(out, &text, "shares 0 1\n");
	stage_expect(s, KEEPER_LISTENS, 1);
	assert_null(stage_seen(s, KEEPER_LISTENS, 1));
	fd_close(&out);
	buf_release(&text);
}

/* --- ends and successors --- */

static void a_queue_is_served_by_the_successor(void **state)
{
	struct stage *s = *state;
	int fds[MANY];
	const struct note *old = gate_node(s, 1, 3, PORT);
	const struct note *new = NULL;
	int64_t socket = old->socket;

	stage_stop(s, gate_pid(s, 1));
	for (int i = 0; i < MANY / 2; i++)
		gate_ask(fds[i] = gate_connect(PORT, -1));
	gate_kill(s, 1);
	/* Nobody is refused now. */
	for (int i = MANY / 2; i < MANY; i++)
		gate_ask(fds[i] = gate_connect(PORT, -1));
	assert_int_equal(reuseport_queue(old->fd), MANY);
	new = gate_node(s, 2, 3, PORT);
	assert_int_equal(new->socket, socket);
	assert_int_equal(new->index, 0);
	assert_int_equal(new->is_free, 0);
	for (int i = 0; i < MANY; i++)
		assert_int_equal(gate_answer(&fds[i]), 2);
	assert_int_equal(reuseport_queue(old->fd), 0);
}

static void another_place_does_not_get_it(void **state)
{
	struct stage *s = *state;
	int64_t socket = gate_actor(s, 1, 0, PORT)->socket;
	const struct note *n = NULL;

	gate_kill(s, 1);
	n = gate_actor(s, 2, 1, PORT);
	assert_int_not_equal(n->socket, socket);
	assert_int_equal(n->index, 1);
	assert_int_equal(gate_actor(s, 3, 0, PORT)->socket, socket);
}

static void the_dead_leave_the_choice(void **state)
{
	struct stage *s = *state;
	const struct note *n[] = { gate_node(s, 1, 0, PORT), gate_node(s, 2, 1, PORT) };
	int fd = -1;

	gate_choose_all(s, SOCKETS(n[0]->socket, n[1]->socket));
	gate_done(s);
	gate_kill(s, 2);
	assert_int_equal(gate_share(PORT, 100, 1), 100);
	/* The last one stays chosen: better wait than be refused. */
	gate_kill(s, 1);
	gate_ask(fd = gate_connect(PORT, -1));
	assert_int_equal(gate_node(s, 3, 0, PORT)->socket, n[0]->socket);
	assert_int_equal(gate_answer(&fd), 3);
}

static void a_port_that_was_tried_first(void **state)
{
	struct stage *s = *state;
	static const char script[] =
		"import socket, sys, time\n"
		"for i in range(3):\n"
		" a = socket.socket(); a.setsockopt(1, 2, 1); a.bind(('127.0.0.1', int(sys.argv[1]))); a.listen()\n"
		" if i < 2: a.close()\n"
		"print('done'); time.sleep(60)";
	struct buf text = BUF_INIT;
	const struct note *n = NULL;
	int64_t socket = 0;
	int out = -1;

	gate_python(s, 1, 0, PORT, script, &out);
	gate_read(s, out, &text, "done");
	socket = stage_expect(s, KEEPER_LISTENS, 1)->socket;
	while ((n = stage_seen(s, KEEPER_LISTENS, 1))) {
		assert_int_equal(n->socket, socket);
		assert_int_equal(n->index, 0);
	}
	fd_close(&out);
	buf_release(&text);
}

static void what_was_shut_down_moves(void **state)
{
	struct stage *s = *state;
	static const char script[] =
		"import socket, sys\n"
		"a = socket.socket(); a.setsockopt(1, 2, 1); a.bind(('127.0.0.1', int(sys.argv[1]))); a.listen()\n"
		"sys.stdin.readline(); a.shutdown(2); a.listen(); import time; time.sleep(60)";
	struct note *a = NULL;
	const struct note *b = NULL;
	const struct note *n = NULL;
	struct spawn_order w;
	int ends[2];
	char port[16];

	(void)snprintf(port, sizeof(port), "%d", PORT);
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	order_program(&w, 1, NULL, WORDS("python3", "-uc", script, port));
	w.fds[w.fd_count++] = ends[0];
	w.m.spawn.descriptors[w.m.spawn.descriptor_count++] =
		(struct keeper_descriptor){ 0, KEEPER_FROM_SENT, 0, "" };
	order_gate(&w, 0, PORT);
	order_say(s, &w);
	a = stage_expect(s, KEEPER_LISTENS, 1);
	b = gate_node(s, 2, 1, PORT);
	gate_choose_all(s, SOCKETS(b->socket));
	gate_done(s);
	assert_int_equal(fd_write_all(ends[1], "\n", 1), 0);
	n = stage_expect(s, KEEPER_LISTENS, 1);
	assert_int_equal(n->socket, a->socket);
	assert_int_equal(n->index, 1);
	n = stage_expect(s, KEEPER_LISTENS, 2);
	assert_int_equal(n->socket, b->socket);
	assert_int_equal(n->index, 0);
	assert_int_equal(gate_share(PORT, 50, 2), 50);
	assert_int_equal(gate_who(PORT, 0), 2);
	fd_close(&ends[1]);
}

/* --- dropped ones --- */

static bool can_bind(int port)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_port = htons((unsigned short)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int on = 1;
	bool can = setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
		bind(fd, (const struct sockaddr *)&to, sizeof(to)) == 0 && listen(fd, 1) == 0;

	fd_close(&fd);
	return can;
}

static void a_drop_frees_the_port_and_the_end(void **state)
{
	struct stage *s = *state;
	int64_t sockets[4];
	int fds[4];

	for (int i = 0; i < 4; i++) {
		const struct note *n = gate_actor(s, (uint64_t)i + 1, i, PORT);

		sockets[i] = n->socket;
		fds[i] = n->fd;
	}
	assert_int_equal(stage_expect_error(s, gate_drop_one(s, sockets[1]))->number, EBUSY);
	assert_int_equal(stage_expect_error(s, gate_drop_one(s, sockets[1] + 1))->number, ESRCH);
	gate_kill(s, 4);
	gate_drop_one(s, sockets[3]);
	assert_int_equal(stage_expect_error(s, gate_drop_one(s, sockets[3]))->number, ESRCH);
	/* Also where the brain has it open. */
	assert_false(reuseport_listens(fds[3]));
	assert_int_equal(gate_actor(s, 5, 4, PORT)->index, 3);
	/* One in the middle stays, for the next one that comes; nobody has moved. */
	gate_kill(s, 2);
	gate_drop_one(s, sockets[1]);
	gate_done(s);
	assert_true(reuseport_listens(fds[1]));
	assert_int_equal(gate_actor(s, 6, 5, PORT)->index, 1);
	for (uint64_t generation = 1; generation <= 6; generation++)
		if (generation != 2 && generation != 4)
			gate_kill(s, generation);
	assert_false(can_bind(PORT));
	assert_null(stage_seen(s, KEEPER_LISTENS, 0));
	for (int i = 0; i < s->note_count; i++) {
		const struct note *n = &s->notes[i];

		if (n->kind == KEEPER_LISTENS && n->ticket.generation != 2 && n->ticket.generation != 4)
			gate_drop_one(s, n->socket);
		fd_close(&s->notes[i].fd);
	}
	gate_done(s);
	assert_true(can_bind(PORT));
}

static void the_last_chosen_is_dropped(void **state)
{
	struct stage *s = *state;
	const struct note *old = gate_actor(s, 1, 0, PORT);
	int64_t socket = old->socket;
	int fd = -1;

	/* The next one is there, and nobody has chosen it yet. */
	gate_node(s, 2, 1, PORT);
	fd = gate_connect(PORT, -1);
	assert_int_equal(reuseport_queue(old->fd), 1);
	gate_kill(s, 1);
	gate_drop_one(s, socket);
	gate_done(s);
	assert_int_equal(reuseport_queue(old->fd), 0);
	assert_int_equal(gate_share(PORT, 20, 2), 20);
	fd_close(&fd);
}

/* What comes and goes between, as it may in any order. */
static void come_or_go(struct stage *s, int round, int64_t sockets[4], const int64_t nodes[2])
{
	uint64_t generation = 100 + (uint64_t)round;
	int place = round % 4;

	if (sockets[place]) {
		gate_kill(s, generation - 4);
		if (round % 3)
			gate_drop_one(s, sockets[place]);
		sockets[place] = 0;
	}
	if (round % 5)
		sockets[place] = gate_actor(s, generation, 2 + place, PORT)->socket;
	gate_choose_all(s, round % 2 ? SOCKETS(nodes[0], nodes[1]) : SOCKETS(nodes[round / 2 % 2]));
	/* Without waiting for it. */
}

static void marks_are_exact(void **state)
{
	enum { ROUNDS = 100, PROBES = 40 };
	struct stage *s = *state;
	int64_t sockets[4] = { 0 };
	struct note *n[] = { gate_node(s, 1, 0, PORT), gate_node(s, 2, 1, PORT) };
	const int64_t nodes[2] = { n[0]->socket, n[1]->socket };
	int wrong = 0;

	/* The actor answers nobody: only these two may ever be chosen. */
	for (int round = 0; round < ROUNDS; round++) {
		come_or_go(s, round, sockets, nodes);
		for (int i = 0; i < PROBES; i++)
			wrong += gate_who(PORT, i & 1) != 1 + (i & 1);
		for (int i = 0; i < s->note_count; i++)
			fd_close(&s->notes[i].fd);
	}
	assert_int_equal(wrong, 0);
	gate_done(s);
}

/* --- brains --- */

static void a_new_brain_hears_of_all(void **state)
{
	struct stage *s = *state;
	const struct note *n = NULL;
	int64_t sockets[3];
	int seen = 0;

	for (int i = 0; i < 3; i++)
		sockets[i] = gate_actor(s, (uint64_t)i + 1, i, PORT)->socket;
	gate_choose_all(s, SOCKETS(sockets[1]));
	gate_kill(s, 3);
	stage_kill_brain(s);
	stage_accept(s, false);
	for (int i = 0; i < s->note_count; i++)
		fd_close(&s->notes[i].fd);
	s->note_count = s->notes_seen = 0;
	stage_sync(s);
	/* All of it stands before SYNCED. */
	for (int i = 0; i < s->note_count; i++) {
		n = &s->notes[i];
		if (n->kind != KEEPER_LISTENS)
			continue;
		assert_int_equal(n->index, n->place);
		assert_int_equal(n->socket, sockets[n->place]);
		assert_int_equal(n->is_chosen, n->place == 1);
		assert_int_equal(n->is_free, n->place == 2);
		assert_true(reuseport_listens(n->fd));
		seen++;
	}
	assert_int_equal(seen, 3);
	gate_drop_one(s, sockets[2]);
	gate_done(s);
}

int main(void)
{
#define ON_STAGE(sentence, function)                                                                         \
	{                                                                                                    \
		(sentence), (function), stage_open, stage_close, NULL                                        \
	}
	const struct CMUnitTest tests[] = {
		ON_STAGE("two instances share a port that neither asked to share", two_share_a_port),
		ON_STAGE("and so do two that Python's own server is", a_static_server_of_python_too),
		ON_STAGE("a choice moves all new connections, whole or not at all",
			a_choice_moves_all_new_connections),
		ON_STAGE("marks are exact over IPv4 and ::1 where programs listen at all addresses",
			at_all_addresses),
		ON_STAGE("ports that are not the gate's are left alone", others_are_left_alone),
		ON_STAGE("what waits at a killed instance is served by its successor, and nobody is refused",
			a_queue_is_served_by_the_successor),
		ON_STAGE("a free socket waits for its own place", another_place_does_not_get_it),
		ON_STAGE("the dead leave the choice as long as a living one is left",
			the_dead_leave_the_choice),
		ON_STAGE("a port that is tried, closed and opened again has one socket",
			a_port_that_was_tried_first),
		ON_STAGE("a socket that its process shut down has moved, and that is reported",
			what_was_shut_down_moves),
		ON_STAGE("a dropped socket goes from the end, or waits for the next bind, and the last frees "
			 "the port",
			a_drop_frees_the_port_and_the_end),
		ON_STAGE("when the only chosen one is dropped, one that is there gets the connections",
			the_last_chosen_is_dropped),
		ON_STAGE("4000 probes reach the right instance while others come, go and are dropped",
			marks_are_exact),
		ON_STAGE("a new brain hears of every socket", a_new_brain_hears_of_all),
	};

	return cmocka_run_group_tests_name("keeper: gate", tests, NULL, NULL);
}
