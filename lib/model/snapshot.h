/*
 * The daemon, its apps, rollouts, instances and upstreams at one moment, as somebody outside sees them.  The brain fills it in (engine/snapshot.c), and
 * whatever is shown is drawn from it: tables (view/list.h), the JSON of "status", "why" and "daemon.info", which oxctl reads back into it.  Names and types of the
 * fields of the JSON are a promise.
 */
#ifndef OX_MODEL_SNAPSHOT_H
#define OX_MODEL_SNAPSHOT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/strings.h"
#include "base/vec.h"
#include "model/event_record.h"
#include "model/upstream.h"

struct err;
struct json;
struct reason;

enum { LAST_EXIT_UNSEEN = -1, SNAPSHOT_VERSION_MAX = 2 };

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
	int64_t queue; /* connections that wait to be accepted; -1: it is behind no gate, or listens nowhere */
	int64_t memory_bytes; /* -1: not known */
	double cpu_percent;   /* negative: not known */
	struct last_exit last_exit;
	int64_t next_restart_ms; /* from now; -1: none is due */
	struct reason *why;      /* it is as it is; owned; NULL: nobody knows, or there is nothing to say */
	struct buf reason;       /* the same as text */
	int64_t gone_ms;         /* since it was removed, a spare of a deploy; -1: it is there */
	struct vec past;         /* of struct past_entry *, oldest first; filled in only for "why" */
};

/* What happened to an instance. */
struct past_entry {
	struct event_record told; /* when, and from which state to which; without `why` */
	struct reason *why;       /* owned; may be NULL */
	struct buf words;         /* the same as text, and below it what the instance wrote last */
	size_t text_len;          /* of the first */
};

void instance_status_init(struct instance_status *s);
void instance_status_release(struct instance_status *s);
/* Owned by `s`. */
struct past_entry *instance_status_add_past(struct instance_status *s);
/* Appends it as a JSON object (base/json_emit.h), with the reason as text. */
void instance_status_write(const struct instance_status *s, struct buf *out);
/* For an initialised `s`; -1 with words when a field is missing or of another type. */
int instance_status_from_json(const struct json *j, struct instance_status *s, struct err *e);

/* A deploy that is under way; all borrowed. */
struct rollout_status {
	const char *phase; /* a word of rules/rollout_phases.def; NULL: none is under way */
	const char *kind;  /* "deploy", "reload", "rollback" */
	int from, to;      /* revisions */
	int done, total;   /* instances */
	int64_t elapsed_ms;
	const struct reason *why; /* it failed, while it goes back or stands still; else NULL */
	const char *lines;   /* what the instance that failed wrote last; NULL: nothing, or nobody knows */
	const char *reason;  /* `why` as text, and with the lines below it: */
	const char *message; /* view/wait_text makes them; the herd leaves them NULL */
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

/* Who serves an app that has nginx.output, and what its proxy made of that. */
struct upstream_status {
	const char *app, *output;              /* borrowed */
	const struct upstream_server *servers; /* as they were last written to the file; borrowed */
	size_t count;
	bool is_in_effect; /* the proxy has loaded the last list that names a server */
	bool is_pending;   /* what was written last has no answer yet */
};

/* What stands before an app whose instances share a port. */
struct gate_status {
	const char *app, *hook; /* borrowed; `hook` as the oxfile's key `gate` has it */
	const char *why;        /* why that one, as a sentence, borrowed; NULL: the app says so itself */
	int port;
	bool is_without_setuid; /* its processes gain no rights by programs such as sudo: without root that is the price */
};

/* All borrowed. */
struct daemon_status {
	int64_t pid; /* the keeper's */
	int64_t brain_pid;
	const char *version;
	int64_t uptime_secs;
	int64_t brain_restarts;
	/* From here on in daemon.info only. */
	const char *run, *state, *log; /* folders */
	int64_t instances;
	int64_t adopted, lost; /* of the processes that the last brain had, when this one began */
	int64_t stale_facts, unexpected_facts;
	int64_t log_dropped_bytes; /* of all instances */
	struct {
		bool is_ok;
		const char *words; /* how it went; NULL: there was none */
	} upgrade;
	const char *trouble; /* why the last write of the state failed; NULL: it did not */
};
/* "daemon.info", all of it; as an object. */
void daemon_info_write(const struct daemon_status *d, struct buf *out);
/* Of a status, or of daemon.info.  What is missing is 0 or NULL, and no mistake; texts are borrowed from `j`. */
void daemon_status_from_json(const struct json *j, struct daemon_status *d);

/* Owns all that it holds. */
struct snapshot {
	struct daemon_status daemon;
	struct vec apps;      /* of struct app_status * */
	struct vec instances; /* of struct instance_status * */
	struct vec upstreams; /* of struct upstream_status * */
	struct vec gates;     /* of struct gate_status * */
	struct strings texts; /* what `daemon` and `apps` borrow from */
	int version;          /* of its JSON: from 2 on reasons are objects; 0 is 1 */
};

#define SNAPSHOT_INIT                                                                                        \
	{                                                                                                    \
		.apps = VEC_INIT, .instances = VEC_INIT, .upstreams = VEC_INIT, .gates = VEC_INIT,           \
	}

void snapshot_release(struct snapshot *s);
/* A copy that lives as long as `s`; NULL gives NULL. */
const char *snapshot_keep(struct snapshot *s, const char *text);
/* These copy the texts. */
void snapshot_set_daemon(struct snapshot *s, const struct daemon_status *daemon);
void snapshot_add_app(struct snapshot *s, const struct app_status *app);
void snapshot_add_upstream(struct snapshot *s, const struct upstream_status *upstream);
void snapshot_add_gate(struct snapshot *s, const struct gate_status *gate);
/* To be filled in: initialised, and owned by the snapshot. */
struct instance_status *snapshot_add_instance(struct snapshot *s);
void snapshot_write(const struct snapshot *s, struct buf *out);
/* For an empty `s`.  -1 with words if it is none; fields that are younger than version 0.1.0 may be missing. */
int snapshot_from_json(const struct json *j, struct snapshot *s, struct err *e);
/* The answer to "why": the instances of `target`, each with its past.  What is of another type in it is read as missing. */
void snapshot_write_why(const struct snapshot *s, const char *target, struct buf *out);
int snapshot_from_why(const struct json *j, struct snapshot *s, struct err *e);

#endif
