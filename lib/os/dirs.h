/*
 * Where the daemon and its callers meet.  As root /run/oxherd, /var/lib/oxherd, /var/log/oxherd; else $XDG_RUNTIME_DIR/oxherd and
 * $XDG_STATE_HOME/oxherd (or ~/.local/state/oxherd), with log below it.  Without a XDG_RUNTIME_DIR of this user: the run folder that the last
 * daemon had, unless it ended well; /tmp/oxherd-UID if that is ours, /run/user/UID/oxherd if that is there, or run in the state folder.
 * OXHERD_HOME=DIR puts them below DIR, as run, state and log.
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

/* Looks at the environment, and for the run folder at what is there.  -1 with words when there is no place at all. */
int dirs_find(struct dirs *d, struct err *e);
void dirs_release(struct dirs *d);
/*
 * Whether nobody but root and this user could put another folder in the place of OXHERD_HOME.  -1 with words that name the step of its path; without
 * OXHERD_HOME there is nothing to check.
 */
int dirs_check_home(const struct dirs *d, struct err *e);
/* Makes those that are missing, 0700; refuses a run or state folder that is not ours, is a link, or that others may write to. */
int dirs_make(const struct dirs *d, struct err *e);
/*
 * The path of another of our programs, to be freed: beside this one, or where `make install` puts it (bin, libexec/oxherd).  NULL with
 * words.
 */
char *dirs_program(const char *name, struct err *e);

#endif
