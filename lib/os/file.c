#include "os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/path.h"

/* Not every C library has it. */
#ifndef RENAME_EXCHANGE
#define RENAME_EXCHANGE (1U << 1)

static int renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned int flags)
{
	return (int)syscall(SYS_renameat2, from_dir, from, to_dir, to, flags);
}
#endif

enum {
	READ_STEP = 64 * 1024,
	LINKS_MAX = 40,  /* as many as the kernel follows */
	NAMES_MAX = 100, /* temporary names that are tried before it is a failure */
};

/* What a thing is that is no regular file, in the words of a complaint. */
static const char *kind_name(mode_t mode)
{
	static const struct {
		mode_t type;
		const char *name;
	} kinds[] = {
		{ S_IFDIR, "a folder" },
		{ S_IFIFO, "a pipe, not a file" },
		{ S_IFSOCK, "a socket, not a file" },
		{ S_IFCHR, "a device, not a file" },
		{ S_IFBLK, "a device, not a file" },
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if ((mode & S_IFMT) == kinds[i].type)
			return kinds[i].name;
	return "no regular file";
}

static void add_size(struct buf *out, size_t size)
{
	const size_t kb = 1024;

	if (size >= kb * kb && size % (kb * kb) == 0)
		buf_addf(out, "%zu MB", size / (kb * kb));
	else if (size >= kb && size % kb == 0)
		buf_addf(out, "%zu KB", size / kb);
	else
		buf_addf(out, "%zu bytes", size);
}

/* `size` is 0 where nobody knows it. */
static int too_large(const char *name, size_t size_max, size_t size, struct err *e)
{
	struct buf limit = BUF_INIT;

	add_size(&limit, size_max);
	err_set(e, "cannot read '%s': it is larger than %s", name, limit.ptr);
	if (size)
		err_set(e, "cannot read '%s': it is larger than %s (%zu bytes)", name, limit.ptr, size);
	buf_release(&limit);
	return -1;
}

static ssize_t read_once(int fd, void *bytes, size_t len)
{
	ssize_t got = 0;

	do
		got = read(fd, bytes, len);
	while (got < 0 && errno == EINTR);
	return got;
}

int file_read_stream(int fd, const char *name, size_t size_max, struct buf *out, struct err *e)
{
	size_t start = out->len;

	for (;;) {
		size_t have = out->len - start;
		/* One byte more than is allowed tells a full measure from too much. */
		size_t want = size_max - have < READ_STEP ? size_max - have + 1 : READ_STEP;
		ssize_t got = 0;

		buf_reserve(out, want);
		got = read_once(fd, out->ptr + out->len, want);
		if (got < 0) {
			err_sys(e, errno, "cannot read '%s'", name);
			break;
		}
		if (got == 0)
			return 0;
		out->len += (size_t)got;
		out->ptr[out->len] = '\0';
		if (out->len - start > size_max) {
			too_large(name, size_max, 0, e);
			break;
		}
	}
	out->ptr[out->len] = '\0';
	buf_cut(out, start);
	return -1;
}

int file_read_open(int fd, const char *path, size_t size_max, struct buf *out, struct err *e)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_sys(e, errno, "cannot read '%s'", path);
	if (!S_ISREG(st.st_mode))
		return err_set(e, "cannot read '%s': it is %s", path, kind_name(st.st_mode));
	if (st.st_size > 0 && (size_t)st.st_size > size_max)
		return too_large(path, size_max, (size_t)st.st_size, e);
	return file_read_stream(fd, path, size_max, out, e);
}

/* What was found, not what the path leads to by now.  Without /proc there is only the path. */
static int open_found(int found, const char *path)
{
	enum { FLAGS = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC };
	char link[64];
	int fd = -1;

	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", found);
	fd = open(link, FLAGS);
	if (fd < 0 && errno == ENOENT)
		fd = open(path, FLAGS);
	return fd;
}

/* To open a device is to use it: a watchdog starts, a tape rewinds.  So it is looked at first, in a way that does not open it. */
int file_read(const char *path, size_t size_max, struct buf *out, struct err *e)
{
	int found = open(path, O_PATH | O_CLOEXEC);
	struct stat st;
	int fd = -1;
	int rc = 0;

	if (found < 0)
		return err_sys(e, errno, "cannot open '%s'", path);
	if (fstat(found, &st) == 0 && !S_ISREG(st.st_mode)) {
		close(found);
		return err_set(e, "cannot read '%s': it is %s", path, kind_name(st.st_mode));
	}
	fd = open_found(found, path);
	if (fd < 0)
		rc = err_sys(e, errno, "cannot open '%s'", path);
	else
		rc = file_read_open(fd, path, size_max, out, e);
	if (fd >= 0)
		close(fd);
	close(found);
	return rc;
}

/* The file that is meant: `path`, or what its links lead to, which need not exist yet. */
static char *resolve_links(const char *path, struct err *e)
{
	char link[PATH_MAX];
	char *target = mem_strdup(path);

	for (int i = 0; i < LINKS_MAX; i++) {
		ssize_t len = readlink(target, link, sizeof(link) - 1);
		char *folder = NULL;
		char *next = NULL;

		if (len < 0)
			return target;
		link[len] = '\0';
		folder = path_folder(target);
		next = path_join(folder, link);
		mem_free(folder);
		mem_free(target);
		target = next;
	}
	mem_free(target);
	err_sys(e, ELOOP, "cannot write '%s'", path);
	return NULL;
}

/* A new file beside the one that is meant, under a name that nobody else has; its name goes to *name. */
static int open_temporary(const char *folder, unsigned int mode, char **name)
{
	int fd = -1;

	for (int i = 0; i < NAMES_MAX && fd < 0; i++) {
		struct buf base = BUF_INIT;

		buf_addf(&base, ".oxherd-%ld-%d", (long)getpid(), i);
		*name = path_join(folder, base.ptr);
		buf_release(&base);
		fd = open(*name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOCTTY, (mode_t)mode);
		if (fd >= 0)
			break;
		mem_free(*name);
		*name = NULL;
		if (errno != EEXIST)
			break;
	}
	return fd;
}

static int write_all(int fd, const char *bytes, size_t len)
{
	while (len) {
		ssize_t put = write(fd, bytes, len);

		if (put < 0 && errno != EINTR)
			return -1;
		if (put > 0) {
			bytes += put;
			len -= (size_t)put;
		}
	}
	return 0;
}

/* Owner and mode of the file that goes away; the owner as far as we may, before the mode, which chown cuts. */
static int keep_mode(int fd, const struct stat *old)
{
	if (fchown(fd, old->st_uid, old->st_gid) < 0 && errno != EPERM)
		return -1;
	return fchmod(fd, old->st_mode & 07777);
}

/* So that the rename is there after a power cut.  The file is whole either way: failing here is no failure. */
static void sync_folder_at(const char *folder)
{
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return;
	(void)fsync(fd);
	close(fd);
}

/* One file for another. */
struct file_change {
	const char *target;
	const char *previous; /* where the old one goes, or NULL */
	unsigned int mode;
	const struct stat *old; /* NULL: there was no file before */
};

/* The new file takes the target's name; there is no moment without a file of that name. */
static int take_name(const struct file_change *c, const char *name)
{
	if (c->previous && c->old) {
		/* One step where the file system can, and the old one has a name of its own for the moment. */
		if (renameat2(AT_FDCWD, name, AT_FDCWD, c->target, RENAME_EXCHANGE) == 0) {
			if (rename(name, c->previous) < 0)
				unlink(name);
			return 0;
		}
		(void)unlink(c->previous);
		(void)!link(c->target, c->previous);
	}
	return rename(name, c->target);
}

/* With errno set on failure. */
static int replace_file(const struct file_change *c, const char *bytes, size_t len)
{
	char *folder = path_folder(c->target);
	char *name = NULL;
	int rc = -1;
	int number = 0;
	/* What is to become private is private from birth. */
	int fd = open_temporary(folder, c->old ? 0600 : c->mode, &name);

	if (fd < 0)
		goto out;
	if (write_all(fd, bytes, len) < 0 || (c->old && keep_mode(fd, c->old) < 0) || fsync(fd) < 0)
		goto out;
	if (take_name(c, name) < 0)
		goto out;
	sync_folder_at(folder);
	rc = 0;
out:
	number = errno;
	if (rc < 0 && name)
		unlink(name);
	if (fd >= 0)
		close(fd);
	mem_free(name);
	mem_free(folder);
	errno = number;
	return rc;
}

int file_write_keeping(const char *path, const char *previous, const void *bytes, size_t len,
	unsigned int mode, struct err *e)
{
	struct stat st;
	bool is_there = stat(path, &st) == 0;
	struct file_change c = { .previous = previous, .mode = mode, .old = is_there ? &st : NULL };
	char *target = NULL;
	int rc = 0;

	if (is_there && !S_ISREG(st.st_mode))
		return err_set(e, "cannot write '%s': it is %s", path, kind_name(st.st_mode));
	target = resolve_links(path, e);
	if (!target)
		return -1;
	c.target = target;
	rc = replace_file(&c, bytes, len);
	if (rc < 0)
		err_sys(e, errno, "cannot write '%s'", path);
	mem_free(target);
	return rc;
}

int file_write(const char *path, const void *bytes, size_t len, unsigned int mode, struct err *e)
{
	return file_write_keeping(path, NULL, bytes, len, mode, e);
}

bool file_exists(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0;
}

bool file_is_same(const char *a, const char *b)
{
	struct stat first;
	struct stat second;

	return stat(a, &first) == 0 && stat(b, &second) == 0 && first.st_dev == second.st_dev &&
		first.st_ino == second.st_ino;
}

bool file_is_link(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISLNK(st.st_mode);
}

int file_make_folder(const char *path)
{
	char *part = mem_strdup(path);
	int rc = 0;

	for (char *slash = strchr(part + 1, '/'); slash && rc == 0; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(part, 0755) < 0 && errno != EEXIST)
			rc = -1;
		*slash = '/';
	}
	mem_free(part);
	return rc;
}
