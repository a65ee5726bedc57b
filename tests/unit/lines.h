/*
 * What tests ask of text for a terminal.
 */
#ifndef OX_TESTS_UNIT_LINES_H
#define OX_TESTS_UNIT_LINES_H

#include <stddef.h>

/* Fails, naming the line, where one is wider than that; colours take no room. */
void lines_fit(const char *text, size_t width);
size_t lines_count(const char *text);

#endif
