/*
 * One open log file: raw bytes or stamped lines at its end, marks beside it, rotated when it is full, made again when somebody took it
 * away.  It may be shared by many pipes.  Nothing waits and nothing is kept: what cannot be written is dropped and counted, and the log
 * itself says so, as soon as it can.
 *
 * All bytes come through the write journal, so that a kill neither loses nor doubles them.  What is not a regular file (a terminal, another
 * pipe) gets the bytes and nothing else: no marks, no rotation.  A symbolic link that root or the daemon's user made where nobody else may is
 * written through, and never rotated; any other is refused.
 */
#ifndef OX_LOGS_LOGFILE_H
#define OX_LOGS_LOGFILE_H

#include <stdbool.h>
#include <stdint.h>

#include "rules/rotate.h"
#include "wire/marks.h"

struct compressor;
struct write_journal;
struct logfile;
struct stream_calls;
struct rights;

enum {
	LOGFILE_CHECK_MS =
		100, /* how often it is looked whether the file is still the one at its path, while it is written */
	LOGFILE_RETRY_MS = 1000,      /* between attempts at a disk that is full */
	LOGFILE_TURN_WAIT_MS = 60000, /* before a rotation that failed is tried again */
};

/* What all log files share; borrowed, and outlives them. */
struct logfile_home {
	struct write_journal *journal;
	struct compressor *compressor;
	const struct stream_calls *calls;
	void *context;
};

struct logfile_shape {
	struct rotate_policy policy;
	const char *format; /* of the time before each line; NULL: none.  Copied */
};

/* Whose bytes; copied where they are kept. */
struct log_source {
	struct mark mark; /* offset and time do not count */
	const char *name; /* "api:2"; NULL: of an earlier brain */
};

/* Opened by the first byte. */
struct logfile *logfile_new(const char *path, const struct logfile_home *home);
void logfile_free(struct logfile *l);
/* For the cache: how many use it now. */
int logfile_add_users(struct logfile *l, int more);
const char *logfile_path(const struct logfile *l);
void logfile_set(struct logfile *l, const struct logfile_shape *shape);
/* With whose rights it is opened, turned and compressed: copied; NULL: the daemon's. */
void logfile_set_rights(struct logfile *l, const struct rights *rights);
const struct rights *logfile_rights(const struct logfile *l);
/* Writes what is on its way; gives how many bytes of it were dropped. */
uint64_t logfile_take(struct logfile *l, const struct log_source *source);
/* Tells followers what was taken since the last time. */
void logfile_tell(struct logfile *l);
/* The last writer: kept for the caller. */
void logfile_set_writer(struct logfile *l, void *writer);
void *logfile_writer(const struct logfile *l);
/* The file ends within a line of another source. */
bool logfile_cuts(const struct logfile *l, const struct log_source *source);
/* It refuses what it gets. */
bool logfile_is_failing(const struct logfile *l);
/* Whether it takes something again: then it says what was dropped.  Worth a try every LOGFILE_RETRY_MS. */
void logfile_retry(struct logfile *l);
/* Ends the step that a killed brain had begun. */
void logfile_finish(struct logfile *l);

#endif
