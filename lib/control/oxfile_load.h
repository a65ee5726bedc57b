/*
 * An oxfile as the brain reads it for a call, a signal or a plan: with the caller's environment and with its env_files.
 */
#ifndef OX_CONTROL_OXFILE_LOAD_H
#define OX_CONTROL_OXFILE_LOAD_H

#include <stdbool.h>

#include "base/diag.h"

struct call;
struct env;
struct err;
struct oxfile;
struct vec;

/* All borrowed. */
struct oxfile_source {
	const char *path;
	const char *text;      /* NULL: the file is read */
	const char *folder;    /* what relative paths are relative to; NULL: the file's */
	const char *profile;   /* NULL: none */
	const struct env *env; /* NULL: none */
	bool will_run;         /* what the daemon cannot carry out yet is a mistake */
};

/* What the parameters of apply, plan and deploy say of one. */
#define OXFILE_SOURCE(p, where)                                                                              \
	{                                                                                                    \
		.path = (where), .text = (p)->text, .folder = (p)->folder, .profile = (p)->profile,          \
		.env = (p)->env.is_given ? &(p)->env.env : NULL, .will_run = true,                           \
	}
/* NULL with every mistake in `d`. */
struct oxfile *oxfile_load(const struct oxfile_source *reading, struct diags *d);
/* Reads the env_files of specs (of struct spec *) again.  -1 with mistakes in `d`. */
int oxfile_load_env_files(struct vec *specs, struct diags *d);
/* Answers with all of them. */
void oxfile_load_refuse(struct call *c, const char *path, struct diags *d);
/* -1 with the words of that one; `hides`: with its place alone. */
int oxfile_load_mistake(const struct diag *mistake, bool hides, struct err *e);

#endif
