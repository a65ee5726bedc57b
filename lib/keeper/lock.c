#include "keeper/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/path.h"
#include "os/fd.h"

enum { TEXT_MAX = 64 };

static bool is_token(const char *text)
{
	return strspn(text, "0123456789abcdef") == LOCK_TOKEN_LEN &&
		(text[LOCK_TOKEN_LEN] == '\n' || !text[LOCK_TOKEN_LEN]);
}

/* "PID TOKEN\n"; whatever else stands there is as good as nothing. */
static void read_holder(int fd, long *pid, char token[LOCK_TOKEN_LEN + 1])
{
	char text[TEXT_MAX];
	ssize_t got = pread(fd, text, sizeof(text) - 1, 0);
	char *end = text;

	*pid = 0;
	token[0] = '\0';
	if (got <= 0)
		return;
	text[got] = '\0';
	*pid = strtol(text, &end, 10);
	if (*end == ' ' && is_token(end + 1)) {
		memcpy(token, end + 1, LOCK_TOKEN_LEN);
		token[LOCK_TOKEN_LEN] = '\0';
	}
}

static int make_token(char token[LOCK_TOKEN_LEN + 1], struct err *e)
{
	unsigned char random[LOCK_TOKEN_LEN / 2];

	if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return err_sys(e, errno, "cannot get random bytes");
	for (size_t i = 0; i < sizeof(random); i++)
		(void)snprintf(token + 2 * i, 3, "%02x", (unsigned int)random[i]);
	return 0;
}

static int refuse(int fd, const char *folder, struct err *e)
{
	char token[LOCK_TOKEN_LEN + 1];
	long pid = 0;

	read_holder(fd, &pid, token);
	err_set(e, "another oxherd (pid %ld) serves '%s'; 'oxctl daemon stop' ends it", pid, folder);
	if (e)
		e->number = EWOULDBLOCK;
	return -1;
}

int lock_take(struct lock *l, const char *folder, struct err *e)
{
	char *path = path_join(folder, "oxherd.lock");
	long pid = 0;
	int rc = -1;

	l->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, 0600);
	if (l->fd < 0) {
		err_sys(e, errno, "cannot open '%s'", path);
		goto out;
	}
	if (flock(l->fd, LOCK_EX | LOCK_NB) < 0) {
		rc = errno == EWOULDBLOCK ? refuse(l->fd, folder, e)
					  : err_sys(e, errno, "cannot lock '%s'", path);
		goto out;
	}
	read_holder(l->fd, &pid, l->token);
	rc = l->token[0] ? 0 : make_token(l->token, e);
	if (rc == 0)
		rc = lock_sign(l, e);
out:
	if (rc < 0)
		lock_release(l);
	mem_free(path);
	return rc;
}

int lock_sign(const struct lock *l, struct err *e)
{
	char text[TEXT_MAX];
	int len = snprintf(text, sizeof(text), "%ld %s\n", (long)getpid(), l->token);

	/* Never shorter than what a reader wants at any moment: written over, then cut. */
	if (pwrite(l->fd, text, (size_t)len, 0) != len || ftruncate(l->fd, len) < 0)
		return err_sys(e, errno, "cannot write the lock file");
	return 0;
}

void lock_release(struct lock *l)
{
	fd_close(&l->fd);
}
