/*
 * The grammar of RFC 8259, to the letter, and what we ask beyond it: no "\u0000", at most JSON_DEPTH_MAX
 * levels.  It looks at text only and builds nothing; base/json asks it before anything else sees the text.
 */
#ifndef OX_BASE_JSON_CHECK_H
#define OX_BASE_JSON_CHECK_H

#include <stddef.h>

struct err;

/* A longer number is no number that a double tells from its neighbour, and cJSON would cut it. */
enum { JSON_NUMBER_MAX = 60 };

/* 0, or -1 with words that begin with the place: "line 1, column 7: expected ':'". */
int json_check(const char *text, size_t len, struct err *e);

#endif
