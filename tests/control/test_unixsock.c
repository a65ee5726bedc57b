/* Who has the address: the dead are replaced, the living are left alone. */
#include "os/unixsock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "unit.h"

struct place {
	char folder[32];
	char path[64];
	char lock[80];
	struct err e;
};

static int setup(void **state)
{
	struct place *p = mem_zalloc(1, sizeof(*p));

	snprintf(p->folder, sizeof(p->folder), "/tmp/oxsock.XXXXXX");
	if (!mkdtemp(p->folder))
		return -1;
	rmdir(p->folder);
	snprintf(p->path, sizeof(p->path), "%s/s", p->folder);
	snprintf(p->lock, sizeof(p->lock), "%s.lock", p->path);
	buf_init(&p->e.text);
	*state = p;
	return 0;
}

static int teardown(void **state)
{
	struct place *p = *state;

	unlink(p->path);
	unlink(p->lock);
	rmdir(p->folder);
	err_release(&p->e);
	mem_free(p);
	return 0;
}

static int listen_at(struct place *p, struct unixsock *s)
{
	return unixsock_listen(s, p->path, UNIXSOCK_NO_GROUP, &p->e);
}

static unsigned int mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(lstat(path, &st), 0);
	return st.st_mode & 07777;
}

static void private_whatever_the_umask(void **state)
{
	static const mode_t masks[] = { 0, 022, 0777 };
	struct place *p = *state;
	struct unixsock s;

	for (size_t i = 0; i < sizeof(masks) / sizeof(masks[0]); i++) {
		mode_t before = umask(0);

		unlink(p->lock);
		rmdir(p->folder);
		umask(masks[i] == 0777 ? 0177 : masks[i]);
		/* The folder of the third round is made beforehand: nobody could work in one without any rights. */
		if (masks[i] == 0777)
			assert_int_equal(mkdir(p->folder, 0700) == 0 ? chmod(p->folder, 0700) : 0, 0);
		assert_int_equal(listen_at(p, &s), 0);
		umask(before);
		assert_int_equal(mode_of(p->folder), 0700);
		assert_int_equal(mode_of(p->path), 0600);
		assert_true(fcntl(s.fd, F_GETFD) & FD_CLOEXEC);
		assert_true(fcntl(s.fd, F_GETFL) & O_NONBLOCK);
		unixsock_release(&s);
		assert_int_equal(access(p->path, F_OK), -1);
	}
}

static void a_dead_one_is_replaced(void **state)
{
	struct place *p = *state;
	struct unixsock dead;
	struct unixsock s;
	int fd = -1;

	assert_int_equal(listen_at(p, &dead), 0);
	/* As after kill -9: closed, and the path is still there. */
	unixsock_let_go(&dead);
	assert_int_equal(access(p->path, F_OK), 0);
	assert_int_equal(listen_at(p, &s), 0);
	fd = unixsock_connect(p->path, 100, &p->e);
	assert_true(fd >= 0);
	close(fd);
	unixsock_release(&s);
}

static void a_live_one_is_left_alone(void **state)
{
	struct place *p = *state;
	struct unixsock live;
	struct unixsock s;
	struct stat before;
	struct stat after;

	assert_int_equal(listen_at(p, &live), 0);
	assert_int_equal(lstat(p->path, &before), 0);
	assert_int_equal(listen_at(p, &s), -1);
	assert_int_equal(p->e.number, EADDRINUSE);
	assert_non_null(strstr(p->e.text.ptr, "a daemon answers at"));
	assert_int_equal(lstat(p->path, &after), 0);
	assert_int_equal(before.st_ino, after.st_ino);
	assert_int_equal(s.fd, -1);
	unixsock_release(&live);
}

static void one_with_a_full_queue_is_alive_too(void **state)
{
	struct place *p = *state;
	struct unixsock live;
	struct unixsock s;
	int fds[UNIXSOCK_BACKLOG + 8];
	int count = 0;

	assert_int_equal(listen_at(p, &live), 0);
	do
		fds[count++] = unixsock_connect(p->path, 1, &p->e);
	while (fds[count - 1] >= 0 && count < UNIXSOCK_BACKLOG + 8);
	assert_int_equal(p->e.number, EAGAIN);
	assert_int_equal(listen_at(p, &s), -1);
	assert_int_equal(p->e.number, EADDRINUSE);
	while (--count > 0)
		close(fds[count - 1]);
	unixsock_release(&live);
}

static void another_ones_socket_is_not_unlinked(void **state)
{
	struct place *p = *state;
	struct unixsock old;
	struct unixsock new;

	assert_int_equal(listen_at(p, &old), 0);
	unlink(p->path);
	assert_int_equal(listen_at(p, &new), 0);
	unixsock_release(&old);
	assert_int_equal(access(p->path, F_OK), 0);
	unixsock_release(&new);
}

static void a_path_has_at_most_107_bytes(void **state)
{
	struct place *p = *state;
	char path[UNIXSOCK_PATH_MAX + 2];
	struct unixsock s;

	memset(path, 'x', sizeof(path));
	memcpy(path, p->folder, strlen(p->folder));
	path[strlen(p->folder)] = '/';
	path[UNIXSOCK_PATH_MAX + 1] = '\0';
	assert_int_equal(unixsock_listen(&s, path, UNIXSOCK_NO_GROUP, &p->e), -1);
	assert_non_null(strstr(p->e.text.ptr, "has 108 bytes, and 107 is the most"));
	assert_int_equal(unixsock_connect(path, 0, &p->e), -1);
	assert_non_null(strstr(p->e.text.ptr, "has 108 bytes"));
	assert_int_equal(access(p->folder, F_OK), -1);
	path[UNIXSOCK_PATH_MAX] = '\0';
	assert_int_equal(unixsock_listen(&s, path, UNIXSOCK_NO_GROUP, &p->e), 0);
	unixsock_release(&s);
	snprintf(p->lock, sizeof(p->lock), "%s", "");
	{
		char lock[sizeof(path) + 8];

		snprintf(lock, sizeof(lock), "%s.lock", path);
		unlink(lock);
	}
}

static void what_is_no_socket_is_not_removed(void **state)
{
	struct place *p = *state;
	struct unixsock s;

	assert_int_equal(mkdir(p->folder, 0700), 0);
	assert_int_equal(symlink("/etc/passwd", p->path), 0);
	assert_int_equal(listen_at(p, &s), -1);
	assert_non_null(strstr(p->e.text.ptr, "is in the way and is no socket"));
	assert_int_equal(unlink(p->path), 0);
}

static void a_folder_that_others_may_write_to_is_refused(void **state)
{
	struct place *p = *state;
	struct unixsock s;

	assert_int_equal(mkdir(p->folder, 0700), 0);
	assert_int_equal(chmod(p->folder, 0770), 0);
	assert_int_equal(listen_at(p, &s), -1);
	assert_non_null(strstr(p->e.text.ptr, "others may write to the folder"));
	if (geteuid() != 0)
		return;
	assert_int_equal(chmod(p->folder, 0700), 0);
	assert_int_equal(chown(p->folder, 65534, (gid_t)-1), 0);
	assert_int_equal(listen_at(p, &s), -1);
	assert_non_null(strstr(p->e.text.ptr, "belongs to uid 65534"));
}

static void a_group_may_reach_it(void **state)
{
	struct place *p = *state;
	struct unixsock s;
	struct stat st;

	if (geteuid() != 0)
		skip();
	assert_int_equal(unixsock_listen(&s, p->path, 65534, &p->e), 0);
	assert_int_equal(mode_of(p->folder), 0710);
	assert_int_equal(mode_of(p->path), 0660);
	assert_int_equal(lstat(p->path, &st), 0);
	assert_int_equal(st.st_gid, 65534);
	unixsock_release(&s);
}

static void a_peer_is_known(void **state)
{
	struct place *p = *state;
	struct unixsock s;
	struct unixsock_peer peer;
	int client = -1;
	int fd = -1;

	assert_int_equal(listen_at(p, &s), 0);
	errno = 0;
	assert_int_equal(unixsock_accept(s.fd), -1);
	assert_int_equal(errno, EAGAIN);
	client = unixsock_connect(p->path, 100, &p->e);
	fd = unixsock_accept(s.fd);
	assert_int_equal(unixsock_peer(fd, &peer), 0);
	assert_int_equal(peer.pid, getpid());
	assert_int_equal(peer.uid, geteuid());
	assert_true(unixsock_peer_has_group(fd, &peer, getegid()));
	assert_false(unixsock_peer_has_group(fd, &peer, UNIXSOCK_NO_GROUP));
	assert_false(unixsock_peer_has_group(fd, &peer, 54321));
	assert_false(unixsock_is_gone(fd));
	shutdown(client, SHUT_WR);
	assert_false(unixsock_is_gone(fd));
	close(client);
	assert_true(unixsock_is_gone(fd));
	close(fd);
	unixsock_release(&s);
}

int main(void)
{
#define ONE(sentence, function) PROMISE_IN(setup, teardown, sentence, function)
	const struct CMUnitTest tests[] = {
		ONE("folder and socket are private whatever the umask is", private_whatever_the_umask),
		ONE("a socket that a killed daemon left is replaced", a_dead_one_is_replaced),
		ONE("a live daemon's socket is left alone", a_live_one_is_left_alone),
		ONE("a daemon whose queue is full is alive", one_with_a_full_queue_is_alive_too),
		ONE("a socket that somebody else put there is not unlinked",
			another_ones_socket_is_not_unlinked),
		ONE("a path has at most 107 bytes", a_path_has_at_most_107_bytes),
		ONE("what is no socket is not removed", what_is_no_socket_is_not_removed),
		ONE("a folder that others may write to, or that is theirs, is refused",
			a_folder_that_others_may_write_to_is_refused),
		ONE("a control group may reach the socket", a_group_may_reach_it),
		ONE("a peer's pid, uid and groups are known", a_peer_is_known),
	};

	return cmocka_run_group_tests_name("unixsock", tests, NULL, NULL);
}
