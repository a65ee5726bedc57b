/*
 * What the commands of oxctl share: the row that describes one, exit codes, output, and the loading of an
 * oxfile.
 */
#ifndef OX_CMD_OXCTL_CMD_H
#define OX_CMD_OXCTL_CMD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/diag.h"
#include "base/err.h"
#include "base/opt.h"
#include "base/vec.h"
#include "model/oxfile.h"

enum exit_code {
	EXIT_DONE = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2, /* used wrongly, or a bad oxfile */
	EXIT_NO_DAEMON = 3,
	EXIT_NO_TARGET = 4,
	EXIT_TIMED_OUT = 5,
};

/* A command is one row; main checks the count of arguments, reads the options and prints the help. */
struct cmd {
	const char *name;
	const char *also; /* another name, or NULL */
	const char *arguments;
	const char *about; /* one line, lower case */
	int least, most;   /* arguments; most -1: any number */
	const struct opt *options;
	int (*run)(const struct opt_rest *rest);
	const char *example;
	const char *details; /* a sentence or more for the help and oxctl(1), or NULL */
};

extern const struct cmd commands[];
/* By either name; NULL if there is none. */
const struct cmd *cmd_find(const char *name);
void cmd_print_help(const struct cmd *cmd, struct buf *out);

int cmd_validate(const struct opt_rest *rest);
int cmd_nginx(const struct opt_rest *rest);
int cmd_plan(const struct opt_rest *rest);
int cmd_help(const struct opt_rest *rest);
int cmd_version(const struct opt_rest *rest);
int cmd_schema(const struct opt_rest *rest);
int cmd_completion(const struct opt_rest *rest);

extern const struct opt validate_options[];
extern const struct opt nginx_options[];
extern const struct opt plan_options[];
extern const struct opt help_options[];
extern const struct opt version_options[];

/*
 * --- output: stdout is data, stderr is talk
 * ------------------------------------------------------------------
 */

/* Writes to stdout; a failure is remembered for out_finish(). */
void out_write(const struct buf *text);
/* Flushes stdout; `code`, or EXIT_FAILED with words if something could not be written. */
int out_finish(int code);
bool out_has_colour(void);
bool talk_has_colour(void);
/* How wide the terminal is; 0 when stdout is none. */
size_t out_width(void);
/* "oxctl: <words>" on stderr; gives `code`. */
int talk_fail(int code, const char *format, ...) __attribute__((format(printf, 2, 3)));
void talk_complaints(struct diags *d);

/*
 * --- an oxfile, found, read and checked
 * ------------------------------------------------------------------------
 */

struct loaded {
	struct oxfile *oxfile;
	struct vec placements; /* of struct placement * */
	struct diags diags;
};

/* The path in `config` or the first place of the usual ones that has one; NULL with words. */
char *load_find(const char *config, struct err *e);
/* 0, or an exit code; complaints (also warnings) are in l->diags and not printed yet. */
int load_oxfile(struct loaded *l, const char *path, const char *profile);
void load_release(struct loaded *l);

#endif
