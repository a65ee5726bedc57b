/* What processes behind the gate may try: it harms none but themselves. */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/clock.h"
#include "os/fd.h"
#include "stage_gate.h"
#include "unit.h"

enum { PORT = 4803, OTHER = 4804, NOBODYS_UID = 65534, SOON_MS = 2000 };

/* What every script begins with: a socket, an address in memory of its own, and bind without Python's checks. */
#define BEGIN                                                                                                \
	"import ctypes, os, socket, struct, sys, threading, time\n"                                          \
	"libc = ctypes.CDLL(None, use_errno=True); port = int(sys.argv[1]); os.dup2(1, 2)\n"                 \
	"def new(protocol=0):\n"                                                                             \
	" s = socket.socket(socket.AF_INET, socket.SOCK_STREAM, protocol)\n"                                 \
	" s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); return s\n"                               \
	"def name(port):\n"                                                                                  \
	" return ctypes.create_string_buffer(struct.pack('=HHI', 2, socket.htons(port), "                    \
	"socket.htonl(0x7f000001)), 200)\n"                                                                  \
	"def bind(s, buf, len): return 0 if libc.bind(s.fileno(), buf, len) == 0 else ctypes.get_errno()\n"

/* The keeper does what it did before: it starts something else, and another instance can have the port. */
static void assert_well(struct stage *s, uint64_t generation, int port)
{
	int64_t at = clock_ms();

	stage_actor(s, generation, NULL, WORDS("--exit", "3"));
	assert_int_equal(WEXITSTATUS(stage_expect(s, KEEPER_EXITED, generation)->status), 3);
	assert_in_range(clock_ms() - at, 0, SOON_MS);
	if (port) {
		int index = (int)gate_node(s, generation + 1, 50, port)->index;

		assert_int_equal(gate_who(port, index), (int)generation + 1);
	}
	gate_done(s);
}

/* 16, 28 and 128 bytes are seen, others are not: then the kernel alone decides, and the second one is refused. */
static void odd_lengths(void **state)
{
	struct stage *s = *state;
	static const char script[] = BEGIN
		"a = new(); print('wild', bind(a, ctypes.c_void_p(8), 16), bind(a, ctypes.c_void_p(8), 28),"
		" bind(a, ctypes.c_void_p(8), 128))\n"
		"print('sizes', [bind(a, name(port), n) for n in (0, 1, 2, 8, 15, 129, 2**31 - 1)])\n"
		"print('first', bind(a, name(port), 20)); a.listen(); b = new()\n"
		"print('second', bind(b, name(port), 20)); print('third', bind(b, name(port), 128))\n"
		"b.listen(); time.sleep(60)";
	struct buf text = BUF_INIT;
	int out = -1;

	gate_python(s, 1, 0, PORT, script, &out);
	gate_read(s, out, &text, "third 0\n");
	stage_assert_has(
		&text, "wild 14 14 14\nsizes [22, 22, 22, 22, 22, 22, 22]\nfirst 0\nsecond 98\nthird 0");
	assert_int_equal(stage_expect(s, KEEPER_LISTENS, 1)->index, 0);
	assert_int_equal(stage_expect(s, KEEPER_LISTENS, 1)->index, 1);
	assert_well(s, 10, PORT);
	fd_close(&out);
	buf_release(&text);
}

static void what_is_no_socket(void **state)
{
	struct stage *s = *state;
	static const char script[] =
		BEGIN "f = os.open('/etc/passwd', os.O_RDONLY); r, w = os.pipe()\n"
		      "print('no', [(libc.listen(n, 5), ctypes.get_errno()) for n in (f, r, 999)])\n"
		      "a = new(); bind(a, name(port), 16); a.listen(); time.sleep(60)";
	struct buf text = BUF_INIT;
	int out = -1;

	gate_python(s, 1, 0, PORT, script, &out);
	gate_read(s, out, &text, "no [(-1, 88), (-1, 88), (-1, 9)]");
	stage_expect(s, KEEPER_LISTENS, 1);
	assert_well(s, 10, PORT);
	fd_close(&out);
	buf_release(&text);
}

static void killed_in_the_middle(void **state)
{
	struct stage *s = *state;
	static const char script[] = BEGIN "a = new(); print('goes'); bind(a, name(port), 16); a.listen()";
	struct buf text = BUF_INIT;
	int out = -1;

	gate_python(s, 1, 0, PORT, script, &out);
	/* It waits for its answer now, or soon. */
	stage_stop(s, s->keeper);
	stage_read(out, &text, "goes");
	kill((pid_t)s->notes[s->note_count - 1].pid, SIGKILL);
	kill(s->keeper, SIGCONT);
	stage_expect(s, KEEPER_EXITED, 1);
	for (uint64_t generation = 100; generation < 200; generation++) {
		struct spawn_order w;

		order_actor(&w, generation, NULL, WORDS("--listen", "4803"));
		order_gate(&w, (int)generation % 3, PORT);
		order_say(s, &w);
		stage_expect(s, KEEPER_SPAWNED, generation);
		stage_say_ticket(s, KEEPER_KILL_TREE, generation);
	}
	for (uint64_t generation = 100; generation < 200; generation++)
		stage_expect(s, KEEPER_EXITED, generation);
	assert_well(s, 300, PORT);
	fd_close(&out);
	buf_release(&text);
}

static void threads_that_bind(void **state)
{
	struct stage *s = *state;
	static const char script[] =
		BEGIN "def run():\n"
		      " for i in range(8):\n"
		      "  a = new(); bind(a, name(port), 16); libc.listen(a.fileno(), 5)\n"
		      "  a.close()\n"
		      "t = [threading.Thread(target=run) for i in range(200)]\n"
		      "[i.start() for i in t]; [i.join() for i in t]; print('done')\n"
		      "time.sleep(60)";
	struct buf text = BUF_INIT;
	int out = -1;

	gate_python(s, 1, 0, PORT, script, &out);
	assert_well(s, 10, 0);
	gate_read(s, out, &text, "done");
	assert_well(s, 20, PORT);
	gate_kill(s, 1);
	assert_well(s, 30, OTHER);
	fd_close(&out);
	buf_release(&text);
}

/* A thread changes the port while the others bind: what listens is judged by where it is. */
static void an_address_that_changes(void **state)
{
	struct stage *s = *state;
	static const char script[] =
		BEGIN "buf = name(port); end = time.time() + 1.5; bad = 0\n"
		      "def flip():\n"
		      " while time.time() < end:\n"
		      "  for p in (port, port + 100): struct.pack_into('!H', buf, 2, p)\n"
		      "t = [threading.Thread(target=flip)]\n"
		      "def run():\n"
		      " while time.time() < end:\n"
		      "  a = new(); bind(a, buf, 16); libc.listen(a.fileno(), 5); a.close()\n"
		      "t += [threading.Thread(target=run) for i in range(4)]\n"
		      "[i.start() for i in t]; [i.join() for i in t]; print('done'); time.sleep(60)";
	struct buf text = BUF_INIT;
	int out = -1;

	gate_python(s, 1, 0, PORT, script, &out);
	gate_read(s, out, &text, "done");
	assert_well(s, 10, PORT);
	fd_close(&out);
	buf_release(&text);
}

static void a_flood_delays_nobody(void **state)
{
	struct stage *s = *state;
	static const char script[] = BEGIN "for i in range(8):\n"
					   " if os.fork() == 0:\n"
					   "  if i == 7: print('floods')\n"
					   "  while True:\n"
					   "   a = new(); bind(a, name(port), 16); a.close()\n"
					   "time.sleep(60)";
	struct buf text = BUF_INIT;
	int out = -1;

	gate_python(s, 1, 0, PORT, script, &out);
	gate_read(s, out, &text, "floods");
	for (uint64_t i = 0; i < 20; i++)
		assert_well(s, 100 + i, 0);
	assert_well(s, 200, OTHER);
	gate_kill(s, 1);
	fd_close(&out);
	buf_release(&text);
}

/* It has the listener of its own filter, and takes the calls before the keeper can: which must not wait for more. */
static void who_takes_its_own_calls(void **state)
{
	struct stage *s = *state;
	static const char script[] =
		BEGIN "p = '/proc/self/fd/%d'\n"
		      "hook = [n for n in range(100) if os.path.islink(p % n) and 'seccomp' in "
		      "os.readlink(p % n)][0]\n"
		      "def take():\n"
		      " n = ctypes.create_string_buffer(80)\n"
		      " while True:\n"
		      "  ctypes.memset(n, 0, 80)\n"
		      "  if libc.ioctl(hook, 0xc0502100, n) == 0: libc.ioctl(hook, 0xc0182101, "
		      "struct.pack('=QqiI', struct.unpack_from('=Q', n)[0], 0, 0, 1))\n"
		      "def run():\n"
		      " while True:\n"
		      "  a = new(); bind(a, name(port), 16); a.close()\n"
		      "for f in [take, run, run]:\n"
		      " if os.fork() == 0: f()\n"
		      "time.sleep(0.3); print('takes'); time.sleep(60)";
	struct buf text = BUF_INIT;
	int out = -1;

	gate_python(s, 1, 0, PORT, script, &out);
	gate_read(s, out, &text, "takes");
	for (uint64_t i = 0; i < 10; i++)
		assert_well(s, 100 + i, 0);
	assert_well(s, 200, OTHER);
	gate_kill(s, 1);
	fd_close(&out);
	buf_release(&text);
}

static void another_gates_port(void **state)
{
	struct stage *s = *state;
	static const char script[] = BEGIN "a = new(); print('bind', bind(a, name(port), 16))\n"
					   "b = new(); print('zero', bind(b, ctypes.create_string_buffer("
					   "struct.pack('=HHI', 2, socket.htons(port), 0), 200), 16))\n"
					   "c = socket.socket(socket.AF_INET6); c.setsockopt(1, 15, 1)\n"
					   "try: c.bind(('::', port)); c.listen(); print('six 0')\n"
					   "except OSError as e: print('six', e.errno)\n"
					   "time.sleep(60)";
	struct buf text = BUF_INIT;
	struct spawn_order w;
	int out = -1;

	gate_node(s, 1, 0, PORT);
	order_program(&w, 2, &out, WORDS("python3", "-uc", script, "4803"));
	order_gate(&w, 0, PORT);
	w.m.gate = GATE + 1;
	order_say(s, &w);
	gate_read(s, out, &text, "six 98\n");
	/* Also where it asks to share by itself, with an address that contains that of the other. */
	stage_assert_has(&text, "bind 98\nzero 98\nsix 98\n");
	assert_null(stage_seen(s, KEEPER_LISTENS, 2));
	assert_int_equal(gate_share(PORT, 50, 1), 50);
	fd_close(&out);
	buf_release(&text);
}

/* Both are bound before one of them listens. */
static void another_gates_port_at_the_last_moment(void **state)
{
	struct stage *s = *state;
	static const char script[] =
		BEGIN "a = new(); print('bind', bind(a, name(port), 16))\n"
		      "sys.stdin.readline(); print('listen', libc.listen(a.fileno(), 5))\n"
		      "time.sleep(60)";
	struct buf text = BUF_INIT;
	struct spawn_order w;
	int ends[2];
	int out = -1;

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	order_program(&w, 2, &out, WORDS("python3", "-uc", script, "4803"));
	w.fds[w.fd_count++] = ends[0];
	w.m.spawn.descriptors[w.m.spawn.descriptor_count++] =
		(struct keeper_descriptor){ 0, KEEPER_FROM_SENT, 1, "" };
	order_gate(&w, 0, PORT);
	w.m.gate = GATE + 1;
	order_say(s, &w);
	gate_read(s, out, &text, "bind 0\n");
	gate_node(s, 1, 0, PORT);
	assert_int_equal(fd_write_all(ends[1], "\n", 1), 0);
	gate_read(s, out, &text, "listen -1\n");
	assert_null(stage_seen(s, KEEPER_LISTENS, 2));
	assert_int_equal(gate_share(PORT, 50, 1), 50);
	fd_close(&ends[1]);
	fd_close(&out);
	buf_release(&text);
}

static void one_place_has_only_so_many(void **state)
{
	struct stage *s = *state;
	static const char script[] = BEGIN "all = []; errors = 0\n"
					   "for i in range(100):\n"
					   " a = new(); all.append(a); bind(a, name(port), 16)\n"
					   " errors += libc.listen(a.fileno(), 5) != 0\n"
					   "print('refused', errors); time.sleep(60)";
	struct buf text = BUF_INIT;
	const struct note *n = NULL;
	int out = -1;

	gate_python(s, 1, 0, PORT, script, &out);
	gate_read(s, out, &text, "refused 36\n");
	do
		n = stage_expect(s, KEEPER_LISTENS, 1);
	while (n->socket);
	assert_int_equal(n->number, EMFILE);
	assert_int_equal(n->fd, -1);
	assert_well(s, 10, PORT);
	fd_close(&out);
	buf_release(&text);
}

static void a_multipath_socket_becomes_a_plain_one(void **state)
{
	struct stage *s = *state;
	static const char script[] =
		BEGIN "a = new(262); bind(a, name(port), 16); a.listen()\n"
		      "b = socket.socket(fileno=os.dup(a.fileno())); print('protocol', b.proto)\n"
		      "c, _ = a.accept(); c.send(b'generation 1'); c.close(); time.sleep(60)";
	struct buf text = BUF_INIT;
	int out = -1;
	int multi = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 262);

	if (multi < 0)
		skip();
	fd_close(&multi);
	gate_python(s, 1, 0, PORT, script, &out);
	gate_read(s, out, &text, "protocol 6\n");
	assert_int_equal(stage_expect(s, KEEPER_LISTENS, 1)->index, 0);
	assert_int_equal(gate_who(PORT, 0), 1);
	fd_close(&out);
	buf_release(&text);
}

static void another_user_has_the_same(void **state)
{
	struct stage *s = *state;
	static const char script[] = BEGIN "a = new(); print('bind', bind(a, name(port), 16)); a.listen()\n"
					   "print('user', os.getuid()); time.sleep(60)";
	int64_t sockets[2] = { 0 };

	if (geteuid() != 0)
		skip();
	for (uint64_t i = 0; i < 3; i++) {
		struct spawn_order w;
		struct buf text = BUF_INIT;
		int out = -1;

		order_program(&w, i + 1, &out, WORDS("python3", "-uc", script, "4803"));
		order_gate(&w, i ? (int)i - 1 : 0, PORT);
		w.m.spawn.flags |= KEEPER_SPAWN_USER;
		w.m.spawn.uid = w.m.spawn.gid = NOBODYS_UID;
		order_say(s, &w);
		gate_read(s, out, &text, "user 65534");
		stage_assert_has(&text, "bind 0\n");
		sockets[i == 2] = stage_expect(s, KEEPER_LISTENS, i + 1)->socket;
		if (i == 0)
			gate_kill(s, 1);
		fd_close(&out);
		buf_release(&text);
	}
	assert_int_not_equal(sockets[0], sockets[1]);
}

/* With it they could answer for programs that are root's, as a setuid one. */
static void another_user_cannot_answer(void **state)
{
	struct stage *s = *state;
	static const char script[] = BEGIN
		"has = [os.readlink('/proc/self/fd/' + f) for f in os.listdir('/proc/self/fd') if os.path.lexists('/proc/self/fd/' + f)]\n"
		"a = new(); bind(a, name(port), 16); a.listen()\n"
		"print('listeners', sum('seccomp' in f for f in has), '.'); time.sleep(60)";
	int64_t socket = 0;

	if (geteuid() != 0)
		skip();
	for (uint64_t i = 0; i < 2; i++) {
		struct spawn_order w;
		struct buf text = BUF_INIT;
		int out = -1;

		order_program(&w, i + 1, &out, WORDS("python3", "-uc", script, "4803"));
		order_gate(&w, 0, PORT);
		w.m.spawn.flags |= KEEPER_SPAWN_USER;
		w.m.spawn.uid = w.m.spawn.gid = NOBODYS_UID;
		order_say(s, &w);
		gate_read(s, out, &text, " .\n");
		stage_assert_has(&text, "listeners 0 .\n");
		socket = stage_expect(s, KEEPER_LISTENS, i + 1)->socket;
		fd_close(&out);
		buf_release(&text);
		/* Nobody answers its calls after a killed keeper, and what it has is found all the same. */
		if (i == 0) {
			stage_kill_keeper(s);
			stage_next_keeper(s);
			assert_int_not_equal(stage_expect(s, KEEPER_LISTENS, 1)->socket, 0);
			gate_kill(s, 1);
		}
	}
	assert_int_not_equal(socket, 0);
}

/* As a container may have it. */
static int open_without_filters(void **state)
{
	static struct sock_filter steps[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_seccomp, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { .len = 4, .filter = steps };

	assert_int_equal(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	assert_int_equal(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program), 0);
	return stage_open(state);
}

static void a_hook_that_is_refused(void **state)
{
	struct stage *s = *state;
	struct spawn_order w;

	order_actor(&w, 1, NULL, WORDS("--listen", "4803"));
	order_gate(&w, 0, PORT);
	stage_assert_fails(s, &w, KEEPER_STAGE_HOOK, EPERM);
	assert_string_equal(keeper_spawn_stage_words(KEEPER_STAGE_HOOK), "cannot catch where it listens");
	/* Without the gate it starts. */
	stage_actor(s, 2, NULL, WORDS("--exit", "3"));
	assert_int_equal(WEXITSTATUS(stage_expect(s, KEEPER_EXITED, 2)->status), 3);
}

int main(void)
{
#define ON_STAGE(sentence, function)                                                                         \
	{                                                                                                    \
		(sentence), (function), stage_open, stage_close, NULL                                        \
	}
	const struct CMUnitTest tests[] = {
		ON_STAGE("a listen at what is no socket fails as ever, and takes nothing from the gate",
			what_is_no_socket),
		ON_STAGE(
			"binds with odd lengths and wild pointers get the kernel's own answers", odd_lengths),
		ON_STAGE("a process that is killed during its bind leaves nothing behind",
			killed_in_the_middle),
		ON_STAGE("200 threads that bind and listen disturb nobody else", threads_that_bind),
		ON_STAGE("an address that changes during its bind misleads nobody", an_address_that_changes),
		ON_STAGE("a flood of binds delays no other process", a_flood_delays_nobody),
		ON_STAGE("a process that takes its own calls away does not stop the keeper",
			who_takes_its_own_calls),
		ON_STAGE("the port of another gate is taken", another_gates_port),
		ON_STAGE("and also where that listens after the bind", another_gates_port_at_the_last_moment),
		ON_STAGE("one place has 64 sockets at most, and more are reported",
			one_place_has_only_so_many),
		ON_STAGE("a multipath socket is replaced by a plain one",
			a_multipath_socket_becomes_a_plain_one),
		ON_STAGE("a process of another user cannot answer the calls of those that come from it",
			another_user_cannot_answer),
		ON_STAGE("processes of another user share and follow each other as well",
			another_user_has_the_same),
		/* The last: this program has that filter from then on. */
		{ "where the hook is refused a process fails to start and says so", a_hook_that_is_refused,
			open_without_filters, stage_close, NULL },
	};

	return cmocka_run_group_tests_name("keeper: gate, hostile processes", tests, NULL, NULL);
}
