/* What a child is: no more and no less than what was asked for. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/affinity.h"
#include "os/fd.h"
#include "stage.h"
#include "unit.h"

static void the_environment_is_what_was_sent_and_the_mark(void **state)
{
	struct stage *s = *state;
	struct buf text = BUF_INIT;
	struct spawn_order w;
	int out = -1;
	size_t lines = 0;
	char mark[64];

	setenv("LEAKED_FROM_THE_DAEMON", "1", 1);
	order_actor(&w, 77, &out, WORDS("--print-env", "--exit", "0"));
	keeper_list_add(&w.env, "PORT=3002");
	keeper_list_add(&w.env, "EMPTY=");
	keeper_list_add(&w.env, "OXHERD_MARK=forged.1.1.x");
	stage_ask(s, &w, &out, &text);
	unsetenv("LEAKED_FROM_THE_DAEMON");
	stage_assert_has(&text, "env PORT=3002\n");
	stage_assert_has(&text, "env EMPTY=\n");
	/* Its own pid is in it; which that was, the exit says. */
	(void)snprintf(mark, sizeof(mark), ".1.77.%010d.+%010u.", (int)s->notes[s->note_count - 1].pid,
		(unsigned int)geteuid());
	stage_assert_has(&text, mark);
	stage_assert_has(&text, ".api:0\n");
	stage_assert_lacks(&text, "forged");
	for (size_t i = 0; i < text.len; i++)
		lines += text.ptr[i] == '\n';
	assert_int_equal(lines, 3);
	buf_release(&text);
}

static void listen_pid_is_the_one_that_was_executed(void **state)
{
	struct stage *s = *state;
	struct buf text = BUF_INIT;
	char want[64];
	struct spawn_order w;
	int out = -1;

	order_program(&w, 1, &out, WORDS("sh", "-c", "exec env"));
	w.m.spawn.flags = KEEPER_SPAWN_LISTEN_PID;
	keeper_list_add(&w.env, "LISTEN_PID=1");
	keeper_list_add(&w.env, "PATH=/usr/bin:/bin");
	order_say(s, &w);
	(void)snprintf(
		want, sizeof(want), "LISTEN_PID=%lld\n", (long long)stage_expect(s, KEEPER_SPAWNED, 1)->pid);
	stage_read_all(&out, &text);
	stage_assert_has(&text, want);
	stage_assert_lacks(&text, "LISTEN_PID=1\n");
	buf_release(&text);
}

static void only_listed_descriptors_are_there(void **state)
{
	struct stage *s = *state;
	struct buf text = BUF_INIT;
	struct spawn_order w;
	int out = -1;
	size_t lines = 0;

	/* Others that the keeper has at the same time: held ones, and another spawn's pipes. */
	stage_say_name(s, KEEPER_HOLD, "other", s->listener);
	order_actor(&w, 1, &out, WORDS("--print-fds", "--exit", "0"));
	stage_ask(s, &w, &out, &text);
	stage_assert_has(&text, "fd 0 /dev/null\n");
	stage_assert_has(&text, "fd 1 pipe:");
	stage_assert_has(&text, "fd 2 /dev/null\n");
	for (size_t i = 0; i < text.len; i++)
		lines += text.ptr[i] == '\n';
	assert_int_equal(lines, 3);
	buf_release(&text);
}

/* Every target is a number that another source has in the keeper: only moving all away first sorts that out. */
static void descriptors_reach_their_numbers(void **state)
{
	enum { MANY = 20 };
	struct stage *s = *state;
	struct buf text = BUF_INIT;
	struct spawn_order w;
	int out = -1;

	order_actor(&w, 1, &out, WORDS("--print-fds", "--exit", "0"));
	for (int i = 0; i < MANY; i++) {
		char path[128], name[32];

		(void)snprintf(name, sizeof(name), "file-%d", MANY + 2 - i);
		stage_file(s, path, sizeof(path), name, "", 0600);
		w.fds[w.fd_count++] = open(path, O_RDONLY | O_CLOEXEC);
		w.m.spawn.descriptors[w.m.spawn.descriptor_count++] =
			(struct keeper_descriptor){ MANY + 2 - i, KEEPER_FROM_SENT, i + 1, "" };
	}
	stage_ask(s, &w, &out, &text);
	for (int i = 3; i < MANY + 3; i++) {
		char want[160];

		(void)snprintf(want, sizeof(want), "fd %d %s/file-%d\n", i, s->home, i);
		stage_assert_has(&text, want);
	}
	buf_release(&text);
}

static void there_may_be_so_many_descriptors(void **state)
{
	struct stage *s = *state;
	struct buf text = BUF_INIT;
	struct spawn_order w;
	char last[32];
	int out = -1;

	order_actor(&w, 1, &out, WORDS("--print-fds", "--exit", "0"));
	while (w.m.spawn.descriptor_count < KEEPER_DESCRIPTORS_MAX) {
		struct keeper_descriptor *d = &w.m.spawn.descriptors[w.m.spawn.descriptor_count++];

		*d = (struct keeper_descriptor){ (int64_t)w.m.spawn.descriptor_count, KEEPER_FROM_NULL, 0,
			"" };
	}
	stage_ask(s, &w, &out, &text);
	(void)snprintf(last, sizeof(last), "fd %d /dev/null\n", KEEPER_DESCRIPTORS_MAX);
	stage_assert_has(&text, last);
	(void)snprintf(last, sizeof(last), "fd %d ", KEEPER_DESCRIPTORS_MAX + 1);
	stage_assert_lacks(&text, last);
	buf_release(&text);
}

static void concurrent_spawns_do_not_share_pipes(void **state)
{
	enum { MANY = 20 };
	struct stage *s = *state;
	int outs[MANY];

	for (int i = 0; i < MANY; i++) {
		struct spawn_order w;

		order_actor(&w, (uint64_t)i + 1, &outs[i], WORDS("--print-fds", "--close-output"));
		order_say(s, &w);
	}
	for (int i = 0; i < MANY; i++) {
		struct buf text = BUF_INIT;

		/* The end comes though nineteen others live on. */
		stage_read_all(&outs[i], &text);
		stage_assert_lacks(&text, "fd 3");
		buf_release(&text);
	}
}

static void it_has_a_session_and_no_terminal(void **state)
{
	struct stage *s = *state;
	struct buf text = BUF_INIT;
	char want[64];
	struct spawn_order w;
	int out = -1;

	order_actor(&w, 1, &out, WORDS("--print-ids", "--print-folder", "--exit", "0"));
	w.m.spawn.folder = "/usr";
	w.m.spawn.umask = 027;
	order_say(s, &w);
	(void)snprintf(want, sizeof(want), "session %1$lld\nprocess-group %1$lld\nterminal none\n",
		(long long)stage_expect(s, KEEPER_SPAWNED, 1)->pid);
	stage_read_all(&out, &text);
	stage_assert_has(&text, want);
	stage_assert_has(&text, "folder /usr\numask 027\n");
	buf_release(&text);
}

/* Of a keeper that was itself started with the most awkward signals. */
static void signals_are_as_at_birth(void **state)
{
	struct stage *s = *state;
	struct buf text = BUF_INIT;
	struct spawn_order w;
	sigset_t set;
	int out = -1;

	signal(SIGHUP, SIG_IGN);
	signal(SIGCHLD, SIG_IGN);
	signal(SIGUSR1, SIG_IGN);
	signal(SIGRTMAX, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	sigaddset(&set, SIGALRM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	s->keeper = stage_run(s, NULL, -1);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	signal(SIGHUP, SIG_DFL);
	signal(SIGCHLD, SIG_DFL);
	signal(SIGUSR1, SIG_DFL);
	signal(SIGRTMAX, SIG_DFL);
	stage_accept(s, true);
	order_actor(&w, 1, &out, WORDS("--print-signals", "--exit", "0"));
	stage_ask(s, &w, &out, &text);
	assert_string_equal(text.ptr, "signals done\n");
	buf_release(&text);
}

static void limits_are_those_asked_for(void **state)
{
	struct stage *s = *state;
	struct buf text = BUF_INIT;
	struct rlimit own, limit;
	char want[64];
	struct spawn_order w;
	int out = -1;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &own), 0);
	limit = own;
	limit.rlim_cur = 123;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	s->keeper = stage_run(s, NULL, -1);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &own), 0);
	stage_accept(s, true);
	order_actor(&w, 1, &out, WORDS("--print-limits", "--exit", "0"));
	w.m.spawn.flags = KEEPER_SPAWN_NICE;
	w.m.spawn.nice = 5;
	w.m.spawn.rlimits[w.m.spawn.rlimit_count++] = (struct keeper_rlimit){ RLIMIT_CORE, 0, 4096 };
	stage_ask(s, &w, &out, &text);
	/* The keeper has raised its own, but that is no business of a child's. */
	(void)snprintf(want, sizeof(want), "limit nofile 123 %llu\n", (unsigned long long)own.rlim_max);
	stage_assert_has(&text, want);
	stage_assert_has(&text, "limit core 0 4096\n");
	stage_assert_has(&text, "nice 5\n");
	buf_release(&text);
}

static void ask_for_cpus(struct stage *s, uint64_t generation, const struct cpu_list *list, struct buf *text)
{
	struct spawn_order w;
	int out = -1;

	order_program(&w, generation, &out,
		WORDS("sh", "-c",
			"sed -n 's/^Cpus_allowed_list:[[:blank:]]*/pinned to /p' /proc/self/status"));
	keeper_list_add(&w.env, "PATH=/usr/bin:/bin");
	if (list) {
		w.m.spawn.flags = KEEPER_SPAWN_CPUS;
		w.m.spawn.cpus = *list;
	}
	order_say(s, &w);
	stage_expect(s, KEEPER_SPAWNED, generation);
	stage_read_all(&out, text);
}

static void it_is_pinned_and_others_are_not(void **state)
{
	struct stage *s = *state;
	struct buf text = BUF_INIT;
	struct buf want = BUF_INIT;
	struct cpu_list own;
	struct cpu_list one = { .words = { 0 } };
	struct spawn_order w;

	assert_int_equal(affinity_get(&own), 0);
	cpu_list_add(&one, cpu_list_nth(&own, cpu_list_count(&own) - 1));
	buf_adds(&want, "pinned to ");
	cpu_list_print(&one, &want);
	/* Of what is not there it does without. */
	cpu_list_add(&one, CPU_LIST_MAX - 1);
	ask_for_cpus(s, 1, &one, &text);
	stage_assert_has(&text, want.ptr);
	buf_clear(&want);
	buf_adds(&want, "pinned to ");
	cpu_list_print(&own, &want);
	buf_addc(&want, '\n');
	ask_for_cpus(s, 2, NULL, &text);
	stage_assert_has(&text, want.ptr);
	one = (struct cpu_list){ .words = { 0 } };
	cpu_list_add(&one, CPU_LIST_MAX - 1);
	order_actor(&w, 3, NULL, WORDS("--exit", "0"));
	w.m.spawn.flags = KEEPER_SPAWN_CPUS;
	w.m.spawn.cpus = one;
	stage_assert_fails(s, &w, KEEPER_STAGE_CPUS, EINVAL);
	buf_release(&text);
	buf_release(&want);
}

static void it_becomes_its_user_and_nothing_more(void **state)
{
	struct stage *s = *state;
	struct buf text = BUF_INIT;
	struct spawn_order w;
	int out = -1;

	if (geteuid() != 0)
		skip();
	order_script_as(
		&w, 1, &out, "id -u; id -g; id -G; test -r /etc/shadow || echo no secrets", 65534, 65533);
	w.m.spawn.group_count = 2;
	w.m.spawn.groups[0] = 65533;
	w.m.spawn.groups[1] = 44;
	order_say(s, &w);
	stage_expect(s, KEEPER_SPAWNED, 1);
	stage_read_all(&out, &text);
	assert_string_equal(text.ptr, "65534\n65533\n65533 44\nno secrets\n");
	buf_release(&text);
	/* A folder that only root may enter is not entered by way of having been root. */
	order_actor(&w, 2, NULL, WORDS("--exit", "0"));
	w.m.spawn.flags = KEEPER_SPAWN_USER;
	w.m.spawn.uid = w.m.spawn.gid = 65534;
	w.m.spawn.folder = s->home;
	stage_assert_fails(s, &w, KEEPER_STAGE_FOLDER, EACCES);
}

static void a_log_pipe_outlives_its_readers(void **state)
{
	struct stage *s = *state;
	struct buf text = BUF_INIT;
	struct spawn_order w;
	struct stat st;
	char path[128];
	int reader = -1;

	(void)snprintf(path, sizeof(path), "%s/api.0.out", s->home);
	order_actor(&w, 1, NULL, WORDS("--say-on", "USR1 late", "--say", "early"));
	w.m.spawn.descriptors[w.m.spawn.descriptor_count++] =
		(struct keeper_descriptor){ 1, KEEPER_FROM_FIFO, 0, path };
	order_say(s, &w);
	stage_expect(s, KEEPER_SPAWNED, 1);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode, S_IFIFO | 0600);
	reader = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	stage_read(reader, &text, "early\n");
	fd_close(&reader);
	stage_signal(s, 1, SIGUSR1, KEEPER_REACH_MAIN);
	reader = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	stage_read(reader, &text, "late\n");
	fd_close(&reader);
	assert_null(stage_seen(s, KEEPER_EXITED, 1));
	buf_release(&text);
}

int main(void)
{
#define ON_STAGE(sentence, function)                                                                         \
	{                                                                                                    \
		(sentence), (function), stage_open, stage_close, NULL                                        \
	}
	const struct CMUnitTest tests[] = {
		ON_STAGE("the environment is what was sent, and the mark",
			the_environment_is_what_was_sent_and_the_mark),
		ON_STAGE("LISTEN_PID is the pid that was executed", listen_pid_is_the_one_that_was_executed),
		ON_STAGE("only the listed descriptors are there", only_listed_descriptors_are_there),
		ON_STAGE("descriptors reach their numbers, whatever stood there",
			descriptors_reach_their_numbers),
		ON_STAGE("a child gets as many descriptors as a spawn can name",
			there_may_be_so_many_descriptors),
		ON_STAGE("concurrent spawns do not share pipes", concurrent_spawns_do_not_share_pipes),
		ON_STAGE(
			"a child has a session of its own and no terminal", it_has_a_session_and_no_terminal),
		{ "a child's signals are as at birth, whatever the keeper's were", signals_are_as_at_birth,
			stage_prepare, stage_close, NULL },
		{ "a child's limits are those asked for, else those the keeper was started with",
			limits_are_those_asked_for, stage_prepare, stage_close, NULL },
		ON_STAGE("a child is pinned to its processors, and the next one is not",
			it_is_pinned_and_others_are_not),
		ON_STAGE("a child becomes its user and nothing more", it_becomes_its_user_and_nothing_more),
		ON_STAGE("a log pipe outlives its readers", a_log_pipe_outlives_its_readers),
	};

	return cmocka_run_group_tests_name("keeper: child", tests, NULL, NULL);
}
