#include "keeper/close_apart.h"

#include <sched.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/log.h"
#include "os/bind_hook.h"

bool close_is_socket(int fd)
{
	int type = 0;
	socklen_t len = sizeof(type);

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0;
}

/* It has our table of descriptors, no copy of it: there the number is free as soon as it begins to close. */
static long close_in_child(int fd)
{
	long child = syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0);

	if (child == 0) {
		(void)syscall(SYS_close, fd);
		_exit(0);
	}
	return child;
}

void close_apart(int *fd)
{
	if (*fd < 0)
		return;
	if (close_is_socket(*fd)) {
		bind_hook_close(fd);
	} else if (close_in_child(*fd) < 0) {
		log_warn("gate: a descriptor of a process stays open, as it cannot be closed apart");
	}
	*fd = -1;
}
