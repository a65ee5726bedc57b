#include "keeper/detach.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/err.h"
#include "os/fd.h"

static int open_outputs(const char *log_path, int *null_fd, int *log_fd, struct err *e)
{
	*null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (*null_fd < 0)
		return err_sys(e, errno, "cannot open '/dev/null'");
	*log_fd = open(log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0600);
	if (*log_fd < 0)
		return err_sys(e, errno, "cannot open '%s'", log_path);
	(void)fd_set_nonblocking(*log_fd, false);
	return 0;
}

static int use_outputs(int null_fd, int log_fd)
{
	return dup2(null_fd, STDIN_FILENO) < 0 || dup2(log_fd, STDOUT_FILENO) < 0 ||
			dup2(log_fd, STDERR_FILENO) < 0
		? -1
		: 0;
}

pid_t detach(const char *log_path, int *fd, struct err *e)
{
	int ends[2] = { -1, -1 };
	int null_fd = -1;
	int log_fd = -1;
	pid_t pid = -1;

	if (open_outputs(log_path, &null_fd, &log_fd, e) < 0)
		goto out;
	if (pipe2(ends, O_CLOEXEC) < 0) {
		err_sys(e, errno, "cannot make a pipe");
		goto out;
	}
	pid = fork();
	if (pid < 0) {
		err_sys(e, errno, "cannot go into the background");
	} else if (pid > 0) {
		*fd = ends[0];
		ends[0] = -1;
	} else if (setsid() < 0 || use_outputs(null_fd, log_fd) < 0) {
		_exit(1);
	} else {
		*fd = ends[1];
		ends[1] = -1;
	}
out:
	fd_close(&ends[0]);
	fd_close(&ends[1]);
	fd_close(&null_fd);
	fd_close(&log_fd);
	return pid;
}

int detach_wait(int *fd, struct err *e)
{
	char text[1024];
	size_t len = 0;
	ssize_t got = 0;

	while (len < sizeof(text) - 1 && (len == 0 || text[0])) {
		got = read(*fd, text + len, sizeof(text) - 1 - len);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		len += (size_t)got;
	}
	fd_close(fd);
	text[len] = '\0';
	if (len && !text[0])
		return 0;
	return err_set(e, "%s", len ? text : "oxherd ended before it served");
}
