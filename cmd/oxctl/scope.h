/*
 * What a command that changes things is about: its targets, the apps of an oxfile, or everything.  Without a word it is the oxfile of this folder, so
 * that nobody stops the apps of another project by accident.
 */
#ifndef OX_CMD_OXCTL_SCOPE_H
#define OX_CMD_OXCTL_SCOPE_H

#include <stdbool.h>

#include "base/opt.h"

struct json;
struct daemon_call;

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
bool scope_names_all(const struct opt_rest *rest);
/* For commands that only look: without a word they are about everything, and --all says so. */
int scope_check_all(const char *command, bool all, const struct opt_rest *rest);
/* After an error: a daemon of an older version knows targets only. */
void scope_explain(const struct scope *s, const struct daemon_call *t, int code);
/* Adds `targets` and `oxfiles`. */
void scope_add(const struct scope *s, const struct opt_rest *rest, struct json *params);
void scope_release(struct scope *s);

#endif
