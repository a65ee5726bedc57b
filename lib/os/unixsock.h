/*
 * Unix stream sockets by path: one listener, and who is at the other end.  A path that is in use is found out by connecting to it, never
 * by looking whether it exists: what a killed daemon left behind is replaced, what answers is left alone.
 */
#ifndef OX_OS_UNIXSOCK_H
#define OX_OS_UNIXSOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct err;

enum {
	UNIXSOCK_PATH_MAX = 107, /* the kernel's own limit */
	UNIXSOCK_BACKLOG = 128,
	UNIXSOCK_GROUPS_MAX = 1024, /* supplementary groups of a peer that are looked at */
};

#define UNIXSOCK_NO_GROUP ((gid_t)-1)

struct unixsock {
	int fd; /* -1: none */
	char *path;
	dev_t device; /* of the socket's entry in its folder: only that one is unlinked */
	ino_t inode;
};

#define UNIXSOCK_INIT                                                                                        \
	{                                                                                                    \
		.fd = -1,                                                                                    \
	}

struct unixsock_peer {
	pid_t pid;
	uid_t uid;
	gid_t gid;
};

/* 0, or -1 with words if a socket cannot have that path. */
int unixsock_check_path(const char *path, struct err *e);
/*
 * Listens at `path`, close-on-exec and non-blocking, mode 0600 whatever the umask is; with a `group` 0660 and of that group.  The last
 * folder of the path is made (0700, with a group 0710) if it is missing, and refused if somebody else owns it or may write to it.  If a live daemon
 * answers there, e->number is EADDRINUSE and nothing was touched.
 */
int unixsock_listen(struct unixsock *s, const char *path, gid_t group, struct err *e);
/* Closes it, and unlinks the path if it is still this socket's. */
void unixsock_release(struct unixsock *s);
/* Is it still what stands at its path? */
bool unixsock_is_there(const struct unixsock *s);
/* Closes it and leaves the path: somebody else holds the same socket. */
void unixsock_let_go(struct unixsock *s);

/* A connection, close-on-exec and non-blocking, or -1 with errno: EAGAIN, EMFILE, … */
int unixsock_accept(int listener);
/*
 * A connection, close-on-exec and non-blocking; waits at most `timeout_ms` (below 0: without end) for a place in a full queue.  Nobody there: -1 and
 * e->number is ENOENT or ECONNREFUSED.
 */
int unixsock_connect(const char *path, int64_t timeout_ms, struct err *e);

int unixsock_peer(int fd, struct unixsock_peer *peer);
/* True if the peer had that group, primary or supplementary, when it connected. */
bool unixsock_peer_has_group(int fd, const struct unixsock_peer *peer, gid_t group);
/* The other end is closed both ways; a peer that only finished sending is still there. */
bool unixsock_is_gone(int fd);

#endif
