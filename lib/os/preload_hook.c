#include "os/preload_hook.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "os/fd.h"
#include "os/pidfd.h"
#include "os/sock.h"

/* Of Linux 6.5; older headers lack it. */
#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif

enum { WAITING_MAX = 64 };

_Static_assert((int)PRELOAD_ADDRESS_MAX <= (int)BIND_HOOK_ADDRESS_MAX, "a call of the library does not fit");

static const char prefix[] = "oxgate-";

int preload_hook_open(char name[PRELOAD_NAME_MAX])
{
	uint64_t numbers[2];

	/* Nobody can have taken it before. */
	if (getrandom(numbers, sizeof(numbers), 0) != (ssize_t)sizeof(numbers))
		return -1;
	(void)snprintf(name, PRELOAD_NAME_MAX, "%s%016llx%016llx", prefix, (unsigned long long)numbers[0],
		(unsigned long long)numbers[1]);
	return preload_hook_open_as(name);
}

int preload_hook_open_as(const char *name)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	size_t len = strnlen(name, PRELOAD_NAME_MAX);
	int fd = -1;

	if (len >= PRELOAD_NAME_MAX || strncmp(name, prefix, sizeof(prefix) - 1) != 0) {
		errno = EINVAL;
		return -1;
	}
	memcpy(at.sun_path + 1, name, len);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0 &&
		(bind(fd, (const struct sockaddr *)&at,
			 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + len)) < 0 ||
			listen(fd, WAITING_MAX) < 0))
		fd_close(&fd);
	return fd;
}

bool preload_hook_variable(char *out, size_t size, const char *name, const uint16_t *ports, int port_count)
{
	int len = snprintf(out, size, "%s=%s", PRELOAD_VARIABLE, name);

	for (int i = 0; i < port_count && len > 0 && (size_t)len < size; i++)
		len += snprintf(out + len, size - (size_t)len, " %d", ports[i]);
	return len > 0 && (size_t)len < size;
}

int preload_hook_accept(int hook)
{
	/* cppcheck-suppress nullPointer */
	return accept4(hook, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
}

int preload_hook_peer(int connection, pid_t *pid)
{
	struct ucred peer = { .pid = 0 };
	socklen_t len = sizeof(peer);
	int pidfd = -1;
	socklen_t pidfd_len = sizeof(pidfd);

	if (getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0 || peer.pid <= 0)
		return -1;
	*pid = peer.pid;
	if (getsockopt(connection, SOL_SOCKET, SO_PEERPIDFD, &pidfd, &pidfd_len) < 0)
		pidfd = pidfd_open_any(peer.pid);
	return pidfd;
}

/* One packet and its first descriptor; the kernel drops what is more.  As recvmsg. */
static ssize_t receive(int connection, struct preload_call *said, int *fd)
{
	struct iovec part = { .iov_base = said, .iov_len = sizeof(*said) };
	/* CMSG_SPACE rounds up, and would take in a second one. */
	union {
		struct cmsghdr aligned;
		char bytes[CMSG_LEN(sizeof(int))];
	} control;
	struct msghdr msg = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes),
	};
	ssize_t got = bind_hook_take(connection, &msg);
	struct cmsghdr *head = got >= 0 ? CMSG_FIRSTHDR(&msg) : NULL;

	if (head && head->cmsg_level == SOL_SOCKET && head->cmsg_type == SCM_RIGHTS &&
		head->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(fd, CMSG_DATA(head), sizeof(*fd));
	return got > 0 && msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC) ? 0 : got;
}

static bool is_call(const struct preload_call *said)
{
	return said->form == PRELOAD_FORM && said->kind < PRELOAD_KIND_COUNT &&
		said->len <= PRELOAD_ADDRESS_MAX;
}

int preload_hook_receive(int connection, struct bind_call *call)
{
	struct preload_call said;
	int fd = -1;
	ssize_t got = receive(connection, &said, &fd);
	bool is_none = got < 0 && (errno == EAGAIN || errno == EINTR);

	*call = (struct bind_call){ .socket = fd, .target = -1 };
	if (is_none)
		return 0;
	if (got != (ssize_t)sizeof(said) || fd < 0 || !is_call(&said))
		return -1;
	call->is_listen = said.kind == PRELOAD_LISTEN;
	call->is_shutdown = said.kind == PRELOAD_SHUTDOWN;
	call->backlog = said.backlog;
	call->len = said.len;
	memcpy(call->address, said.address, said.len);
	return 1;
}

void preload_hook_answer(int connection, int number, int given)
{
	struct preload_answer answer = { .number = number };

	/* It fails when the process does not wait any more. */
	(void)sock_send(connection, &answer, sizeof(answer), &given, given >= 0);
}
