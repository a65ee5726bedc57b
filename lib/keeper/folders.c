/*
 * The keeper's files in its folders, should somebody delete them: the locks, by which others know that it is there, and the ledger.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/err.h"
#include "base/log.h"
#include "keeper/keeper_private.h"
#include "keeper/ledger.h"
#include "os/fd.h"

enum { PATH_SIZE = KEEPER_PATH_MAX + 64, TEXT_MAX = 8192 };

/* Where a lock file was when it was opened; false: that cannot be known. */
static bool path_of(int fd, char *path, size_t size)
{
	static const char gone[] = " (deleted)";
	char link[64];
	ssize_t len = 0;

	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = readlink(link, path, size - 1);
	if (len <= 0)
		return false;
	path[len] = '\0';
	if ((size_t)len >= sizeof(gone) && !strcmp(path + len - (sizeof(gone) - 1), gone))
		path[len - (ssize_t)(sizeof(gone) - 1)] = '\0';
	return *path == '/';
}

/* The folders above a file, as far as they are missing. */
static void make_folders(const char *path)
{
	char folder[PATH_SIZE];

	for (size_t i = 1; i < sizeof(folder) && path[i]; i++) {
		if (path[i] != '/')
			continue;
		memcpy(folder, path, i);
		folder[i] = '\0';
		(void)mkdir(folder, 0700);
	}
}

/* A lock file that nobody can find any more; one that was renamed has another place, and is left there. */
static bool is_lost(int fd)
{
	struct stat st;

	return fd >= 0 && fstat(fd, &st) == 0 && st.st_nlink == 0;
}

/* With the same words and the same number. */
static int make_lock(const char *path, int fd)
{
	char text[TEXT_MAX];
	ssize_t len = -1;
	int next = -1;
	int rc = -1;

	ASSERT(fd >= 0 && *path == '/', "'%s' is made again as descriptor %d", path, fd);
	len = pread(fd, text, sizeof(text), 0);
	make_folders(path);
	next = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK, 0600);
	if (len > 0 && next >= 0 && flock(next, LOCK_EX | LOCK_NB) == 0 &&
		pwrite(next, text, (size_t)len, 0) == len && ftruncate(next, len) == 0 &&
		dup3(next, fd, O_CLOEXEC) >= 0)
		rc = 0;
	else
		log_warn_sys(errno, "cannot make '%s' again", path);
	fd_close(&next);
	return rc;
}

static void make_ledger(struct keeper *k)
{
	struct err e = ERR_INIT;

	for (struct slot *s = k->slots.first; s; s = s->next)
		s->record = -1;
	ledger_close(&k->ledger);
	ledger_init(&k->ledger);
	if (ledger_open(&k->ledger, k->options->run, false, &e) < 0)
		log_warn("%s", e.text.ptr);
	for (struct slot *s = k->slots.first; s; s = s->next)
		if (s->state != KEEPER_STATE_FAILED)
			ledger_note(&k->ledger, s);
	err_release(&e);
	ASSERT(k->ledger.fd < 0 || !k->slots.first || k->slots.first->record >= 0 ||
			k->slots.first->state == KEEPER_STATE_FAILED,
		"%s is not in the ledger that was made again", k->slots.first->name);
}

static void make_gate_ledger(struct keeper *k)
{
	struct gate_ledger *l = &k->gate->ledger;

	gate_ledger_close(l);
	gate_ledger_open(l, k->options->run, false);
	for (struct slot *s = k->slots.first; s; s = s->next) {
		s->gate.record = -1;
		gate_ledger_note(l, s);
	}
}

void folders_check(struct keeper *k)
{
	const int locks[] = { k->options->run_lock, k->options->state_lock };
	char path[PATH_SIZE];

	for (size_t i = 0; i < sizeof(locks) / sizeof(locks[0]); i++)
		if (is_lost(locks[i]) && path_of(locks[i], path, sizeof(path)) &&
			make_lock(path, locks[i]) == 0)
			log_warn("'%s' was deleted, and was made again", path);
	if (is_lost(k->ledger.fd))
		make_ledger(k);
	if (is_lost(k->gate->ledger.fd))
		make_gate_ledger(k);
}
