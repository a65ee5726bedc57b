#include "os/sock.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "os/fd.h"

int sock_pair(int ends[2], size_t packet_max)
{
	/* The kernel doubles what it is given and counts its own bookkeeping in. */
	int room = (int)packet_max;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) < 0)
		return -1;
	for (int i = 0; i < 2; i++)
		(void)setsockopt(ends[i], SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	return 0;
}

union control {
	struct cmsghdr aligned;
	char bytes[CMSG_SPACE(SOCK_FDS_MAX * sizeof(int))];
};

int sock_send(int fd, const void *bytes, size_t len, const int *fds, size_t fd_count)
{
	struct iovec part = { .iov_base = (void *)bytes, .iov_len = len };
	struct msghdr msg = { .msg_iov = &part, .msg_iovlen = 1 };
	union control control;
	ssize_t sent = -1;

	if (fd_count > SOCK_FDS_MAX) {
		errno = E2BIG;
		return -1;
	}
	if (fd_count) {
		struct cmsghdr *head = NULL;

		memset(&control, 0, sizeof(control));
		msg.msg_control = control.bytes;
		msg.msg_controllen = CMSG_SPACE(fd_count * sizeof(int));
		head = CMSG_FIRSTHDR(&msg);
		head->cmsg_level = SOL_SOCKET;
		head->cmsg_type = SCM_RIGHTS;
		head->cmsg_len = CMSG_LEN(fd_count * sizeof(int));
		memcpy(CMSG_DATA(head), fds, fd_count * sizeof(int));
	}
	do
		sent = sendmsg(fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return sent < 0 ? -1 : 0;
}

static void take_fds(struct msghdr *msg, int *fds, size_t *fd_count)
{
	for (struct cmsghdr *head = CMSG_FIRSTHDR(msg); head; head = CMSG_NXTHDR(msg, head)) {
		size_t count = 0;

		if (head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS)
			continue;
		count = (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		if (count > SOCK_FDS_MAX - *fd_count)
			count = SOCK_FDS_MAX - *fd_count;
		memcpy(fds + *fd_count, CMSG_DATA(head), count * sizeof(int));
		*fd_count += count;
	}
}

ssize_t sock_receive(int fd, void *bytes, size_t size, int *fds, size_t *fd_count)
{
	struct iovec part = { .iov_base = bytes, .iov_len = size };
	union control control;
	struct msghdr msg = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes),
	};
	ssize_t got = -1;

	*fd_count = 0;
	do
		got = recvmsg(fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return -1;
	take_fds(&msg, fds, fd_count);
	/* Descriptors that did not fit, or that we had no numbers for, were lost: the message is not what was sent. */
	if (msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) {
		while (*fd_count)
			fd_close(&fds[--*fd_count]);
		errno = EMSGSIZE;
		return -1;
	}
	return got;
}

void sock_finish(int fd)
{
	(void)shutdown(fd, SHUT_WR);
}
