/*
 * Complaints about a text that a person wrote: each knows the file, line and column it is about, and what to
 * try instead.  A reader collects all of them before it gives up, so that one run shows every mistake.
 * How they look is view/complaint's business.  Start with DIAGS_INIT, end with diags_release().
 */
#ifndef OX_BASE_DIAG_H
#define OX_BASE_DIAG_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/vec.h"

/* Both count from 1; a column counts characters, not bytes.  Line 0 is "the file as a whole". */
struct place {
	int line;
	int column;
};

struct diag {
	char *file;
	struct place at;
	char *line; /* the text of that line, without its end; NULL where there is none to show */
	char *text;
	char *hint; /* "did you mean 'port'?", or NULL */
	bool is_warning;
};

struct diags {
	struct vec list;     /* of struct diag *, owned */
	size_t errors;       /* how many of them are not warnings */
	size_t left_out;     /* complaints beyond DIAGS_MAX, counted and not kept */
	struct diag *beyond; /* stands in for each of those, so that a caller need not care */
	const char *file;    /* borrowed: what is being read now, set with diags_about() */
	const char *bytes;   /* borrowed: its text, to quote lines from; may be NULL */
	size_t len;
};

enum { DIAGS_MAX = 100 };

#define DIAGS_INIT                                                                                           \
	{                                                                                                    \
		.list = VEC_INIT,                                                                            \
	}

void diags_release(struct diags *d);
/* What the next complaints are about; all three are borrowed until the next call. */
void diags_about(struct diags *d, const char *file, const char *bytes, size_t len);
/* Both give the complaint, so that a hint can follow; never NULL. */
struct diag *diags_error(struct diags *d, struct place at, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
struct diag *diags_warn(struct diags *d, struct place at, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void diag_hint(struct diag *complaint, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* By file and line, warnings among errors, as a reader walks through the file. */
void diags_sort(struct diags *d);

#endif
