#include "os/bind_hook.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <unistd.h>

#include "os/fd.h"
#include "os/pidfd.h"

#ifdef __x86_64__
#define OWN_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define OWN_ARCH AUDIT_ARCH_AARCH64
#endif

/* Of Linux 5.5, 5.9 and 5.19; older headers lack some. */
#ifndef SECCOMP_USER_NOTIF_FLAG_CONTINUE
#define SECCOMP_USER_NOTIF_FLAG_CONTINUE 1U
#endif
#define WAIT_KILLABLE (1UL << 5)
#define ADDFD_SETFD   1U

/* Its first number, which was corrected in 5.9, is known to every kernel. */
#define ID_VALID _IOR('!', 2, uint64_t)

/* As the kernel's struct seccomp_notif_addfd. */
struct add_fd {
	uint64_t id;
	uint32_t flags, source, target, target_flags;
};
#define ADD_FD _IOW('!', 3, struct add_fd)

enum {
	ALARM_US = 5000,
	V4_LEN = 16, /* struct sockaddr_in, sockaddr_in6, sockaddr_storage */
	V6_LEN = 28,
	STORAGE_LEN = 128,
};

/* --- in the child --- */

#ifdef OWN_ARCH

/* What a filter sees: struct seccomp_data.  Of an argument the lower half, which comes first. */
#define LOAD(member)           BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, member))
#define EQUAL(number, yes, no) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (number), (yes), (no))
#define END_WITH(verdict)      BPF_STMT(BPF_RET | BPF_K, (verdict))

static long install(unsigned long flags)
{
	static const struct sock_filter steps[] = {
		LOAD(arch),
		EQUAL(OWN_ARCH, 0, 8),
		LOAD(nr),
		EQUAL(SYS_listen, 5, 0),
		EQUAL(SYS_bind, 0, 5),
		LOAD(args[2]),
		EQUAL(V4_LEN, 2, 0),
		EQUAL(V6_LEN, 1, 0),
		EQUAL(STORAGE_LEN, 0, 1),
		END_WITH(SECCOMP_RET_USER_NOTIF),
		END_WITH(SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {
		.len = sizeof(steps) / sizeof(steps[0]),
		.filter = (struct sock_filter *)steps,
	};

	return syscall(
		SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER | flags, &program);
}

int bind_hook_install(void)
{
	/* A call that was received is not given up for a signal of the program's own, where the kernel knows that. */
	long listener = install(WAIT_KILLABLE);
	bool may_not = listener < 0 && errno == EACCES;

	if (may_not && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -1;
	if (may_not)
		listener = install(WAIT_KILLABLE);
	return (int)(listener < 0 && errno == EINVAL ? install(0) : listener);
}

#else

int bind_hook_install(void)
{
	errno = ENOSYS;
	return -1;
}

#endif

/* --- receiving --- */

bool bind_hook_is_listener(int fd)
{
	char path[64], link[sizeof(BIND_HOOK_LINK) + 1];
	ssize_t len = 0;

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	len = readlink(path, link, sizeof(link));
	return len == sizeof(BIND_HOOK_LINK) - 1 && !memcmp(link, BIND_HOOK_LINK, sizeof(BIND_HOOK_LINK) - 1);
}

static void wake(int number)
{
	(void)number;
}

void bind_hook_prepare(void)
{
	struct sigaction action = { .sa_handler = wake };

	(void)sigaction(SIGALRM, &action, NULL);
}

/* What waits meanwhile is woken up, again and again, as a first signal may come before it sleeps.  errno stays. */
static void hurry(bool is_on)
{
	struct itimerval timer = { .it_value.tv_sec = 0 };
	int number = errno;

	if (is_on)
		timer.it_value.tv_usec = timer.it_interval.tv_usec = ALARM_US;
	(void)setitimer(ITIMER_REAL, &timer, NULL);
	errno = number;
}

/*
 * RECV waits without end where nothing is to be received, also when the descriptor does not block.  Who else has the listener, as the process itself, may
 * take a call away after we have seen that it is there: then a timer wakes us up, again and again, as its first signal may come before RECV sleeps.
 */
static int receive(int listener, struct seccomp_notif *n)
{
	int rc = -1;

	memset(n, 0, sizeof(*n));
	hurry(true);
	rc = ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, n);
	hurry(false);
	return rc;
}

void bind_hook_close(int *fd)
{
	hurry(true);
	fd_close(fd);
	hurry(false);
}

ssize_t bind_hook_take(int fd, struct msghdr *msg)
{
	ssize_t got = -1;

	hurry(true);
	got = recvmsg(fd, msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	hurry(false);
	return got;
}

/* The number behind a name in a small file of /proc; 0 where either is not there. */
static long number_in(const char *path, const char *name, int base)
{
	char text[1024];
	ssize_t got = -1;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	const char *at = NULL;

	if (fd < 0)
		return 0;
	got = read(fd, text, sizeof(text) - 1);
	fd_close(&fd);
	text[got > 0 ? got : 0] = '\0';
	at = strstr(text, name);
	return at ? strtol(at + strlen(name), NULL, base) : 0;
}

/* The process that a thread belongs to; 0 when it is gone. */
static pid_t process_of(pid_t thread)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)thread);
	return (pid_t)number_in(path, "\nTgid:", 10);
}

static size_t read_address(const struct bind_call *call, uint64_t at, uint64_t len, void *to)
{
	struct iovec ours = { .iov_base = to, .iov_len = len };
	struct iovec theirs = { .iov_base = (void *)(uintptr_t)at, .iov_len = len };

	if (len > BIND_HOOK_ADDRESS_MAX)
		return 0;
	return process_vm_readv(call->pid, &ours, 1, &theirs, 1, 0) == (ssize_t)len ? len : 0;
}

/* As /proc tells, and no file is opened for it: to close what stands in a file system of the process' own may take for ever. */
static bool is_socket(pid_t pid, int number)
{
	static const char name[] = "socket:";
	char path[64], link[sizeof(name)];

	(void)snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)pid, number);
	return readlink(path, link, sizeof(link)) == (ssize_t)sizeof(link) &&
		!memcmp(link, name, sizeof(name) - 1);
}

/* Once it is sure that the process still waits, its pidfd cannot mean another one, and what was read is its own. */
bool bind_hook_take_up(int listener, struct bind_call *call)
{
	int process = -1;
	bool has_socket = false;
	bool is_valid = false;

	call->socket = -1;
	call->len = 0;
	call->pid = process_of(call->pid);
	if (call->pid > 0)
		process = pidfd_open_any(call->pid);
	if (process >= 0 && !call->is_listen)
		call->len = read_address(call, call->at, call->size, call->address);
	has_socket = process >= 0 && is_socket(call->pid, call->target);
	is_valid = bind_hook_is_valid(listener, call);
	if (has_socket && is_valid)
		call->socket = pidfd_copy(process, call->target);
	fd_close(&process);
	return is_valid;
}

int bind_hook_receive(int listener, struct bind_call *call)
{
	struct pollfd wait = { .fd = listener, .events = POLLIN };
	struct seccomp_notif n;

	if (poll(&wait, 1, 0) <= 0)
		return 0;
	if (!(wait.revents & POLLIN)) {
		errno = ENOTCONN;
		return -1;
	}
	if (receive(listener, &n) < 0) {
		/* Whose call it was has ended meanwhile. */
		if (errno != EINTR)
			return 0;
		errno = EBUSY;
		return -1;
	}
	*call = (struct bind_call){
		.id = n.id,
		.pid = (pid_t)n.pid,
		.target = (int)n.data.args[0],
		.socket = -1,
		.is_listen = n.data.nr == SYS_listen,
		.backlog = (int)n.data.args[1],
		.at = n.data.args[1],
		.size = n.data.args[2],
	};
	/* The filter of another program, whose listener stood among the descriptors of a process. */
	if (n.data.nr != SYS_bind && n.data.nr != SYS_listen) {
		bind_hook_continue(listener, call);
		return 0;
	}
	return 1;
}

void bind_hook_release(struct bind_call *call)
{
	fd_close(&call->socket);
}

/* --- answering --- */

bool bind_hook_is_valid(int listener, const struct bind_call *call)
{
	uint64_t id = call->id;

	return ioctl(listener, ID_VALID, &id) == 0;
}

static void answer(int listener, struct seccomp_notif_resp *r)
{
	/* It fails when the process does not wait any more. */
	(void)!ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, r);
}

void bind_hook_continue(int listener, const struct bind_call *call)
{
	struct seccomp_notif_resp r = { .id = call->id, .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE };

	answer(listener, &r);
}

void bind_hook_answer(int listener, const struct bind_call *call, int number)
{
	struct seccomp_notif_resp r = { .id = call->id, .error = -number };

	answer(listener, &r);
}

/* O_CLOEXEC is of its number, O_NONBLOCK of what is behind it; /proc tells both. */
static int flags_of(const struct bind_call *call)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%d/fdinfo/%d", (int)call->pid, call->target);
	return (int)number_in(path, "flags:", 8);
}

int bind_hook_replace(int listener, const struct bind_call *call, int fd)
{
	int flags = flags_of(call);
	struct add_fd add = {
		.id = call->id,
		.flags = ADDFD_SETFD,
		.source = (uint32_t)fd,
		.target = (uint32_t)call->target,
		.target_flags = (uint32_t)(flags & O_CLOEXEC),
	};

	if (fd_set_nonblocking(fd, flags & O_NONBLOCK) < 0)
		return -1;
	return ioctl(listener, ADD_FD, &add) < 0 ? -1 : 0;
}
