/*
 * Where a log lies, and with whose rights what is there is touched: os/folder.h, and what version 0.1.0 has left.  That wrote a user's logs as
 * root: a folder of root's within the user's that holds such a log is used as before.
 */
#ifndef OX_LOGS_LOCATION_H
#define OX_LOGS_LOCATION_H

#include <sys/types.h>

struct err;
struct folder;
struct rights;

/* A log, and the rights of the user that it is of: NULL for the daemon's. */
struct log_location {
	char *path;
	struct rights *rights;
};

void log_location_release(struct log_location *log);
/* The folder of a log or of what lies beside it; `flags` as for folder_open().  -1 as there. */
int log_folder(
	struct folder *f, const char *path, const struct rights *rights, unsigned int flags, struct err *e);
/* A file there, which may be a link where folder.h lets it; with O_CREAT its folders are made too.  -1 as folder_open_file(). */
int log_open(const char *path, const struct rights *rights, int flags, mode_t mode, struct err *e);
/* The marks of a log, beside it. */
int log_open_marks(const char *log, const struct rights *rights, int flags, mode_t mode);

#endif
