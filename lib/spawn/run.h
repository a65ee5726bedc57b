/*
 * Commands that the brain runs beside the herd: health checks, hooks of a deploy, the test and the reload of an upstream.  Each is a child of
 * the keeper like any service, in a slot from RUN_SLOT_FIRST on, and its whole tree is killed when it times out or is cancelled.  Runs that
 * an earlier brain left are killed and forgotten: nobody waits for their answer.
 */
#ifndef OX_SPAWN_RUN_H
#define OX_SPAWN_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/spec.h"
#include "wire/keeper_msg.h"

struct ev_loop;
struct keeper_client;
struct run;
struct runner;

enum {
	RUN_SLOT_FIRST = 1 << 30, /* the herd's slots are below */
	RUNS_MAX = 1024,          /* at once; further ones wait their turn, in order */
};

struct run_request {
	const char *name; /* "api:2 health", "api pre": for the keeper and for words */
	const struct command *command;
	const char *folder;       /* absolute */
	const struct env *env;    /* all of it */
	const char *user, *group; /* NULL: the daemon's */
	const struct env
		*said; /* the user's HOME, USER and LOGNAME go to env, but not over these; may be NULL */
	int umask;
	int64_t timeout_ms; /* 0: none */
};

enum run_end {
	RUN_EXITED,      /* code, or signal */
	RUN_TIMED_OUT,   /* and it was killed */
	RUN_NOT_STARTED, /* words say why */
};

/* Borrowed for the call. */
struct run_result {
	enum run_end end;
	int code, signal;
	int number;         /* RUN_NOT_STARTED: the errno of it, 0 where there was none */
	bool is_unkillable; /* RUN_TIMED_OUT: not even SIGKILL has ended it */
	const char *
		words; /* "exit code 1", "killed by SIGSEGV", "no end within 5 s", "cannot execute 'x': No such file or directory" */
	const char
		*tail; /* the end of what it wrote to standard output and error, CAPTURE_MAX bytes at most */
	size_t tail_len;
};
typedef void (*run_done)(void *context, const struct run_result *result);

/* Both are borrowed. */
struct runner *runner_new(struct ev_loop *loop, struct keeper_client *parent);
/* Forgets all, and tells nobody; what runs is killed by the next brain, or by the keeper at the end. */
void runner_free(struct runner *r);
/* Is the message about a run?  Then it was taken care of.  Asked for every message of the keeper, also while synchronising. */
bool runner_takes(struct runner *r, const struct keeper_msg *m);
/*
 * The request is copied.  `done` is called once, never from inside this call, and only when nothing of it is left running, or when not even SIGKILL
 * ends it (which the words say).  The time counts from its exec. The callback calls brain_end() if the herd got the result.
 */
struct run *run_start(struct runner *r, const struct run_request *request, run_done done, void *context);
/* Kills it; `done` is not called any more.  NULL does nothing. */
void run_cancel(struct run *run);

#endif
