/*
 * Parameters of a request: an oxfile and its caller, and what it is about.
 */
#ifndef OX_CMD_OXCTL_REQUEST_H
#define OX_CMD_OXCTL_REQUEST_H

#include <stdbool.h>

#include "base/opt.h"

struct json;
struct daemon_call;

/*
 * Adds the oxfile's absolute path, its folder and its text, read by us: so a file that only the caller may read works too.  0, or an
 * exit code with its words said.
 */
int request_add_oxfile(struct json *params, const char *path);
/*
 * Adds what the daemon may know this oxfile by, as `oxfiles`: its path as it was named, and with the folder that this leads to, by which version 0.1.0
 * knew it.  The file need not be there.
 */
void request_add_oxfiles(struct json *params, const char *path);
/* Adds the environment; what is no UTF-8 in a value becomes U+FFFD, and a name that is none is left out. */
void request_add_env(struct json *params);
void request_add_umask(struct json *params);
void request_add_limits(struct json *params);
/* Adds the folder that we are in, as `cwd`; as request_add_oxfile() when it is unknown. */
int request_add_cwd(struct json *params);

/*
 * What a command that changes things is about: its targets, the apps of an oxfile, or everything.  Without a word it is the oxfile of this folder, so
 * that nobody stops the apps of another project by accident.
 */

#define SCOPE_ALL_ROW(flag)                                                                                  \
	{                                                                                                    \
		.name = "all", .kind = OPT_FLAG, .at = (flag), .help = "every app"                           \
	}

struct scope {
	const char *command; /* for complaints */
	const char *config;  /* --config FILE, or NULL */
	bool all;            /* --all */
	char *oxfile; /* after scope_read(): whose apps are meant, as the user named it; NULL: it is not about one */
};

/* 0, or an exit code with words said.  The oxfile itself is not read, and need not be there: the daemon knows what came from it. */
int scope_read(struct scope *s, const struct opt_rest *rest);
/* After an error: a daemon of an older version knows targets only. */
void scope_explain(const struct scope *s, const struct daemon_call *t, int code);
/* Adds `targets` and `oxfiles`. */
void scope_add(const struct scope *s, const struct opt_rest *rest, struct json *params);
void scope_release(struct scope *s);

#endif
