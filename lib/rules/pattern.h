/*
 * Search patterns as people type them behind --grep: extended regular expressions, most of which are plain text.
 */
#ifndef OX_RULES_PATTERN_H
#define OX_RULES_PATTERN_H

#include <stdbool.h>

/* No character of it means anything but itself, so a search for the text finds what the expression finds. */
bool pattern_is_plain(const char *pattern);

#endif
