/*
 * liboxgate.so, which programs behind the gate are started with (LD_PRELOAD) where no seccomp filter can be had: before a TCP socket is bound at one of the
 * ports of its app, listens there or stops listening, the keeper is asked.  It may give another socket in place of the program's own, do the call itself,
 * or leave it to the program; and where it cannot be asked the call is made as without us.
 *
 * It belongs to no C library: what it needs of one (syscall, errno, getenv) both glibc and musl have.  It keeps no descriptor open, takes no lock, allocates
 * nothing, prints nothing and leaves errno alone, so that it may run in any thread, in a signal handler and after a fork.
 */
#undef _GNU_SOURCE /* its declarations of bind differ between the two */
#define _DEFAULT_SOURCE

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "os/preload_call.h"

#define EXPORTED __attribute__((visibility("default")))

enum { PATIENCE_SECS = 10 }; /* for a keeper that is stopped */

/* Of the environment, which the program may change or overwrite later. */
static struct {
	char name[PRELOAD_NAME_MAX];
	size_t name_len;
	uint16_t ports[PRELOAD_PORTS_MAX]; /* as sockaddr has them */
	int port_count;                    /* 0: there is no gate */
} gate;

static uint16_t swap(unsigned long port)
{
	const unsigned char bytes[] = { (unsigned char)(port >> 8), (unsigned char)port };
	uint16_t swapped = 0;

	__builtin_memcpy(&swapped, bytes, sizeof(swapped));
	return swapped;
}

__attribute__((constructor)) static void remember(void)
{
	const char *at = getenv(PRELOAD_VARIABLE);
	char *end = NULL;

	if (!at)
		return;
	while (*at && *at != ' ' && gate.name_len < sizeof(gate.name) - 1)
		gate.name[gate.name_len++] = *at++;
	while (*at == ' ' && gate.port_count < PRELOAD_PORTS_MAX) {
		gate.ports[gate.port_count++] = swap(strtoul(at + 1, &end, 10));
		at = end;
	}
}

/* --- which calls are the gate's --- */

static bool has_option(int fd, int name, int wanted)
{
	int value = -1;
	socklen_t len = sizeof(value);

	return syscall(SYS_getsockopt, fd, SOL_SOCKET, name, &value, &len) == 0 && value == wanted;
}

static bool is_at_port(const struct sockaddr *address, size_t len)
{
	uint16_t family = 0;
	uint16_t port = 0;

	/* The port stands at the same place for both. */
	if (!address || len < sizeof(struct sockaddr_in) || len > PRELOAD_ADDRESS_MAX)
		return false;
	__builtin_memcpy(&family, address, sizeof(family));
	__builtin_memcpy(&port, (const char *)address + offsetof(struct sockaddr_in, sin_port), sizeof(port));
	if (family != AF_INET && family != AF_INET6 && family != AF_UNSPEC)
		return false;
	for (int i = 0; i < gate.port_count; i++)
		if (gate.ports[i] == port)
			return true;
	return false;
}

static bool is_bound_at_port(int fd)
{
	struct sockaddr_storage address;
	socklen_t len = sizeof(address);

	return gate.port_count && has_option(fd, SO_TYPE, SOCK_STREAM) &&
		syscall(SYS_getsockname, fd, &address, &len) == 0 &&
		is_at_port((const struct sockaddr *)&address, len);
}

/* --- asking --- */

union control {
	struct cmsghdr aligned;
	char bytes[CMSG_SPACE(sizeof(int))];
};

/* A process that has taken the name of a keeper that is gone gets no socket of ours. */
static bool is_keeper(int connection)
{
	struct {
		int pid, uid, gid;
	} peer = { .uid = -1 };
	socklen_t len = sizeof(peer);

	return syscall(SYS_getsockopt, connection, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 &&
		(peer.uid == 0 || peer.uid == (int)geteuid());
}

static int connect_keeper(void)
{
	const struct timeval patience = { .tv_sec = PATIENCE_SECS };
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	/* An abstract name: its first byte is 0, and it ends where the length says. */
	socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + gate.name_len);
	int fd = (int)syscall(SYS_socket, AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	long rc = -1;

	if (fd < 0)
		return -1;
	__builtin_memcpy(to.sun_path + 1, gate.name, gate.name_len);
	(void)syscall(SYS_setsockopt, fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	(void)syscall(SYS_setsockopt, fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	do
		rc = syscall(SYS_connect, fd, &to, len);
	while (rc < 0 && errno == EINTR);
	if (rc == 0 && is_keeper(fd))
		return fd;
	(void)syscall(SYS_close, fd);
	return -1;
}

static bool send_call(int connection, const struct preload_call *call, int fd)
{
	struct iovec part = { .iov_base = (void *)call, .iov_len = sizeof(*call) };
	union control control = { .bytes = { 0 } };
	struct msghdr msg = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes),
	};
	struct cmsghdr *head = CMSG_FIRSTHDR(&msg);
	long sent = -1;

	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	head->cmsg_len = CMSG_LEN(sizeof(int));
	__builtin_memcpy(CMSG_DATA(head), &fd, sizeof(fd));
	do
		sent = syscall(SYS_sendmsg, connection, &msg, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return sent == (long)sizeof(*call);
}

static int receive_answer(int connection, int *given)
{
	struct preload_answer answer = { .number = PRELOAD_CONTINUE };
	struct iovec part = { .iov_base = &answer, .iov_len = sizeof(answer) };
	union control control = { .bytes = { 0 } };
	struct msghdr msg = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes),
	};
	struct cmsghdr *head = NULL;
	long got = -1;

	do
		got = syscall(SYS_recvmsg, connection, &msg, MSG_CMSG_CLOEXEC);
	while (got < 0 && errno == EINTR);
	head = got > 0 ? CMSG_FIRSTHDR(&msg) : NULL;
	if (head && head->cmsg_level == SOL_SOCKET && head->cmsg_type == SCM_RIGHTS)
		__builtin_memcpy(given, CMSG_DATA(head), sizeof(*given));
	return got == (long)sizeof(answer) ? answer.number : PRELOAD_CONTINUE;
}

static int ask(const struct preload_call *call, int fd, int *given)
{
	int connection = connect_keeper();
	int number = PRELOAD_CONTINUE;

	if (connection >= 0 && send_call(connection, call, fd))
		number = receive_answer(connection, given);
	if (connection >= 0)
		(void)syscall(SYS_close, connection);
	return number;
}

/* It stands at the number of the program's own then, and does what that one did. */
static bool put_in_place(int given, int fd)
{
	long of_number = syscall(SYS_fcntl, fd, F_GETFD);
	long flags = syscall(SYS_fcntl, fd, F_GETFL);
	bool is_put = of_number >= 0 && flags >= 0 && syscall(SYS_fcntl, given, F_SETFL, flags) == 0 &&
		syscall(SYS_dup3, given, fd, of_number & FD_CLOEXEC ? O_CLOEXEC : 0) == fd;

	(void)syscall(SYS_close, given);
	return is_put;
}

/* True: *result is that of the call, and errno with it.  Else it is still to be made, with errno as it was. */
static bool is_answered(const struct preload_call *call, int fd, int *result)
{
	int before = errno;
	int given = -1;
	int number = ask(call, fd, &given);

	if (given >= 0 && !put_in_place(given, fd) && number == 0)
		number = EADDRINUSE;
	errno = number > 0 ? number : before;
	*result = number > 0 ? -1 : 0;
	return number != PRELOAD_CONTINUE;
}

/* --- the calls --- */

/* Under the names of the C library's, whose headers call their parameters as nobody else may. */
EXPORTED int gate_bind(int fd, const struct sockaddr *address, socklen_t len) __asm__("bind");
EXPORTED int gate_listen(int fd, int backlog) __asm__("listen");
EXPORTED int gate_shutdown(int fd, int how) __asm__("shutdown");

int gate_bind(int fd, const struct sockaddr *address, socklen_t len)
{
	struct preload_call call = { .form = PRELOAD_FORM, .kind = PRELOAD_BIND, .len = len };
	int before = errno;
	int result = -1;

	if (is_at_port(address, len) && has_option(fd, SO_TYPE, SOCK_STREAM)) {
		__builtin_memcpy(call.address, address, len);
		if (is_answered(&call, fd, &result))
			return result;
	}
	errno = before;
	return (int)syscall(SYS_bind, fd, address, len);
}

int gate_listen(int fd, int backlog)
{
	struct preload_call call = { .form = PRELOAD_FORM, .kind = PRELOAD_LISTEN, .backlog = backlog };
	int before = errno;
	int result = -1;

	if (is_bound_at_port(fd) && is_answered(&call, fd, &result))
		return result;
	errno = before;
	return (int)syscall(SYS_listen, fd, backlog);
}

/*
 * The kernel would take a held socket from all who have it, with the connections that wait at it.  So the program gets another socket in its place, at which
 * accept fails and poll tells of the end, as it would after a shutdown; only a thread that waits in accept already is not woken up.
 */
int gate_shutdown(int fd, int how)
{
	struct preload_call call = { .form = PRELOAD_FORM, .kind = PRELOAD_SHUTDOWN };
	int before = errno;
	int result = -1;

	if (how != SHUT_WR && has_option(fd, SO_ACCEPTCONN, 1) && is_bound_at_port(fd) &&
		is_answered(&call, fd, &result))
		return result;
	errno = before;
	return (int)syscall(SYS_shutdown, fd, how);
}
