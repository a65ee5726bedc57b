/*
 * The fleet's one mind: every app, instance, timer and decision.  Pure: facts go in here, effects come out through struct herd_effects, time is an
 * argument (monotonic ms, never going back; if it does, the latest counts).  Everything that is decided is decided here.
 *
 * Facts about a process carry its ticket; those of another generation are counted and change nothing.
 *
 * What an instance is for: it is wanted (somebody said start) or not, and the herd makes what is meet what is wanted, again after every
 * fact.  It starts when every app that its app depends on is ready now: at least one instance is wanted, and all wanted ones are running
 * (or finished, for one-shots).  It stops when no instance of an app that depends on it is still on its way down.
 */
#ifndef OX_HERD_HERD_H
#define OX_HERD_HERD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/vec.h"
#include "herd/herd_effects.h"
#include "model/snapshot.h"

struct build;
struct err;
struct herd;
struct instance;
struct json;
struct notes;
struct notice;
struct plan;
struct reason;
struct wait_results;

enum {
	ALIVE_MS = 1000,       /* ready = "alive": up for this long */
	UNKILLABLE_MS = 10000, /* after SIGKILL this long without an end it is reported as unkillable */
};

struct herd_options {
	const struct herd_effects *effects; /* both borrowed; they outlive the herd */
	void *context;
	uint64_t seed; /* of the jitter; a run with the same seed and facts replays */
	int cpus;      /* what `instances = "max"` means */
	/* May a new automatic block have this port?  Asked with the effects' context; NULL: nobody else has any. */
	bool (*is_port_taken)(void *context, int port);
	/* Would a spare instance of a deploy find the port taken?  NULL: nobody has any. */
	bool (*is_port_busy)(void *context, int port);
	/* A question: the build that is on the disk now, given away.  NULL: builds are no part of a revision. */
	struct build *(*look)(void *context, const struct build_query *effect);
};

struct herd *herd_new(const struct herd_options *options);
void herd_free(struct herd *h);

/* When herd_timer() has something to do; -1: nothing is due ever.  The engine arms one timer for it, after every call. */
int64_t herd_next_deadline(const struct herd *h);
void herd_timer(struct herd *h, int64_t now);

/* --- facts --- */

/* The fork worked and exec succeeded. */
void herd_spawned(struct herd *h, struct ticket t, int64_t pid, int64_t now);
/* It never ran, and why->number is the errno of that.  Nothing of it is left. */
void herd_spawn_failed(struct herd *h, struct ticket t, const struct reason *why, int64_t now);

struct herd_exit {
	int code;                /* where signal is 0; LAST_EXIT_UNSEEN: nobody saw how */
	int signal;              /* its number, or 0 */
	int64_t wall_ms;         /* since 1970, for people only */
	bool is_oom;             /* killed by the kernel, for want of memory */
	struct left_behind left; /* it has ended with 0, and this one of its processes lives on */
};
/* The main process was reaped. */
void herd_exited(struct herd *h, struct ticket t, const struct herd_exit *end, int64_t now);
/* Nothing of its process tree is left; after herd_exited(), always.  Only now is the slot used again. */
void herd_tree_gone(struct herd *h, struct ticket t, int64_t now);
void herd_ready(struct herd *h, struct ticket t, int64_t now);
/*
 * It listens, and the gate that it is behind holds its socket (`why` NULL), or cannot, for that reason.  Before herd_ready() by that it listens.  Said
 * again after another brain's death.
 */
void herd_listens(struct herd *h, struct ticket t, const struct reason *why, int64_t now);
/*
 * What it said of itself (ready = "notify" or "ipc", watchdog_secs, STATUS and the like), any time while it runs.  That it is ready counts where it
 * is asked for.
 */
void herd_notified(struct herd *h, struct ticket t, const struct notice *what, int64_t now);
/* It lives, and nobody has NOTIFY_FD any more: no newline will come.  `has_written`: something else than a newline was written there. */
void herd_mute(struct herd *h, struct ticket t, bool has_written, int64_t now);
/* The answer to herd_effects.probe(); `why` is what failed: "HTTP status 500", "connection refused". */
void herd_probed(
	struct herd *h, struct ticket t, enum probe_answer answer, const struct reason *why, int64_t now);
/*
 * It uses up more than its limits say: restarted gently, which is no crash, unless as many of its app as may be are down already.  Say it again
 * for as long as it is so.
 */
void herd_over_limit(struct herd *h, struct ticket t, const struct reason *why, int64_t now);
/* Something about its surroundings that a person should know: an event, and a line of its past. */
void herd_note(struct herd *h, struct ticket t, const struct reason *why, int64_t now);
void herd_port_free(struct herd *h, struct ticket t, int64_t now);
/* By that process; pid 0 when nobody could be found. */
void herd_port_taken(struct herd *h, struct ticket t, int64_t pid, const char *command, int64_t now);

/* What became of what herd_effects.upstream() was asked for under `serial`, and all before it; words say why it is not in effect. */
void herd_upstream_set(struct herd *h, const char *app, uint64_t serial, enum upstream_outcome outcome,
	const char *words, int64_t now);
/* A hook of rollout number `rollout` ended; `words` say how, where it did not go well. */
void herd_hooked(
	struct herd *h, const char *app, uint64_t rollout, bool is_ok, const char *words, int64_t now);
/* `left`: connections that were still there when the time was over. */
void herd_drained(struct herd *h, struct ticket t, size_t left, int64_t now);

/* --- requests --- */

enum herd_verb {
	HERD_START, /* and what it depends on, unless is_alone */
	HERD_STOP,
	HERD_RESTART, /* stop, then start; a restart of what is going down already is that same restart */
	HERD_DELETE,  /* whole apps: stop and forget */
	HERD_RESET,   /* crash counts are cleared: crashed and waiting instances start now */
	HERD_SIGNAL,  /* to the main processes */
};

/*
 * Settled when: stop, delete: all are down, with everything they left behind.  start: at once, or with waits_ready when all are ready.
 * restart: new processes run, or with waits_ready are ready.  reset, signal: at once.  It fails as soon as every target has its answer and
 * one of them failed for good: crashed, unkillable, undone by a later request.
 */
struct herd_request {
	uint64_t id; /* 0: nobody waits */
	enum herd_verb verb;
	const char *const *targets; /* "api", "api:2", a namespace, "all"; none: all */
	size_t count;
	bool waits_ready;
	bool is_alone;
	bool is_deploy; /* HERD_START: what has ended is left to the rollout that just began, which starts it by its new definition */
	const char *signal; /* HERD_SIGNAL: "SIGHUP" */
	const char *who;    /* "uid 1000", for `why`; may be NULL */
};

/* 0, or -1 with words, and then nothing changed; e->number is ENOENT when there is no such target. */
int herd_request(struct herd *h, const struct herd_request *r, int64_t now, struct err *e);

struct herd_scaling {
	const char *app;
	bool is_relative;
	int delta;          /* is_relative: +2, -1; never below 0 */
	struct count count; /* else */
	const char *who;    /* as above */
};
/* All of them or none.  Settled when those too many are gone and (waits_ready) the new ones are ready. */
int herd_scale(struct herd *h, uint64_t id, const struct herd_scaling *scalings, size_t count,
	bool waits_ready, int64_t now, struct err *e);

/* What an apply did with one app. */
enum herd_did {
	HERD_DID_NOTHING, /* it is as it should be */
	HERD_DID_ADD,
	HERD_DID_ROLL,  /* a rollout began; where nothing ran, the new definition waits for the next start */
	HERD_DID_AMEND, /* what changed needed no new processes */
	HERD_DID_REMOVE,
};

struct herd_deed {
	const char *app;
	enum herd_did did;
	const char *build;    /* what is different in its build: "current -> releases/2"; NULL: nothing */
	const char *compared; /* HERD_DID_NOTHING: what was looked at; NULL: nothing was */
};

struct herd_apply {
	uint64_t id;
	const char *oxfile;         /* whose specs these are; NULL: of no file */
	const struct strings *also; /* other names of that same file; may be NULL */
	const struct strings
		*gone; /* oxfiles that are not there any more: their apps may be taken over; may be NULL */
	const struct vec *specs; /* of struct spec *, borrowed; each is cloned */
	const char *const *only; /* names of apps; none: all of them */
	size_t only_count;
	bool changes; /* apps that are there take their new definition: rolled out where processes have to be replaced */
	bool forces;     /* they are rolled out even where nothing changed */
	bool is_reload;  /* forces, and the specs are those that the apps have, whatever their oxfiles */
	bool prunes;     /* apps of this oxfile that are not in specs are deleted */
	bool starts;     /* what is applied is wanted up */
	bool starts_new; /* only what is new, or was named, is wanted up; the rest stays up or down as it is */
	bool waits_ready;
	const char *who; /* as above, for what is started */
	int64_t caller; /* the environment that what is new, or was down, is started in: the engine's number */
	const char *path;    /* the caller's PATH, for the programs of builds; NULL: as the caller has it */
	struct notes *notes; /* what a person should read; may be NULL */
	/* Each app that it is about, removed ones first; may be NULL. */
	void (*did)(void *context, const struct herd_deed *deed);
	void *did_context;
};
/*
 * All or nothing: an unknown or circular dependency, ports that overlap or end beyond 65535, a name that another oxfile has, give -1 with words,
 * and nothing changed at all.
 */
int herd_apply(struct herd *h, const struct herd_apply *a, int64_t now, struct err *e);
/* What herd_apply() would do, step by step; same errors. */
int herd_plan(const struct herd *h, const struct herd_apply *a, struct plan *plan, struct err *e);

enum herd_steering {
	HERD_CONTINUE, /* a paused deploy continues */
	HERD_ABORT,    /* a deploy that is under way goes back to the old revision */
	/*
	 * The revision before the current one is rolled out, in its own folder; refused where its files are gone.  Of a deploy that is under way the
	 * same as abort.
	 */
	HERD_ROLLBACK,
	HERD_ROLLBACK_DEFINITION, /* the same with the files that are there now */
};

/* Settled when the rollout that comes of it is over. */
int herd_steer(struct herd *h, uint64_t id, enum herd_steering steering, const char *app, int64_t now,
	struct err *e);

/*
 * Settled when no app that the targets mean is being rolled out any more (or it rests), with the verdict of each: for clients that waited for one when
 * the brain died.
 */
int herd_await_rollouts(
	struct herd *h, uint64_t id, const char *const *targets, size_t count, int64_t now, struct err *e);

/*
 * SIGTERM to the daemon: everything stops, in order, and stays wanted: the next daemon starts it again.  Nothing else is accepted afterwards.
 * What is left after `deadline_ms` (0: no deadline) is killed.  A second one changes nothing and is settled with the first.
 */
void herd_shutdown(struct herd *h, uint64_t id, int64_t deadline_ms, int64_t now);
/* Adds what these requests still wait for: the first few, and how many there are beside them; nothing if they are over. */
void herd_pending(const struct herd *h, const uint64_t *ids, size_t count, struct wait_results *out);
/* The client of a request is gone. */
void herd_forget_request(struct herd *h, uint64_t id);

/* --- what is asked for once, however often it is said --- */

/*
 * Around the calls above that carry out one request of a client, if it has a key: what they begin is remembered under it, with the result that
 * herd_receipt_close() is given, and saved with the herd.  NULL there: they refused, and nothing is remembered.  A client that asks again with the key
 * gets that result; for what has not ended yet, also of an earlier brain, herd_receipt_wait() makes a request, which is settled with the results of all.
 */
struct herd_receipt {
	bool is_done;
	/* Borrowed until the next call; the text is an object as JSON, or "" where it was too long. */
	const struct wait_results *results;
	const char *text;
};
void herd_receipt_open(struct herd *h, const char *key, int64_t now);
void herd_receipt_close(struct herd *h, const char *text);
bool herd_receipt_find(const struct herd *h, const char *key, struct herd_receipt *out);
/* Adds the apps that what is asked under the key still waits for. */
void herd_receipt_apps(const struct herd *h, const char *key, struct strings *apps);
void herd_receipt_wait(struct herd *h, const char *key, uint64_t id);

/* --- over the brain's own death --- */

/*
 * Everything but requests and events.  Holds secrets: the store is a private file.  Timers are remaining ms as of the last call; the
 * time until herd_from_json() is taken off them where the monotonic clock continued, so one boot's deadlines stay where they were.
 */
void herd_write(const struct herd *h, struct buf *out);
/* The same as a tree. */
struct json *herd_to_json(const struct herd *h);
/*
 * Where nothing could be read.  It waits as one of herd_from_json() does, and keeps what runs, as apps of which only the name is known: they are not
 * started again.
 */
struct herd *herd_blank(const struct herd_options *options);
/*
 * A herd that remembers and waits: tell it what the keeper has with herd_adopt(), then let it go with herd_resume().  NULL with
 * words if the store makes no sense.
 */
struct herd *herd_from_json(
	const struct json *j, const struct herd_options *options, int64_t now, struct err *e);

/* Is that instance there, or a spare that is gone and still remembered? */
bool herd_knows(const struct herd *h, const char *app, int instance);

struct herd_live {
	struct ticket ticket; /* as the keeper has them */
	const char *name;     /* "api:2", as it was spawned */
	int64_t pid;
	int64_t gate;          /* that it is behind; 0: none, or nobody knows */
	bool is_stopping;      /* an earlier brain has told it to end */
	bool has_ended;        /* it has ended: only what it left behind may live */
	bool is_end_published; /* an earlier brain has told of that */
};
/*
 * One for everything that the keeper has, before herd_resume(): alive, or ended and not taken yet; herd_exited() and herd_tree_gone() follow
 * for the latter.  What the store does not know (spawned after the last save) is found by its name: a slot that is wanted keeps it
 * and sees again whether it is ready; a slot that is not wanted, or that the store has no app or instance for, gets it and stops it
 * properly.  False: an older process of a slot that has a newer one; it is killed, and its facts will be ignored.
 */
bool herd_adopt(struct herd *h, const struct herd_live *live, int64_t now);
/* What was not adopted is lost: nobody saw it end, so no crash is counted.  Then what is and what is wanted meet again. */
void herd_resume(struct herd *h, int64_t now);

/* --- questions --- */

/* In dependency order, instances by number; NULL at the end. */
const struct instance *herd_first(const struct herd *h);
const struct instance *herd_next(const struct herd *h, const struct instance *i);
/* "api:2", or NULL. */
const struct instance *herd_find(const struct herd *h, const char *name);
const struct instance *herd_slot(const struct herd *h, uint32_t slot);
/* Whose start of that generation has not come to an end yet, or NULL. */
const struct instance *herd_starting(const struct herd *h, uint64_t generation);
/* Appends the instances that the targets mean (none: all), borrowed.  -1 with words; e->number is ENOENT. */
int herd_targets(
	const struct herd *h, const char *const *targets, size_t count, struct vec *instances, struct err *e);
/* The same for what is about whole apps: appends their specs, of const struct spec *, borrowed until the herd's next step. */
int herd_target_specs(
	const struct herd *h, const char *const *targets, size_t count, struct vec *specs, struct err *e);
/*
 * The same for spares of deploys that are gone, for an hour after: only the questions below may be asked of them.  Nothing that targets
 * mean is no error.
 */
void herd_gone(const struct herd *h, const char *const *targets, size_t count, int64_t now, struct vec *out);
/* Both: -1 only where there is neither the one nor the other. */
int herd_targets_ever(const struct herd *h, const char *const *targets, size_t count, int64_t now,
	struct vec *instances, struct err *e);
/* How long ago; -1: it is there. */
int64_t instance_gone_ms(const struct instance *i, int64_t now);
/* Appends "api:2". */
void instance_name(const struct instance *i, struct buf *out);
const char *instance_app(const struct instance *i);
int instance_number(const struct instance *i);
struct ticket instance_ticket(const struct instance *i);
/* Where it serves, or is about to. */
struct endpoint instance_endpoint(const struct instance *i);
enum state instance_state(const struct instance *i);
/* The health of its process is checked, and a check may be under way. */
bool instance_has_checks(const struct instance *i);
/* Of its main process; 0: none. */
int64_t instance_pid(const struct instance *i);
/* The port that it has, or will have; 0: none. */
int instance_shown_port(const struct instance *i);
/* The definition that it runs by, or will; during a deploy it may be another than its app's. */
const struct spec *instance_spec(const struct instance *i);
/* Words borrowed from the herd until its next call; release the status with instance_status_release(). */
void instance_status(const struct instance *i, int64_t now, struct instance_status *out);
/* Why it is as it is: "port 3002 is held by pid 812 'node old.js'", "waits for db (1 of 2 ready)".  For reason_free(); may be NULL. */
struct reason *instance_reason(const struct instance *i);

size_t herd_app_count(const struct herd *h);
void herd_app_status(const struct herd *h, size_t index, struct app_status *out);
/* False for an app without one.  `output` is as its definition has it. */
bool herd_upstream_status(const struct herd *h, size_t index, struct upstream_status *out);
/* The newest definition, for what is about the app as a whole.  NULL: no such app. */
const struct spec *herd_spec(const struct herd *h, const char *app);
/* How many instances `scale` has asked for; -1: as many as its definition says. */
int herd_scaled(const struct herd *h, const char *app);
/* Whose environment its newest revision is started in; 0: there is no such app, or nobody's. */
int64_t herd_caller(const struct herd *h, const char *app);
/* Does any revision of any app refer to it? */
bool herd_uses_caller(const struct herd *h, int64_t caller);

struct herd_counts {
	uint64_t stale_facts;      /* of another generation, or of a slot that is gone */
	uint64_t unexpected_facts; /* of this generation, but they made no sense */
	uint64_t events;
	size_t instances, processes, timers, requests;
	size_t checks; /* of the timers, those of the next check of health */
};
struct herd_counts herd_counts(const struct herd *h);

#endif
