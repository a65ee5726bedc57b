/*
 * Where a line of a log ends.  A line may be of any length: what is longer than PIECE_MAX comes in pieces, none of which ends within
 * a character.
 */
#ifndef OX_RULES_LINE_SPLIT_H
#define OX_RULES_LINE_SPLIT_H

#include <stdbool.h>
#include <stddef.h>

enum { PIECE_MAX = 64 * 1024 };

struct line_part {
	size_t len;   /* of the piece, its newline left out */
	size_t step;  /* to where the next one begins */
	bool goes_on; /* the rest of the line follows as the next piece */
};

/* The first piece of bytes[0..len); false when its end is not there yet.  With `is_all` nothing more will come. */
bool line_split(const char *bytes, size_t len, bool is_all, struct line_part *cut);

#endif
