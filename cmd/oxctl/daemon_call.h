/*
 * Talking to the daemon, as every command does it: connect, ask, and say what went wrong.
 */
#ifndef OX_CMD_OXCTL_DAEMON_CALL_H
#define OX_CMD_OXCTL_DAEMON_CALL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/opt.h"

enum { DAEMON_CALL_KEY_LEN = 32 };

struct client;
struct json;
struct snapshot;

/* One question.  Start with its method and what else is known; end with daemon_call_release(). */
struct daemon_call {
	const char *method;
	struct json *params; /* owned; NULL: none */
	const char *path;    /* the oxfile in `params`, as the caller named it, for complaints; or NULL */
	const char *timeout; /* what --timeout says, or NULL; is sent as timeout_ms */
	bool is_long;        /* takes as long as it takes, unless there is a timeout */
	bool may_launch;
	const char *
		newer; /* a number in `params` that older daemons do not know: they are asked without it; or NULL */
	bool is_question; /* changes nothing, or nothing more the second time: asked again when the daemon's brain is replaced meanwhile */
	char once[DAEMON_CALL_KEY_LEN +
		1];          /* the key under which a change is done once; "" until it is asked for */
	struct buf *text;    /* borrowed; where the result goes as JSON text, instead of `result` */
	struct json *result; /* owned; NULL unless it went well */
	struct json *data;   /* owned: what more an error says */
	struct err e;
	int code; /* of rpc_codes.def, where the daemon itself said no */
};

bool targets_name_all(const struct opt_rest *rest);
/* For commands that only look: without a word they are about everything, and --all says so.  0, or an exit code with words said. */
int targets_check_all(const char *command, bool all, const struct opt_rest *rest);
/* What one object of parameters and targets is: { "targets": […] } without the first `from` arguments, or {}. */
struct json *daemon_call_targets(const struct opt_rest *rest, int from);
/* Adds an array of strings. */
void daemon_call_set_strings(struct json *params, const char *key, char *const *items, int count);

/* A parameter that version 0.1.0 does not know: a daemon that has no such one is asked again without it. */
void daemon_call_newer(struct daemon_call *t, const char *name, int64_t value);

/* EXIT_USAGE with words when --timeout is none; daemon_call_ask() does it before it connects. */
int daemon_call_check(const struct daemon_call *t);
/* All of these give an exit code.  daemon_call_try_call() leaves the words in `e`, to be said or not. */
/*
 * Where the brain dies before it has answered, the next one is asked again, by the same client: for a change that is safe, as it is done once
 * under its key.
 */
int daemon_call_try_call(struct client *client, struct daemon_call *t);
/* Says why it did not work: one line, or the complaints about an oxfile. */
int daemon_call_tell(struct daemon_call *t, int code);
int daemon_call_call(struct client *client, struct daemon_call *t);
/* What the daemon notes beside its answer. */
void daemon_call_notes(const struct daemon_call *t);
/* Connects, asks, and says what the daemon notes beside its answer. */
int daemon_call_ask(struct daemon_call *t);
/* The result of "status" into an empty snapshot; what is wrong with it is left in `e`. */
int daemon_call_snapshot(struct daemon_call *t, struct snapshot *s);
void daemon_call_release(struct daemon_call *t);

#endif
