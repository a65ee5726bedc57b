/*
 * The same whole files with the rights of a user: os/folder.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "os/fd.h"
#include "os/file.h"
#include "os/folder.h"
#include "os/rights.h"

enum { NAME_SIZE = 64, NAMES_MAX = 100 };

int file_read_as(
	const char *path, const struct rights *rights, size_t size_max, struct buf *out, struct err *e)
{
	struct folder f;
	int fd = -1;
	int rc = -1;

	if (folder_open(&f, path, rights, FOLDER_FOLLOW, e) < 0)
		return err_prefix(e, "cannot open '%s'", path);
	fd = folder_open_file(&f, f.name, O_RDONLY, 0, e);
	if (fd < 0)
		err_prefix(e, "cannot open '%s'", path);
	else
		rc = file_read_open(fd, path, size_max, out, e);
	fd_close(&fd);
	folder_close(&f);
	return rc;
}

int file_read_for(const char *user, const char *group, const char *path, size_t size_max, struct buf *out,
	struct err *e)
{
	struct rights *rights = rights_find(user, group);
	int rc = rights ? file_read_as(path, rights, size_max, out, e) : file_read(path, size_max, out, e);

	rights_free(rights);
	return rc;
}

/* A new file beside the one that is meant, under a name that nobody else has. */
static int open_temporary_in(const struct folder *f, mode_t mode, char name[NAME_SIZE], struct err *e)
{
	int fd = -1;

	errno = EEXIST;
	for (int i = 0; i < NAMES_MAX && fd < 0 && errno == EEXIST; i++) {
		(void)snprintf(name, NAME_SIZE, ".oxherd-%ld-%d", (long)getpid(), i);
		fd = folder_open_file(f, name, O_WRONLY | O_CREAT | O_EXCL, mode, e);
	}
	return fd;
}

/* So that the rename is there after a power cut.  The file is whole either way: failing here is no failure. */
static void sync_folder_of(const struct folder *f)
{
	int fd = folder_open_file(f, ".", O_RDONLY | O_DIRECTORY, 0, NULL);

	if (fd >= 0)
		(void)fsync(fd);
	fd_close(&fd);
}

static int fill_temporary(
	const struct folder *f, int fd, const struct stat *old, const void *bytes, size_t len)
{
	if (fd_write_all(fd, bytes, len) < 0)
		return -1;
	/* What a user has is that user's; and nobody else's word counts for who shall have the next one. */
	if (old && f->kind == FOLDER_OWN && fchown(fd, old->st_uid, old->st_gid) < 0 && errno != EPERM)
		return -1;
	if (old && fchmod(fd, old->st_mode & 0777) < 0)
		return -1;
	return fsync(fd);
}

static int replace_in(const struct folder *f, const void *bytes, size_t len, mode_t mode, struct err *e)
{
	char name[NAME_SIZE];
	struct stat old;
	bool is_there = folder_stat(f, f->name, &old) == 0;
	int fd = -1;
	int rc = -1;

	if (is_there && !S_ISREG(old.st_mode))
		return err_set(e, "it is no regular file, or a link in a folder that others can change");
	fd = open_temporary_in(f, is_there ? 0600 : mode, name, e);
	if (fd < 0)
		return -1;
	if (fill_temporary(f, fd, is_there ? &old : NULL, bytes, len) < 0 ||
		folder_rename(f, name, f->name) < 0)
		err_sys(e, errno, "'%s'", f->name);
	else
		rc = 0;
	if (rc < 0)
		(void)folder_unlink(f, name);
	else
		sync_folder_of(f);
	fd_close(&fd);
	return rc;
}

int file_write_as(const char *path, const struct rights *rights, const void *bytes, size_t len,
	unsigned int mode, struct err *e)
{
	struct folder f;
	int rc = folder_open(&f, path, rights, FOLDER_FOLLOW_OWN, e);

	if (rc == 0) {
		rc = replace_in(&f, bytes, len, (mode_t)mode, e);
		folder_close(&f);
	}
	return rc < 0 ? err_prefix(e, "cannot write '%s'", path) : 0;
}

int file_remove_as(const char *path, const struct rights *rights, struct err *e)
{
	struct folder f;
	int rc = folder_open(&f, path, rights, FOLDER_FOLLOW_OWN, e);

	if (rc == 0) {
		rc = folder_unlink(&f, f.name);
		if (rc < 0 && errno == ENOENT)
			rc = 0;
		else if (rc < 0)
			err_set(e, "%s", strerror(errno));
		folder_close(&f);
	}
	return rc < 0 ? err_prefix(e, "cannot remove '%s'", path) : 0;
}
