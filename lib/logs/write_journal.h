/*
 * Bytes between a pipe and a log file.  They and what is being done with them lie in shared memory that has a name in the run folder, so
 * that a brain that is killed between reading and writing leaves them to the next one: nothing is lost, nothing is written twice.
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
struct write_journal;
struct rights;

enum {
	WRITE_JOURNAL_CHUNK = 128 * 1024, /* read at once */
	WRITE_JOURNAL_ROOM = 256 * 1024,  /* for what is written in place of it */
	WRITE_JOURNAL_PATH_MAX = 4096,    /* a longer path is not remembered */
	WRITE_JOURNAL_FORMAT_MAX = 256,   /* nor is a longer format */
	WRITE_JOURNAL_GROUPS_MAX = 256,   /* with further groups its file may be refused */
	WRITE_JOURNAL_WAIT_MS = 2000,     /* for an earlier brain to end */
};

/* Where a chunk goes; strings are copied. */
struct write_journal_goal {
	const char *path;
	const char *format;          /* of the time before each line; "" for none */
	struct mark source;          /* offset and time do not count */
	const struct rights *rights; /* NULL: the daemon's */
};

/* One write to a regular file. */
struct write_journal_step {
	const char *bytes; /* within what write_journal_raw() or write_journal_room() gave */
	size_t len;
	size_t eaten; /* raw bytes that it stands for */
	uint64_t device, inode;
	int64_t offset; /* the end of the file before it */
};

/*
 * Opens what is at `path`, or makes it.  Waits a little for a brain that still has it, and gives NULL with words when it stays.  Where
 * nothing can be shared (no room), it works without, and says so in the log.
 */
struct write_journal *write_journal_new(const char *path, struct err *e);
void write_journal_free(struct write_journal *f);

/* A number that was never given before: one for each goal. */
uint64_t write_journal_key(struct write_journal *f);
/* Only when nothing is on the way.  The same key as last time costs nothing. */
void write_journal_aim(struct write_journal *f, uint64_t key, const struct write_journal_goal *goal);
/*
 * Reads what the pipe holds, at most `max` bytes and a chunk: how much, 0 when it is empty, -1 with errno.  Only when nothing is on the
 * way.
 */
ssize_t write_journal_read(struct write_journal *f, int pipe, size_t max);
/* What is not written yet. */
const char *write_journal_raw(const struct write_journal *f, size_t *len);
/* WRITE_JOURNAL_ROOM bytes for what is written in its place. */
char *write_journal_room(const struct write_journal *f);
void write_journal_begin(struct write_journal *f, const struct write_journal_step *step);
/* The step is over, whatever came of it. */
void write_journal_end(struct write_journal *f);
/* Raw bytes that go nowhere. */
void write_journal_skip(struct write_journal *f, size_t len);

/* --- for the next brain ------------------------------------------------------------------------------------------ */

/* The goal of what was on the way; false: nothing was.  The strings live until the next write_journal_aim(). */
bool write_journal_left(struct write_journal *f, struct write_journal_goal *goal);
/* A step that was begun and not ended. */
bool write_journal_left_step(const struct write_journal *f, struct write_journal_step *step);

#endif
