/*
 * What the brain's part of the gate says to the keeper, with sockets of the test's own and the test as the keeper: what it says comes in an order that a
 * real one seldom has.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"
#include "gate/gate.h"
#include "gate/gate_drain.h"
#include "loop/watchers.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/sock.h"
#include "spawn/keeper_client.h"
#include "unit.h"

enum { GATE = 7, PORT = 4821, PATIENCE_MS = 5000, LONG_MS = 60000 };

struct scene {
	struct ev_loop *loop;
	int ends[2]; /* the brain's, the keeper's */
	struct keeper_client *keeper;
	struct gates *gates;
	struct gate_drains *drains;
	int drained;
	size_t left, connections;
	int told[KEEPER_KIND_COUNT]; /* what the keeper got */
	uint64_t serials[KEEPER_KIND_COUNT];
	int64_t sockets[KEEPER_KIND_COUNT];
};

static struct scene scene;

static void on_message(void *context, const struct keeper_msg *m, const int *fds, size_t fd_count)
{
	(void)context;
	(void)m;
	(void)fds;
	(void)fd_count;
}

static void on_gone(void *context)
{
	(void)context;
}

static void on_drained(void *context, struct ticket ticket, size_t left)
{
	struct scene *t = context;

	(void)ticket;
	t->drained++;
	t->left = left;
}

static void count(const int *ports, const pid_t *mains, size_t len, size_t *counts)
{
	(void)ports;
	(void)mains;
	for (size_t i = 0; i < len; i++)
		counts[i] = scene.connections;
}

static int setup(void **state)
{
	static const struct keeper_client_calls calls = { .message = on_message, .gone = on_gone };
	struct scene *t = &scene;

	memset(t, 0, sizeof(*t));
	assert_int_equal(sock_pair(t->ends, KEEPER_MSG_MAX), 0);
	t->loop = ev_loop_new(EVFLAG_AUTO | EVFLAG_NOENV);
	t->keeper = keeper_client_new(t->loop, t->ends[0], &calls, t);
	t->gates = gates_new(t->keeper);
	t->drains = gate_drains_new(&(struct gate_drains_options){
		.loop = t->loop, .gates = t->gates, .count = count, .done = on_drained, .context = t });
	*state = t;
	return 0;
}

static int teardown(void **state)
{
	struct scene *t = *state;

	gate_drains_free(t->drains);
	gates_free(t->gates);
	keeper_client_free(t->keeper);
	fd_close(&t->ends[0]);
	fd_close(&t->ends[1]);
	ev_loop_destroy(t->loop);
	return 0;
}

static struct ticket ticket_of(uint64_t generation)
{
	return (struct ticket){ .slot = 1, .generation = generation };
}

static int listen_at(const char *host)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(PORT) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(inet_pton(AF_INET, host, &at.sin_addr), 1);
	assert_int_equal(reuseport_share(fd), 0);
	assert_int_equal(bind(fd, (const struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(fd, 8), 0);
	return fd;
}

/* Its socket has the number of its generation.  NULL: the descriptor was lost on the way. */
static void hear(struct scene *t, uint64_t generation, int place, const char *host)
{
	struct keeper_msg m;

	keeper_msg_init(&m, KEEPER_LISTENS);
	m.ticket = (struct keeper_ticket){ .slot = 1, .generation = generation };
	m.gate = GATE;
	m.place = place;
	m.socket = (int64_t)generation;
	gates_hear(t->gates, &m, host ? listen_at(host) : -1);
}

static void choose(struct scene *t, uint64_t generation, int places)
{
	static const int all[] = { 0, 1 };
	const struct ticket chosen = ticket_of(generation);

	gates_set(t->gates,
		&(struct gate_effect){ .gate = GATE,
			.port = PORT,
			.chosen = &chosen,
			.chosen_count = generation ? 1 : 0,
			.places = all,
			.place_count = (size_t)places });
}

/* How many messages of that kind the keeper got since it was asked last, and about the last one. */
static int heard(struct scene *t, enum keeper_msg_kind kind)
{
	static char room[KEEPER_MSG_MAX];
	struct err e = ERR_INIT;
	int fds[SOCK_FDS_MAX];
	size_t fd_count = 0;
	ssize_t len = 0;
	int found = 0;

	assert_int_equal(fd_set_nonblocking(t->ends[1], true), 0);
	while ((len = sock_receive(t->ends[1], room, sizeof(room), fds, &fd_count)) > 0) {
		struct keeper_msg m;

		assert_int_equal(keeper_msg_read(&m, room, (size_t)len, &e), 0);
		t->told[m.kind]++;
		t->serials[m.kind] = m.serial;
		t->sockets[m.kind] = m.socket;
	}
	found = t->told[kind];
	t->told[kind] = 0;
	return found;
}

static void a_dead_one_is_not_in_the_way(void **state)
{
	struct scene *t = *state;

	hear(t, 1, 0, "127.0.0.1");
	hear(t, 2, 1, "127.0.0.1");
	gates_ended(t->gates, ticket_of(1));
	gates_ended(t->gates, ticket_of(2));
	hear(t, 3, 0, "0.0.0.0");
	/* It may bind once more. */
	choose(t, 0, 2);
	assert_int_equal(heard(t, KEEPER_DROP), 0);
	choose(t, 3, 2);
	/* Of another place somebody may come. */
	assert_int_equal(heard(t, KEEPER_DROP), 1);
	assert_int_equal(t->sockets[KEEPER_DROP], 1);
}

static void what_is_not_in_the_way_stays(void **state)
{
	struct scene *t = *state;

	hear(t, 1, 0, "127.0.0.1");
	hear(t, 2, 0, "127.0.0.2");
	gates_ended(t->gates, ticket_of(1));
	gates_ended(t->gates, ticket_of(2));
	hear(t, 3, 0, "127.0.0.1");
	choose(t, 3, 1);
	assert_int_equal(heard(t, KEEPER_DROP), 0);
}

static void what_lacks_its_address_stays(void **state)
{
	struct scene *t = *state;

	hear(t, 1, 0, NULL);
	choose(t, 0, 1);
	gates_ended(t->gates, ticket_of(1));
	assert_int_equal(heard(t, KEEPER_DROP), 0);
	choose(t, 0, 0);
	assert_int_equal(heard(t, KEEPER_DROP), 1);
}

/* --- drains --- */

static void on_tick(struct ev_loop *loop, ev_timer *w, int events)
{
	(void)w;
	(void)events;
	ev_break(loop, EVBREAK_ALL);
}

static void run_until(struct scene *t, const int *value, int64_t ms)
{
	int64_t until = clock_ms() + ms;
	ev_timer tick;

	while (!*value && clock_ms() < until) {
		ev_timer_init(&tick, on_tick, 0.005, 0);
		ev_timer_start(t->loop, &tick);
		ev_run(t->loop, 0);
		ev_timer_stop(t->loop, &tick);
	}
}

static void drain(struct scene *t, uint64_t generation, int64_t ms)
{
	gate_drain_start(t->drains,
		&(struct endpoint){ .port = PORT, .ticket = ticket_of(generation), .gate = GATE }, getpid(),
		ms);
}

static void say(struct scene *t, enum keeper_msg_kind kind, uint64_t about, int number)
{
	struct keeper_msg m;

	keeper_msg_init(&m, kind);
	m.about = about;
	m.number = number;
	m.words = "no";
	assert_true(gates_answered(t->gates, &m));
}

static uint64_t last_ping(struct scene *t)
{
	assert_true(heard(t, KEEPER_PING) > 0);
	return t->serials[KEEPER_PING];
}

static void one_that_was_called_back_ends_none(void **state)
{
	enum { SOON_MS = 40, QUIET_MS = 150 };
	struct scene *t = *state;
	uint64_t ping = 0;

	hear(t, 1, 0, "127.0.0.1");
	hear(t, 2, 1, "127.0.0.1");
	t->connections = 1;
	choose(t, 2, 2);
	drain(t, 1, SOON_MS);
	ping = last_ping(t);
	choose(t, 1, 2);
	choose(t, 2, 2);
	drain(t, 1, LONG_MS);
	run_until(t, &t->drained, QUIET_MS);
	assert_int_equal(t->drained, 0);
	/* The answer about the first one says nothing of the second. */
	t->connections = 0;
	say(t, KEEPER_PONG, ping, 0);
	run_until(t, &t->drained, QUIET_MS);
	assert_int_equal(t->drained, 0);
	say(t, KEEPER_PONG, last_ping(t), 0);
	run_until(t, &t->drained, PATIENCE_MS);
	assert_int_equal(t->drained, 1);
	assert_int_equal(t->left, 0);
}

static void it_begins_with_the_choice(void **state)
{
	enum { QUIET_MS = 150 };
	struct scene *t = *state;

	hear(t, 1, 0, "127.0.0.1");
	hear(t, 2, 1, "127.0.0.1");
	choose(t, 2, 2);
	assert_int_equal(heard(t, KEEPER_CHOOSE), 1);
	drain(t, 1, LONG_MS);
	say(t, KEEPER_ERROR, t->serials[KEEPER_CHOOSE], ENOBUFS);
	say(t, KEEPER_PONG, last_ping(t), 0);
	run_until(t, &t->drained, QUIET_MS);
	assert_int_equal(t->drained, 0);
	assert_int_equal(heard(t, KEEPER_CHOOSE), 1);
	say(t, KEEPER_PONG, last_ping(t), 0);
	run_until(t, &t->drained, PATIENCE_MS);
	assert_int_equal(t->drained, 1);
}

static void a_queue_that_cannot_be_read_is_not_empty(void **state)
{
	struct scene *t = *state;

	hear(t, 1, 0, NULL);
	hear(t, 2, 1, "127.0.0.1");
	assert_int_equal(gates_queue(t->gates, GATE, ticket_of(2)), 0);
	assert_int_equal(gates_queue(t->gates, GATE, ticket_of(1)), 1);
	choose(t, 2, 2);
	drain(t, 1, 100);
	say(t, KEEPER_PONG, last_ping(t), 0);
	run_until(t, &t->drained, PATIENCE_MS);
	assert_int_equal(t->left, 1);
}

int main(void)
{
#define TOLD(sentence, function) PROMISE_IN(setup, teardown, sentence, function)
	const struct CMUnitTest tests[] = {
		TOLD("a dead socket that would take connections from its successor at another address is closed",
			a_dead_one_is_not_in_the_way),
		TOLD("a dead socket beside it stays for the next bind of its place",
			what_is_not_in_the_way_stays),
		TOLD("a dead socket whose address is not known stays while its place does",
			what_lacks_its_address_stays),
		TOLD("a drain that was called back does not end the next one of the same process",
			one_that_was_called_back_ends_none),
		TOLD("a drain begins when the choice is in effect, and the choice is said again where it failed",
			it_begins_with_the_choice),
		TOLD("a queue that cannot be read is not drained before the deadline",
			a_queue_that_cannot_be_read_is_not_empty),
	};

	return cmocka_run_group_tests_name("gate: what the keeper receives", tests, NULL, NULL);
}
