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

struct marklist {
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
void marklist_open(struct marklist *m, const char *path, const struct rights *rights);
/* Accepts what was zeroed with fd -1, and what is closed. */
void marklist_close(struct marklist *m);
/* The file may have grown since it was opened or looked at. */
void marklist_look(struct marklist *m);
/* What is known of the byte at `offset`: borrowed until the next call, NULL when nothing is.  Cheap for the same place and for later ones. */
const struct mark *marklist_at(struct marklist *m, uint64_t offset);
/* The mark after the one of the last marklist_at(), borrowed; NULL: none. */
const struct mark *marklist_then(const struct marklist *m);
/* The first of all; false when there is none. */
bool marklist_first(struct marklist *m, struct mark *mark);
/* Where the first bytes of that time or a later one stand; MARKLIST_NEVER: all are older. */
uint64_t marklist_since(struct marklist *m, int64_t wall_ms);

#endif
