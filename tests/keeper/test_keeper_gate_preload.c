/* The gate in front of programs that are started with liboxgate.so. */
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/fd.h"
#include "os/procfs.h"
#include "os/reuseport.h"
#include "stage_library.h"
#include "unit.h"

enum { NOBODYS_UID = 65534, MANY = 20 };

static void two_share_a_port(void **state)
{
	struct stage *s = *state;
	const struct note *a = library_node(s, 1, 0);
	const struct note *b = library_node(s, 2, 1);

	assert_int_equal(a->index, 0);
	assert_int_equal(b->index, 1);
	assert_true(reuseport_listens(a->fd) && reuseport_listens(b->fd));
	assert_int_equal(gate_share(library_port, 100, 1), 100);
	gate_choose_all(s, SOCKETS(a->socket, b->socket));
	gate_done(s);
	assert_in_range(gate_share(library_port, 400, 2), 130, 270);
	for (int i = 0; i < 100; i++)
		assert_int_equal(gate_who(library_port, i & 1), 1 + (i & 1));
}

static bool is_stopped(struct stage *s, int64_t generation)
{
	struct proc p;
	pid_t pid = 0;

	for (int i = 0; i < s->note_count; i++)
		if (s->notes[i].kind == KEEPER_SPAWNED &&
			s->notes[i].ticket.generation == (uint64_t)generation)
			pid = (pid_t)s->notes[i].pid;
	return procfs_read(pid, &p) && p.state == 'T';
}

static void a_queue_is_served_by_the_successor(void **state)
{
	struct stage *s = *state;
	int fds[MANY];
	const struct note *old = library_node(s, 1, 3);
	int64_t socket = old->socket;
	const struct note *new = NULL;

	stage_signal(s, 1, SIGSTOP, KEEPER_REACH_MAIN);
	stage_until(is_stopped, s, 1);
	for (int i = 0; i < MANY / 2; i++)
		gate_ask(fds[i] = gate_connect(library_port, -1));
	gate_kill(s, 1);
	for (int i = MANY / 2; i < MANY; i++)
		gate_ask(fds[i] = gate_connect(library_port, -1));
	assert_int_equal(reuseport_queue(old->fd), MANY);
	new = library_node(s, 2, 3);
	assert_int_equal(new->socket, socket);
	assert_int_equal(new->is_free, 0);
	for (int i = 0; i < MANY; i++)
		assert_int_equal(gate_answer(&fds[i]), 2);
}

/* Also behind a fork, in a session of its own, without a parent. */
static void what_has_closed_everything(void **state)
{
	struct stage *s = *state;
	static const char script[] = BEGIN "os.closerange(3, 1000)\n"
					   "if os.fork(): time.sleep(60)\n"
					   "os.setsid()\n"
					   "if os.fork(): os._exit(0)\n"
					   "while os.getppid() == os.getsid(0): time.sleep(0.001)\n"
					   "os.closerange(0, 1000)\n"
					   "s = new(); s.bind(('127.0.0.1', port)); s.listen(); serve(s, 1)";

	library_python(s, 1, 0, script, NULL);
	stage_expect(s, KEEPER_LISTENS, 1);
	assert_int_equal(gate_who(library_port, 0), 1);
}

static void the_rest_of_a_program_is_as_it_was(void **state)
{
	struct stage *s = *state;
	static const char script[] = BEGIN
		"import fcntl\n"
		"def flags(s): return bool(fcntl.fcntl(s, fcntl.F_GETFL) & os.O_NONBLOCK), os.get_inheritable(s.fileno())\n"
		"a = new(); ctypes.set_errno(77)\n"
		"n = struct.pack('=HHI', 2, socket.htons(port), socket.htonl(0x7f000001)) + bytes(8)\n"
		"print('bind', libc.bind(a.fileno(), n, 16), ctypes.get_errno())\n"
		"print('listen', libc.listen(a.fileno(), 5), ctypes.get_errno())\n"
		"a.setblocking(False); os.set_inheritable(a.fileno(), True); f = os.listdir('/proc/self/fd')\n"
		"b = socket.create_server(('127.0.0.1', 4888)); print('other', b.getsockopt(1, 15))\n"
		"u = socket.socket(type=socket.SOCK_DGRAM); u.bind(('127.0.0.1', port)); print('udp')\n"
		"x = socket.socket(socket.AF_UNIX); x.bind('\\0gate-test'); x.listen(); x.shutdown(2)\n"
		"print('bad', libc.bind(-1, n, 16), ctypes.get_errno(), libc.listen(999, 5), libc.bind(a.fileno(), n, 16),"
		" ctypes.get_errno(), libc.bind(u.fileno(), None, 16), ctypes.get_errno())\n"
		"c = new(); c.setblocking(False); os.set_inheritable(c.fileno(), True); d = new()\n"
		"c.bind(('127.0.0.1', port)); d.bind(('127.0.0.1', port)); print('flags', flags(c), flags(d))\n"
		"d.listen(); print('fds', len(os.listdir('/proc/self/fd')) - len(f)); time.sleep(60)";
	struct buf text = BUF_INIT;
	int out = -1;

	library_python(s, 1, 0, script, &out);
	gate_read(s, out, &text, "fds 5\n");
	stage_assert_has(&text,
		"bind 0 77\nlisten 0 77\nother 0\nudp\nbad -1 9 -1 -1 22 -1 14\n"
		"flags (True, True) (False, False)\n");
	fd_close(&out);
	buf_release(&text);
}

static void a_given_socket_does_what_its_own_did(void **state)
{
	struct stage *s = *state;
	static const char script[] =
		BEGIN "import fcntl\n"
		      "s = new(); s.setblocking(False); os.set_inheritable(s.fileno(), True)\n"
		      "s.bind(('127.0.0.1', port)); s.listen()\n"
		      "print('has', bool(fcntl.fcntl(s, fcntl.F_GETFL) & os.O_NONBLOCK), "
		      "os.get_inheritable(s.fileno()))\n"
		      "s.setblocking(True); serve(s, 2)";
	struct buf text = BUF_INIT;
	int64_t socket = library_actor(s, 1, 0)->socket;
	int out = -1;
	int fd = -1;

	gate_kill(s, 1);
	gate_ask(fd = gate_connect(library_port, -1));
	library_python(s, 2, 0, script, &out);
	gate_read(s, out, &text, "has True True\n");
	assert_int_equal(stage_expect(s, KEEPER_LISTENS, 2)->socket, socket);
	assert_int_equal(gate_answer(&fd), 2);
	fd_close(&out);
	buf_release(&text);
}

static void a_shutdown_takes_nothing_from_others(void **state)
{
	struct stage *s = *state;
	static const char script[] =
		BEGIN "s = new(); s.bind(('127.0.0.1', port)); s.listen(); print('listens')\n"
		      "sys.stdin = open('/dev/null'); time.sleep(0.1); s.shutdown(socket.SHUT_RDWR)\n"
		      "try: s.accept()\n"
		      "except OSError as e: print('accept', e.errno)\n"
		      "time.sleep(60)";
	const struct note *a = library_actor(s, 1, 0);
	const struct note *b = NULL;
	struct buf text = BUF_INIT;
	int out = -1;

	library_python(s, 2, 1, script, &out);
	b = stage_expect(s, KEEPER_LISTENS, 2);
	library_node(s, 3, 2);
	gate_read(s, out, &text, "accept 22\n");
	assert_true(reuseport_listens(a->fd) && reuseport_listens(b->fd));
	/* Nothing has moved. */
	assert_int_equal(gate_who(library_port, 2), 3);
	gate_kill(s, 2);
	assert_int_equal(library_node(s, 4, 1)->index, 1);
	assert_int_equal(gate_who(library_port, 1), 4);
	fd_close(&out);
	buf_release(&text);
}

static void a_library_of_its_own_is_kept(void **state)
{
	struct stage *s = *state;
	struct spawn_order w;
	char own[600], ours[512];

	stage_program(ours, sizeof(ours), "liboxgate.so");
	(void)snprintf(own, sizeof(own), "libdl.so.2:%s", ours);
	order_actor(&w, 1, NULL, WORDS("--listen", library_port_text()));
	order_library_at(&w, 0, own);
	order_say(s, &w);
	stage_expect(s, KEEPER_LISTENS, 1);
}

static void copy_library(const struct stage *s, char *path, size_t size)
{
	char built[512], command[1200];

	stage_program(built, sizeof(built), "liboxgate.so");
	(void)snprintf(path, size, "%s/liboxgate.so", s->home);
	assert_int_equal(chmod(s->home, 0711), 0);
	(void)snprintf(command, sizeof(command), "%s", path);
	{
		const char *const words[] = { "cp", built, command, NULL };
		pid_t pid = fork();

		if (pid == 0) {
			execvp(words[0], (char *const *)words);
			_exit(1);
		}
		assert_int_equal(stage_wait(pid), 0);
	}
	assert_int_equal(chmod(path, 0755), 0);
}

static void as_another_user(void **state)
{
	struct stage *s = *state;
	static const char script[] = BEGIN "s = new(); s.bind(('127.0.0.1', port)); s.listen()\n"
					   "print('user', os.getuid()); serve(s, int(sys.argv[2]))";
	char path[160];
	int fd = -1;

	if (geteuid() != 0)
		skip();
	copy_library(s, path, sizeof(path));
	for (uint64_t i = 1; i <= 2; i++) {
		struct spawn_order w;
		struct buf text = BUF_INIT;
		int out = -1;

		order_program(&w, i, &out,
			WORDS("python3", "-uc", script, library_port_text(), i == 1 ? "1" : "2"));
		order_library_at(&w, 0, path);
		w.m.spawn.flags |= KEEPER_SPAWN_USER;
		w.m.spawn.uid = w.m.spawn.gid = NOBODYS_UID;
		order_say(s, &w);
		gate_read(s, out, &text, "user 65534");
		stage_expect(s, KEEPER_LISTENS, i);
		if (fd >= 0)
			assert_int_equal(gate_answer(&fd), 2);
		assert_int_equal(gate_who(library_port, 0), (int)i);
		if (i == 1) {
			gate_kill(s, 1);
			gate_ask(fd = gate_connect(library_port, -1));
		}
		fd_close(&out);
		buf_release(&text);
	}
}

/* A killed keeper answers nobody: what binds then does it alone. */
static void without_a_keeper(void **state)
{
	struct stage *s = *state;
	static const char script[] =
		BEGIN "print('goes')\nwhile os.getppid() == int(os.environ['KEEPER']): time.sleep(0.01)\n"
		      "s = new(); s.bind(('127.0.0.1', port)); s.listen(); print('listens')\n"
		      "serve(s, 1)";
	char keeper[32];
	struct buf text = BUF_INIT;
	struct spawn_order w;
	int out = -1;

	(void)snprintf(keeper, sizeof(keeper), "KEEPER=%d", (int)s->keeper);
	order_program(&w, 1, &out, WORDS("python3", "-uc", script, library_port_text()));
	keeper_list_add(&w.env, keeper);
	order_library_at(&w, 0, NULL);
	order_say(s, &w);
	stage_expect(s, KEEPER_SPAWNED, 1);
	gate_read(s, out, &text, "goes\n");
	stage_kill_keeper(s);
	stage_read(out, &text, "listens\n");
	assert_int_equal(gate_who(library_port, -1), 1);
	stage_next_keeper(s);
	fd_close(&out);
	buf_release(&text);
}

int main(void)
{
#define ON_STAGE(sentence, function)                                                                         \
	{                                                                                                    \
		(sentence), (function), stage_open, stage_close, NULL                                        \
	}
	const struct CMUnitTest tests[] = {
		ON_STAGE("two instances share a port by the library", two_share_a_port),
		ON_STAGE("what waits at a killed instance is served by its successor",
			a_queue_is_served_by_the_successor),
		ON_STAGE(
			"a program that has closed every descriptor and left its session is seen all the same",
			what_has_closed_everything),
		ON_STAGE("errno, descriptors and the other calls of a program are as without the library",
			the_rest_of_a_program_is_as_it_was),
		ON_STAGE("a socket that is given blocks and is inherited as the program's own was",
			a_given_socket_does_what_its_own_did),
		ON_STAGE("a program that shuts its socket down takes nothing from others",
			a_shutdown_takes_nothing_from_others),
		ON_STAGE("a program that preloads another library has both", a_library_of_its_own_is_kept),
		ON_STAGE("as another user too", as_another_user),
		ON_STAGE("without a keeper a program binds alone", without_a_keeper),
	};

	return cmocka_run_group_tests_name("keeper: gate, by the library", tests, NULL, NULL);
}
