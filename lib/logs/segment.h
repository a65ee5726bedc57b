/*
 * One log and its older siblings as files: `api.log` is number 0 and grows; `api.log.1`, or `api.log.1.gz`, is what was rotated away last.
 * Numbers change with every rotation, so a file is known again by what it begins with: its first mark, which goes with it even when
 * it is compressed, or else its inode.
 */
#ifndef OX_LOGS_SEGMENT_H
#define OX_LOGS_SEGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "logs/index_reader.h"
#include "logs/location.h"

struct log_id {
	uint64_t inode;
	bool has_first;
	int64_t first_ms;
	uint32_t first_run;
};

struct segment {
	int fd; /* -1: it is not open */
	void *gz;
	uint64_t gz_at;
	char *path;
	const struct rights *rights; /* borrowed of its log_place */
	struct log_id id;
	struct index_reader marks;
};

#define SEGMENT_INIT                                                                                         \
	{                                                                                                    \
		.fd = -1, .marks = {.fd = -1 }                                                               \
	}

enum { SEGMENT_BUSY = -2 };

/* The file of that number; false when there is none, or it cannot be opened. */
bool segment_open(struct segment *f, const struct log_location *log, int number);
/* The newest file that there is: number 0, but in the moment after a rotation. */
bool segment_newest(struct segment *f, const struct log_location *log);
/* Accepts what is not open. */
void segment_close(struct segment *f);
/* Its first mark may have been written after it was opened. */
void segment_look(struct segment *f);
/*
 * Bytes of the uncompressed content: how many, 0 at the end, -1 when it cannot be read, SEGMENT_BUSY when nothing was read because so much had to be
 * stepped over: ask again.
 */
ssize_t segment_read(struct segment *f, uint64_t offset, char *bytes, size_t len);
/* Of a file that is not compressed; UINT64_MAX of one that is. */
uint64_t segment_size(const struct segment *f);

bool log_id_is(const struct log_id *a, const struct log_id *b);
/* The number of that file now, and opens it; -1 when it is gone.  A negative `last`: nobody knows which it had. */
int segment_find(struct segment *f, const struct log_location *log, const struct log_id *id, int last);
/* The number of the oldest file; -1: there is none at all. */
int segment_oldest(const char *log);
/* Is this still the file that is written to? */
bool segment_is_live(const struct segment *f, const char *log);

#endif
