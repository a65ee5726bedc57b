/*
 * What the files of this room share; nobody else includes it.
 *
 * How a call works: herd_begin() sets the time; facts and requests change flags and feed events to instances, and every instance that may
 * have something to do is touched; herd_commit() lets each touched instance take its next step until none has any, tells changed(), and then
 * answers the requests that are over.
 */
#ifndef OX_HERD_HERD_PRIVATE_H
#define OX_HERD_HERD_PRIVATE_H

#include "base/assert.h"
#include "base/map.h"
#include "herd/budget.h"
#include "herd/gate_view.h"
#include "herd/herd.h"
#include "herd/instance_state.h"
#include "herd/proxy_view.h"
#include "herd/revision.h"
#include "herd/start_queue.h"
#include "herd/timers.h"
#include "model/reason.h"
#include "rules/fsm.h"
#include "rules/health.h"
#include "rules/ports.h"
#include "rules/restart.h"
#include "rules/rollout.h"

/* What began a rollout. */
enum rollout_kind { ROLLOUT_DEPLOY, ROLLOUT_RELOAD, ROLLOUT_ROLLBACK };

enum {
	UPSTREAM_PATIENCE_MS = 60000, /* an upstream that is not confirmed by then holds nobody up any more */
	DRAIN_GRACE_MS = 5000, /* the engine keeps the deadline of a drain itself; this is the net below */
};

struct wait_result;

struct instance {
	struct app *app;
	uint32_t slot;
	int number;
	uint64_t generation; /* of the last attempt; 0: none yet */
	uint64_t trusted;    /* the attempt that a rollout proved last, by whatever revision; 0: none */
	enum state state;
	enum phase phase;
	enum tenure tenure;
	enum trial trial;
	unsigned char lapses; /* crashes after it was proven, in this rollout */
	enum health_slot health_slot;
	enum adoption adoption;
	enum down_cause down_cause;
	struct revision *revision; /* what it runs by, or will */
	int port;                  /* of the last attempt */
	int64_t pid;               /* 0: none */
	int64_t started_at;
	int64_t ready_at;            /* of this run; 0: it is not ready yet */
	enum health health;          /* of this run: the last verdict */
	struct checkup *checkup;     /* NULL: nothing is checked now */
	struct notify_state *notify; /* what it said of itself; NULL: nothing */
	struct reason *limit_reason; /* DOWN_LIMIT: which one it has passed; else NULL */
	int64_t well_since;          /* 0: instance_is_well() is not true */
	int64_t delay_ms;            /* what the restart rule said last */
	int64_t restarts;
	enum drain_step drain;
	uint64_t drain_serial; /* of the effect for the upstream that takes it out; 0: not made yet */
	struct reason *unheld; /* why the gate does not hold a socket of this run; NULL: nobody has said */
	enum event start_by;   /* which event its next start is: start, retry or reset */

	bool wants_up;
	bool has_ended;    /* crashed, finished or left down by its policy; somebody has to say start */
	bool takes_target; /* runs by its app's target from its next start on */
	bool was_delayed;  /* start_delay is over */
	bool has_turn;     /* of this attempt: its start is noted in its app's start_queue */
	bool is_unkillable;
	bool is_held; /* of this run: the gate holds a socket of it */

	struct last_exit last_exit;
	struct timer life, tree;
	struct restart_history *history; /* NULL: it never crashed */
	struct reason *why;              /* of what happened last; may be NULL */
	int64_t gone_at;       /* of a spare that is no more (gone_spares.c); INT64_MIN: it is there */
	unsigned int hopeless; /* spawns that failed for a reason that lasts until somebody removes it */
	enum rollout_step published_step;
	unsigned int counted;                         /* what its app's counters have of it: COUNTED_… */
	struct instance *queue_previous, *queue_next; /* PHASE_STAGGERED: in its app's start_queue */
	int64_t turn_at;                              /* the same: see start_queue_plan() */
	struct instance *next_dirty; /* NULL: it is not in that row; the last one has itself */
};

struct app {
	struct herd *herd;
	struct revision *target;     /* what its instances are to run by */
	struct revision *current;    /* what they run by; the target, unless one is being rolled out */
	const struct spec *spec;     /* the target's */
	struct revision *previous;   /* what rollback goes back to; may be NULL */
	int last_revision;           /* the highest number that was given */
	struct rollout *rollout;     /* NULL: none is under way */
	struct wait_result *verdict; /* of the last rollout; may be NULL */
	bool is_rollout_stale;
	int count;                   /* instances it should have */
	int scaled;                  /* what scale asked for; -1: what the spec says */
	bool wants_up;               /* what new instances get */
	bool is_deleting;            /* deleted: removed with its last instance */
	struct vec instances;        /* by number */
	struct vec needs, needed_by; /* of struct app * */
	int level;
	size_t arrival, position;      /* in the order of coming, and in herd's apps */
	int wanted, ready, going_down; /* counts of its instances, kept by recount() in instance.c */
	bool was_ready;
	bool is_upstream_stale, is_gate_stale;
	struct proxy_view proxy;
	int64_t gate; /* the number of its gate, from when its definition first has one; 0: none yet */
	struct gate_view gate_wished;
	struct start_queue starts;
	struct budget
		health_budget; /* instances that may be down for their health now, and those that wait for that */
};

struct receipt;

struct herd {
	struct herd_options options;
	int64_t now;
	uint64_t random;
	struct vec apps;  /* in dependency order */
	struct map names; /* of apps */
	struct vec slots; /* of struct instance *, by slot */
	uint32_t last_slot;
	uint64_t last_generation;
	size_t arrivals;
	struct timers timers;
	struct timer deadline;
	struct instance *dirty_first, *dirty_last;
	struct vec requests;     /* of struct herd_wait * (request_wait.h) */
	struct vec receipts;     /* of struct receipt *, oldest first */
	struct receipt *receipt; /* the open one, that requests belong to; NULL: none */
	struct vec late_facts;   /* of struct late_fact * (facts.c) */
	struct vec gone; /* of struct instance *: spares that are no more, oldest first (gone_spares.c) */
	struct herd_counts counts;
	bool is_blank; /* it remembers nothing, and waits to hear what runs */
	bool is_changed, is_restoring, is_shutting_down;
	bool has_stale_upstream, has_stale_gate, has_stale_rollout;
	uint64_t last_rollout;
};

/* facts.c */
void late_facts_release(struct herd *h);

/* As ASSERT: the instance is named with its state and phase, and the words follow. */
#define ASSERT_OF(i, condition, words)                                                                       \
	ASSERT(condition, "%s:%d (%s, phase %s) %s", (i)->app->spec->name, (i)->number,                      \
		state_word((i)->state), phase_word((i)->phase), words)

/* herd.c */
void herd_begin(struct herd *h, int64_t now);
void herd_commit(struct herd *h);
struct instance *herd_by_slot(const struct herd *h, uint32_t slot);
/* The live instance that a fact is about; NULL, counted, for one of another generation. */
struct instance *herd_by_ticket(struct herd *h, struct ticket t, int64_t now);
void fact_unexpected(struct herd *h, const struct instance *i, const char *fact);
double herd_jitter(struct herd *h);
void herd_publish(struct herd *h, struct herd_event *event);
void herd_add_slot(struct herd *h, struct instance *i);
void herd_remove_slot(struct herd *h, const struct instance *i);

/* instance.c */
struct instance *instance_new(struct app *app, int number, uint32_t slot);
void instance_free(struct instance *i);
/* Its process has ended: what is known of its health and what it said go with it. */
void instance_forget_process(struct instance *i);
/* Frees a removed instance, and has the journal forget its past. */
void instance_forget(struct instance *i);
/* The one door for state: takes the step if it is legal, logs it, publishes it and does what it says. */
bool instance_event(struct instance *i, enum event event, const struct reason *why);
/* For what an earlier brain left: the state is as it was, or as what the keeper has makes it. */
void instance_restore_state(
	struct instance *i, enum state state, enum herd_event_kind kind, const struct reason *why);
void instance_note(struct instance *i, const struct reason *why);
void instance_set_why(struct instance *i, const struct reason *why);
/* It may have something to do, and may count differently for its app. */
void instance_mark_dirty(struct instance *i);
bool instance_is_wanted(const struct instance *i);
bool instance_should_run(const struct instance *i);
bool instance_is_ready(const struct instance *i);
/* It runs, stays, and its health is good as far as anybody checks: what a deploy may count on.  Since when: well_since. */
bool instance_is_well(const struct instance *i);
/* It has a process (or is about to), and should not. */
bool instance_is_going_down(const struct instance *i);
bool instance_is_down(const struct instance *i);
/* The last lines of its standard error, each behind a line's end. */
void instance_last_lines(const struct instance *i, struct buf *out);
/* The port of its next attempt. */
int instance_port(const struct instance *i);
/* The number of the gate that its process is behind, or will be; 0: none. */
int64_t instance_gate(const struct instance *i);
void instance_become_ready(struct instance *i);

/* request.c */
/* Into its past alone: who asked. */
void instance_remember(struct herd *h, struct instance *i, const struct reason *why);

/* instance_actions.c: what the actions of the state table do */
void instance_act(struct instance *i, enum action action);
/* The main process is gone and so is its tree; `has_exited`: the end of this run was seen, and last_exit is its own. */
void instance_gone(struct instance *i, bool has_exited);
void instance_fire(struct instance *i, enum timer_kind kind);
/* It waited for its turn to start, and that is now. */
void instance_take_turn(struct instance *i);
void instance_leftovers(struct instance *i);
/* The port that it waits for is not to be its own, or not now. */
void instance_stop_checking(struct instance *i);
/* What the main process has left gets the stop signal, or SIGKILL where its grace has ended. */
void instance_end_tree(struct instance *i);
/* Its definition says how its tree ends now. */
void instance_grace(const struct instance *i);
/* Its tree gets SIGKILL. */
bool instance_is_killed(const struct instance *i);
void instance_kill(struct instance *i, const struct reason *why);
void instance_arm(struct instance *i, struct timer *timer, enum timer_kind kind, int64_t after_ms);
void instance_watch(struct instance *i, bool is_adopted);
void instance_signal_stop(struct instance *i);
void instance_forget_crashes(struct instance *i);
/* What a spawn needs to know of it; `name` is for its name, and released after. */
void instance_spawn_effect(const struct instance *i, struct spawn_effect *effect, struct buf *name);

/* upstream_drain.c */
/* An effect for each upstream that is not as it should be. */
void upstreams_settle(struct herd *h);
void upstream_is_stale(struct app *a);
void upstream_forget(struct app *a);
/* It serves, and what it is to stop for has to take it out of its upstream or its gate first. */
bool instance_leaves_first(const struct instance *i);
/* Its upstream has to lose a server for that. */
bool instance_leaves_proxy(const struct instance *i);
/* May it get its stop signal now?  If it serves, its way out begins with the first question. */
bool instance_may_stop(struct instance *i);
/* It serves (again), or will never have to leave. */
void instance_drain_cancel(struct instance *i);
/* Its stop signal was sent, or it has ended: nothing is waited for any more. */
void instance_drain_finish(struct instance *i);
void instance_drain_timeout(struct instance *i);
void instance_drain_resume(struct instance *i);

/* Those that wait to be out of their upstream or their gate, and are. */
void upstream_look_out(struct app *a);

/* gate.c */
/* The first time that its definition has a gate. */
void app_give_gate(struct app *a);
/* The keeper says that a process of it is behind that one: the store may be older. */
void app_adopt_gate(struct app *a, int64_t gate);
/* It gets new connections from its gate. */
bool instance_is_chosen(const struct instance *i);
/* Another one of its app does; or on its port. */
bool gate_has_other(const struct instance *i);
bool gate_has_other_there(const struct instance *i);
/* Of an app that has one. */
void gate_is_stale(struct app *a);
/* An effect for each gate that is not as it should be. */
void gates_settle(struct herd *h);
/* What an earlier brain told it nobody knows. */
void app_resume_gate(struct app *a);
/* Its app ends. */
void app_close_gate(struct app *a);
/* Of a run that is over. */
void instance_forget_held(struct instance *i);
/* May one behind the gate be ready?  Its start fails where it listens on the port that it is to share, and the gate does not hold that. */
bool gate_admits(struct instance *i);

/* health.c */
/* From now on its health is checked, as its definition says. */
void instance_check_begin(struct instance *i);
/* The same of one that another brain started, if its definition says so. */
void instance_check_resume(struct instance *i);
void instance_check_end(struct instance *i);
/* Its definition changed, and its process stays. */
void instance_check_renew(struct instance *i);
/* One is under way, or will be. */
bool instance_is_checked(const struct instance *i);
/* The next check is due. */
void instance_check(struct instance *i);
/* What the last check said; NULL when it passed, or there was none. */
const struct reason *instance_check_reason(const struct instance *i);
/* It may be taken down now, and counts among those that are until it is well again; false: others are. */
bool health_slot_take(struct instance *i);
/* Its slot is given back once it is well, or nobody wants it. */
void health_slot_review(struct instance *i);
void health_slot_release(struct instance *i);
void health_slot_restore(struct instance *i);
/* Restarts it if it may be: true when it is on its way out. */
bool instance_step_unhealthy(struct instance *i);

/* notify_state.c */
/* The watchdog of one that is ready and has one; what it said is forgotten with its process. */
void instance_watchdog_begin(struct instance *i);
/* Of one that was ready in an earlier brain. */
void instance_watchdog_resume(struct instance *i);
void instance_watchdog_bite(struct instance *i);
void instance_notify_end(struct instance *i);
/* NULL: it has said none. */
const char *instance_notify_status(const struct instance *i);
bool instance_is_silent(const struct instance *i);

/* deploy.c */
struct rollout_start {
	enum rollout_kind kind;
	int count; /* instances at the end */
};
const char *rollout_kind_word(enum rollout_kind kind);
/* Its instances are to run by `to`, one after the other; a rollout that is under way is overtaken. */
void rollout_begin(struct app *a, struct revision *to, const struct rollout_start *start);
/* The same, or at once where nothing runs. */
void app_roll(struct app *a, struct revision *to, const struct rollout_start *start);
void rollout_free(struct rollout *r);
/* The app is deleted. */
void rollout_drop(struct app *a);
/* It may have something to decide. */
void rollout_is_stale(struct app *a);
void rollout_fire(struct app *a);
void rollout_resume(struct app *a);
/* An end that nobody asked for, or a start that took too long. */
void rollout_note_failure(struct instance *i, const struct reason *why);
/* Its upstream could not be changed: then nothing more is replaced. */
void rollout_note_upstream(struct app *a, const char *words);
/* It runs by the new revision and is still being tested: it gets no requests. */
bool instance_is_on_trial(const struct instance *i);
/* What a new instance runs by in the middle of a rollout. */
struct revision *rollout_birth_revision(const struct app *a, int number);

/* deploy_step.c */
void rollouts_settle(struct herd *h);

/* deploy_ports.c */
void spare_drop(struct instance *i);
/* Where there is no port or no number for one, the rollout fails; on the way back it does without. */
void spare_add(struct app *a);

/* deploy_report.c */
void rollout_tell_gone(struct instance *i);
/* Words borrowed from the app. */
void rollout_status(const struct app *a, struct rollout_status *out);

/* instance.c: the next step of a touched instance */
void instance_step(struct instance *i);
/* Why it is to go down, or went: "asked to stop", "scaled down".  It borrows from the instance. */
struct reason instance_stop_reason(const struct instance *i);

/* app.c */
/* The definition of an app of which only its processes are known: it explains that. */
void spec_set_lost(struct spec *s);
/* Its definition was lost with the state. */
bool app_is_lost(const struct app *a);
/* Takes over the first reference to its first revision. */
struct app *app_new(struct herd *h, struct revision *first);
/* From here on its instances are to run by `r`, which is borrowed. */
void app_retarget(struct app *a, struct revision *r);
void app_free(struct app *a);
struct app *app_find(const struct herd *h, const char *name);
struct instance *app_instance(const struct app *a, int number);
bool app_is_ready(const struct app *a);
/* The first app it depends on that is not ready now (`why`, which borrows its name, may be NULL); false when none is in the way. */
bool app_is_waiting(const struct app *a, struct reason *why);
bool app_keeps_upstream(const struct app *a);
/* It keeps one, or the proxy still has what it kept. */
bool app_has_upstream(const struct app *a);
void app_resize(struct app *a, int count);
void app_delete(struct app *a);
void app_remove(struct instance *i);
struct instance *app_add_instance(struct app *a, int number, uint32_t slot);
void app_mark_dirty(struct app *a);
void app_publish(struct app *a, const struct reason *why);

/* apps.c: who needs whom. */
void graph_link(struct herd *h);
/* Appends what those apps depend on, as deep as that goes; nothing twice, and nothing that is being deleted. */
void graph_add_needs(const struct vec *apps, struct vec *needs);
bool app_has_dependents_going_down(const struct app *a);

/* build.c: builds and oxfiles, as an apply and a rollback see them */
/* Is that the oxfile that is applied, by whatever name? */
bool apply_is_of(const struct herd_apply *a, const char *oxfile);
/* May its definition of `app` be taken?  -1 with words where another oxfile has it. */
int apply_claim(const struct herd_apply *a, const struct app *app, const struct spec *s, struct err *e);
/* What is on the disk for `s`, which is to be that app's; NULL: nobody looks.  `*is_held`: it stays where somebody went back to. */
struct build *apply_look(const struct herd *h, const struct herd_apply *a, const struct app *app,
	const struct spec *s, bool *is_held);
/* Would a deploy of `s` with that build leave the app as it is? */
bool app_is_same(const struct app *a, const struct spec *s, const struct build *now);
/* The same, as far as a start is concerned: builds do not count, nor by which name its folder is known. */
bool app_is_started_by(
	const struct herd *h, const struct herd_apply *a, const struct app *app, const struct spec *s);
/* Its processes start now, and take what is on the disk. */
void app_note_start(struct app *a);
/* `to` takes the place of everything that the app runs by. */
void app_overtake(struct app *a, const struct revision *to);
/* Is what `current` is to be replaced by worth going back from? */
bool rollout_makes_way_back(const struct app *a, const struct revision *to, enum rollout_kind kind);
/* Are the files of `to` gone, so that its definition alone is left?  Appends which. */
bool app_has_lost(const struct app *a, const struct revision *to, struct buf *words);
/* -1 with words where going back to `to` would not bring back what it was. */
int app_check_back(const struct app *a, const struct revision *to, struct err *e);
/* It runs by its definition alone from here on, with the files that are there now. */
void app_renew_build(const struct app *a, struct revision *r);
/* For a verdict: where its folder is; nothing where that says nothing. */
void revision_location(const struct revision *r, struct buf *out);

/* target.c: appends the instances (and with `apps` the apps, both in dependency order) that the targets mean. */
int targets_find(const struct herd *h, const char *const *targets, size_t count, struct vec *instances,
	struct vec *apps, struct err *e);

#endif
