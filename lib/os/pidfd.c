#include "os/pidfd.h"

#include <errno.h>
#include <linux/capability.h>
#include <poll.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "os/clock.h"
#include "os/fd.h"
#include "os/procfs.h"

#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#ifndef SYS_pidfd_getfd
#define SYS_pidfd_getfd 438
#endif
#ifndef SYS_pidfd_send_signal
#define SYS_pidfd_send_signal 424
#endif

/* As in linux/pidfd.h of 6.15, which is newer than many a distribution's. */
struct info {
	uint64_t mask;
	uint64_t cgroup;
	uint32_t pid, tgid, ppid;
	uint32_t ids[8];
	int32_t exit_code;
};
#define INFO_EXIT UINT64_C(8)
#define GET_INFO  _IOWR(0xff, 11, struct info)

int pidfd_open_any(pid_t pid)
{
	return (int)syscall(SYS_pidfd_open, pid, 0);
}

int pidfd_signal(int fd, int number)
{
	return (int)syscall(SYS_pidfd_send_signal, fd, number, NULL, 0);
}

int pidfd_copy(int fd, int number)
{
	return (int)syscall(SYS_pidfd_getfd, fd, number, 0);
}

int pidfd_of(pid_t pid, uint64_t start_time)
{
	struct proc now;
	int fd = -1;

	if (pid <= 1) {
		errno = ESRCH;
		return -1;
	}
	fd = pidfd_open_any(pid);
	if (fd < 0)
		return -1;
	/* Looked at after it was opened: whom it means does not change any more. */
	if (procfs_read(pid, &now) && now.start_time == start_time)
		return fd;
	fd_close(&fd);
	errno = ESRCH;
	return -1;
}

bool pidfd_ends(int fd, int64_t timeout_ms)
{
	int64_t deadline = clock_ms() + timeout_ms;
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int rc = 0;

	do {
		int64_t left = deadline - clock_ms();

		rc = poll(&p, 1, timeout_ms < 0 ? -1 : left > 0 ? (int)left : 0);
	} while (rc < 0 && errno == EINTR);
	return rc > 0;
}

/* Whom we may not look at closely has a 0 there, which would be a lie. */
static bool may_ask(pid_t pid)
{
	char path[32];
	struct stat st;

	(void)snprintf(path, sizeof(path), "/proc/%d", (int)pid);
	if (stat(path, &st) < 0)
		return false;
	return st.st_uid == geteuid() || (geteuid() == 0 && prctl(PR_CAPBSET_READ, CAP_SYS_PTRACE) == 1);
}

bool pidfd_status(int fd, pid_t pid, uint64_t start_time, int *status)
{
	/* Twice: between the first try and the look its parent may have reaped it. */
	for (int i = 0; i < 2; i++) {
		struct info info = { .mask = INFO_EXIT };

		if (ioctl(fd, GET_INFO, &info) == 0 && (info.mask & INFO_EXIT)) {
			*status = info.exit_code;
			return true;
		}
		if (i == 0 && may_ask(pid) && procfs_exit_status(pid, start_time, status))
			return true;
	}
	return false;
}
