/*
 * Between the two halves of a log file: not for anybody else.
 */
#ifndef OX_LOGS_LOGFILE_PRIVATE_H
#define OX_LOGS_LOGFILE_PRIVATE_H

#include <stddef.h>

#include "base/buf.h"
#include "base/wall_time.h"
#include "logs/index_writer.h"
#include "logs/location.h"
#include "logs/logfile.h"

struct err;
struct timestamp_format;

/* What is known of the file itself. */
struct logfile_disk {
	struct index_writer marks;
	struct mark last; /* source of what was written last */
	uint64_t key;     /* of our own words on their way */
	char *victim;     /* whose bytes were refused first */
	int failure;      /* errno; 0: all is well */
	int fd;
	uint64_t lost; /* bytes since the failure */
	uint64_t device, inode;
	int64_t size;
	int64_t checked_at;
	int64_t turn_after;    /* no rotation before this */
	struct wall_time wall; /* of the last stamp: minutes change rarely */
	bool is_regular, is_link, is_healed;
	bool is_alone;    /* nobody else could put another one in its place */
	bool is_mid_line; /* what it ends in has no newline */
	bool is_cut;      /* and what comes now is of somebody else */
	bool is_news;
};

struct logfile {
	const struct logfile_home *home;
	struct logfile_disk
		*disk; /* NULL: nothing was written yet; many services never print to standard error */
	struct rotate_policy policy;
	struct timestamp_format *stamp; /* NULL: lines go in as they are */
	struct log_location place;
	char *format;
	void *writer;
	int users; /* the cache's count */
};

/* Before its first byte. */
void logfile_begin(struct logfile *l);
/* -1 with why not, and e->number is an errno. */
int logfile_open(struct logfile *l, struct err *e);
void logfile_shut(struct logfile *l);
/* What comes next is of this source. */
void logfile_mark(struct logfile *l, const struct mark *source);
/*
 * Bytes of the write journal at the end of an open file, `eaten` raw ones with them: how many of them there is room for; errno says what is
 * the matter with the rest, which is dropped.
 */
size_t logfile_put(struct logfile *l, const char *bytes, size_t len, size_t eaten);
void logfile_stamp(struct logfile *l, int64_t wall_ms, struct buf *out);
/* Stamped lines in the room of the write journal: how much that became, and of how much. */
size_t logfile_stamp_lines(struct logfile *l, const char *raw, size_t len, size_t *eaten);

#endif
