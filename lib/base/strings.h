/*
 * A list of texts of its own.  Starts as zeroes.
 */
#ifndef OX_BASE_STRINGS_H
#define OX_BASE_STRINGS_H

#include <stdbool.h>
#include <stddef.h>

struct strings {
	char **items;
	size_t len;
};

/* Copies the text. */
void strings_add(struct strings *s, const char *text);
/* `s` may be NULL. */
bool strings_have(const struct strings *s, const char *text);
/* It is empty after that, and may be used again. */
void strings_release(struct strings *s);

#endif
