/* Into the background: who started the daemon hears how it went, and its output goes to the log. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "keeper/detach.h"
#include "os/fd.h"
#include "unit.h"

static char folder[64];
static char log_path[80];

static int make_folder(void **state)
{
	(void)state;
	(void)snprintf(folder, sizeof(folder), "/tmp/keeper-detach-XXXXXX");
	assert_non_null(mkdtemp(folder));
	(void)snprintf(log_path, sizeof(log_path), "%s/log", folder);
	return 0;
}

static int remove_folder(void **state)
{
	(void)state;
	(void)unlink(log_path);
	return rmdir(folder);
}

/* What the process in the background says to who started it, after it has looked at itself: "" only ends. */
static _Noreturn void run_in_background(int fd, const char *words, size_t len)
{
	char byte = 0;
	bool is_well = getsid(0) == getpid() && read(STDIN_FILENO, &byte, 1) == 0;

	for (int out = STDOUT_FILENO; out <= STDERR_FILENO; out++) {
		int flags = fcntl(out, F_GETFL);

		is_well &= (flags & O_APPEND) && !(flags & O_NONBLOCK) && write(out, "a line\n", 7) == 7;
	}
	if (!is_well)
		_exit(1);
	(void)!write(fd, words, len);
	_exit(0);
}

/* As oxherd does it; gives the report that the starter gets. */
static int run(const char *words, size_t len, struct err *e)
{
	int fd = -1;
	int rc = 0;
	int status = 0;
	pid_t pid = detach(log_path, &fd, e);

	if (pid == 0)
		run_in_background(fd, words, len);
	assert_true(pid > 0);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	rc = detach_wait(&fd, e);
	assert_int_equal(fd, -1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	return rc;
}

static void assert_log(const char *wanted)
{
	char text[256] = "";
	int fd = open(log_path, O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	(void)!read(fd, text, sizeof(text) - 1);
	fd_close(&fd);
	assert_string_equal(text, wanted);
}

static void it_says_that_it_serves(void **state)
{
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(run("", 1, &e), 0);
	assert_log("a line\na line\n");
	assert_int_equal(run("", 1, &e), 0);
	assert_log("a line\na line\na line\na line\n");
	err_release(&e);
}

static void its_words_are_the_starters(void **state)
{
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(run("no brain", 8, &e), -1);
	assert_string_equal(e.text.ptr, "no brain");
	err_release(&e);
}

static void one_that_only_ends_has_failed(void **state)
{
	struct err e = ERR_INIT;

	(void)state;
	assert_int_equal(run("", 0, &e), -1);
	assert_string_equal(e.text.ptr, "oxherd ended before it served");
	err_release(&e);
}

static void more_than_fits_is_cut(void **state)
{
	char many[3000];
	struct err e = ERR_INIT;

	(void)state;
	memset(many, 'x', sizeof(many));
	assert_int_equal(run(many, sizeof(many), &e), -1);
	assert_int_equal(e.text.len, 1023);
	err_release(&e);
}

static void without_a_log_nothing_is_begun(void **state)
{
	struct err e = ERR_INIT;
	int before = dup(STDIN_FILENO);
	int after = -1;
	int fd = -1;

	(void)state;
	fd_close(&before);
	before = dup(STDIN_FILENO);
	assert_int_equal(detach("/no/such/folder/log", &fd, &e), -1);
	assert_int_equal(fd, -1);
	assert_non_null(strstr(e.text.ptr, "cannot open '/no/such/folder/log'"));
	after = dup(STDIN_FILENO);
	/* No descriptor was left open. */
	assert_int_equal(after, before + 1);
	fd_close(&before);
	fd_close(&after);
	err_release(&e);
}

int main(void)
{
#define IN_FOLDER(sentence, function) PROMISE_IN(make_folder, remove_folder, sentence, function)
	const struct CMUnitTest tests[] = {
		IN_FOLDER("who started the daemon hears that it serves", it_says_that_it_serves),
		IN_FOLDER("who started the daemon gets its words when it fails", its_words_are_the_starters),
		IN_FOLDER("a daemon that ends without a word has failed", one_that_only_ends_has_failed),
		IN_FOLDER("words that are too long are cut", more_than_fits_is_cut),
		IN_FOLDER("without a log no daemon is begun", without_a_log_nothing_is_begun),
	};

	return cmocka_run_group_tests_name("keeper: detach", tests, NULL, NULL);
}
