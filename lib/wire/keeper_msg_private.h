/*
 * The bytes of the keeper's messages; private to keeper_msg.c and keeper_msg_bytes.c.
 *
 * A message is a header of HEADER bytes (kind, serial, whole length) and its fields in the order of keeper_msg_fields[].  A number is 8 bytes,
 * little endian; a string its length with the '\0', then the bytes; a list a count, its length in bytes, then the strings; the other rows a
 * count and so many members.
 */
#ifndef OX_WIRE_KEEPER_MSG_PRIVATE_H
#define OX_WIRE_KEEPER_MSG_PRIVATE_H

#include "wire/keeper_msg.h"

enum { KEEPER_HEADER = 24, KEEPER_NUMBER = 8 };

enum keeper_msg_shape {
	SHAPE_NUMBER,
	SHAPE_STRING,
	SHAPE_LIST,
	SHAPE_DESCRIPTORS,
	SHAPE_RLIMITS,
	SHAPE_GROUPS,
	SHAPE_CPUS, /* its words, up to the last one that is not 0 */
	SHAPE_PORTS,
	SHAPE_NUMBERS,
	SHAPE_COUNT,
};

/* A row for each member that travels.  `least` and `most` bound a number, a string's bytes, how many strings or members there are. */
struct keeper_msg_field {
	unsigned int part;
	enum keeper_msg_shape shape;
	size_t offset; /* in struct keeper_msg; of the count where there is one beside the members */
	const char *word;
	int64_t least, most;
};

enum { KEEPER_FIELD_ROWS = 46 };
extern const struct keeper_msg_field keeper_msg_fields[KEEPER_FIELD_ROWS];

/*
 * Which parts a message carries, by its kind and by what its flags say: a row travels when `part` and this have a bit in common.  Of one that is
 * being read the flags stand before what they announce.
 */
unsigned int keeper_msg_parts(const struct keeper_msg *m);
/* How many bytes a message of that kind may have. */
size_t keeper_msg_size_max(enum keeper_msg_kind kind);
int keeper_check_range(const struct keeper_msg_field *f, int64_t value, struct err *e);
/* Does a list hold as many strings as it says? */
int keeper_check_list(const struct keeper_msg_field *f, const struct keeper_list *list, struct err *e);
/* What no single field can know. */
int keeper_check_whole(const struct keeper_msg *m, struct err *e);

#endif
