/*
 * Where the sockets of other users' apps are: they may pass through, and each may send to its own.
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/path.h"
#include "os/user.h"
#include "spawn/notify_private.h"

/* From the root on, each folder lets everybody pass. */
static bool is_open(const char *folder)
{
	char *at = mem_strdup(folder);
	bool is_it = true;
	bool is_top = false;

	while (is_it && !is_top) {
		char *above = path_folder(at);
		struct stat st;

		is_it = stat(at, &st) == 0 && S_ISDIR(st.st_mode) && (st.st_mode & S_IXOTH);
		is_top = !strcmp(at, above);
		mem_free(at);
		at = above;
	}
	mem_free(at);
	return is_it;
}

bool notify_make_passage(const char *folder)
{
	mode_t mask = umask(0);
	int rc = mkdir(folder, 0711);
	struct stat st;

	(void)umask(mask);
	if (rc < 0 && errno != EEXIST)
		return false;
	/* Somebody may have been there first. */
	return lstat(folder, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == geteuid() &&
		!(st.st_mode & 022) && is_open(folder);
}

int notify_give(const char *path, const struct spec *spec, struct err *e)
{
	struct user *u = mem_zalloc(1, sizeof(*u));
	int rc = user_find(u, spec->user, spec->group, e);

	if (rc == 0 && (lchown(path, u->uid, (gid_t)-1) < 0 || chmod(path, 0600) < 0))
		rc = err_sys(e, errno, "cannot give the socket '%s' to user '%s'", path, spec->user);
	user_release(u);
	mem_free(u);
	return rc;
}
