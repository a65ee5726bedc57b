/*
 * Methods to the herd: what each call means for the brain, and how it is answered.
 */
#ifndef OX_CONTROL_HANDLE_H
#define OX_CONTROL_HANDLE_H

#include "base/buf.h"
#include "base/strings.h"
#include "base/vec.h"
#include "control/call.h"

struct brain;
struct buf;
struct diags;
struct err;
struct ev_loop;
struct event_item;
struct notes;
struct oxfile;
struct oxfile_source;

/* Everything that a handler needs; lives as long as its calls. */
struct handle {
	struct ev_loop *loop;
	struct brain *brain;
	struct vec watchers; /* of struct pending_reply *: those whose clients hear of progress */
	struct vec readers;  /* handle_logs.c: those whose logs are being read */
};

void handle_release(struct handle *h);
/* One for each method; NULL where there is none yet. */
extern const call_handler handle_table[METHOD_COUNT];

/* handle_apply.c: oxfiles and new apps. */
void handle_apply(void *context, struct call *c);
void handle_start_new(void *context, struct call *c);
void handle_plan(void *context, struct call *c);
/* handle_deploy.c: rollouts. */
void handle_deploy(void *context, struct call *c);
void handle_reload(void *context, struct call *c);
/* handle_steer.c */
void handle_rollback(void *context, struct call *c);
void handle_abort(void *context, struct call *c);
void handle_continue(void *context, struct call *c);
void handle_await(void *context, struct call *c);
/* SIGHUP: everything is deployed, each oxfile read again; SIGUSR2: everything is reloaded. */
void handle_signalled(struct handle *h, int number);
/* pending_reply.c: an event was published: clients that wait for its app get a progress notification. */
void handle_published(struct handle *h, const struct event_item *event);
/* handle_inputs.c: NULL after the call was answered with every mistake, or with why it may not have that file read. */
struct oxfile *handle_read(struct handle *h, struct call *c, const struct oxfile_source *source);
/* The same by no call: in the environment and with the profile of the first app that came from it. */
struct oxfile *handle_read_again(struct handle *h, const char *path, struct diags *mistakes);
/* In whose environment that app runs; 0: there is none. */
int64_t handle_caller(struct handle *h, const char *path);
/* handle_status.c */
void handle_status(void *context, struct call *c);
void handle_subscribe(void *context, struct call *c);
void handle_unsubscribe(void *context, struct call *c);
void handle_events(void *context, struct call *c);
void handle_why(void *context, struct call *c);
void handle_info(void *context, struct call *c);
void handle_ping(void *context, struct call *c);
void handle_version(void *context, struct call *c);
/* handle_save.c: the way back. */
void handle_save(void *context, struct call *c);
/* handle_logs.c: what instances say. */
void handle_logs(void *context, struct call *c);

/* --- shared by them --------------------------------------------------------------------------------------------- */

/* In whose environment a call starts something: as it brings it, all borrowed. */
struct handle_env {
	struct param_env env, rlimits;
	struct param_int umask;
	const char *profile;
};
#define HANDLE_ENV(p)                                                                                        \
	{                                                                                                    \
		.env = (p)->env, .rlimits = (p)->rlimits, .umask = (p)->umask,                               \
	}
/* handle_inputs.c: remembers it; its number. */
int64_t handle_add_env(struct handle *h, const struct handle_env *from);
/* What a call is about, by its `targets` and `oxfiles` (NULL: it has no such parameter). */
struct handle_targets {
	const char *const *items; /* none: everything; borrowed from the call, or in `own` */
	size_t count;
	bool is_nothing; /* nothing came from these oxfiles */
	struct strings own;
};
/* -1 with words: e->number is ENOENT for a target that is not there.  To be released also then. */
int handle_targets_find(struct handle *h, const struct param_strings *targets,
	const struct param_strings *oxfiles, struct handle_targets *t, struct err *e);
void handle_targets_release(struct handle_targets *t);
/* Answers a call that means nothing. */
void handle_answer_no_apps(struct call *c);

/* --- handle_inputs.c: which names mean one oxfile ---------------------------------------------------------------- */

/*
 * An app knows its oxfile by the path that somebody named, with the links in it; older states have the real path.  These are the oxfiles of the apps
 * that are there, beside one path.
 */
struct oxfile_names {
	struct strings also; /* the same file by other names */
	struct strings gone; /* not there any more */
};

void oxfile_names_find(struct handle *h, const char *path, struct oxfile_names *names);
void oxfile_names_release(struct oxfile_names *names);
/*
 * The files that these specs (of struct spec *; NULL: those of all apps) came from, each file once; of two names for one the one that goes through
 * a link.
 */
void oxfile_names_of(struct handle *h, const struct vec *specs, struct strings *paths);

#endif
