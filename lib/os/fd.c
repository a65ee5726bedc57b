#include "os/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Of Linux 5.9; older headers do not have it. */
#ifndef SYS_close_range
#define SYS_close_range 436
#endif
/* A limit without end would take for ever where there is no close_range(). */
enum { OLD_KERNEL_MAX = 65536 };

void fd_close(int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		close(*fd);
	*fd = -1;
	errno = saved;
}

void fd_close_from(int first)
{
	struct rlimit limit = { .rlim_cur = 1024 };

	if (syscall(SYS_close_range, (unsigned int)first, ~0U, 0U) == 0)
		return;
	(void)getrlimit(RLIMIT_NOFILE, &limit);
	for (rlim_t fd = (rlim_t)first; fd < limit.rlim_cur && fd < OLD_KERNEL_MAX; fd++)
		close((int)fd);
}

int fd_fill_standard(void)
{
	int fd = 0;

	/* The lowest free number is what open gives, so this ends above 2. */
	do
		fd = open("/dev/null", O_RDWR | O_NOCTTY);
	while (fd >= 0 && fd <= 2);
	if (fd < 0)
		return -1;
	close(fd);
	return 0;
}

int fd_set_nonblocking(int fd, bool is_nonblocking)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0)
		return -1;
	return fcntl(fd, F_SETFL, is_nonblocking ? flags | O_NONBLOCK : flags & ~O_NONBLOCK);
}

int fd_write_all(int fd, const void *bytes, size_t len)
{
	const char *at = bytes;

	while (len) {
		ssize_t wrote = write(fd, at, len);

		if (wrote < 0 && errno != EINTR)
			return -1;
		if (wrote > 0) {
			at += wrote;
			len -= (size_t)wrote;
		}
	}
	return 0;
}
