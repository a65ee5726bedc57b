/*
 * The index beside one log file (wire/marks.h), as it is written.  It is an addition: where it cannot be written, there is no message, and the
 * log continues without it.
 */
#ifndef OX_LOGS_INDEX_WRITER_H
#define OX_LOGS_INDEX_WRITER_H

#include <stdbool.h>
#include <stdint.h>

#include "wire/marks.h"

struct rights;

struct index_writer {
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
void index_writer_open(struct index_writer *m, const char *log, const struct rights *rights, int64_t size);
void index_writer_close(struct index_writer *m);
/* The log begins again in its place. */
void index_writer_clear(struct index_writer *m);
/* What comes next in the log is the mark's; put down when it says anything new. */
void index_writer_add(struct index_writer *m, const struct mark *next);
/* Whether the last mark is of the same source. */
bool index_writer_is_of(const struct index_writer *m, const struct mark *source);
/* Anything is known of what was written last. */
bool index_writer_has(const struct index_writer *m);
int64_t index_writer_size(const struct index_writer *m);

#endif
