#include "launch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/signal_name.h"
#include "os/dirs.h"
#include "os/fd.h"
#include "os/file.h"
#include "os/pidfd.h"
#include "wire/keeper_msg.h"

enum {
	SAYS_SO_MS = 30000,         /* for the daemon to say that it serves */
	LAST_WORDS_MAX = 64 * 1024, /* of what it writes before; what is beyond fails to be written */
	EXEC_FAILED = 127,
	COULD_NOT_START = 1, /* exit status of oxherd */
};

static const char program[] = "oxherd";

/* Only absolute folders of PATH: what runs as the daemon is not to depend on where one stands. */
static char *find_in_path(void)
{
	const char *at = getenv("PATH");
	char *path = NULL;

	while (at && *at && !path) {
		size_t len = strcspn(at, ":");
		char *folder = mem_strndup(at, len);

		path = *folder == '/' ? path_join(folder, program) : NULL;
		if (path && access(path, X_OK) < 0) {
			mem_free(path);
			path = NULL;
		}
		mem_free(folder);
		at += len + (at[len] == ':');
	}
	return path;
}

bool launch_is_gone(int64_t pid, int64_t timeout_ms)
{
	int fd = pidfd_open_any((pid_t)pid);
	bool is_gone = false;

	if (fd < 0)
		return errno == ESRCH;
	is_gone = pidfd_ends(fd, timeout_ms);
	fd_close(&fd);
	return is_gone;
}

/* In the child: only what is safe after fork. */
static _Noreturn void become_daemon(const char *path, int null_fd, int words_fd)
{
	const char *const argv[] = { program, "--daemon", NULL };

	(void)setsid();
	/* From within a service: the daemon is not one of its processes. */
	(void)unsetenv(KEEPER_MARK);
	if (dup2(null_fd, STDIN_FILENO) >= 0 && dup2(words_fd, STDOUT_FILENO) >= 0 &&
		dup2(words_fd, STDERR_FILENO) >= 0)
		execv(path, (char *const *)argv);
	_exit(EXEC_FAILED);
}

static int wait_for_daemon(pid_t pid, struct err *e)
{
	int status = 0;

	if (!launch_is_gone(pid, SAYS_SO_MS))
		return err_set(
			e, "the daemon (pid %d) does not say that it serves; it is left alone", (int)pid);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return err_sys(e, errno, "cannot wait for %s", program);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	if (WIFSIGNALED(status)) {
		err_set(e, "the daemon did not start: killed by ");
		signal_name_add(&e->text, WTERMSIG(status));
		return -1;
	}
	err_set(e, "the daemon did not start: exit status %d", WEXITSTATUS(status));
	e->number = WEXITSTATUS(status) == COULD_NOT_START ? EAGAIN : 0;
	return -1;
}

/* What it wrote stands at the front of the file; the rest is zeros. */
static void add_last_output(int words_fd, struct err *e)
{
	char text[LAST_WORDS_MAX + 1];
	ssize_t len = pread(words_fd, text, LAST_WORDS_MAX, 0);

	text[len > 0 ? len : 0] = '\0';
	len = (ssize_t)strlen(text);
	while (len > 0 && text[len - 1] == '\n')
		text[--len] = '\0';
	if (*text)
		buf_addf(&e->text, "\n%s", text);
}

/*
 * A file in memory and no pipe: a daemon that kept it open would neither keep us waiting nor be killed by writing to it.  It
 * cannot grow, so that it takes no memory either.
 */
static int make_words(struct err *e)
{
	int fd = memfd_create("last-words", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0)
		return err_sys(e, errno, "cannot make a place for the daemon's words");
	if (ftruncate(fd, LAST_WORDS_MAX) == 0 && fcntl(fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK) == 0)
		return fd;
	err_sys(e, errno, "cannot make a place for the daemon's words");
	fd_close(&fd);
	return -1;
}

static int run_daemon(const char *path, int null_fd, int words_fd, struct err *e)
{
	pid_t pid = fork();

	if (pid < 0)
		return err_sys(e, errno, "cannot start %s", path);
	if (pid == 0)
		become_daemon(path, null_fd, words_fd);
	if (wait_for_daemon(pid, e) == 0)
		return 0;
	add_last_output(words_fd, e);
	return -1;
}

/* A member of a control group may pass through the folder of somebody else's daemon, and start nothing there. */
static int check_owner(struct err *e)
{
	struct dirs dirs = { .run = NULL };
	struct stat st;
	int rc = 0;

	if (dirs_find(&dirs, NULL) == 0 && stat(dirs.run, &st) == 0 && geteuid() != 0 &&
		st.st_uid != geteuid() && (st.st_mode & S_IXGRP) && access(dirs.run, X_OK) == 0)
		rc = err_set(e,
			"the daemon in '%s' is not running, and only uid %u, whose folder that is, can start it",
			dirs.run, (unsigned int)st.st_uid);
	dirs_release(&dirs);
	return rc;
}

/* The control group of the last daemon is that of the next, unless the caller says another, or none. */
static void recall_group(void)
{
	struct dirs dirs = { .run = NULL };
	struct buf text = BUF_INIT;
	char *path = NULL;

	if (!getenv("OXHERD_GROUP") && dirs_find(&dirs, NULL) == 0) {
		path = path_join(dirs.state, DIRS_GROUP);
		if (file_read(path, DIRS_GROUP_MAX, &text, NULL) == 0)
			(void)setenv("OXHERD_GROUP", text.ptr, 1);
	}
	mem_free(path);
	buf_release(&text);
	dirs_release(&dirs);
}

int launch_daemon(struct err *e)
{
	char *path = NULL;
	int null_fd = -1;
	int words_fd = -1;
	int rc = -1;

	if (check_owner(e) < 0)
		return -1;
	path = dirs_program(program, e);
	recall_group();
	/* A caller without standard streams is not to get these numbers for the files below. */
	(void)fd_fill_standard();
	path = path ? path : find_in_path();
	if (!path)
		return -1;
	null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	words_fd = make_words(e);
	if (null_fd < 0)
		err_sys(e, errno, "cannot open /dev/null");
	else if (words_fd >= 0)
		rc = run_daemon(path, null_fd, words_fd, e);
	fd_close(&null_fd);
	fd_close(&words_fd);
	mem_free(path);
	return rc;
}

int launch_program(char *const argv[], struct err *e)
{
	int status = 0;
	pid_t pid = fork();

	if (pid < 0)
		return err_sys(e, errno, "cannot start %s", argv[0]);
	if (pid == 0) {
		execvp(argv[0], argv);
		_exit(EXEC_FAILED);
	}
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return err_sys(e, errno, "cannot wait for %s", argv[0]);
	if (WIFEXITED(status) && !WEXITSTATUS(status))
		return 0;
	if (WIFEXITED(status) && WEXITSTATUS(status) == EXEC_FAILED)
		return err_set(e, "cannot execute '%s'", argv[0]);
	return err_set(e, "'%s %s' failed", argv[0], argv[1]);
}
