/*
 * Where the daemon and its callers meet.  As root /run/oxherd, /var/lib/oxherd, /var/log/oxherd; else $XDG_RUNTIME_DIR/oxherd (or
 * /tmp/oxherd-UID) and $XDG_STATE_HOME/oxherd (or ~/.local/state/oxherd), with log below it.  OXHERD_HOME=DIR puts them below
 * DIR, as run, state and log.
 */
#ifndef OX_OS_DIRS_H
#define OX_OS_DIRS_H

/* A file in the state folder: who else may control the daemon, as oxherd --group had it. */
#define DIRS_GROUP "group"
enum { DIRS_GROUP_MAX = 4096 };

struct err;

struct dirs {
	char *run;
	char *state;
	char *log;
};

/* Only looks at the environment.  -1 with words when there is no place at all. */
int dirs_find(struct dirs *d, struct err *e);
void dirs_release(struct dirs *d);
/* Makes those that are missing, 0700; refuses a run or state folder that is not ours, is a link, or that others may write to. */
int dirs_make(const struct dirs *d, struct err *e);
/*
 * The path of another of our programs, to be freed: beside this one, or where `make install` puts it (bin, libexec/oxherd).  NULL with
 * words.
 */
char *dirs_program(const char *name, struct err *e);

#endif
