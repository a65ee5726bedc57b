#include "os/unixsock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/path.h"
#include "os/fd.h"

_Static_assert(UNIXSOCK_PATH_MAX == sizeof(((struct sockaddr_un *)0)->sun_path) - 1, "the kernel's limit");

int unixsock_check_path(const char *path, struct err *e)
{
	size_t len = strlen(path);

	if (!len)
		return err_set(e, "a socket needs a path");
	if (len > UNIXSOCK_PATH_MAX)
		return err_set(e,
			"the socket path '%s' has %zu bytes, and %d is the most; set OXHERD_HOME to a shorter folder",
			path, len, UNIXSOCK_PATH_MAX);
	return 0;
}

static struct sockaddr_un address_of(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	memcpy(address.sun_path, path, strlen(path) + 1);
	return address;
}

static int new_socket(int flags, struct err *e)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);

	if (fd < 0)
		return err_sys(e, errno, "cannot make a socket");
	return fd;
}

/* Its members may pass through to what they may open, and see nothing. */
static int open_socket_folder(const char *folder, gid_t group, struct err *e)
{
	if (group == UNIXSOCK_NO_GROUP)
		return 0;
	if (chown(folder, (uid_t)-1, group) < 0 || chmod(folder, 0710) < 0)
		return err_sys(
			e, errno, "cannot give the folder '%s' to group %u", folder, (unsigned int)group);
	return 0;
}

/* The folder that holds the socket: a user who may write to it could replace our socket. */
static int check_socket_folder(const char *folder, gid_t group, struct err *e)
{
	struct stat st;

	if (mkdir(folder, 0700) == 0)
		return open_socket_folder(folder, group, e);
	if (errno != EEXIST)
		return err_sys(e, errno, "cannot make the folder '%s'", folder);
	if (lstat(folder, &st) < 0)
		return err_sys(e, errno, "cannot look at the folder '%s'", folder);
	if (!S_ISDIR(st.st_mode))
		return err_set(e, "'%s' is no folder; the socket is to be in one", folder);
	if (st.st_uid != geteuid())
		return err_set(e, "the folder '%s' belongs to uid %u; remove it or set OXHERD_HOME", folder,
			(unsigned int)st.st_uid);
	if (st.st_mode & 022)
		return err_set(e, "others may write to the folder '%s'; make it 0700 with chmod", folder);
	return open_socket_folder(folder, group, e);
}

/* Takes away what is dead at the path.  EADDRINUSE: it lives. */
static int clear_path(const char *path, struct err *e)
{
	struct sockaddr_un address = address_of(path);
	struct stat st;
	int rc = 0;
	int fd = -1;

	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : err_sys(e, errno, "cannot look at '%s'", path);
	if (!S_ISSOCK(st.st_mode))
		return err_set(e, "'%s' is in the way and is no socket; move it away", path);
	fd = new_socket(SOCK_NONBLOCK, e);
	if (fd < 0)
		return -1;
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0 || errno == EAGAIN)
		rc = err_sys(e, EADDRINUSE, "a daemon answers at '%s'", path);
	else if (errno != ECONNREFUSED && errno != ENOENT)
		rc = err_sys(e, errno, "cannot find out who has '%s'", path);
	else if (unlink(path) < 0 && errno != ENOENT)
		rc = err_sys(e, errno, "cannot remove the dead socket '%s'", path);
	fd_close(&fd);
	return rc;
}

/* fchmod before bind sets the mode that the entry is born with, so there is no moment in which others could connect. */
static int bind_and_listen(struct unixsock *s, const char *path, gid_t group, struct err *e)
{
	struct sockaddr_un address = address_of(path);
	struct stat st;

	s->fd = new_socket(SOCK_NONBLOCK, e);
	if (s->fd < 0)
		return -1;
	if (fchmod(s->fd, 0600) < 0 || bind(s->fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return err_sys(e, errno, "cannot bind '%s'", path);
	if (lstat(path, &st) < 0)
		return err_sys(e, errno, "cannot look at '%s'", path);
	s->path = mem_strdup(path);
	s->device = st.st_dev;
	s->inode = st.st_ino;
	if (group != UNIXSOCK_NO_GROUP && (lchown(path, (uid_t)-1, group) < 0 || chmod(path, 0660) < 0))
		return err_sys(e, errno, "cannot give '%s' to group %u", path, (unsigned int)group);
	if (listen(s->fd, UNIXSOCK_BACKLOG) < 0)
		return err_sys(e, errno, "cannot listen at '%s'", path);
	return 0;
}

/*
 * Two daemons that start at once would both find the old socket dead, and the second would remove the first's.  The lock is held only
 * while one of them looks, clears and binds.
 */
int unixsock_listen(struct unixsock *s, const char *path, gid_t group, struct err *e)
{
	struct buf lock_path = BUF_INIT;
	char *folder = NULL;
	int lock = -1;
	int rc = -1;

	*s = (struct unixsock)UNIXSOCK_INIT;
	if (unixsock_check_path(path, e) < 0)
		return -1;
	folder = path_folder(path);
	buf_addf(&lock_path, "%s.lock", path);
	if (check_socket_folder(folder, group, e) < 0)
		goto out;
	lock = open(lock_path.ptr, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (lock < 0 || flock(lock, LOCK_EX) < 0) {
		err_sys(e, errno, "cannot lock '%s'", lock_path.ptr);
		goto out;
	}
	if (clear_path(path, e) < 0 || bind_and_listen(s, path, group, e) < 0)
		goto out;
	rc = 0;
out:
	if (rc < 0)
		unixsock_release(s);
	fd_close(&lock);
	buf_release(&lock_path);
	mem_free(folder);
	return rc;
}

void unixsock_let_go(struct unixsock *s)
{
	fd_close(&s->fd);
	mem_free(s->path);
	*s = (struct unixsock)UNIXSOCK_INIT;
}

bool unixsock_is_there(const struct unixsock *s)
{
	struct stat st;

	return s->path && lstat(s->path, &st) == 0 && st.st_dev == s->device && st.st_ino == s->inode;
}

void unixsock_release(struct unixsock *s)
{
	if (unixsock_is_there(s))
		unlink(s->path);
	unixsock_let_go(s);
}

int unixsock_accept(int listener)
{
	int fd = -1;

	do
		/* cppcheck-suppress nullPointer */
		fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	while (fd < 0 && errno == EINTR);
	return fd;
}

int unixsock_connect(const char *path, int64_t timeout_ms, struct err *e)
{
	struct sockaddr_un address;
	struct timeval patience = { .tv_sec = 0 };
	int fd = -1;
	int number = 0;

	if (unixsock_check_path(path, e) < 0)
		return -1;
	fd = new_socket(0, e);
	if (fd < 0)
		return -1;
	address = address_of(path);
	/* Nothing but zeros would mean for ever. */
	if (timeout_ms >= 0) {
		patience.tv_sec = timeout_ms / 1000;
		patience.tv_usec = timeout_ms % 1000 * 1000 + 1;
	}
	if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) == 0 &&
		connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0 &&
		fcntl(fd, F_SETFL, O_NONBLOCK) == 0)
		return fd;
	number = errno;
	fd_close(&fd);
	return err_sys(e, number, "cannot connect to '%s'", path);
}

int unixsock_peer(int fd, struct unixsock_peer *peer)
{
	struct ucred who;
	socklen_t len = sizeof(who);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) < 0)
		return -1;
	*peer = (struct unixsock_peer){ .pid = who.pid, .uid = who.uid, .gid = who.gid };
	return 0;
}

bool unixsock_peer_has_group(int fd, const struct unixsock_peer *peer, gid_t group)
{
	gid_t groups[UNIXSOCK_GROUPS_MAX];
	socklen_t len = sizeof(groups);

	if (group == UNIXSOCK_NO_GROUP)
		return false;
	if (peer->gid == group)
		return true;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len) < 0)
		return false;
	for (size_t i = 0; i < len / sizeof(groups[0]); i++)
		if (groups[i] == group)
			return true;
	return false;
}

bool unixsock_is_gone(int fd)
{
	struct pollfd p = { .fd = fd };

	return poll(&p, 1, 0) == 1 && (p.revents & (POLLHUP | POLLERR | POLLNVAL));
}
