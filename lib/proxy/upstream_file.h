/*
 * One upstream file on disk, and what was there before.  While a new content is not known to be in effect, the old one is kept beside our own state:
 * it comes back when the new one is refused, and a later brain sees by it that the proxy may not have read the file yet.
 */
#ifndef OX_PROXY_UPSTREAM_FILE_H
#define OX_PROXY_UPSTREAM_FILE_H

#include <stdbool.h>

#include "base/buf.h"

struct err;
struct rights;

struct upstream_file {
	char *path;            /* what the proxy reads */
	char *kept;            /* what it was before, in a file of ours */
	struct rights *rights; /* of the app's user: os/file.h says what they are for; NULL: the daemon's */
};

/* Both are copied; `folder` is ours alone, and `app` a plain name.  The rights are its own from now on. */
void upstream_file_init(struct upstream_file *f, const char *path, const char *folder, const char *app,
	struct rights *rights);
void upstream_file_release(struct upstream_file *f);
/* It holds these bytes, and the proxy knows. */
bool upstream_file_is_settled(const struct upstream_file *f, const struct buf *text);
/* Keeps what is there, then writes.  -1 with words; then the file is as it was. */
int upstream_file_put(const struct upstream_file *f, const struct buf *text, struct err *e);
/* What was there comes back; a file that was not there goes. */
int upstream_file_restore(const struct upstream_file *f, struct err *e);
/* The proxy knows: what was there is not needed any more. */
void upstream_file_settle(const struct upstream_file *f);

#endif
