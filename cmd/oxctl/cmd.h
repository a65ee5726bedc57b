/*
 * What the commands of oxctl share: the row that describes one, exit codes, output, and the loading of an
 * oxfile.
 */
#ifndef OX_CMD_OXCTL_CMD_H
#define OX_CMD_OXCTL_CMD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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

struct json;

/* Where `oxctl help` shows a command; the titles stand in cmd_help.c. */
enum cmd_group { GROUP_EVERYDAY, GROUP_DEPLOYING, GROUP_LOOKING, GROUP_FILES, GROUP_DAEMON };

/* A command is one row; main checks the count of arguments, reads the options and prints the help. */
struct cmd {
	const char *name;
	const char *also; /* other names, a blank between them, or NULL */
	const char *arguments;
	const char *words; /* what the first argument can be, a blank between, for completions; or NULL */
	enum cmd_group group;
	const char *brief; /* for the overview: at most OVERVIEW_BRIEF columns, lower case */
	const char *about; /* one line, lower case */
	int least, most;   /* arguments; most -1: any number */
	const struct opt *options;
	int (*run)(const struct opt_rest *rest);
	const char *example;
	const char *details; /* a sentence or more for the help and oxctl(1), or NULL */
	bool is_harsh;       /* takes services down: never offered for a mistyped word */
};

extern const struct cmd commands[];
/* By any of its names; NULL if there is none. */
const struct cmd *cmd_find(const char *name);
/* Every name of a command, `between` them. */
void cmd_names(const struct cmd *cmd, const char *between, struct buf *out);
void cmd_print_help(const struct cmd *cmd, struct buf *out);

int cmd_validate(const struct opt_rest *rest);
int cmd_nginx(const struct opt_rest *rest);
int cmd_export(const struct opt_rest *rest);
int cmd_plan(const struct opt_rest *rest);
int cmd_help(const struct opt_rest *rest);
int cmd_version(const struct opt_rest *rest);
int cmd_schema(const struct opt_rest *rest);
int cmd_completion(const struct opt_rest *rest);
int cmd_start(const struct opt_rest *rest);
int cmd_stop(const struct opt_rest *rest);
int cmd_restart(const struct opt_rest *rest);
int cmd_deploy(const struct opt_rest *rest);
int cmd_reload(const struct opt_rest *rest);
int cmd_rollback(const struct opt_rest *rest);
int cmd_delete(const struct opt_rest *rest);
int cmd_reset(const struct opt_rest *rest);
int cmd_scale(const struct opt_rest *rest);
int cmd_signal(const struct opt_rest *rest);
int cmd_status(const struct opt_rest *rest);
int cmd_events(const struct opt_rest *rest);
int cmd_why(const struct opt_rest *rest);
int cmd_logs(const struct opt_rest *rest);
int cmd_save(const struct opt_rest *rest);
int cmd_daemon(const struct opt_rest *rest);

extern const struct opt validate_options[];
extern const struct opt nginx_options[];
extern const struct opt plan_options[];
extern const struct opt help_options[];
extern const struct opt version_options[];
extern const struct opt start_options[];
extern const struct opt stop_options[];
extern const struct opt restart_options[];
extern const struct opt deploy_options[];
extern const struct opt reload_options[];
extern const struct opt rollback_options[];
extern const struct opt delete_options[];
extern const struct opt reset_options[];
extern const struct opt scale_options[];
extern const struct opt signal_options[];
extern const struct opt status_options[];
extern const struct opt events_options[];
extern const struct opt why_options[];
extern const struct opt logs_options[];
extern const struct opt save_options[];
extern const struct opt daemon_options[];

/*
 * --- output: stdout is data, stderr is talk
 * ------------------------------------------------------------------
 */

/* Writes to stdout; a failure is remembered for out_finish(). */
void out_write(const struct buf *text);
void out_json(const struct json *j);
void out_json_text(const struct buf *text);
/* Flushes stdout; `code`, or EXIT_FAILED with words if something could not be written. */
int out_finish(int code);
/* For output without end: a reader that closes, as `| head` does, ends the program at the next out_flush(), and that is no failure. */
void out_expect_close(void);
int out_flush(int code);
bool out_has_colour(void);
bool out_is_terminal(void);
/* How wide and how high the terminal is; 0 when stdout is none. */
size_t out_width(void);
size_t out_height(void);
/* The same moment as the wall clock here shows it, as if that were UTC. */
int64_t out_local_time(int64_t utc_ms);
int64_t out_utc_time(int64_t local_ms);
/* "oxctl: <words>" on stderr, made safe for a terminal; gives `code`. */
int daemon_call_fail(int code, const char *format, ...) __attribute__((format(printf, 2, 3)));
void daemon_call_complaints(struct diags *d);

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
/*
 * The absolute path by which an oxfile is known: as it was named, the links in it left, "." and ".." taken out.  Where taking out ".." would lead
 * to another file than the kernel's reading does, the links are taken out too.
 */
char *load_whole(const char *path);
/* The folder that we are in, as the shell calls it ($PWD, while that is true): links are left.  NULL with errno. */
char *load_here(void);
/* 0, or an exit code; complaints (also warnings) are in l->diags and not printed yet. */
int load_oxfile(struct loaded *l, const char *path, const char *profile);
void load_release(struct loaded *l);

#endif
