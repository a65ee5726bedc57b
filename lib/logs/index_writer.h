/*
 * The index beside one log file (wire/marks.h), as it is written.  It is an addition: where it cannot be written, nothing is said, and the
 * log goes on without.
 */
#ifndef OX_LOGS_INDEX_WRITER_H
#define OX_LOGS_INDEX_WRITER_H

#include <stdbool.h>
#include <stdint.h>

#include "wire/marks.h"

struct rights;

struct logmarks {
	int fd;
	int64_t size;
	struct mark last;
	bool has_last;
};

#define LOGMARKS_INIT                                                                                        \
	{                                                                                                    \
		.fd = -1,                                                                                    \
	}

/* Of the log at `log`, which has `size` bytes: marks that are of another one are dropped. */
void logmarks_open(struct logmarks *m, const char *log, const struct rights *rights, int64_t size);
void logmarks_close(struct logmarks *m);
/* The log begins again in its place. */
void logmarks_clear(struct logmarks *m);
/* What comes next in the log is the mark's; put down when it says anything new. */
void logmarks_add(struct logmarks *m, const struct mark *next);
/* Whether the last mark is of the same source. */
bool logmarks_is_of(const struct logmarks *m, const struct mark *source);
/* Anything is known of what was written last. */
bool logmarks_has(const struct logmarks *m);
int64_t logmarks_size(const struct logmarks *m);

#endif
