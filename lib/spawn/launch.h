/*
 * From what the herd asks for to the message that the keeper understands: program, words, environment, folder, user, limits, pipes.
 */
#ifndef OX_SPAWN_LAUNCH_H
#define OX_SPAWN_LAUNCH_H

#include "base/buf.h"
#include "model/effect.h"
#include "spawn/launch_env.h"
#include "wire/keeper_msg.h"

struct build;
struct err;

/* The message borrows from the buffers: release it after it was sent. */
struct launch {
	struct keeper_msg message;
	struct buf programs, argv, env;
	char *folder;
};

/* What an instance gets besides its words; strings are borrowed, NULL is none. */
struct launch_ends {
	const char *out, *err;     /* paths of the FIFOs for the standard streams */
	const char *notify_socket; /* NOTIFY_SOCKET, as it is written there */
	const char *notify_pipe;   /* NOTIFY_FD: what the keeper holds under this name */
	const char *channel;       /* Node's channel: the same */
};

/*
 * Fills a KEEPER_SPAWN, which borrows from `ends` too.  -1 with words when it cannot be run at all, such as for a user that does not exist;
 * e->number is an errno.
 */
int launch_fill(struct launch *l, const struct spawn_effect *effect, const struct launch_env *caller,
	const struct launch_ends *ends, struct err *e);
void launch_release(struct launch *l);

/* The parts of it, for whatever else the keeper is asked to run: a KEEPER_SPAWN without a ticket, name and descriptors yet. */
void launch_init(struct launch *l);
/* Program, words, environment and folder (absolute). */
void launch_words(struct launch *l, const struct command *command, const struct env *env, const char *folder);
/*
 * The user that it becomes (both names NULL: the daemon's).  HOME, USER, LOGNAME and SHELL go to `env` unless `said` (or NULL) has them.  -1 with
 * words.
 */
int launch_user(struct launch *l, const char *name, const char *group, const struct env *said,
	struct env *env, struct err *e);
/* -1 with words, and E2BIG, where its words and environment are more than the kernel takes. */
int launch_check_size(const struct launch *l, struct err *e);
/* What the app says itself, in env and in its files: for `said` above. */
void launch_said(const struct spec *s, struct env *said);
/* Where an app runs; the caller frees it. */
char *launch_folder(const struct spec *s);
/* Is the folder that it was made in still there? */
bool launch_has_folder(const struct build *own);
/* The same, or the folder of that build (may be NULL) while that is there. */
char *launch_folder_of(const struct spec *s, const struct build *own);

/* The whole environment of an instance, in the order in which names win; for launch_fill() and tests. */
/* The same for a hook of its deploy: nothing of an instance. */
void launch_hook_env(const struct spec *s, int revision, const struct launch_env *caller, struct env *env);
void launch_env(const struct spawn_effect *effect, const struct launch_env *caller, struct env *env);

/*
 * For commands that are nobody's: the daemon's own environment, and the folders of root's programs at the end of PATH, where nginx is and a daemon
 * may not look.
 */
void launch_own_environment(struct env *env);

#endif
