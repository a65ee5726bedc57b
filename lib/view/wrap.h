/*
 * Text in lines of at most so many columns of a terminal.
 */
#ifndef OX_VIEW_WRAP_H
#define OX_VIEW_WRAP_H

#include <stddef.h>

#include "base/buf.h"

struct wrap {
	size_t width;  /* of a whole line; 0: one line, however long */
	size_t indent; /* blanks before each line */
	size_t most;   /* lines; what does not fit into them ends in "…"; 0: any number */
};

/*
 * Appends the words of `text`, broken at blanks, each line with its end.  A word that is longer than a line is broken where the line ends.
 * Nothing for an empty text.
 */
void wrap_text(struct buf *out, const char *text, const struct wrap *w);

#endif
