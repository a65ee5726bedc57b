/*
 * Command lines and words.  argv_needs_shell() says whether a line holds anything that only a shell
 * understands; without that, argv_split() cuts it into the words that /bin/sh would have made, so that the
 * program can be exec'd directly and signals reach it and not a shell.
 */
#ifndef OX_BASE_ARGV_H
#define OX_BASE_ARGV_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

struct err;

enum { ARGV_WORDS_MAX = 4096 };

/*
 * Anything that sh would treat specially outside of quotes ($ ` | & ; < > ( ) { } * ? [ ~ # !, a newline
 * between words, NAME=value in front, an unfinished quote), `$` and `` ` `` also inside double quotes, or a
 * first word that is a word of the shell itself (cd, exec, export, if, for, …).  A `[` that stands alone is
 * the program of that name.
 */
bool argv_needs_shell(const char *line);
/* NAME=value, which sets a variable in front of a command. */
bool argv_is_assignment(const char *word);
/*
 * -1 with words where no shell could read the line either: a quote is never closed.  A line in which a quote may mean something else (a comment, a
 * here-document, a command or variable in the middle of a word) is left to the shell.
 */
int argv_check_quotes(const char *line, struct err *e);
/* NULL-terminated, freed with argv_free(); NULL with words for an open quote, no word at all, too many. */
char **argv_split(const char *line, struct err *e);
/*
 * The words of a line in which `$NAME` and `${NAME}`, outside of single quotes, are all that needs a shell: with the value in their
 * place.  NULL where anything else needs one, or nothing is to be replaced.
 */
char **argv_fill(const char *line, const char *name, const char *value);
/*
 * The same for one word that no shell has read: `$$NAME` gives `$NAME`, and a word with blanks, quotes or other shell syntax
 * stays as it is.
 */
char *argv_fill_word(const char *word, const char *name, const char *value);
char **argv_dup(char *const *argv);
void argv_free(char **argv);
size_t argv_count(char *const *argv);
/* Two NULLs are equal, NULL and something are not. */
bool argv_equal(char *const *a, char *const *b);
/* The words as one line that a shell would cut into the same words, for people to read and paste. */
void argv_quote(struct buf *out, char *const *argv);

#endif
