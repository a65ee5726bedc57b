/*
 * Preloaded into a daemon: the n-th call that can fail with a given error does, once, in one of its two programs.
 *
 *	FAULT_WHO     oxherd or oxherd-brain
 *	FAULT_ERROR   EMFILE ENOMEM EAGAIN ENOSPC EINTR EIO; or KILL: the process dies there; or SLOW: a disk on which each
 *	              fsync takes FAULT_AT ms, and each write to a file a hundredth of that
 *	FAULT_AT      n; 0 only counts
 *	FAULT_FILE    64 bytes: the first 8 count over all processes and lives, so that only one of them is hit; then the name
 *	              of the call that failed
 *
 * A call is counted where that error is one that the kernel might give.
 */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

enum {
	CAN_EMFILE = 1,
	CAN_ENOMEM = 2,
	CAN_EAGAIN = 4,
	CAN_ENOSPC = 8,
	CAN_EINTR = 16,
	CAN_EIO = 32,
	CAN_KILL = 64,
	CAN_SLOW = 128,
};

static const struct error {
	const char *name;
	int number;
	unsigned int bit;
} errors[] = {
	{ "EMFILE", EMFILE, CAN_EMFILE },
	{ "ENOMEM", ENOMEM, CAN_ENOMEM },
	{ "EAGAIN", EAGAIN, CAN_EAGAIN },
	{ "ENOSPC", ENOSPC, CAN_ENOSPC },
	{ "EINTR", EINTR, CAN_EINTR },
	{ "EIO", EIO, CAN_EIO },
	{ "KILL", 0, CAN_KILL },
	{ "SLOW", 0, CAN_SLOW },
};

struct record {
	_Atomic uint64_t calls;
	char failed[56];
};

static struct record *record; /* NULL: this process is not meant */
static uint64_t at;
static struct error meant;

__attribute__((constructor)) static void begin(void)
{
	const char *who = getenv("FAULT_WHO");
	const char *error = getenv("FAULT_ERROR");
	const char *file = getenv("FAULT_FILE");
	const char *place = getenv("FAULT_AT");
	int fd = -1;
	void *memory = MAP_FAILED;

	if (!who || !error || !file || !place || strcmp(who, program_invocation_short_name) != 0)
		return;
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (strcmp(errors[i].name, error) == 0)
			meant = errors[i];
	at = strtoull(place, NULL, 10);
	fd = (int)syscall(SYS_openat, AT_FDCWD, file, O_RDWR | O_CLOEXEC);
	if (fd >= 0)
		memory = mmap(NULL, sizeof(*record), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (fd >= 0)
		(void)syscall(SYS_close, fd);
	record = memory == MAP_FAILED ? NULL : memory;
}

/* True when this call is the one. */
static bool call_fails(const char *name, unsigned int can)
{
	if (!record || !((can | CAN_KILL) & meant.bit) || atomic_fetch_add(&record->calls, 1) + 1 != at)
		return false;
	(void)snprintf(record->failed, sizeof(record->failed), "%s", name);
	if (meant.bit == CAN_KILL)
		(void)syscall(SYS_kill, getpid(), SIGKILL);
	errno = meant.number;
	return true;
}

#define fails(can) call_fails(__func__, can)

/* Nothing else has a disk behind it that can be full, broken or slow. */
static bool is_file(int fd)
{
	struct stat st;

	return record && syscall(SYS_fstat, fd, &st) == 0 && S_ISREG(st.st_mode);
}

/* As on a disk that others keep busy: who waits for it does nothing else meanwhile. */
static void linger(int fd, uint64_t part)
{
	struct timespec pause = { .tv_sec = (time_t)(at / part / 1000),
		.tv_nsec = (long)(at * 1000000 / part % 1000000000) };

	if (meant.bit == CAN_SLOW && (part == 1 || is_file(fd)))
		(void)nanosleep(&pause, NULL);
}

static void *real(const char *name)
{
	return dlsym(RTLD_NEXT, name);
}

#define NEXT(name, ...)                                                                                      \
	static __typeof__(name) *next;                                                                       \
	if (!next)                                                                                           \
		*(void **)&next = real(#name);                                                               \
	return next(__VA_ARGS__)

/* NOLINTBEGIN(readability-inconsistent-declaration-parameter-name): libc's own names are not for us. */

#define OPENS (CAN_EMFILE | CAN_ENOMEM | CAN_EINTR | CAN_EIO)

static mode_t mode_of(int flags, va_list args)
{
	return flags & O_CREAT ? va_arg(args, mode_t) : 0;
}

int open(const char *path, int flags, ...)
{
	va_list args;
	mode_t mode = 0;

	va_start(args, flags);
	mode = mode_of(flags, args);
	va_end(args);
	if (fails(OPENS | (flags & O_CREAT ? CAN_ENOSPC : 0)))
		return -1;
	NEXT(open, path, flags, mode);
}

int openat(int dir, const char *path, int flags, ...)
{
	va_list args;
	mode_t mode = 0;

	va_start(args, flags);
	mode = mode_of(flags, args);
	va_end(args);
	if (fails(OPENS | (flags & O_CREAT ? CAN_ENOSPC : 0)))
		return -1;
	NEXT(openat, dir, path, flags, mode);
}

FILE *fopen(const char *path, const char *mode)
{
	if (fails(OPENS))
		return NULL;
	NEXT(fopen, path, mode);
}

/* Only what makes a descriptor. */
int fcntl(int fd, int op, ...)
{
	va_list args;
	void *more = NULL;

	va_start(args, op);
	more = va_arg(args, void *);
	va_end(args);
	if ((op == F_DUPFD || op == F_DUPFD_CLOEXEC) && fails(CAN_EMFILE))
		return -1;
	NEXT(fcntl, fd, op, more);
}

#define LOOKS(name, type, what)                                                                              \
	int name(type what, struct stat *st)                                                                 \
	{                                                                                                    \
		if (fails(CAN_EIO | CAN_ENOMEM))                                                             \
			return -1;                                                                           \
		NEXT(name, what, st);                                                                        \
	}

LOOKS(stat, const char *, path)
LOOKS(lstat, const char *, path)
LOOKS(fstat, int, fd)

ssize_t readlink(const char *path, char *bytes, size_t size)
{
	if (fails(CAN_EIO | CAN_ENOMEM))
		return -1;
	NEXT(readlink, path, bytes, size);
}

#define LISTS(name, type, what, can)                                                                         \
	DIR *name(type what)                                                                                 \
	{                                                                                                    \
		if (fails(can))                                                                              \
			return NULL;                                                                         \
		NEXT(name, what);                                                                            \
	}

LISTS(opendir, const char *, path, CAN_EMFILE | CAN_ENOMEM)
LISTS(fdopendir, int, fd, CAN_ENOMEM)

ssize_t read(int fd, void *bytes, size_t size)
{
	if (fails(CAN_EINTR | (is_file(fd) ? CAN_EIO : 0)))
		return -1;
	NEXT(read, fd, bytes, size);
}

ssize_t pread(int fd, void *bytes, size_t size, off_t place)
{
	if (fails(CAN_EIO | CAN_EINTR))
		return -1;
	NEXT(pread, fd, bytes, size, place);
}

ssize_t write(int fd, const void *bytes, size_t size)
{
	if (fails(CAN_EINTR | (is_file(fd) ? CAN_EIO | CAN_ENOSPC : 0)))
		return -1;
	linger(fd, 100);
	NEXT(write, fd, bytes, size);
}

ssize_t pwrite(int fd, const void *bytes, size_t size, off_t place)
{
	if (fails(CAN_EIO | CAN_ENOSPC | CAN_EINTR))
		return -1;
	linger(fd, 100);
	NEXT(pwrite, fd, bytes, size, place);
}

int fsync(int fd)
{
	if (fails(CAN_EIO | CAN_ENOSPC))
		return -1;
	linger(fd, 1);
	NEXT(fsync, fd);
}

int ftruncate(int fd, off_t size)
{
	if (fails(CAN_EIO | CAN_EINTR))
		return -1;
	NEXT(ftruncate, fd, size);
}

#define NAMES(name)                                                                                          \
	int name(const char *from, const char *to)                                                           \
	{                                                                                                    \
		if (fails(CAN_EIO | CAN_ENOSPC | CAN_ENOMEM))                                                \
			return -1;                                                                           \
		NEXT(name, from, to);                                                                        \
	}

NAMES(rename)
NAMES(link)

int renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned int flags)
{
	if (fails(CAN_EIO | CAN_ENOSPC | CAN_ENOMEM))
		return -1;
	NEXT(renameat2, from_dir, from, to_dir, to, flags);
}

/* It returns its error. */
int posix_fallocate(int fd, off_t at_byte, off_t size)
{
	if (fails(CAN_EIO | CAN_ENOSPC | CAN_EINTR))
		return errno;
	NEXT(posix_fallocate, fd, at_byte, size);
}

#define PLACES(name)                                                                                         \
	int name(const char *path, mode_t mode)                                                              \
	{                                                                                                    \
		if (fails(CAN_ENOSPC | CAN_ENOMEM))                                                          \
			return -1;                                                                           \
		NEXT(name, path, mode);                                                                      \
	}

PLACES(mkdir)
PLACES(mkfifo)

int mkdirat(int dir, const char *path, mode_t mode)
{
	if (fails(CAN_ENOSPC | CAN_ENOMEM))
		return -1;
	NEXT(mkdirat, dir, path, mode);
}

int unlink(const char *path)
{
	if (fails(CAN_EIO | CAN_ENOMEM))
		return -1;
	NEXT(unlink, path);
}

int unlinkat(int dir, const char *path, int flags)
{
	if (fails(CAN_EIO | CAN_ENOMEM))
		return -1;
	NEXT(unlinkat, dir, path, flags);
}

int pipe2(int ends[2], int flags)
{
	if (fails(CAN_EMFILE))
		return -1;
	NEXT(pipe2, ends, flags);
}

int socket(int domain, int type, int protocol)
{
	if (fails(CAN_EMFILE | CAN_ENOMEM))
		return -1;
	NEXT(socket, domain, type, protocol);
}

int socketpair(int domain, int type, int protocol, int ends[2])
{
	if (fails(CAN_EMFILE | CAN_ENOMEM))
		return -1;
	NEXT(socketpair, domain, type, protocol, ends);
}

int bind(int fd, __CONST_SOCKADDR_ARG address, socklen_t len)
{
	if (fails(CAN_ENOMEM | CAN_ENOSPC))
		return -1;
	NEXT(bind, fd, address, len);
}

int connect(int fd, __CONST_SOCKADDR_ARG address, socklen_t len)
{
	if (fails(CAN_ENOMEM | CAN_EAGAIN))
		return -1;
	NEXT(connect, fd, address, len);
}

int accept4(int fd, __SOCKADDR_ARG address, socklen_t *len, int flags)
{
	if (fails(CAN_EMFILE | CAN_ENOMEM | CAN_EINTR | CAN_EAGAIN))
		return -1;
	NEXT(accept4, fd, address, len, flags);
}

#define CARRIES(name, type)                                                                                  \
	ssize_t name(int fd, type m, int flags)                                                              \
	{                                                                                                    \
		if (fails(CAN_ENOMEM | CAN_EAGAIN | CAN_EINTR))                                              \
			return -1;                                                                           \
		NEXT(name, fd, m, flags);                                                                    \
	}

CARRIES(sendmsg, const struct msghdr *)
CARRIES(recvmsg, struct msghdr *)

ssize_t send(int fd, const void *bytes, size_t size, int flags)
{
	if (fails(CAN_ENOMEM | CAN_EAGAIN | CAN_EINTR))
		return -1;
	NEXT(send, fd, bytes, size, flags);
}

ssize_t recv(int fd, void *bytes, size_t size, int flags)
{
	if (fails(CAN_EAGAIN | CAN_EINTR))
		return -1;
	NEXT(recv, fd, bytes, size, flags);
}

int poll(struct pollfd *fds, nfds_t count, int timeout)
{
	if (fails(CAN_EINTR | CAN_ENOMEM))
		return -1;
	NEXT(poll, fds, count, timeout);
}

int eventfd(unsigned int count, int flags)
{
	if (fails(CAN_EMFILE | CAN_ENOMEM))
		return -1;
	NEXT(eventfd, count, flags);
}

#define MAKES(name)                                                                                          \
	int name(int flags)                                                                                  \
	{                                                                                                    \
		if (fails(CAN_EMFILE | CAN_ENOMEM))                                                          \
			return -1;                                                                           \
		NEXT(name, flags);                                                                           \
	}

MAKES(epoll_create1)
MAKES(inotify_init1)

int epoll_ctl(int epoll, int op, int fd, struct epoll_event *event)
{
	if (op == EPOLL_CTL_ADD && fails(CAN_ENOSPC | CAN_ENOMEM))
		return -1;
	NEXT(epoll_ctl, epoll, op, fd, event);
}

int epoll_wait(int epoll, struct epoll_event *events, int most, int timeout)
{
	if (fails(CAN_EINTR))
		return -1;
	NEXT(epoll_wait, epoll, events, most, timeout);
}

int signalfd(int fd, const sigset_t *set, int flags)
{
	if (fails(CAN_EMFILE | CAN_ENOMEM))
		return -1;
	NEXT(signalfd, fd, set, flags);
}

int memfd_create(const char *name, unsigned int flags)
{
	if (fails(CAN_EMFILE | CAN_ENOMEM))
		return -1;
	NEXT(memfd_create, name, flags);
}

int inotify_add_watch(int fd, const char *path, uint32_t mask)
{
	if (fails(CAN_ENOSPC | CAN_ENOMEM))
		return -1;
	NEXT(inotify_add_watch, fd, path, mask);
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*body)(void *), void *argument)
{
	if (fails(CAN_EAGAIN))
		return errno;
	NEXT(pthread_create, thread, attributes, body, argument);
}

int execve(const char *path, char *const *words, char *const *env)
{
	if (fails(CAN_ENOMEM | CAN_EIO | CAN_EAGAIN))
		return -1;
	NEXT(execve, path, words, env);
}

pid_t fork(void)
{
	if (fails(CAN_EAGAIN | CAN_ENOMEM))
		return -1;
	NEXT(fork);
}

/* clone3 is called by number, into a cgroup. */
long syscall(long which, ...)
{
	static long (*next)(long which, ...);
	va_list args;
	long a[6];

	va_start(args, which);
	for (size_t i = 0; i < sizeof(a) / sizeof(a[0]); i++)
		a[i] = va_arg(args, long);
	va_end(args);
	if (which == SYS_pidfd_open && fails(CAN_EMFILE | CAN_ENOMEM))
		return -1;
	if (which == SYS_clone3 && fails(CAN_EAGAIN | CAN_ENOMEM))
		return -1;
	if (!next)
		*(void **)&next = real("syscall");
	return next(which, a[0], a[1], a[2], a[3], a[4], a[5]);
}

/* NOLINTEND(readability-inconsistent-declaration-parameter-name) */
