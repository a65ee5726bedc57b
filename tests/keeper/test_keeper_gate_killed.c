/* A keeper is killed, and the next one finds the gate again: in the processes that listen. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "os/fd.h"
#include "os/reuseport.h"
#include "stage_library.h"
#include "unit.h"

enum { PORT = 4806, COUNT = 4 };

/* The test has been their brain, and would keep the sockets open. */
static void close_sockets(struct stage *s)
{
	for (int i = 0; i < s->note_count; i++)
		fd_close(&s->notes[i].fd);
}

static void replace_keeper(struct stage *s)
{
	close_sockets(s);
	stage_kill_keeper(s);
	stage_next_keeper(s);
}

static void open_some(struct stage *s, uint64_t first, int count, int64_t sockets[COUNT])
{
	for (int i = 0; i < count; i++)
		sockets[i] = gate_node(s, first + (uint64_t)i, i, PORT)->socket;
}

/* Of each of these there is a socket that its own probe reaches, and so many others. */
static void assert_found(struct stage *s, uint64_t first, int count)
{
	unsigned int seen = 0;

	for (int i = 0; i < count; i++) {
		uint64_t generation = first + (uint64_t)i;
		const struct note *n = stage_expect(s, KEEPER_LISTENS, generation);

		assert_in_range(n->index, 0, count - 1);
		assert_int_equal(n->place, i);
		assert_int_equal(n->gate, GATE);
		assert_int_equal(n->is_free, 0);
		assert_true(reuseport_listens(n->fd));
		seen |= 1U << n->index;
		for (int k = 0; k < 10; k++)
			assert_int_equal(gate_who(PORT, (int)n->index), (int)generation);
		(void)stage_seen(s, KEEPER_HELLO, UINT64_MAX);
	}
	assert_int_equal(seen, (1U << count) - 1);
	assert_null(stage_seen(s, KEEPER_LISTENS, 0));
}

static void assert_nobody_failed(struct gate_load *load)
{
	int failed = 0;
	int answered = gate_load_end(load, &failed);

	assert_int_equal(failed, 0);
	assert_in_range(answered, GATE_LOAD_LEAST, INT32_MAX);
}

static void nobody_is_refused(void **state)
{
	struct stage *s = *state;
	int64_t sockets[COUNT];
	struct gate_load load;

	open_some(s, 1, COUNT, sockets);
	gate_choose_all(s, SOCKETS(sockets[0], sockets[1], sockets[2], sockets[3]));
	gate_done(s);
	load = gate_load_start(PORT);
	for (int i = 0; i < 3; i++) {
		replace_keeper(s);
		assert_found(s, 1, COUNT);
		stage_assert_logs_not(s, "are not held any more");
	}
	assert_nobody_failed(&load);
	/* It is a gate as any other. */
	assert_int_equal(gate_node(s, 9, 7, PORT)->index, COUNT);
	gate_kill(s, 2);
	assert_int_equal(gate_share(PORT, 40, 2), 0);
}

/* What the dead keeper alone had is closed, and others move into these places. */
static void what_was_free_is_gone(void **state)
{
	struct stage *s = *state;
	int64_t sockets[COUNT];
	struct gate_load load;

	open_some(s, 1, COUNT, sockets);
	open_some(s, 11, COUNT, sockets);
	gate_choose_all(s, SOCKETS(sockets[0], sockets[1], sockets[2], sockets[3]));
	for (uint64_t i = 1; i <= COUNT; i++)
		gate_kill(s, i);
	load = gate_load_start(PORT);
	replace_keeper(s);
	assert_found(s, 11, COUNT);
	assert_nobody_failed(&load);
}

static void the_choice_is_kept(void **state)
{
	struct stage *s = *state;
	int64_t sockets[COUNT];

	open_some(s, 1, 3, sockets);
	gate_choose_all(s, SOCKETS(sockets[1]));
	gate_done(s);
	replace_keeper(s);
	assert_int_equal(gate_share(PORT, 60, 2), 60);
	for (uint64_t i = 1; i <= 3; i++)
		assert_int_equal(stage_expect(s, KEEPER_LISTENS, i)->is_chosen, i == 2);
	/* One that has followed a dead one at its socket has its place in the choice. */
	gate_kill(s, 1);
	gate_kill(s, 3);
	gate_kill(s, 2);
	gate_node(s, 4, 1, PORT);
	gate_node(s, 5, 7, PORT);
	replace_keeper(s);
	assert_int_equal(gate_share(PORT, 60, 4), 60);
}

static void who_dies_meanwhile_is_gone(void **state)
{
	struct stage *s = *state;
	int64_t sockets[COUNT];

	open_some(s, 1, COUNT, sockets);
	gate_choose_all(s, SOCKETS(sockets[0], sockets[1], sockets[2], sockets[3]));
	gate_done(s);
	close_sockets(s);
	stage_kill_keeper(s);
	kill(gate_pid(s, 1), SIGKILL);
	(void)stage_wait(gate_pid(s, 1));
	stage_next_keeper(s);
	stage_expect(s, KEEPER_EXITED, 1);
	for (uint64_t i = 2; i <= COUNT; i++)
		assert_in_range(stage_expect(s, KEEPER_LISTENS, i)->index, 0, COUNT - 2);
	assert_null(stage_seen(s, KEEPER_LISTENS, 1));
	assert_int_equal(gate_node(s, 5, 0, PORT)->index, COUNT - 1);
	assert_int_equal(gate_who(PORT, COUNT - 1), 5);
}

/* It binds after a line on its input. */
static void order_waiting(struct spawn_order *w, uint64_t generation, const char *port, int in, int *out)
{
	static const char script[] =
		"import socket, sys\n"
		"sys.stdin.readline(); a = socket.socket(); a.setsockopt(1, 2, 1)\n"
		"print('goes'); a.bind(('127.0.0.1', int(sys.argv[1]))); print('bound'); a.listen()\n"
		"print('listens'); import time; time.sleep(60)";

	order_program(w, generation, out, WORDS("python3", "-uc", script, port));
	w->fds[w->fd_count++] = in;
	w->m.spawn.descriptors[w->m.spawn.descriptor_count++] =
		(struct keeper_descriptor){ 0, KEEPER_FROM_SENT, (int64_t)w->fd_count - 1, "" };
}

static void a_bind_waits(void **state)
{
	struct stage *s = *state;
	struct buf text = BUF_INIT;
	struct spawn_order w;
	int ends[2];
	int out = -1;

	gate_node(s, 1, 0, PORT);
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	order_waiting(&w, 2, "4806", ends[0], &out);
	order_gate(&w, 1, PORT);
	order_say(s, &w);
	stage_expect(s, KEEPER_SPAWNED, 2);
	close_sockets(s);
	stage_kill_keeper(s);
	assert_int_equal(fd_write_all(ends[1], "\n", 1), 0);
	stage_read(out, &text, "goes\n");
	(void)poll(NULL, 0, 100);
	stage_next_keeper(s);
	assert_int_equal(stage_expect(s, KEEPER_LISTENS, 2)->index, 1);
	gate_read(s, out, &text, "listens\n");
	stage_assert_has(&text, "goes\nbound\nlistens");
	fd_close(&ends[1]);
	fd_close(&out);
	buf_release(&text);
}

/* A keeper may have received a call and not answered it, and then nobody else can see that. */
static void a_call_on_the_way(void **state)
{
	enum { KILLS = 12 };
	static const char script[] =
		"import socket, sys, threading, time\n"
		"def run(name):\n"
		" i = 0\n"
		" while True:\n"
		"  a = socket.socket(); a.setsockopt(1, 2, 1); a.bind(('127.0.0.1', int(sys.argv[1]))); a.listen()\n"
		"  a.close(); i += 1; time.sleep(0.004); sys.stdout.write('%s%d\\n' % (name, i))\n"
		"[threading.Thread(target=run, args=(n,)).start() for n in 'ab']";
	struct stage *s = *state;
	int out = -1;

	gate_python(s, 1, 0, PORT, script, &out);
	for (int i = 0; i < KILLS; i++) {
		struct buf text = BUF_INIT;

		/* Both threads keep running, again and again. */
		gate_read(s, out, &text, "\na");
		gate_read(s, out, &text, "\nb");
		buf_release(&text);
		close_sockets(s);
		stage_kill_keeper(s);
		while (fd_set_nonblocking(out, true) == 0 && read(out, (char[4096]){ 0 }, 4096) > 0)
			;
		assert_int_equal(fd_set_nonblocking(out, false), 0);
		stage_next_keeper(s);
	}
	fd_close(&out);
}

/* With it the ledgers: the brain's next start makes them again. */
static void in_a_folder_that_was_made_again(void **state)
{
	struct stage *s = *state;
	int64_t sockets[COUNT];
	char path[128];

	open_some(s, 1, COUNT, sockets);
	gate_choose_all(s, SOCKETS(sockets[2]));
	gate_done(s);
	(void)snprintf(path, sizeof(path), "%s/run/oxherd.gates", s->home);
	assert_int_equal(unlink(path), 0);
	stage_kill_brain(s);
	stage_accept(s, true);
	replace_keeper(s);
	assert_int_equal(gate_share(PORT, 40, 3), 40);
	assert_found(s, 1, COUNT);
}

/* Each time another one is chosen, and the brain dies before it could have heard how that went. */
static void brains_die_too(void **state)
{
	struct stage *s = *state;
	int64_t sockets[COUNT];
	struct gate_load load;

	open_some(s, 1, COUNT, sockets);
	load = gate_load_start(PORT);
	for (int i = 0; i < 12; i++) {
		const struct note *n = NULL;

		gate_choose_all(s, SOCKETS(sockets[i % COUNT]));
		stage_kill_brain(s);
		close_sockets(s);
		s->note_count = s->notes_seen = 0;
		stage_accept(s, true);
		assert_int_equal(gate_share(PORT, 10, i % COUNT + 1), 10);
		for (int k = 0; k < COUNT; k++) {
			n = stage_expect(s, KEEPER_LISTENS, (uint64_t)k + 1);
			assert_int_equal(n->socket, sockets[k]);
			assert_int_equal(n->index, k);
			assert_int_equal(n->is_chosen, k == i % COUNT);
		}
	}
	assert_nobody_failed(&load);
}

/* Any process of the tree may open it: here the child of a shell. */
static void deep_in_a_tree(void **state)
{
	struct stage *s = *state;
	char line[512];
	const struct note *n = NULL;
	struct spawn_order w;

	(void)snprintf(line, sizeof(line),
		"node -e \"require('http').createServer((q, r) => { r.setHeader('connection', 'close'); "
		"r.end('generation 2') }).listen(%d, '127.0.0.1')\"; true",
		PORT);
	gate_node(s, 1, 0, PORT);
	order_program(&w, 2, NULL, WORDS("sh", "-c", line));
	order_gate(&w, 1, PORT);
	order_say(s, &w);
	stage_expect(s, KEEPER_LISTENS, 2);
	replace_keeper(s);
	n = stage_expect(s, KEEPER_LISTENS, 2);
	assert_int_equal(gate_who(PORT, (int)n->index), 2);
	assert_int_equal(gate_who(PORT, 1 - (int)n->index), 1);
}

/* Its library connects to the name that it was given by the dead one. */
static void under_the_library(void **state)
{
	struct stage *s = *state;
	struct buf text = BUF_INIT;
	struct spawn_order w;
	const struct note *n = NULL;
	int ends[2];
	int out = -1;

	library_node(s, 1, 0);
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	order_waiting(&w, 2, library_port_text(), ends[0], &out);
	order_library_at(&w, 1, NULL);
	order_say(s, &w);
	stage_expect(s, KEEPER_SPAWNED, 2);
	replace_keeper(s);
	assert_int_equal(stage_expect(s, KEEPER_LISTENS, 1)->index, 0);
	assert_int_equal(gate_who(library_port, 0), 1);
	assert_int_equal(fd_write_all(ends[1], "\n", 1), 0);
	n = stage_expect(s, KEEPER_LISTENS, 2);
	assert_int_equal(n->index, 1);
	assert_int_not_equal(n->socket, 0);
	gate_read(s, out, &text, "listens\n");
	fd_close(&ends[1]);
	fd_close(&out);
	buf_release(&text);
}

/* Another program of the same user has joined the list by itself: then nobody can say who is who. */
static void beside_a_stranger(void **state)
{
	struct stage *s = *state;
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(PORT) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const struct note *n = NULL;

	gate_node(s, 1, 0, PORT);
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(reuseport_share(fd), 0);
	assert_int_equal(bind(fd, (const struct sockaddr *)&at, sizeof(at)) | listen(fd, 5), 0);
	gate_node(s, 2, 1, PORT);
	replace_keeper(s);
	stage_assert_logs(
		s, "gate: the sockets of port 4806 are not held any more: their order cannot be found");
	for (uint64_t i = 1; i <= 2; i++) {
		n = stage_expect(s, KEEPER_LISTENS, i);
		assert_int_equal(n->socket, 0);
		assert_int_equal(n->number, EBUSY);
	}
	/* Nor is a later one's place in the list known. */
	n = gate_node(s, 3, 2, PORT);
	assert_int_equal(n->socket, 0);
	assert_int_equal(n->number, EBUSY);
	/* With the last of them it is over. */
	fd_close(&fd);
	close_sockets(s);
	for (uint64_t i = 1; i <= 3; i++)
		gate_kill(s, i);
	n = gate_node(s, 4, 0, PORT);
	assert_int_equal(n->index, 0);
	assert_int_not_equal(n->socket, 0);
	assert_int_equal(gate_who(PORT, 0), 4);
}

int main(void)
{
#define ON_STAGE(sentence, function)                                                                         \
	{                                                                                                    \
		(sentence), (function), stage_open, stage_close, NULL                                        \
	}
	const struct CMUnitTest tests[] = {
		ON_STAGE("under load three killed keepers refuse nobody, and marks are right after each",
			nobody_is_refused),
		ON_STAGE("what nobody but the dead keeper had is gone, and what has moved is found",
			what_was_free_is_gone),
		ON_STAGE("who got connections before gets them again, and nobody else", the_choice_is_kept),
		ON_STAGE("who dies while there is no keeper is gone", who_dies_meanwhile_is_gone),
		ON_STAGE("a bind waits for the next keeper", a_bind_waits),
		ON_STAGE("a bind that the dead keeper had received is answered by the next one",
			a_call_on_the_way),
		ON_STAGE("also where the run folder's files were deleted before",
			in_a_folder_that_was_made_again),
		ON_STAGE(
			"under load a brain that is killed after its choice has made it, and the next hears of that",
			brains_die_too),
		ON_STAGE("the socket of a shell's child is found too", deep_in_a_tree),
		ON_STAGE("and those of programs under the library", under_the_library),
		ON_STAGE("where a stranger listens too nothing is held, and that is said", beside_a_stranger),
		{ "without cgroups: under load three killed keepers refuse nobody", nobody_is_refused,
			stage_open_without_cgroups, stage_close, NULL },
	};

	library_port = 4813;
	return cmocka_run_group_tests_name("keeper: gate, killed keeper", tests, NULL, NULL);
}
