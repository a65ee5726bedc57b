/* One keeper a folder, and what its lock files say to the next. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "keeper/lock.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/procfs.h"
#include "unit.h"

#define TOKEN "0123456789abcdef"
#define KEY   "000102030405060708090a0b0c0d0eff"

static char home[64];
static char run[80], other_run[80], state_folder[80];

static int make_folders(void **state)
{
	(void)state;
	(void)snprintf(home, sizeof(home), "/tmp/keeper-lock-XXXXXX");
	assert_non_null(mkdtemp(home));
	(void)snprintf(run, sizeof(run), "%s/run", home);
	(void)snprintf(other_run, sizeof(other_run), "%s/other", home);
	(void)snprintf(state_folder, sizeof(state_folder), "%s/state", home);
	assert_int_equal(mkdir(run, 0700) | mkdir(other_run, 0700) | mkdir(state_folder, 0700), 0);
	return 0;
}

static int remove_folders(void **state)
{
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		execlp("rm", "rm", "-rf", home, (char *)NULL);
		_exit(1);
	}
	return waitpid(pid, NULL, 0) == pid ? 0 : -1;
}

static struct lock take(const char *folder)
{
	struct lock l = LOCK_INIT;
	struct err e = ERR_INIT;

	if (lock_take(&l, folder, state_folder, &e) < 0)
		fail_msg("%s", e.text.ptr);
	assert_true(l.run_fd >= 0 && l.state_fd >= 0);
	assert_string_equal(l.run, folder);
	assert_int_equal(strlen(l.token), LOCK_TOKEN_LEN);
	return l;
}

/* It cannot be had; these words say why. */
static void assert_refused(const char *folder, int number, const char *words, const char *more)
{
	struct lock l = LOCK_INIT;
	struct err e = ERR_INIT;

	assert_int_equal(lock_take(&l, folder, state_folder, &e), -1);
	if (!strstr(e.text.ptr, words) || !strstr(e.text.ptr, more))
		fail_msg("neither '%s' nor '%s' may miss in: %s", words, more, e.text.ptr);
	assert_int_equal(e.number, number);
	assert_int_equal(l.run_fd, -1);
	assert_int_equal(l.state_fd, -1);
	assert_null(l.run);
	err_release(&e);
}

static void write_lock(const char *folder, const char *text)
{
	char path[128];
	int fd = -1;

	(void)snprintf(path, sizeof(path), "%s/oxherd.lock", folder);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_int_equal(fd_write_all(fd, text, strlen(text)), 0);
	fd_close(&fd);
}

static void assert_lock(const char *folder, const struct lock *l, const char *word)
{
	char path[128], text[512] = "", wanted[512];
	struct buf boot = BUF_INIT;
	int fd = -1;
	size_t len = 0;

	assert_true(procfs_boot_id(&boot));
	(void)snprintf(path, sizeof(path), "%s/oxherd.lock", folder);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(read(fd, text, sizeof(text) - 1) > 0);
	fd_close(&fd);
	len = (size_t)snprintf(
		wanted, sizeof(wanted), "%d %s %s %s\n", (int)getpid(), l->token, word, l->run);
	for (size_t i = 0; i < SIPHASH_KEY; i++)
		len += (size_t)snprintf(wanted + len, 3, "%02x", l->secret.key[i]);
	(void)snprintf(wanted + len, sizeof(wanted) - len, " %llu %s\n", (unsigned long long)l->secret.since,
		boot.ptr);
	assert_string_equal(text, wanted);
	buf_release(&boot);
}

static void it_stays_the_same(void **state)
{
	struct lock first = take(run);
	struct lock l;

	(void)state;
	assert_false(first.was_left);
	assert_int_equal(first.secret.since, 0);
	assert_lock(run, &first, "kept");
	assert_lock(state_folder, &first, "kept");
	lock_sign_off(&first);
	assert_lock(run, &first, "ended");
	assert_lock(state_folder, &first, "ended");
	lock_release(&first);
	assert_int_equal(first.run_fd, -1);
	l = take(run);
	assert_false(l.was_left);
	assert_string_equal(l.token, first.token);
	assert_memory_equal(l.secret.key, first.secret.key, sizeof(l.secret.key));
	/* As after SIGKILL. */
	lock_release(&l);
	l = take(run);
	assert_true(l.was_left);
	assert_string_equal(l.token, first.token);
	assert_memory_equal(l.secret.key, first.secret.key, sizeof(l.secret.key));
	assert_int_equal(l.secret.since, 0);
	lock_release(&l);
}

static void a_file_of_the_first_version_is_read(void **state)
{
	char text[256];
	struct lock l, next;

	(void)state;
	(void)snprintf(text, sizeof(text), "999999999 " TOKEN " kept %s\n", run);
	write_lock(run, text);
	write_lock(state_folder, text);
	l = take(run);
	assert_true(l.was_left);
	assert_string_equal(l.token, TOKEN);
	/* Marks without a seal may be about, of what began before. */
	assert_true(l.secret.since > 0);
	lock_release(&l);
	next = take(run);
	assert_true(next.secret.since == l.secret.since);
	lock_sign_off(&next);
	lock_release(&next);
}

/* The secret of a keeper that finds this behind the first line of its lock. */
static struct env_mark_secret secret_of(const char *line)
{
	struct buf text = BUF_INIT;
	struct env_mark_secret secret;
	struct lock l;

	buf_addf(&text, "999999999 " TOKEN " kept %s\n%s\n", run, line);
	write_lock(run, text.ptr);
	buf_release(&text);
	l = take(run);
	secret = l.secret;
	lock_release(&l);
	return secret;
}

static void a_secret_is_read_as_it_stands(void **state)
{
	static const unsigned char key[SIPHASH_KEY] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14,
		255 };
	struct buf boot = BUF_INIT;
	struct env_mark_secret secret;
	char line[256];

	(void)state;
	assert_true(procfs_boot_id(&boot));
	(void)snprintf(line, sizeof(line), KEY " 77 %s", boot.ptr);
	secret = secret_of(line);
	assert_memory_equal(secret.key, key, sizeof(key));
	assert_int_equal(secret.since, 77);
	/* A time of another start of the machine. */
	(void)snprintf(line, sizeof(line), KEY " 77 a%s", boot.ptr);
	secret = secret_of(line);
	assert_memory_equal(secret.key, key, sizeof(key));
	assert_int_equal(secret.since, 0);
	/* One that is cut is none. */
	(void)snprintf(line, sizeof(line), "0001 77 %s", boot.ptr);
	secret = secret_of(line);
	assert_memory_not_equal(secret.key, key, sizeof(key));
	assert_true(secret.since > 0);
	buf_release(&boot);
}

/* As after an upgrade: the files are held already. */
static void assert_found(const char *in_run, const char *in_state, bool is_new)
{
	static const unsigned char key[SIPHASH_KEY] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14,
		255 };
	struct lock l = take(run);
	struct err e = ERR_INIT;

	write_lock(run, in_run);
	write_lock(state_folder, in_state);
	memset(&l.secret, 1, sizeof(l.secret));
	assert_int_equal(lock_find_secret(&l, &e), 0);
	if (is_new) {
		assert_memory_not_equal(l.secret.key, key, sizeof(key));
		assert_true(l.secret.since > 0);
		assert_lock(run, &l, "kept");
		assert_lock(state_folder, &l, "kept");
	} else {
		assert_memory_equal(l.secret.key, key, sizeof(key));
	}
	lock_release(&l);
	err_release(&e);
}

static void a_secret_is_found_in_one_of_them(void **state)
{
	static const char with[] = "5 " TOKEN " kept /run\n" KEY " 0 -\n";
	static const char without[] = "5 " TOKEN " kept /run\n";

	(void)state;
	assert_found(with, without, false);
	assert_found(without, with, false);
	assert_found(without, without, true);
}

/* A process that has it until the pipe is closed, or that has died with it. */
static pid_t hold(const char *folder, bool has_died, int ends[2])
{
	char byte = 0;
	pid_t pid = -1;
	int ready[2];

	assert_int_equal(pipe2(ends, O_CLOEXEC) | pipe2(ready, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0) {
		struct lock l = LOCK_INIT;

		close(ends[1]);
		if (lock_take(&l, folder, state_folder, NULL) < 0)
			_exit(1);
		(void)!write(ready[1], "r", 1);
		if (!has_died)
			(void)!read(ends[0], &byte, 1);
		_exit(0);
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	close(ends[0]);
	if (has_died)
		assert_int_equal(waitpid(pid, NULL, 0), pid);
	return pid;
}

static void a_second_one_is_refused(void **state)
{
	struct lock l = LOCK_INIT;
	char words[64], folder[128];
	int ends[2];
	pid_t pid = hold(run, false, ends);

	(void)state;
	(void)snprintf(words, sizeof(words), "another oxherd (pid %d) serves '", (int)pid);
	assert_refused(run, EWOULDBLOCK, words, run);
	(void)snprintf(words, sizeof(words), "another oxherd (pid %d) uses '", (int)pid);
	(void)snprintf(folder, sizeof(folder), "; its run folder is %s", run);
	assert_refused(other_run, EWOULDBLOCK, words, folder);
	close(ends[1]);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	l = take(run);
	assert_true(l.was_left);
	lock_sign_off(&l);
	lock_release(&l);
	/* It ended well: another run folder is as good. */
	l = take(other_run);
	assert_false(l.was_left);
	lock_release(&l);
}

static void what_was_left_can_be_kept_only_there(void **state)
{
	struct lock l = LOCK_INIT;
	char path[128], token[LOCK_TOKEN_LEN + 1];
	int ends[2];

	(void)state;
	(void)hold(run, true, ends);
	close(ends[1]);
	assert_refused(other_run, EWOULDBLOCK, "the last oxherd did not end well", run);
	l = take(run);
	assert_true(l.was_left);
	memcpy(token, l.token, sizeof(token));
	lock_release(&l);
	(void)snprintf(path, sizeof(path), "%s/oxherd.lock", run);
	assert_int_equal(unlink(path) | rmdir(run), 0);
	l = take(other_run);
	assert_true(l.was_left);
	assert_string_equal(l.token, token);
	lock_release(&l);
}

/* The keeper is gone, and a child of its last moment has its descriptors for so long. */
static void leave_child(int ms)
{
	pid_t pid = fork();

	if (pid == 0) {
		struct lock l = LOCK_INIT;

		if (lock_take(&l, run, state_folder, NULL) < 0)
			_exit(1);
		if (fork() == 0)
			(void)poll(NULL, 0, ms);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void a_child_on_its_way_is_waited_for(void **state)
{
	struct itimerval timer;
	struct lock l;
	int64_t begin = clock_ms();

	(void)state;
	leave_child(400);
	l = take(run);
	assert_in_range(clock_ms() - begin, 300, 4000);
	assert_true(l.was_left);
	lock_release(&l);
	/* Nothing wakes us any more. */
	assert_int_equal(getitimer(ITIMER_REAL, &timer), 0);
	assert_int_equal(timer.it_value.tv_usec + timer.it_interval.tv_usec, 0);
}

static void but_not_for_ever(void **state)
{
	int64_t begin = clock_ms();

	(void)state;
	leave_child(LOCK_WAIT_MS + 3000);
	assert_refused(
		run, EWOULDBLOCK, "is gone, but a process that it was about to start still holds", run);
	assert_in_range(clock_ms() - begin, LOCK_WAIT_MS - 100, LOCK_WAIT_MS + 2000);
}

/* Two have waited for it: the one that did not get it does not wait for the other's children. */
static void who_got_it_meanwhile_is_named(void **state)
{
	int64_t begin = clock_ms();
	pid_t test = getpid();
	char text[256], words[64];
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		struct lock l = LOCK_INIT;

		if (lock_take(&l, run, state_folder, NULL) < 0)
			_exit(1);
		if (fork() == 0) {
			(void)poll(NULL, 0, 300);
			(void)snprintf(text, sizeof(text), "%d %s kept %s\n", (int)test, l.token, l.run);
			write_lock(run, text);
			write_lock(state_folder, text);
			(void)poll(NULL, 0, LOCK_WAIT_MS + 3000);
		}
		_exit(0);
	}
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	(void)snprintf(words, sizeof(words), "another oxherd (pid %d)", (int)test);
	assert_refused(run, EWOULDBLOCK, words, run);
	assert_in_range(clock_ms() - begin, 250, LOCK_WAIT_MS - 1000);
}

static void what_is_no_file_of_ours_is_refused(void **state)
{
	char path[128];

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/oxherd.lock", run);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_refused(run, 0, "is no file of ours; move it away", path);
	assert_int_equal(unlink(path) | symlink("/dev/null", path), 0);
	assert_refused(run, ELOOP, "cannot open", path);
	assert_int_equal(unlink(path), 0);
	if (geteuid() == 0) {
		write_lock(run, "");
		assert_int_equal(chown(path, 65534, 65534), 0);
		assert_refused(run, 0, "is no file of ours; move it away", path);
		assert_int_equal(unlink(path), 0);
	}
	assert_int_equal(rmdir(state_folder), 0);
	assert_refused(run, 0, "cannot open", state_folder);
}

int main(void)
{
#define IN_FOLDERS(sentence, function) PROMISE_IN(make_folders, remove_folders, sentence, function)
	const struct CMUnitTest tests[] = {
		IN_FOLDERS("token and secret stay the same from keeper to keeper", it_stays_the_same),
		IN_FOLDERS("a lock file without a secret gets one", a_file_of_the_first_version_is_read),
		IN_FOLDERS("a secret is read as it stands, and a time of another boot is none",
			a_secret_is_read_as_it_stands),
		IN_FOLDERS("after an upgrade the secret is found in either lock file",
			a_secret_is_found_in_one_of_them),
		IN_FOLDERS("a second keeper is refused with the pid and the folder of the first",
			a_second_one_is_refused),
		IN_FOLDERS("what a killed keeper left is kept by one with its run folder only",
			what_was_left_can_be_kept_only_there),
		IN_FOLDERS("a child that has not reached its program is waited for",
			a_child_on_its_way_is_waited_for),
		IN_FOLDERS("a process that keeps the lock of a dead keeper is named after five seconds",
			but_not_for_ever),
		IN_FOLDERS("who has taken the lock while another waited for it is named to that one at once",
			who_got_it_meanwhile_is_named),
		IN_FOLDERS("a lock file that is not a file of our user is refused",
			what_is_no_file_of_ours_is_refused),
	};

	return cmocka_run_group_tests_name("keeper: lock", tests, NULL, NULL);
}
