#include "logs/fifo.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/map.h"
#include "base/mem.h"
#include "os/fd.h"

static bool is_among_last(int fd)
{
	struct rlimit limit;
	rlim_t left = FIFO_FDS_LEFT;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return false;
	if (left > limit.rlim_cur / 2)
		left = limit.rlim_cur / 2;
	return (rlim_t)fd + left >= limit.rlim_cur;
}

/* The keeper gives the pipe of an app with a user of its own to that user. */
static bool is_our_owner(uid_t owner)
{
	return owner == geteuid() || geteuid() == 0;
}

/* Few, for a moment, while a brain finds its feet. */
static struct map given;

void fifo_give(const char *path, int *fd)
{
	int *kept = mem_alloc(sizeof(*kept));

	*kept = *fd;
	*fd = -1;
	kept = map_put(&given, path, kept);
	if (kept)
		fd_close(kept);
	mem_free(kept);
}

static int take_given(const char *path)
{
	int *kept = map_remove(&given, path);
	int fd = kept ? *kept : -1;

	mem_free(kept);
	if (!given.len)
		map_release(&given);
	if (fd >= 0)
		(void)fd_set_nonblocking(fd, true);
	return fd;
}

bool fifo_is_at(const char *path, int fd)
{
	struct stat there, ours;

	return lstat(path, &there) == 0 && fstat(fd, &ours) == 0 && there.st_dev == ours.st_dev &&
		there.st_ino == ours.st_ino;
}

int fifo_open(const char *path, struct err *e)
{
	struct stat st;
	int fd = take_given(path);

	if (fd >= 0)
		return fd;
	if (mkfifo(path, 0600) < 0 && errno != EEXIST)
		return err_sys(e, errno, "cannot make the pipe '%s'", path);
	/* Both ways: with a reader alone, the end of the last writer would be an end of file for ever. */
	fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY);
	if (fd >= 0 && is_among_last(fd)) {
		fd_close(&fd);
		errno = EMFILE;
	}
	if (fd < 0)
		return err_sys(e, errno, "cannot open the pipe '%s'", path);
	if (fstat(fd, &st) < 0 || !S_ISFIFO(st.st_mode) || !is_our_owner(st.st_uid)) {
		fd_close(&fd);
		return err_set(e, "'%s' is no pipe of ours", path);
	}
	(void)fcntl(fd, F_SETPIPE_SZ, FIFO_SIZE);
	return fd;
}
