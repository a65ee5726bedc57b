/*
 * Options of a command, from a table: --name VALUE, --name=VALUE, -n VALUE, -nVALUE, -abc, `--` ends them.
 * Options may stand between arguments, as people type them; "-" alone is an argument, and so is a number such
 * as -1 unless a row has that letter.  The same table prints the help.
 */
#ifndef OX_BASE_OPT_H
#define OX_BASE_OPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct err;

enum opt_kind {
	OPT_FLAG,   /* bool */
	OPT_STRING, /* const char *, borrowed from argv; the last one wins */
	OPT_INT,    /* int64_t */
};

/* A row: `at` points to the variable; the table ends with a row whose `name` is NULL. */
struct opt {
	const char *name; /* "config" for --config */
	char letter;      /* 'c' for -c, or '\0' */
	enum opt_kind kind;
	void *at;
	const char *value; /* "FILE" in the help; NULL for a flag */
	const char *help;  /* NULL: not shown */
};

/* What is left after the options: `items` borrows from argv; `after_dashes` is where `--` stood, or -1. */
struct opt_rest {
	char **items;
	int count;
	int after_dashes;
};

/*
 * Reads argv[0..argc), which does not hold the program's name.  `rest->items` is argv itself, rearranged:
 * options first, then what is left, so a NULL at argv[argc] ends that too. Unknown options get a suggestion:
 * unknown option '--josn' (did you mean '--json'?).
 */
int opt_parse(const struct opt *table, int argc, char **argv, struct opt_rest *rest, struct err *e);
/* "  -c, --config FILE   which oxfile\n" for every row, in columns. */
void opt_help(struct buf *out, const struct opt *table);

#endif
