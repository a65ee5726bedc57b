/*
 * Whole files, read and written whole.  This is the only place that opens a file for writing, but for the
 * streams (logs/streams), which append.
 */
#ifndef OX_OS_FILE_H
#define OX_OS_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

struct err;
struct rights;

/*
 * The whole of a regular file of at most `size_max` bytes.  A folder, FIFO, socket or device is refused
 * without waiting for it, a larger file without reading it: "cannot read 'x': it is a folder".  Both readers
 * append to `out`, and leave it as it was when they fail.
 */
int file_read(const char *path, size_t size_max, struct buf *out, struct err *e);
/* The same for a file that is open. */
int file_read_open(int fd, const char *path, size_t size_max, struct buf *out, struct err *e);
/* As file_read for a descriptor that may be a pipe: reads until its end, refuses more than `size_max`. */
int file_read_stream(int fd, const char *name, size_t size_max, struct buf *out, struct err *e);
/*
 * Replaces a file whole or not at all: a temporary one in the same folder, everything written, fsync, rename,
 * fsync of the folder; on failure the old one is untouched and nothing is left behind.  `mode` is for a new
 * file, less the umask; an old one's mode stays, and its owner where we may. A symlink is followed, so that
 * the file it points to changes.
 */
int file_write(const char *path, const void *bytes, size_t len, unsigned int mode, struct err *e);
/*
 * The same, and what was there before is then found as `previous`, in the same folder.  Where nothing was there, `previous` stays as
 * it is; so it does when it cannot be replaced, which is no failure.
 */
int file_write_keeping(const char *path, const char *previous, const void *bytes, size_t len,
	unsigned int mode, struct err *e);
/*
 * The same for a file of a user, where that user or others may have put links and more in the way: os/folder.h says whose rights are used.  A
 * path that leads through links is read where those may be followed; written, the last one only if root or the daemon's user put it there.
 */
int file_read_as(
	const char *path, const struct rights *rights, size_t size_max, struct buf *out, struct err *e);
/* The same by the names of a user and a group, which may be NULL. */
int file_read_for(const char *user, const char *group, const char *path, size_t size_max, struct buf *out,
	struct err *e);
int file_write_as(const char *path, const struct rights *rights, const void *bytes, size_t len,
	unsigned int mode, struct err *e);
/* Gone already is no failure. */
int file_remove_as(const char *path, const struct rights *rights, struct err *e);
bool file_exists(const char *path);
/* Both are there and are one file, or one folder, whatever they are called. */
bool file_is_same(const char *a, const char *b);
bool file_is_link(const char *path);
/* The folders above `path` that are not there, 0755 less the umask; -1 with errno. */
int file_make_folder(const char *path);

#endif
