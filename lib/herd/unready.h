/*
 * Starts that fail although the program runs, between the files of this room.
 */
#ifndef OX_HERD_UNREADY_H
#define OX_HERD_UNREADY_H

#include <stdbool.h>

struct buf;
struct instance;
struct left_behind;

/* Why it was not ready in time, from a look at it; a start that failed is stopped, and counts as a crash. */
void unready_words(const struct instance *i, struct buf *out);
void instance_fail_start(struct instance *i, const char *why);
/* Words about what an end with 0 left behind; false where that is nothing. */
bool background_words(const struct instance *i, const struct left_behind *left, struct buf *out);
/* It was to serve, and what it left behind is what it took for that. */
bool is_background_start(const struct instance *i, const struct left_behind *left);

#endif
