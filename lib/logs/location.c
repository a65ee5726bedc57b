#include "logs/location.h"

#include <fcntl.h>
#include <stdbool.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "os/folder.h"
#include "os/rights.h"
#include "wire/marks.h"

void log_location_release(struct log_location *log)
{
	mem_free(log->path);
	rights_free(log->rights);
	*log = (struct log_location){ .path = NULL };
}

static bool has_our_marks(const struct folder *f, const char *part)
{
	struct buf log = BUF_INIT;
	struct buf marks = BUF_INIT;
	struct stat st;
	bool is_ours = false;

	buf_addf(&log, "%s%s", f->name, part);
	marks_path(&marks, log.ptr);
	is_ours = fstatat(f->fd, marks.ptr, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
		st.st_uid == geteuid();
	buf_release(&marks);
	buf_release(&log);
	return is_ours;
}

/* Nobody but root and we could have put there what is there.  Marks go with the log when that is turned. */
static bool is_ours_from_before(const struct folder *f)
{
	struct stat st;

	return fstat(f->fd, &st) == 0 && st.st_uid == geteuid() && !(st.st_mode & 022) &&
		(has_our_marks(f, "") || has_our_marks(f, ".1"));
}

int log_folder(
	struct folder *f, const char *path, const struct rights *rights, unsigned int flags, struct err *e)
{
	if (folder_open(f, path, rights, flags, e) < 0)
		return -1;
	if (f->kind == FOLDER_USERS && is_ours_from_before(f))
		folder_keep(f);
	return 0;
}

int log_open(const char *path, const struct rights *rights, int flags, mode_t mode, struct err *e)
{
	struct folder f;
	int fd = -1;

	if (log_folder(&f, path, rights, FOLDER_FOLLOW_OWN | (flags & O_CREAT ? FOLDER_MAKE : 0), e) < 0)
		return -1;
	fd = folder_open_file(&f, f.name, flags, mode, e);
	folder_close(&f);
	return fd;
}

int log_open_marks(const char *log, const struct rights *rights, int flags, mode_t mode)
{
	struct buf marks = BUF_INIT;
	struct folder f;
	int fd = -1;

	if (log_folder(&f, log, rights, 0, NULL) < 0)
		return -1;
	marks_path(&marks, f.name);
	fd = folder_open_file(&f, marks.ptr, flags, mode, NULL);
	buf_release(&marks);
	folder_close(&f);
	return fd;
}
