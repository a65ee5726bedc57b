/*
 * Methods to the herd: what each request of a client means for the brain, and how it is answered.
 */
#ifndef OX_CONTROL_HANDLE_H
#define OX_CONTROL_HANDLE_H

#include "base/buf.h"
#include "base/vec.h"
#include "control/rpc_server.h"
#include "model/spec.h"

struct brain;
struct buf;
struct diags;
struct err;
struct ev_loop;
struct json;
struct event_ring_item;
struct oxfile;

/* Everything that a handler needs; lives as long as the server. */
struct handle {
	struct ev_loop *loop;
	struct brain *brain;
	struct rpc_server *server;
	struct vec watchers; /* of struct pending_reply *: those whose clients hear of progress */
	struct vec readers;  /* handle_logs.c: those whose logs are being read */
};

void handle_release(struct handle *h);
/* One for each method; NULL where there is none yet. */
extern const rpc_server_handler handle_table[METHOD_COUNT];

/* handle_apply.c: oxfiles and new apps. */
int handle_apply(void *context, struct request *r);
int handle_start(void *context, struct request *r);
int handle_plan(void *context, struct request *r);
/* handle_deploy.c: rollouts. */
int handle_deploy(void *context, struct request *r);
int handle_reload(void *context, struct request *r);
/* handle_steer.c */
int handle_rollback(void *context, struct request *r);
int handle_abort(void *context, struct request *r);
int handle_continue(void *context, struct request *r);
int handle_await(void *context, struct request *r);
/* SIGHUP: everything is deployed, each oxfile read again; SIGUSR2: everything is reloaded. */
void handle_signalled(struct handle *h, int number);
/* pending_reply.c: an event was published; whoever waits for what it is about hears of it. */
void handle_published(struct handle *h, const struct event_ring_item *event);
/* handle_read.c: NULL after the request was answered with every mistake, or with why it may not have that file read. */
struct oxfile *handle_read(struct handle *h, struct request *r, const char *path, bool will_run);
/* The same by no request: in the environment and with the profile of the first app that came from it. */
struct oxfile *handle_read_again(struct handle *h, const char *path, struct diags *mistakes);
/* In whose environment that app runs; 0: there is none. */
int64_t handle_caller(struct handle *h, const char *path);
/* handle_status.c */
int handle_status(void *context, struct request *r);
int handle_subscribe(void *context, struct request *r);
/* handle_save.c: the way back. */
int handle_save(void *context, struct request *r);
/* handle_logs.c: what instances say. */
int handle_logs(void *context, struct request *r);

/* --- shared by them --------------------------------------------------------------------------------------------- */

/* The lines of a text as an array. */
struct json *handle_lines(const struct buf *text);
/* PATH of whoever asks; NULL where the request brings no environment. */
const char *handle_path(const struct request *r);
/* handle_targets.c: the strings of an array parameter, borrowed; freed with mem_free().  NULL and 0 where it is left out. */
const char **handle_strings(const struct request *r, const char *name, size_t *count);
/* The files that the apps came from, each once. */
void handle_oxfiles(struct handle *h, struct strings *paths);
/* What a request is about, by its `targets` and `oxfiles`. */
struct handle_targets {
	const char **items; /* none: everything */
	size_t count;
	bool is_nothing; /* nothing came from these oxfiles */
	struct strings own;
};
/* -1 with words: e->number is ENOENT for a target that is not there.  To be released also then. */
int handle_targets_find(struct handle *h, const struct request *r, struct handle_targets *t, struct err *e);
void handle_targets_release(struct handle_targets *t);
/* The answer where nothing is meant. */
struct json *handle_no_apps(void);
/* Appends "uid 1000, pid 812 'oxctl stop api'". */
void handle_who(const struct request *r, struct buf *out);

#endif
