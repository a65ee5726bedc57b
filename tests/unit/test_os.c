/* The thin functions of lib/os that keeper and brain stand on. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "base/signal_name.h"
#include "os/affinity.h"
#include "os/clock.h"
#include "os/dirs.h"
#include "os/fd.h"
#include "os/oom.h"
#include "os/procfs.h"
#include "os/sock.h"
#include "os/user.h"
#include "unit.h"

static void signals_have_names(void **state)
{
	(void)state;
	for (int number = 1; number < SIGRTMIN; number++)
		if (signal_name(number))
			assert_int_equal(signal_number(signal_name(number)), number);
	assert_null(signal_name(SIGRTMIN));
	assert_null(signal_name(99));
	assert_string_equal(signal_name(SIGTERM), "SIGTERM");
	assert_int_equal(signal_number("SIGRTMIN"), SIGRTMIN);
	assert_int_equal(signal_number("SIGRTMAX-1"), SIGRTMAX - 1);
	assert_int_equal(signal_number("SIGRTMIN+64"), -1);
	assert_int_equal(signal_number("SIGRTMIN-1"), -1);
	assert_int_equal(signal_number("TERM"), -1);
	assert_int_equal(signal_number(""), -1);
}

static void a_look_at_what_is_reachable_changes_nothing(void **state)
{
	struct cpu_list own, all, now, one = { .words = { 0 } };

	(void)state;
	assert_int_equal(affinity_get(&own), 0);
	assert_int_equal(affinity_reachable(&all), 0);
	now = cpu_list_both(&own, &all);
	assert_true(cpu_list_equal(&now, &own));
	/* However few it has itself. */
	cpu_list_add(&one, cpu_list_nth(&own, 0));
	assert_int_equal(affinity_set(&one), 0);
	assert_int_equal(affinity_reachable(&now), 0);
	assert_true(cpu_list_equal(&now, &all));
	assert_int_equal(affinity_get(&now), 0);
	assert_true(cpu_list_equal(&now, &one));
	assert_int_equal(affinity_set(&own), 0);
	one = (struct cpu_list){ .words = { 0 } };
	assert_int_equal(affinity_set(&one), -1);
	assert_int_equal(errno, EINVAL);
}

static void assert_time(int64_t wall_ms, const char *want)
{
	struct buf out = BUF_INIT;

	clock_write(&out, wall_ms);
	assert_string_equal(out.ptr, want);
	buf_release(&out);
}

static void times_are_written_for_people(void **state)
{
	(void)state;
	assert_time(0, "1970-01-01T00:00:00.000Z");
	assert_time(-1, "1969-12-31T23:59:59.999Z");
	assert_time(1795204501120, "2026-11-20T19:55:01.120Z");
	assert_time(INT64_C(2147483648) * 1000, "2038-01-19T03:14:08.000Z");
	assert_time(INT64_MAX, "292278994-08-17T07:12:55.807Z");
	assert_true(clock_us() / 1000 <= clock_ms());
	assert_true(clock_wall_ms() > INT64_C(1600000000000));
}

static void folders_follow_the_environment(void **state)
{
	struct dirs d;
	struct err e = ERR_INIT;
	char home[] = "/tmp/test-os-XXXXXX";
	struct stat st;

	(void)state;
	assert_non_null(mkdtemp(home));
	setenv("OXHERD_HOME", home, 1);
	assert_int_equal(dirs_find(&d, &e), 0);
	assert_int_equal(strncmp(d.run, home, strlen(home)), 0);
	assert_string_equal(d.run + strlen(home), "/run");
	assert_string_equal(d.state + strlen(home), "/state");
	assert_string_equal(d.log + strlen(home), "/log");
	assert_int_equal(dirs_make(&d, &e), 0);
	assert_int_equal(dirs_make(&d, &e), 0);
	assert_int_equal(stat(d.run, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	/* Somebody else could put things there. */
	assert_int_equal(chmod(d.run, 0770), 0);
	assert_int_equal(dirs_make(&d, &e), -1);
	assert_non_null(strstr(e.text.ptr, "others may write to"));
	assert_int_equal(rmdir(d.run), 0);
	assert_int_equal(symlink("/tmp", d.run), 0);
	assert_int_equal(dirs_make(&d, &e), -1);
	assert_non_null(strstr(e.text.ptr, "is not a folder"));
	unlink(d.run);
	rmdir(d.state);
	rmdir(d.log);
	rmdir(home);
	dirs_release(&d);
	setenv("OXHERD_HOME", "relative", 1);
	assert_int_equal(dirs_find(&d, &e), 0);
	assert_int_equal(d.run[0], '/');
	dirs_release(&d);
	unsetenv("OXHERD_HOME");
	assert_null(dirs_program("no-such-program-of-ours", &e));
	assert_non_null(strstr(e.text.ptr, "there is no 'no-such-program-of-ours'"));
	err_release(&e);
}

static void a_process_is_read(void **state)
{
	struct proc p;
	struct proc own;
	char value[8];
	struct buf out = BUF_INIT;
	pid_t pids[4];
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		for (;;)
			pause();
	}
	assert_true(procfs_read(getpid(), &own));
	assert_int_equal(own.parent, getppid());
	assert_int_equal(own.session, getsid(0));
	assert_true(own.has_memory && own.rss_pages > 0 && own.threads == 1);
	assert_true(procfs_read(pid, &p));
	assert_int_equal(p.parent, getpid());
	/* Behind numbers below zero, among them the terminal that it has not. */
	assert_true(own.start_time > 0 && p.start_time >= own.start_time);
	if (procfs_children(getpid(), pids, 4) >= 0) {
		assert_int_equal(procfs_children(getpid(), pids, 4), 1);
		assert_int_equal(pids[0], pid);
		assert_int_equal(procfs_children(getpid(), pids, 0), 1);
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	assert_false(procfs_read(pid, &p));
	assert_false(procfs_environ(pid, "PATH", value, sizeof(value)));
	assert_false(procfs_command(pid, &out, 100));
	assert_true(procfs_command(getpid(), &out, 100));
	assert_non_null(strstr(out.ptr, "test_os"));
	assert_true(procfs_boot_id(&out));
	buf_release(&out);
}

/* So that nobody writes a line of ours, or to a terminal. */
static void a_command_is_one_line(void **state)
{
	char *const argv[] = { (char *)"sh", (char *)"-c",
		(char *)"echo; read x # \nall is well\033[31m\177\tx", NULL };
	struct buf out = BUF_INIT;
	int in[2], ready[2];
	char byte = 0;
	pid_t pid = -1;

	(void)state;
	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0) {
		dup2(in[0], 0);
		dup2(ready[1], 1);
		execv("/bin/sh", argv);
		_exit(1);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	assert_true(procfs_command(pid, &out, 100));
	assert_string_equal(out.ptr, "sh -c echo; read x # ?all is well?[31m??x");
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	for (int k = 0; k < 2; k++) {
		close(in[k]);
		close(ready[k]);
	}
	buf_release(&out);
}

/* The environment that a process was started with, not the one that it has now: so another program is asked. */
static void an_environment_is_searched(void **state)
{
	char *const argv[] = { (char *)"sh", (char *)"-c", (char *)"echo; read x", NULL };
	char *const env[] = { (char *)"XNAME=no", (char *)"NAM=no", (char *)"NAMED=no",
		(char *)"EMPTY=", (char *)"NAME=a=b and much more", NULL };
	int in[2], out[2];
	char value[8] = "";
	pid_t pid = -1;

	(void)state;
	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0) {
		dup2(in[0], 0);
		dup2(out[1], 1);
		execve("/bin/sh", argv, env);
		_exit(1);
	}
	assert_int_equal(read(out[0], value, 1), 1);
	assert_true(procfs_environ(pid, "NAME", value, sizeof(value)));
	assert_string_equal(value, "a=b and");
	assert_true(procfs_environ(pid, "EMPTY", value, sizeof(value)));
	assert_string_equal(value, "");
	assert_false(procfs_environ(pid, "AME", value, sizeof(value)));
	assert_false(procfs_environ(pid, "NAMES", value, sizeof(value)));
	for (int i = 0; i < 2; i++) {
		fd_close(&in[i]);
		fd_close(&out[i]);
	}
	waitpid(pid, NULL, 0);
}

static void packets_carry_descriptors(void **state)
{
	static char large[256 * 1024 + 1];
	int ends[2], fds[SOCK_FDS_MAX];
	struct stat here, there;
	size_t count = 0;

	(void)state;
	assert_int_equal(sock_pair(ends, sizeof(large)), 0);
	assert_int_equal(sock_send(ends[0], "x", 1, &ends[0], 1), 0);
	assert_int_equal(sock_receive(ends[1], large, sizeof(large), fds, &count), 1);
	assert_int_equal(count, 1);
	assert_int_equal(fstat(ends[0], &here), 0);
	assert_int_equal(fstat(fds[0], &there), 0);
	assert_true(here.st_ino == there.st_ino);
	assert_int_equal(fcntl(fds[0], F_GETFD), FD_CLOEXEC);
	fd_close(&fds[0]);
	assert_int_equal(sock_receive(ends[1], large, sizeof(large), fds, &count), -1);
	assert_int_equal(errno, EAGAIN);
	/* Too large for the reader: gone, with what came with it. */
	assert_int_equal(sock_send(ends[0], large, sizeof(large), &ends[0], 1), 0);
	assert_int_equal(sock_receive(ends[1], large, sizeof(large) - 1, fds, &count), -1);
	assert_int_equal(errno, EMSGSIZE);
	assert_int_equal(count, 0);
	sock_finish(ends[0]);
	assert_int_equal(sock_receive(ends[1], large, sizeof(large), fds, &count), 0);
	fd_close(&ends[0]);
	fd_close(&ends[1]);
	assert_int_equal(ends[1], -1);
}

static void users_are_looked_up(void **state)
{
	struct user u;
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(user_find(&u, "root", NULL, &e), 0);
	assert_int_equal(u.uid, 0);
	assert_string_equal(u.name, "root");
	assert_true(u.group_count >= 1);
	user_release(&u);
	assert_int_equal(user_find(&u, "0", "7", &e), 0);
	assert_int_equal(u.uid, 0);
	assert_int_equal(u.gid, 7);
	user_release(&u);
	assert_int_equal(user_find(&u, "no such user", NULL, &e), -1);
	assert_string_equal(e.text.ptr, "there is no user 'no such user'");
	assert_int_equal(user_find(&u, "root", "no such group", &e), -1);
	assert_string_equal(e.text.ptr, "there is no group 'no such group'");
	assert_int_equal(user_find(&u, "4000000000", NULL, &e), -1);
	assert_int_equal(user_find(&u, "4000000000", "4000000001", &e), 0);
	assert_int_equal(u.uid, 4000000000);
	assert_int_equal(u.group_count, 1);
	user_release(&u);
	/* "Leave it as it is" to the kernel: that would be root by accident. */
	assert_int_equal(user_find(&u, "4294967295", "1", &e), -1);
	assert_int_equal(user_find(&u, "-1", "1", &e), -1);
	err_release(&e);
}

static void an_oom_score_is_set_and_read(void **state)
{
	int before = oom_score();

	(void)state;
	/* Anybody may become likelier to be killed. */
	assert_in_range(before + 1000, 0, 2000);
	assert_int_equal(oom_set_score(before < 990 ? before + 7 : 1000), 0);
	assert_int_equal(oom_score(), before < 990 ? before + 7 : 1000);
	assert_int_equal(oom_set_score(1001), -1);
	assert_int_equal(oom_set_score(-1001), -1);
	/* Either it is protected and says what was there, or nothing has changed. */
	before = oom_score();
	if (oom_protect() == OOM_KEEP)
		assert_int_equal(oom_score(), before);
	else
		assert_int_equal(oom_score(), OOM_DAEMON);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROMISE("a look at the processors that could be used changes nothing",
			a_look_at_what_is_reachable_changes_nothing),
		PROMISE("signals have names, and names signals", signals_have_names),
		PROMISE("times are written for people, before 1970 and after 2038 too",
			times_are_written_for_people),
		PROMISE("folders follow the environment, and are private", folders_follow_the_environment),
		PROMISE("a process is read, and one that is gone is gone", a_process_is_read),
		PROMISE("the command line of a process is shown as one line, whatever stands in it",
			a_command_is_one_line),
		PROMISE("an environment is searched for exactly one name", an_environment_is_searched),
		PROMISE("packets carry descriptors", packets_carry_descriptors),
		PROMISE("an OOM score is set and read, and a daemon that may not protect itself keeps the one it has",
			an_oom_score_is_set_and_read),
		PROMISE("users are looked up by name and number", users_are_looked_up),
	};

	return cmocka_run_group_tests_name("os", tests, NULL, NULL);
}
