/*
 * An oxfile: the tree of its text -> the specs of its apps, or every mistake at once with its place.  Both
 * dialects ([processes.NAME] and [[apps]]), [defaults], [logging], profiles, ${NAME} from an environment that
 * is an argument. Nothing is half-loaded: with one error there are no specs.
 */
#ifndef OX_MODEL_OXFILE_H
#define OX_MODEL_OXFILE_H

#include "base/diag.h"
#include "base/vec.h"
#include "model/spec.h"

struct err;

struct oxfile_options {
	const char *path;         /* what complaints and specs call it */
	const char *folder;       /* absolute: what working_dir and env_file are relative to */
	const char *profile;      /* --env NAME, or NULL */
	char *const *environment; /* NAME=value, NULL-terminated: where ${NAME} is looked up */
};

struct oxfile {
	char *path;
	struct buf text;  /* kept to quote lines from */
	struct vec specs; /* of struct spec *, in the order of the file, disabled ones included */
};

/* NULL with at least one error in `d`. */
struct oxfile *oxfile_read(
	const char *text, size_t len, const struct oxfile_options *options, struct diags *d);
void oxfile_free(struct oxfile *o);
/* The spec of that name, or NULL. */
struct spec *oxfile_find(const struct oxfile *o, const char *name);

/*
 * How env_files come in, so that this room need not touch a disk: appends the bytes of a file of `s`, or says why not.
 */
typedef int (*oxfile_reader)(
	void *context, const struct spec *s, const char *path, struct buf *bytes, struct err *e);
/*
 * Reads every spec's env_files into file_env (later files win).  A missing file is an error, or with
 * `may_be_absent` a warning; a broken one is an error with its own file, line and column.  0, or -1 with
 * errors.
 */
int oxfile_read_env_files(
	struct oxfile *o, oxfile_reader reader, void *context, bool may_be_absent, struct diags *d);
/* Complains about every key that is asked for and that the daemon cannot carry out yet.  0, or -1 with errors. */
int oxfile_check_runs(const struct oxfile *o, struct diags *d);
/* Makes `d` quote from this file again. */
void oxfile_about(const struct oxfile *o, struct diags *d);
/* Where a row of a spec was written, or else where the app begins. */
struct place oxfile_place(const struct spec *s, const char *key);

#endif
