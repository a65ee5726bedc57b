/*
 * The brain's part of the gate, with the real keeper and real servers on one port.
 */
#include "gate/gate.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../keeper/stage_gate.h"
#include "gate/gate_drain.h"
#include "loop/watchers.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/netdiag.h"
#include "rules/pace.h"
#include "sense/tree_connections.h"
#include "spawn/keeper_client.h"
#include "unit.h"

enum { PORT = 4811, PATIENCE_MS = 20000, SHARES = 120 };

/* Answers with its name, and stays connected until the other side has hung up. */
static const char server[] = "import socket, sys\n"
			     "port, name = int(sys.argv[1]), sys.argv[2]\n"
			     "l = socket.socket()\n"
			     "l.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)\n"
			     "l.bind(('127.0.0.1', port))\n"
			     "l.listen(64)\n"
			     "kept = []\n"
			     "while True:\n"
			     "    c = l.accept()[0]\n"
			     "    q = c.recv(4096)\n"
			     "    c.sendall(b'generation ' + name.encode())\n"
			     "    if b'GET' in q: c.close()\n"
			     "    else: kept.append(c)\n";

struct herd_of_two {
	struct stage *stage;
	struct ev_loop *loop;
	struct keeper_client *keeper;
	int link;
	struct gates *gates;
	struct gate_drains *drains;
	pid_t pids[4];
	int spawned, listens, exited, synced, afters, drained;
	size_t left;
};

static struct herd_of_two world;

static void answer(struct herd_of_two *w, uint64_t ping)
{
	struct keeper_msg m;

	keeper_msg_init(&m, KEEPER_PONG);
	m.about = ping;
	(void)keeper_client_send(w->keeper, &m, -1);
}

static void on_message(void *context, const struct keeper_msg *m, const int *fds, size_t fd_count)
{
	struct herd_of_two *w = context;

	if (m->kind == KEEPER_PING)
		answer(w, m->serial);
	if (m->kind == KEEPER_LISTENS) {
		gates_hear(w->gates, m, fd_count ? fds[0] : -1);
		w->listens++;
	}
	if (m->kind == KEEPER_ERROR || m->kind == KEEPER_PONG)
		assert_true(gates_answered(w->gates, m));
	if (m->kind == KEEPER_SPAWNED) {
		w->pids[m->ticket.generation] = (pid_t)m->pid;
		w->spawned++;
	}
	w->synced += m->kind == KEEPER_SYNCED;
	if (m->kind == KEEPER_EXITED) {
		gates_ended(w->gates, keeper_client_ticket(m));
		w->exited++;
	}
}

static void on_gone(void *context)
{
	(void)context;
	fail_msg("the keeper is gone");
}

static void on_after(void *context, struct ticket ticket)
{
	struct herd_of_two *w = context;

	(void)ticket;
	w->afters++;
}

static void on_drained(void *context, struct ticket ticket, size_t left)
{
	struct herd_of_two *w = context;

	assert_int_equal(ticket.slot, 1);
	w->drained++;
	w->left = left;
}

static void open_gates(struct herd_of_two *w)
{
	w->gates = gates_new(w->keeper);
	w->drains = gate_drains_new(&(struct gate_drains_options){ .loop = w->loop,
		.gates = w->gates,
		.count = tree_connections,
		.done = on_drained,
		.context = w });
}

static void close_gates(struct herd_of_two *w)
{
	gate_drains_free(w->drains);
	gates_free(w->gates);
}

static int setup(void **state)
{
	static const struct keeper_client_calls calls = { .message = on_message, .gone = on_gone };

	memset(&world, 0, sizeof(world));
	stage_open(state);
	world.stage = *state;
	world.loop = ev_loop_new(EVFLAG_AUTO | EVFLAG_NOENV);
	world.link = fcntl(world.stage->sock, F_DUPFD_CLOEXEC, 0);
	world.keeper = keeper_client_new(world.loop, world.link, &calls, &world);
	open_gates(&world);
	*state = &world;
	return 0;
}

static int teardown(void **state)
{
	struct herd_of_two *w = *state;
	void *stage = w->stage;

	close_gates(w);
	keeper_client_free(w->keeper);
	fd_close(&w->link);
	ev_loop_destroy(w->loop);
	return stage_close(&stage);
}

static void on_tick(struct ev_loop *loop, ev_timer *w, int events)
{
	(void)w;
	(void)events;
	ev_break(loop, EVBREAK_ONE);
}

static void turn(struct herd_of_two *w)
{
	ev_timer tick;

	ev_timer_init(&tick, on_tick, 0.005, 0);
	ev_timer_start(w->loop, &tick);
	ev_run(w->loop, EVRUN_ONCE);
	ev_timer_stop(w->loop, &tick);
}

static void turn_until(struct herd_of_two *w, const int *value, int least)
{
	int64_t limit = clock_ms() + PATIENCE_MS;

	while (*value < least && clock_ms() < limit)
		turn(w);
	if (*value < least)
		stage_print_log(w->stage);
	assert_true(*value >= least);
}

static struct ticket ticket_of(uint64_t generation)
{
	return (struct ticket){ .slot = 1, .generation = generation };
}

static void begin(struct herd_of_two *w, uint64_t generation, int place)
{
	char port[16], name[16];
	struct spawn_order order;

	(void)snprintf(port, sizeof(port), "%d", PORT);
	(void)snprintf(name, sizeof(name), "%d", (int)generation);
	order_program(&order, generation, NULL, WORDS("python3", "-c", server, port, name));
	order_gate(&order, place, PORT);
	order_say(w->stage, &order);
	turn_until(w, &w->listens, w->listens + 1);
}

/* The keeper has done what was sent, and all its answers were heard. */
static void settle(struct herd_of_two *w)
{
	gates_after(w->gates, ticket_of(0), on_after, w);
	turn_until(w, &w->afters, w->afters + 1);
}

static void set(struct herd_of_two *w, const struct ticket *chosen, size_t count, int places)
{
	static const int all[] = { 0, 1, 2, 3 };
	const struct gate_effect effect = {
		.gate = GATE,
		.port = PORT,
		.chosen = chosen,
		.chosen_count = count,
		.places = all,
		.place_count = (size_t)places,
	};

	gates_set(w->gates, &effect);
	settle(w);
}

static const struct held_socket *socket_of(const struct herd_of_two *w, uint64_t generation)
{
	return gates_socket_of(w->gates, GATE, ticket_of(generation), NULL);
}

static void two(struct herd_of_two *w)
{
	const struct ticket both[] = { ticket_of(1), ticket_of(2) };

	begin(w, 1, 0);
	begin(w, 2, 1);
	set(w, both, 2, 2);
}

static void two_share(void **state)
{
	struct herd_of_two *w = *state;
	int first = 0;

	two(w);
	first = gate_share(PORT, SHARES, 1);
	assert_in_range(first, SHARES / 4, SHARES * 3 / 4);
	assert_int_equal(socket_of(w, 1)->address.port, PORT);
	assert_int_equal(socket_of(w, 1)->address.bytes[0], 127);
	assert_int_equal(gates_holder(w->gates, socket_of(w, 2)->inode), GATE);
	assert_int_equal(gates_queue(w->gates, GATE, ticket_of(1)), 0);
	assert_int_equal(gates_queue(w->gates, GATE, ticket_of(3)), -1);
}

static void one_that_is_out_gets_nothing(void **state)
{
	struct herd_of_two *w = *state;
	const struct ticket first = ticket_of(1);

	two(w);
	set(w, &first, 1, 2);
	assert_int_equal(gate_share(PORT, SHARES, 1), SHARES);
	for (uint64_t k = 1; k <= 2; k++)
		assert_int_equal(gate_who(PORT, socket_of(w, k)->index), (int)k);
}

static int talk_to(const struct herd_of_two *w, uint64_t generation)
{
	char answer[32];
	int fd = gate_connect(PORT, socket_of(w, generation)->index);

	assert_true(fd >= 0);
	assert_int_equal(fd_write_all(fd, "x", 1), 0);
	assert_true(read(fd, answer, sizeof(answer)) > 0);
	return fd;
}

static void drain(struct herd_of_two *w, uint64_t generation, int64_t ms)
{
	gate_drain_start(w->drains,
		&(struct endpoint){ .port = PORT, .ticket = ticket_of(generation), .gate = GATE },
		w->pids[generation], ms);
	assert_int_equal(w->drained, 0);
}

static void drained_with_its_last_connection(void **state)
{
	struct herd_of_two *w = *state;
	const struct ticket first = ticket_of(1);
	int fd = -1;
	int other = -1;

	two(w);
	fd = talk_to(w, 2);
	other = talk_to(w, 1);
	set(w, &first, 1, 2);
	drain(w, 2, PATIENCE_MS);
	for (int i = 0; i < 10; i++)
		turn(w);
	assert_int_equal(w->drained, 0);
	/* The server keeps its end. */
	(void)kill(w->pids[2], SIGKILL);
	turn_until(w, &w->drained, 1);
	assert_int_equal(w->left, 0);
	fd_close(&fd);
	fd_close(&other);
}

static int64_t drains_in(struct herd_of_two *w)
{
	int64_t begun = clock_ms();

	w->drained = 0;
	drain(w, 2, PATIENCE_MS);
	turn_until(w, &w->drained, 1);
	assert_int_equal(w->left, 0);
	return clock_ms() - begun;
}

static void what_is_half_open_is_waited_for(void **state)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET, .sin_port = htons(PORT), .sin_addr = { htonl(INADDR_LOOPBACK) }
	};
	struct sock_filter drop = { .code = BPF_RET | BPF_K };
	const struct sock_fprog program = { .len = 1, .filter = &drop };
	struct herd_of_two *w = *state;
	const struct ticket first = ticket_of(1);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	two(w);
	set(w, &first, 1, 2);
	assert_true(drains_in(w) < DRAIN_HALF_OPEN_MS);
	/* A client that never hears the answer to its first packet. */
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)), 0);
	assert_int_equal(connect(fd, (const void *)&to, sizeof(to)), -1);
	assert_int_equal(errno, EINPROGRESS);
	assert_true(drains_in(w) >= DRAIN_HALF_OPEN_MS);
	fd_close(&fd);
}

static void who_waits_counts(void **state)
{
	struct herd_of_two *w = *state;
	const struct ticket first = ticket_of(1);
	int fd = -1;

	two(w);
	(void)kill(w->pids[2], SIGSTOP);
	fd = gate_connect(PORT, socket_of(w, 2)->index);
	assert_true(fd >= 0);
	assert_int_equal(gates_queue(w->gates, GATE, ticket_of(2)), 1);
	set(w, &first, 1, 2);
	drain(w, 2, 100);
	turn_until(w, &w->drained, 1);
	assert_int_equal(w->left, 1);
	w->drained = 0;
	drain(w, 2, PATIENCE_MS);
	(void)kill(w->pids[2], SIGCONT);
	gate_ask(fd);
	assert_int_equal(gate_answer(&fd), 2);
	turn_until(w, &w->drained, 1);
	assert_int_equal(w->left, 0);
}

static size_t listeners(void)
{
	struct netdiag_sockets all = NETDIAG_SOCKETS_INIT;
	size_t count = 0;

	assert_int_equal(netdiag_listeners(PORT, &all, NULL), 0);
	count = all.len;
	netdiag_release(&all);
	return count;
}

static void unneeded_sockets_are_closed(void **state)
{
	struct herd_of_two *w = *state;
	const struct ticket first = ticket_of(1);

	two(w);
	set(w, &first, 1, 2);
	(void)kill(w->pids[2], SIGKILL);
	turn_until(w, &w->exited, 1);
	settle(w);
	/* Its successor would get it. */
	assert_int_equal(listeners(), 2);
	assert_null(socket_of(w, 2));
	set(w, &first, 1, 1);
	assert_int_equal(listeners(), 1);
	(void)kill(w->pids[1], SIGKILL);
	turn_until(w, &w->exited, 2);
	set(w, NULL, 0, 0);
	assert_int_equal(listeners(), 0);
}

static void a_successor_is_chosen_again(void **state)
{
	struct herd_of_two *w = *state;
	const struct ticket both[] = { ticket_of(1), ticket_of(3) };
	int64_t number = 0;

	two(w);
	number = socket_of(w, 2)->number;
	(void)kill(w->pids[2], SIGKILL);
	turn_until(w, &w->exited, 1);
	begin(w, 3, 1);
	assert_int_equal(socket_of(w, 3)->number, number);
	/* The same sockets as before: but the keeper took out the one of the dead. */
	set(w, both, 2, 2);
	assert_in_range(gate_share(PORT, SHARES, 3), SHARES / 4, SHARES * 3 / 4);
}

static void the_next_brain_hears_of_all(void **state)
{
	struct herd_of_two *w = *state;
	const struct ticket both[] = { ticket_of(1), ticket_of(2) };
	struct keeper_msg m;

	two(w);
	close_gates(w);
	open_gates(w);
	keeper_msg_init(&m, KEEPER_SYNC);
	m.version = KEEPER_VERSION;
	assert_int_equal(keeper_client_send(w->keeper, &m, -1), 0);
	turn_until(w, &w->synced, w->synced + 1);
	assert_non_null(socket_of(w, 1));
	assert_non_null(socket_of(w, 2));
	(void)kill(w->pids[2], SIGKILL);
	turn_until(w, &w->exited, 1);
	set(w, both, 1, 2);
	assert_int_equal(listeners(), 2);
	assert_int_equal(gate_share(PORT, SHARES, 1), SHARES);
}

static void what_nobody_wants_is_swept(void **state)
{
	struct herd_of_two *w = *state;

	begin(w, 1, 0);
	(void)kill(w->pids[1], SIGKILL);
	turn_until(w, &w->exited, 1);
	settle(w);
	assert_int_equal(listeners(), 1);
	gates_sweep(w->gates);
	settle(w);
	assert_int_equal(listeners(), 0);
}

int main(void)
{
#define GATED(sentence, function) PROMISE_IN(setup, teardown, sentence, function)
	const struct CMUnitTest tests[] = {
		GATED("two that are chosen share the connections", two_share),
		GATED("one that is not chosen any more gets no new connection, and its mark reaches it",
			one_that_is_out_gets_nothing),
		GATED("a drain ends when the process has no connection any more, whatever others have",
			drained_with_its_last_connection),
		GATED("a connection that waits to be accepted is not drained", who_waits_counts),
		GATED("a drain waits a second for a connection that is not established yet, and only for that",
			what_is_half_open_is_waited_for),
		GATED("sockets that no process comes for are closed", unneeded_sockets_are_closed),
		GATED("who follows a dead one is chosen on the same socket", a_successor_is_chosen_again),
		GATED("the next brain hears of all sockets", the_next_brain_hears_of_all),
		GATED("sockets of an app that is gone are closed", what_nobody_wants_is_swept),
	};

	return cmocka_run_group_tests_name("gate", tests, NULL, NULL);
}
