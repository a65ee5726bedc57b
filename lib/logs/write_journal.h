/*
 * Bytes between a pipe and a log file.  They and what is being done with them lie in shared memory that has a name in the run folder, so
 * that whoever is killed between reading and writing leaves them to the next brain: nothing is lost, nothing is written twice.
 *
 * There is one chunk on the way at any time.  It is read (exactly as many bytes as are there, and only we read, so that a kill comes
 * before or after all of them; which of the two is seen by a pattern that lay where they go), then written in one or more steps.  Before a
 * step it is put down what goes where, after it how far we are.  What a kill leaves of a step is compared with the file.
 */
#ifndef OX_LOGS_WRITE_JOURNAL_H
#define OX_LOGS_WRITE_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "wire/marks.h"

struct err;
struct inflight;
struct rights;

enum {
	INFLIGHT_CHUNK = 128 * 1024, /* read at once */
	INFLIGHT_ROOM = 256 * 1024,  /* for what is written in place of it */
	INFLIGHT_PATH_MAX = 4096,    /* a longer path is not remembered */
	INFLIGHT_FORMAT_MAX = 256,   /* nor is a longer format */
	INFLIGHT_GROUPS_MAX = 256,   /* with further groups its file may be refused */
	INFLIGHT_WAIT_MS = 2000,     /* for an earlier brain to end */
};

/* Where a chunk goes; strings are copied. */
struct inflight_goal {
	const char *path;
	const char *format;          /* of the time before each line; "" for none */
	struct mark source;          /* offset and time do not count */
	const struct rights *rights; /* NULL: the daemon's */
};

/* One write to a regular file. */
struct inflight_step {
	const char *bytes; /* within what inflight_raw() or inflight_room() gave */
	size_t len;
	size_t eaten; /* raw bytes that it stands for */
	uint64_t device, inode;
	int64_t offset; /* the end of the file before it */
};

/*
 * Opens what is at `path`, or makes it.  Waits a little for a brain that still has it, and gives NULL with words when it stays.  Where
 * nothing can be shared (no room), it works without, and says so in the log.
 */
struct inflight *inflight_new(const char *path, struct err *e);
void inflight_free(struct inflight *f);

/* A number that was never given before: one for each goal. */
uint64_t inflight_key(struct inflight *f);
/* Only when nothing is on the way.  The same key as last time costs nothing. */
void inflight_aim(struct inflight *f, uint64_t key, const struct inflight_goal *goal);
/*
 * Reads what the pipe holds, at most `max` bytes and a chunk: how much, 0 when it is empty, -1 with errno.  Only when nothing is on the
 * way.
 */
ssize_t inflight_read(struct inflight *f, int pipe, size_t max);
/* What is not written yet. */
const char *inflight_raw(const struct inflight *f, size_t *len);
/* INFLIGHT_ROOM bytes for what is written in its place. */
char *inflight_room(const struct inflight *f);
void inflight_begin(struct inflight *f, const struct inflight_step *step);
/* The step is over, whatever came of it. */
void inflight_end(struct inflight *f);
/* Raw bytes that go nowhere. */
void inflight_skip(struct inflight *f, size_t len);

/* --- for the next brain ------------------------------------------------------------------------------------------ */

/* The goal of what was on the way; false: nothing was.  The strings live until the next inflight_aim(). */
bool inflight_left(struct inflight *f, struct inflight_goal *goal);
/* A step that was begun and not ended. */
bool inflight_left_step(const struct inflight *f, struct inflight_step *step);

#endif
