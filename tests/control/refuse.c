#include "refuse.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

struct refused refused;

static bool is_refused(int *times, int number)
{
	if (*times <= 0)
		return false;
	--*times;
	errno = number;
	return true;
}

/* In place of libc's. NOLINTBEGIN(readability-inconsistent-declaration-parameter-name) */
int epoll_create1(int flags)
{
	return is_refused(&refused.epoll_create1, EMFILE) ? -1 : (int)syscall(SYS_epoll_create1, flags);
}

int epoll_ctl(int epoll, int op, int fd, struct epoll_event *event)
{
	if (op == EPOLL_CTL_ADD && is_refused(&refused.epoll_ctl, ENOSPC))
		return -1;
	return (int)syscall(SYS_epoll_ctl, epoll, op, fd, event);
}

int eventfd(unsigned int count, int flags)
{
	return is_refused(&refused.eventfd, EMFILE) ? -1 : (int)syscall(SYS_eventfd2, count, flags);
}
/* NOLINTEND(readability-inconsistent-declaration-parameter-name) */
