/*
 * An oxfile as the brain reads it for a request, a signal or a plan: with the environment of whoever asks, its env_files with it.
 */
#ifndef OX_CONTROL_OXFILE_LOAD_H
#define OX_CONTROL_OXFILE_LOAD_H

#include <stdbool.h>

#include "base/diag.h"

struct json;
struct oxfile;
struct request;
struct vec;

/* All borrowed. */
struct oxfile_source {
	const char *path;
	const char *text;    /* NULL: the file is read */
	const char *folder;  /* what relative paths are relative to; NULL: the file's */
	const char *profile; /* NULL: none */
	const struct json *env;
	bool will_run; /* what the daemon cannot carry out yet is a mistake */
};

/* What the parameters of a request say of one. */
struct oxfile_source oxfile_load_of(const struct request *r, const char *path);
/* NULL with every mistake in `d`. */
struct oxfile *oxfile_load(const struct oxfile_source *reading, struct diags *d);
/* Reads the env_files of specs (of struct spec *) again.  -1 with mistakes in `d`. */
int oxfile_load_env_files(struct vec *specs, struct diags *d);
/* Answers with all of them. */
void oxfile_load_refuse(struct request *r, const char *path, struct diags *d);

#endif
