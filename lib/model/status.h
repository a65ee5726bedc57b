/*
 * One instance and one app as somebody outside sees them: `oxctl status`, its JSON and back.  Field names and
 * types are a promise.
 */
#ifndef OX_MODEL_STATUS_H
#define OX_MODEL_STATUS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

struct err;
struct json;

enum { LAST_EXIT_UNSEEN = -1 };

struct last_exit {
	bool is_known;
	int code;      /* where signal is 0; LAST_EXIT_UNSEEN: nobody saw how, and JSON says null to both */
	int signal;    /* number, or 0 */
	int64_t at_ms; /* since 1970, UTC */
};

struct instance_status {
	char *name; /* the app's; owned */
	int instance;
	int64_t pid;        /* 0: none */
	const char *status; /* a word of model/states.def; a static string, or owned by `words` */
	const char *health; /* "healthy", "unhealthy", "unknown", "none" */
	int port;           /* 0: none */
	int revision;
	int64_t uptime_ms; /* -1: nothing runs */
	int64_t restarts, crashes;
	int64_t log_dropped_bytes; /* that it printed and no disk took */
	int64_t memory_bytes;      /* -1: not known */
	double cpu_percent;        /* negative: not known */
	struct last_exit last_exit;
	int64_t next_restart_ms; /* from now; -1: none is due */
	struct buf reason;       /* why it is as it is; empty when there is nothing to say */
};

void instance_status_init(struct instance_status *s);
void instance_status_release(struct instance_status *s);
/* Appends it as a JSON object (base/json_emit.h). */
void instance_status_write(const struct instance_status *s, struct buf *out);
/* The same as a tree. */
struct json *instance_status_to_json(const struct instance_status *s);
/* For an initialised `s`; -1 with words when a field is missing or of another type. */
int instance_status_from_json(const struct json *j, struct instance_status *s, struct err *e);

/* A deploy that is under way; all borrowed. */
struct rollout_status {
	const char *phase; /* a word of rules/rollout_phases.def; NULL: none is under way */
	const char *kind;  /* "deploy", "reload", "rollback" */
	int from, to;      /* revisions */
	int done, total;   /* instances */
	int64_t elapsed_ms;
	const char *message; /* why it failed, while it goes back or stands still; else NULL */
};

/* All borrowed. */
struct app_status {
	const char *name;
	int instances, ready, revision, port; /* port 0: none */
	bool is_shared;
	const char *oxfile; /* NULL: of no file */
	const char *folder; /* where its current revision was made; NULL: nobody knows */
	const char *commit; /* of the git work tree there; NULL: none */
	bool is_held;       /* somebody rolled back to it: it stays in that folder */
	struct rollout_status rollout;
};
void app_status_write(const struct app_status *s, struct buf *out);
int app_status_from_json(const struct json *j, struct app_status *s, struct err *e);

/* "2026-11-20T19:55:01.120Z" for ms since 1970, and back; years 0 to 9999. */
void utc_print(struct buf *out, int64_t ms);
bool utc_parse(const char *text, int64_t *ms);

#endif
