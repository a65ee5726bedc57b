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
struct spec;

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

enum log_stream { LOG_STREAM_OUT, LOG_STREAM_ERR, LOG_STREAM_COUNT };
extern const char *const log_stream_words[LOG_STREAM_COUNT]; /* in names of files */

/* Where a stream of the instance `name` is logged, `logs` being the log folder; the two may be one file, also of many instances.  To be freed. */
char *log_path(const char *logs, const char *name, const struct spec *s, enum log_stream which);

/* The keeper holds the other end of each pipe under this and the name of its file. */
#define LOG_HELD_PREFIX "log:"
/*
 * What the keeper holds under `held`, and nobody reads: gives the instance's name for one of our pipes ("api:2"; the caller frees it), else NULL.
 */
char *log_name_of_held(const char *held);
/* Where such a pipe lies in the folder of pipes, also if it does not; to be freed.  NULL as above. */
char *log_held_path(const char *pipes, const char *held);

#endif
