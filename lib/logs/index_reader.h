/*
 * The marks beside one log file (wire/marks.h), read where they are needed: a few kilobytes are in memory, however many there are.  A log without
 * marks is no error: then nothing is known of any of its bytes.
 */
#ifndef OX_LOGS_INDEX_READER_H
#define OX_LOGS_INDEX_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/marks.h"

struct rights;

enum { MARKLIST_BLOCK = 64 }; /* marks that are read at once */

struct index_reader {
	int fd;         /* -1: there are none */
	uint64_t count; /* as of the last look */
	uint64_t next;  /* the number of the mark that `then` is */
	struct mark now, then;
	bool has_now, has_then;
	uint64_t first; /* the number of the first one in `block` */
	size_t len;     /* marks in it */
	char block[MARKLIST_BLOCK * MARK_SIZE];
};

#define MARKLIST_NEVER UINT64_MAX

/* Those of the log file at `path`, of the user with these rights. */
void index_reader_open(struct index_reader *m, const char *path, const struct rights *rights);
/* Accepts what was zeroed with fd -1, and what is closed. */
void index_reader_close(struct index_reader *m);
/* The file may have grown since it was opened or looked at. */
void index_reader_look(struct index_reader *m);
/* What is known of the byte at `offset`: borrowed until the next call, NULL when nothing is.  Cheap for the same place and for later ones. */
const struct mark *index_reader_at(struct index_reader *m, uint64_t offset);
/* The mark after the one of the last index_reader_at(), borrowed; NULL: none. */
const struct mark *index_reader_then(const struct index_reader *m);
/* The first of all; false when there is none. */
bool index_reader_first(struct index_reader *m, struct mark *mark);
/* Where the first bytes of that time or a later one stand; MARKLIST_NEVER: all are older. */
uint64_t index_reader_since(struct index_reader *m, int64_t wall_ms);

#endif
