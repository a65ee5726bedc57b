/*
 * A .env file: NAME=value lines, as the programs that people know read them.  Comments with #, an optional
 * `export `, 'single quotes' (literal, may span lines), "double quotes" (\n \r \t \\ \" \$ escapes, may span
 * lines), and bare values that end at " #" and lose trailing blanks.  `${NAME}` is not expanded here: a .env
 * file means what it says.  A name is letters, digits, '_', '.' and '-'.  A byte order mark and CRLF are fine.
 * NUL bytes, any other name, an open quote, text after a quote: errors with a place.
 */
#ifndef OX_BASE_DOTENV_H
#define OX_BASE_DOTENV_H

#include <stddef.h>

#include "base/diag.h"

enum {
	DOTENV_SIZE_MAX = 1024 * 1024,
};

/* Called once per line that sets something, in order; a later one of the same name wins. */
typedef void (*dotenv_found)(void *context, const char *name, const char *value, struct place at);

/* 0, or -1 with every mistake in `d` (then nothing that was found should be used). */
int dotenv_parse(const char *text, size_t len, struct diags *d, dotenv_found found, void *context);
/* A name that shells know too: a letter or _, then letters, digits and _ . */
int dotenv_is_name(const char *name);

#endif
