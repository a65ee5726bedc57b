/*
 * How the keeper's letters look in bytes; shared by keep.c, keep_write.c and keep_read.c, and nobody else's business.
 *
 * A message is a header of HEADER bytes (kind, serial, whole length) and its fields in the order of keep_fields[].  A number is 8 bytes,
 * little endian; a string its length with the '\0', then the bytes; a list a count, its length in bytes, then the strings; the other rows a
 * count and so many members.
 */
#ifndef OX_WIRE_KEEP_PRIVATE_H
#define OX_WIRE_KEEP_PRIVATE_H

#include "wire/keep.h"

enum { KEEP_HEADER = 24, KEEP_NUMBER = 8 };

enum keep_shape {
	SHAPE_NUMBER,
	SHAPE_STRING,
	SHAPE_LIST,
	SHAPE_DESCRIPTORS,
	SHAPE_RLIMITS,
	SHAPE_GROUPS,
	SHAPE_COUNT,
};

/* A row for each member that travels.  `least` and `most` bound a number, a string's bytes, how many strings or members there are. */
struct keep_field {
	unsigned int part;
	enum keep_shape shape;
	size_t offset; /* in struct keep_message; of the count where there is one beside the members */
	const char *word;
	int64_t least, most;
};

enum { KEEP_FIELD_ROWS = 36 };
extern const struct keep_field keep_fields[KEEP_FIELD_ROWS];

/* Which parts a kind carries: a row travels when `part` and this have a bit in common. */
unsigned int keep_kind_parts(enum keep_kind kind);
/* How many bytes a message of that kind may have. */
size_t keep_size_max(enum keep_kind kind);
int keep_check_range(const struct keep_field *f, int64_t value, struct err *e);
/* Does a list hold as many strings as it says? */
int keep_check_list(const struct keep_field *f, const struct keep_list *list, struct err *e);
/* What no single field can know. */
int keep_check_whole(const struct keep_message *m, struct err *e);

#endif
