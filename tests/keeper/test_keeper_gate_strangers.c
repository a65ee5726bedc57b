/* Who speaks to the gate as liboxgate.so does, and is not it: it harms none but itself. */
#include <dirent.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "os/clock.h"
#include "os/fd.h"
#include "os/preload_call.h"
#include "os/procfs.h"
#include "os/sock.h"
#include "stage_library.h"
#include "unit.h"

enum { SOON_MS = 2000 };

/* What a process of that environment would connect to. */
static int connect_to(pid_t pid)
{
	char value[PRELOAD_NAME_MAX + 64];
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	size_t len = 0;

	assert_true(procfs_environ(pid, PRELOAD_VARIABLE, value, sizeof(value)));
	len = strcspn(value, " ");
	memcpy(to.sun_path + 1, value, len);
	assert_int_equal(connect(fd, (const struct sockaddr *)&to,
				 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + len)),
		0);
	return fd;
}

static void strangers_get_nothing(void **state)
{
	struct stage *s = *state;
	struct preload_call call = { .form = PRELOAD_FORM, .kind = PRELOAD_BIND, .len = 16 };
	struct sockaddr_in name = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)library_port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	static const char script[] = BEGIN "time.sleep(60)";
	struct preload_answer answer;
	int fds[SOCK_FDS_MAX];
	size_t count = 0;
	int own = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	pid_t pid = 0;
	int fd = -1;

	library_actor(s, 1, 0);
	gate_kill(s, 1);
	library_python(s, 2, 0, script, NULL);
	pid = (pid_t)s->notes[s->note_count - 1].pid;
	memcpy(call.address, &name, sizeof(name));
	fd = connect_to(pid);
	(void)sock_send(fd, &call, sizeof(call), &own, 1);
	/* There is a free socket, and it is not theirs. */
	{
		struct timeval patience = { .tv_sec = 10 };
		char byte = 0;

		(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
		assert_true(recv(fd, &byte, 1, MSG_PEEK) <= 0);
		assert_true(sock_receive(fd, &answer, sizeof(answer), fds, &count) <= 0 && count == 0);
	}
	fd_close(&fd);
	fd_close(&own);
	assert_true(library_actor(s, 3, 0)->index == 0);
}

#define CLIENT                                                                                                       \
	BEGIN "import array\n"                                                                                       \
	      "name = '\\0' + os.environ['OXHERD_GATE'].split()[0]\n"                                                \
	      "def link():\n"                                                                                        \
	      " c = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET); c.connect(name); return c\n"               \
	      "def say(c, what, *fds):\n"                                                                            \
	      " c.sendmsg([what], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', fds))] if fds else [])\n" \
	      "def call(kind, address=b'', form=0x6f786731, len_=None, backlog=5):\n"                                \
	      " return struct.pack('=IIiI', form, kind, backlog, len(address) if len_ is None else len_) + "         \
	      "address.ljust(128, b'\\0')\n"                                                                         \
	      "here = struct.pack('=HHI', 2, socket.htons(port), socket.htonl(0x7f000001)) + bytes(8)\n"

static void assert_well(struct stage *s, uint64_t generation)
{
	int64_t at = clock_ms();
	int index = 0;

	stage_actor(s, generation, NULL, WORDS("--exit", "3"));
	assert_int_equal(WEXITSTATUS(stage_expect(s, KEEPER_EXITED, generation)->status), 3);
	assert_in_range(clock_ms() - at, 0, SOON_MS);
	index = (int)library_node(s, generation + 1, 50)->index;
	assert_int_equal(gate_who(library_port, index), (int)generation + 1);
	gate_done(s);
}

static void what_makes_no_sense(void **state)
{
	struct stage *s = *state;
	static const char files[] = CLIENT "c = link(); say(c, call(0, here), 1)\n"
					   "try: c.recv(99)\n"
					   "except ConnectionError: pass\n"
					   "print('done'); time.sleep(60)";
	static const char no_files[] = CLIENT
		"a = new(); n = 0\n"
		"for what in (b'', b'x', call(0)[:-1], call(0) + b'x', call(9), call(0, form=1), call(0, here, len_=129),"
		" call(0, here, len_=2**31), call(0, bytes(128)), call(1, backlog=-2**31), call(2), bytes(100000)):\n"
		" for fds in ((), (a.fileno(),), (a.fileno(),) * 30):\n"
		"  c = link(); c.settimeout(20)\n"
		"  try: say(c, what, *fds); c.recv(99)\n"
		"  except ConnectionError: pass\n"
		"  n += 1; c.close()\n"
		"a.bind(('127.0.0.1', port)); a.listen(); print('done', n); time.sleep(60)";
	struct buf text = BUF_INIT;
	int out = -1;

	library_python(s, 1, 0, no_files, &out);
	gate_read(s, out, &text, "done 36\n");
	stage_expect(s, KEEPER_LISTENS, 1);
	fd_close(&out);
	buf_clear(&text);
	library_python(s, 2, 1, files, &out);
	gate_read(s, out, &text, "done");
	stage_assert_logs(s, "sends files to the gate");
	assert_well(s, 10);
	fd_close(&out);
	buf_release(&text);
}

static int count_descriptors(pid_t pid)
{
	char path[64];
	int count = 0;
	DIR *folder = NULL;

	(void)snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	folder = opendir(path);
	assert_non_null(folder);
	/* cppcheck-suppress readdirCalled */
	while (readdir(folder))
		count++;
	(void)closedir(folder);
	return count;
}

static void two_descriptors_in_a_call(void **state)
{
	enum { CALLS = 100 };
	struct stage *s = *state;
	static const char script[] =
		CLIENT "a = new(); b = new()\n"
		       "for i in range(100):\n"
		       " c = link(); c.settimeout(20)\n"
		       " try: say(c, call(0, here), a.fileno(), b.fileno()); c.recv(99)\n"
		       " except ConnectionError: pass\n"
		       "print('sent'); time.sleep(60)";
	struct buf text = BUF_INIT;
	int out = -1;
	int before = 0;

	library_python(s, 1, 0, script, &out);
	before = count_descriptors(s->keeper);
	gate_read(s, out, &text, "sent\n");
	gate_done(s);
	assert_in_range(count_descriptors(s->keeper), 0, before + CALLS / 10);
	assert_well(s, 10);
	fd_close(&out);
	buf_release(&text);
}

static void what_connects_and_says_nothing(void **state)
{
	struct stage *s = *state;
	static const char script[] =
		CLIENT "c = [link() for i in range(60)]; print('connected'); time.sleep(60)";
	struct buf text = BUF_INIT;
	int out = -1;

	library_python(s, 1, 0, script, &out);
	gate_read(s, out, &text, "connected\n");
	assert_well(s, 10);
	fd_close(&out);
	buf_release(&text);
}

/* A connection that lingers, and of which the keeper has the last descriptor. */
static void what_cannot_be_closed_at_once(void **state)
{
	struct stage *s = *state;
	static const char script[] = CLIENT
		"l = socket.create_server(('127.0.0.1', 4889)); kept = []\n"
		"for i in range(5):\n"
		" a = socket.create_connection(('127.0.0.1', 4889)); kept.append(l.accept()[0])\n"
		" a.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 1000)); a.setblocking(False)\n"
		" try:\n"
		"  while True: a.send(bytes(65536))\n"
		" except BlockingIOError: pass\n"
		" c = link(); d = link(); os.kill(os.getppid(), 19)\n"
		" if i < 2: say(c, call(1), a.fileno()); say(d, b'')\n"
		" elif i == 2: say(c, call(9)); say(c, call(1), a.fileno(), a.fileno()); say(d, b'')\n"
		" elif i == 3: say(c, call(1), *[a.fileno()] * 9); say(d, b'')\n"
		" else: say(c, call(9)); say(d, call(1), a.fileno())\n"
		" os.dup2(c.fileno(), a.fileno()); os.kill(os.getppid(), 18)\n"
		" try: c.recv(99); d.recv(99)\n"
		" except ConnectionError: pass\n"
		"print('sent'); time.sleep(60)";
	struct buf text = BUF_INIT;
	int out = -1;

	library_python(s, 1, 0, script, &out);
	gate_read(s, out, &text, "sent\n");
	assert_well(s, 10);
	fd_close(&out);
	buf_release(&text);
}

static void a_flood(void **state)
{
	struct stage *s = *state;
	static const char script[] =
		CLIENT "def run():\n"
		       " while True:\n"
		       "  a = new(); c = link()\n"
		       "  try: say(c, call(0, here), a.fileno())\n"
		       "  except ConnectionError: pass\n"
		       "  a.close(); c.close()\n"
		       "[threading.Thread(target=run, daemon=True).start() for i in range(20)]\n"
		       "print('floods'); time.sleep(60)";
	struct buf text = BUF_INIT;
	int out = -1;

	library_python(s, 1, 0, script, &out);
	gate_read(s, out, &text, "floods\n");
	assert_well(s, 10);
	gate_kill(s, 1);
	assert_well(s, 20);
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
		ON_STAGE("strangers who connect get nothing", strangers_get_nothing),
		ON_STAGE("calls that make no sense harm nobody", what_makes_no_sense),
		ON_STAGE("a hundred calls with two descriptors each leave none open in the keeper",
			two_descriptors_in_a_call),
		ON_STAGE(
			"who connects and says nothing holds up nobody else", what_connects_and_says_nothing),
		ON_STAGE("a connection that lingers does not hold up the keeper",
			what_cannot_be_closed_at_once),
		ON_STAGE("a flood of calls holds up nobody else", a_flood),
	};

	library_port = 4812;
	return cmocka_run_group_tests_name(
		"keeper: gate, strangers and hostile programs with the library", tests, NULL, NULL);
}
