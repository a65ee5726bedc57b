/* What processes behind the gate may do with sockets that are held: it harms none but themselves. */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/bind_hook.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/sock.h"
#include "stage_gate.h"
#include "unit.h"

enum { PORT = 4831, PEER = 4832, SOON_MS = 2000 };

#define BEGIN                                                                                                \
	"import os, socket, struct, sys, time\n"                                                             \
	"port = int(sys.argv[1]); os.dup2(1, 2); kept = []\n"                                                \
	"def new(address='127.0.0.1'):\n"                                                                    \
	" s = socket.socket(); s.setsockopt(1, 2, 1); s.bind((address, port)); kept.append(s); return s\n"   \
	"def listens(s):\n"                                                                                  \
	" try: s.listen(5); return 0\n"                                                                      \
	" except OSError as e: return e.errno\n"

/* The test has been their brain, and would keep the sockets open. */
static void close_sockets(struct stage *s)
{
	for (int i = 0; i < s->note_count; i++)
		fd_close(&s->notes[i].fd);
}

/* --- so many --- */

static void assert_held(struct stage *s, uint64_t generation, int held)
{
	int count = 0;
	bool is_unheld = false;

	gate_done(s);
	for (int i = 0; i < s->note_count; i++) {
		const struct note *n = &s->notes[i];

		if (n->kind != KEEPER_LISTENS || n->ticket.generation != generation)
			continue;
		count += n->socket != 0;
		is_unheld |= !n->socket && n->number == EMFILE;
	}
	assert_int_equal(count, held);
	assert_true(is_unheld);
}

static void one_place_has_only_so_many_addresses(void **state)
{
	struct stage *s = *state;
	static const char script[] = BEGIN "for i in range(20): listens(new('127.0.1.%d' % (i + 1)))\n"
					   "print('done'); time.sleep(60)";
	struct buf text = BUF_INIT;
	int out = -1;

	gate_python(s, 1, 0, PORT, script, &out);
	gate_read(s, out, &text, "done");
	assert_held(s, 1, 16);
	gate_node(s, 2, 1, PORT);
	assert_int_equal(gate_who(PORT, 0), 2);
	fd_close(&out);
	buf_release(&text);
}

static void one_place_has_only_so_many_at_all_of_them(void **state)
{
	struct stage *s = *state;
	static const char script[] = BEGIN
		"for i in range(80): listens(new('127.0.1.%d' % (i % 8 + 1)))\nprint('done'); time.sleep(60)";
	struct buf text = BUF_INIT;
	int out = -1;

	gate_python(s, 1, 0, PORT, script, &out);
	gate_read(s, out, &text, "done");
	assert_held(s, 1, 64);
	gate_node(s, 2, 1, PORT);
	assert_int_equal(gate_who(PORT, 0), 2);
	fd_close(&out);
	buf_release(&text);
}

/* --- connections --- */

static int open_peer(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(PEER) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int on = 1;

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)), 0);
	assert_int_equal(bind(fd, (const struct sockaddr *)&at, sizeof(at)) | listen(fd, 5), 0);
	return fd;
}

/* Its held socket has become a connection that lingers, whose other end takes nothing.  It has ended. */
static int64_t leave_connected(struct stage *s)
{
	static const char script[] =
		BEGIN "a = new(); a.listen(); a.shutdown(2)\n"
		      "a.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 1000))\n"
		      "a.connect(('127.0.0.1', 4832)); a.setblocking(False)\n"
		      "try:\n"
		      " while True: a.send(bytes(65536))\n"
		      "except BlockingIOError: pass\n"
		      "print('full'); time.sleep(60)";
	struct buf text = BUF_INIT;
	int64_t socket = 0;
	int out = -1;

	gate_python(s, 1, 0, PORT, script, &out);
	socket = stage_expect(s, KEEPER_LISTENS, 1)->socket;
	gate_read(s, out, &text, "full");
	gate_kill(s, 1);
	close_sockets(s);
	fd_close(&out);
	buf_release(&text);
	return socket;
}

static void a_connection_is_given_to_nobody(void **state)
{
	struct stage *s = *state;
	int peer = open_peer();
	int64_t socket = leave_connected(s);
	const struct note *n = gate_node(s, 2, 0, PORT);

	assert_int_not_equal(n->socket, socket);
	assert_int_equal(gate_who(PORT, (int)n->index), 2);
	gate_drop_one(s, socket);
	gate_done(s);
	assert_int_equal(gate_who(PORT, 0), 2);
	fd_close(&peer);
}

static void a_connection_that_lingers(void **state)
{
	struct stage *s = *state;
	int peer = open_peer();
	int64_t socket = leave_connected(s);
	int64_t at = clock_ms();

	gate_drop_one(s, socket);
	gate_done(s);
	assert_in_range(clock_ms() - at, 0, SOON_MS);
	fd_close(&peer);
}

static void shut_down_again_and_again(void **state)
{
	struct stage *s = *state;
	static const char script[] = BEGIN "for i in range(30):\n"
					   " a = new(); a.listen(); a.shutdown(2)\n"
					   "print('done'); time.sleep(60)";
	struct buf text = BUF_INIT;
	int out = -1;

	gate_python(s, 1, 0, PORT, script, &out);
	gate_read(s, out, &text, "done");
	stage_assert_logs(s, "(8 so far)");
	stage_assert_logs(s, "(16 so far)");
	stage_assert_logs_not(s, "(9 so far)");
	fd_close(&out);
	buf_release(&text);
}

/* --- after the main process --- */

static void what_outlives_its_main_process(void **state)
{
	struct stage *s = *state;
	static const char script[] =
		BEGIN "a = new(); b = new('127.0.0.2')\n"
		      "if os.fork():\n"
		      " print('bound'); time.sleep(60)\n"
		      "sys.stdin.readline(); print('listen', listens(a)); time.sleep(60)";
	struct buf text = BUF_INIT;
	struct spawn_order w;
	const struct note *n = NULL;
	int ends[2];
	int out = -1;

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	order_program(&w, 1, &out, WORDS("python3", "-uc", script, "4831"));
	w.fds[w.fd_count++] = ends[0];
	w.m.spawn.descriptors[w.m.spawn.descriptor_count++] =
		(struct keeper_descriptor){ 0, KEEPER_FROM_SENT, 1, "" };
	order_gate(&w, 0, PORT);
	order_say(s, &w);
	gate_read(s, out, &text, "bound\n");
	kill(gate_pid(s, 1), SIGKILL);
	stage_expect(s, KEEPER_EXITED, 1);
	n = gate_node(s, 2, 0, PORT);
	assert_int_equal(n->index, 0);
	assert_int_equal(fd_write_all(ends[1], "\n", 1), 0);
	gate_read(s, out, &text, "listen 98\n");
	assert_null(stage_seen(s, KEEPER_LISTENS, 1));
	assert_int_equal(gate_share(PORT, 50, 2), 50);
	fd_close(&ends[1]);
	fd_close(&out);
	buf_release(&text);
}

/* --- another filter --- */

_Noreturn static void call_under_another_filter(int link)
{
	static struct sock_filter steps[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { .len = 4, .filter = steps };
	int parent = (int)syscall(SYS_getppid);
	int listener = -1;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	listener = (int)syscall(
		SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
	if (listener < 0 || sock_send(link, "", 1, &listener, 1) < 0)
		_exit(2);
	fd_close(&listener);
	_exit(syscall(SYS_getppid) == parent ? 0 : 1);
}

static void another_filters_calls(void **state)
{
	struct bind_call call;
	int ends[2], fds[SOCK_FDS_MAX];
	struct pollfd wait = { .events = POLLIN };
	size_t count = 0;
	pid_t pid = -1;
	char byte = 0;

	(void)state;
	bind_hook_prepare();
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		call_under_another_filter(ends[1]);
	wait.fd = ends[0];
	assert_int_equal(poll(&wait, 1, STAGE_WAIT_MS), 1);
	assert_int_equal(sock_receive(ends[0], &byte, 1, fds, &count), 1);
	assert_int_equal(count, 1);
	wait.fd = fds[0];
	assert_int_equal(poll(&wait, 1, STAGE_WAIT_MS), 1);
	assert_int_equal(bind_hook_receive(fds[0], &call), 0);
	assert_int_equal(stage_wait(pid), 0);
	fd_close(&fds[0]);
	fd_close(&ends[0]);
	fd_close(&ends[1]);
}

int main(void)
{
#define ON_STAGE(sentence, function)                                                                         \
	{                                                                                                    \
		(sentence), (function), stage_open, stage_close, NULL                                        \
	}
	const struct CMUnitTest tests[] = {
		ON_STAGE("one place is held at 16 addresses at most, and others can have the port",
			one_place_has_only_so_many_addresses),
		ON_STAGE("one place has 64 sockets at most, at all its addresses",
			one_place_has_only_so_many_at_all_of_them),
		ON_STAGE("a socket that has become a connection is given to no successor",
			a_connection_is_given_to_nobody),
		ON_STAGE("a held connection that lingers does not hold up the keeper",
			a_connection_that_lingers),
		ON_STAGE("sockets that are shut down again and again do not fill the log",
			shut_down_again_and_again),
		ON_STAGE("a child that outlives its main process joins no list",
			what_outlives_its_main_process),
		{ "the call of another program's filter is no bind, and continues", another_filters_calls,
			NULL, NULL, NULL },
	};

	return cmocka_run_group_tests_name("keeper: gate, misuse of sockets", tests, NULL, NULL);
}
