/*
 * A simulated machine: processes, ports, a keeper, a clock, a disk for the store, people who ask for things, and a brain that may die at any
 * moment.  Everything comes from one seed, so a run replays.  What a process does hangs on the seed, its name and how often it
 * was spawned; what action number n does hangs on the seed and n: so actions can be left out to find the few that matter.
 */
#ifndef OX_TESTS_SIM_H
#define OX_TESTS_SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/vec.h"
#include "herd/herd.h"
#include "rules/proxy_round.h"

struct app;

enum {
	SIM_APPS = 10,
	SIM_COUNT_MAX = 5, /* instances of one app */
	SIM_NUMBERS = 24,  /* with the spares of its rollouts */
	SIM_DIARY = 512,   /* ends that are remembered over the deaths of brains */
	SIM_VERSIONS = 512,
	SIM_PORTS = 256, /* from 3000 on */
	SIM_PORT_FIRST = 3000,
	SIM_TRACE_LINES = 400,
	SIM_REQUESTS = 64,
	SIM_RELEASES = 4,
};

struct proc {
	struct ticket ticket;
	char name[24];
	int app, number, port;
	bool owns_port;
	int64_t pid;
	bool is_main_alive, is_tree_alive, is_killed;
	int build;
	bool is_bad, is_doubtful; /* its build is; a later brain may take it for one of another revision */
	bool is_failed, is_lost;  /* never forked; ended while nobody listened */
	bool was_exit_told, was_gone_told;
	int code, signal;
	int64_t ready_at;  /* -1: never */
	int64_t stop_ms;   /* how long it takes to stop when asked; -1: it ignores that */
	int64_t kill_ms;   /* how long it takes to die when killed */
	bool has_children; /* they outlive it until they are stopped */
	int64_t rest_ms;   /* how long they take to; -1: they ignore that */
	int64_t grace_ms, stopped_at,
		ended_at;               /* when it first got the stop signal; when the main process ended */
	int64_t keeper_grace_ms;        /* after which the keeper kills what is left */
	bool is_end_wished;             /* a brain has wished for the end of what is left */
	bool is_end_told, is_gone_sent; /* what is left got the stop signal; that nothing is left was sent */
	bool is_watched, is_probed, is_immortal, is_asked, was_asked_to_stop;
	int64_t gate;                  /* that it is behind; 0: none */
	bool is_uncaught, does_listen; /* the keeper cannot hold its socket; it has one */
	bool is_held_told;             /* to this brain */
	int64_t drain_until;           /* then its drain is over; INT64_MAX: none was wished for */
	int64_t ill_until;             /* its checks of health fail */
	int64_t last_fact;             /* the keeper tells in order */
};

enum happens {
	HAPPENS_SPAWNED,
	HAPPENS_SPAWN_FAILED,
	HAPPENS_END,      /* the main process ends by itself or by a signal */
	HAPPENS_TREE_END, /* after a kill nothing is left */
	HAPPENS_TELL_EXIT,
	HAPPENS_TELL_GONE,
	HAPPENS_LISTEN,
	HAPPENS_TELL_LISTENS,
	HAPPENS_READY,
	HAPPENS_PORT,
	HAPPENS_UPSTREAM, /* of the app that `port` is, its serial as generation */
	HAPPENS_DRAINED,
	HAPPENS_PROBED,
	HAPPENS_HOOKED, /* of the app that `port` is, its rollout as generation */
};

struct due {
	int64_t at;
	uint64_t order, epoch;
	enum happens what;
	struct ticket ticket;
	int port;
};

/* What people asked for, kept apart from the herd: what it should come to. */
struct want {
	bool exists, is_up; /* is_up: new instances */
	int count, version;
	bool up[SIM_COUNT_MAX];
	bool is_told; /* a rollout failed or was rolled back: from the herd it is learnt what it went back to */
	int port[SIM_COUNT_MAX]; /* that it had first; 0: not seen yet */
};

struct asked {
	uint64_t id;               /* 0: free */
	bool is_stop, is_shutdown; /* neither: it waits for things to be up */
	bool is_rollout;           /* nothing but a rollout is waited for */
	bool covers[SIM_APPS][SIM_NUMBERS];
	int64_t last_pid; /* later ones were begun by somebody who asked later */
};

/* What is asked for under a key, until it is answered; one at a time. */
struct again {
	uint64_t id; /* of the request; 0: none */
	char key[32];
	int app, delta, before;
	bool waits;
	bool is_begun; /* by some brain */
	bool is_clean; /* nobody has asked for anything else since */
};

/* What is on the disk of one app. */
struct disk {
	int link;                  /* the release that it leads to */
	int64_t age[SIM_RELEASES]; /* of the file in each; -1: the release is gone */
};

struct sim {
	uint64_t seed, behaviour, spawns;
	int64_t now, wall;
	struct herd *h;
	uint64_t epoch;   /* of the brain: facts for an earlier one never arrive */
	struct vec procs; /* of struct proc * */
	struct due *due;  /* a heap */
	size_t due_len, due_cap;
	uint64_t orders;
	int64_t stranger_until[SIM_PORTS];
	int64_t cause_until
		[SIM_APPS]; /* something that all instances of an app need is not there: their checks fail */
	int64_t program_gone_until[SIM_APPS]; /* what is spawned of it fails at once */
	struct ticket *port_watch;
	size_t port_watch_len, port_watch_cap;
	uint64_t upstream_serial[SIM_APPS];
	struct proxy_site sites[SIM_APPS];      /* when each is tried, and tried again */
	bool is_named[SIM_APPS][SIM_PORTS];     /* by its upstream, as one who takes connections: as wished */
	bool is_named_now[SIM_APPS][SIM_PORTS]; /* and in effect */
	bool is_named_maybe[SIM_APPS]
			   [SIM_PORTS]; /* in effect, or may be: nobody knows how a reload went that failed */
	int64_t unwished_at[SIM_APPS][SIM_PORTS]; /* when it was wished out of the upstream */
	bool is_upstream_broken[SIM_APPS];        /* its last effect was not carried out */
	bool is_upstream_doubtful[SIM_APPS];      /* this brain has had no answer yet, or one was lost */
	uint64_t let_go
		[SIM_APPS]; /* the last effect that failed while nothing was rolled out: nobody waits for it */
	uint64_t answered[SIM_APPS];
	uint64_t spawn_counts[SIM_APPS][SIM_NUMBERS];
	int64_t started_at[SIM_APPS][SIM_NUMBERS]; /* its last process; 0: none yet */

	struct vec held;   /* of struct held *: sockets of the keeper */
	struct vec fronts; /* of struct front *: gates, by the last effect */

	struct disk disks[SIM_APPS];
	uint64_t turned_back[SIM_APPS]; /* 1 + the step in which its last rollout that failed gave up */
	int64_t files;                  /* that were written so far */
	struct want wants[SIM_APPS];
	int file_version[SIM_APPS]; /* what stands in the oxfile; -1: the app is not in it */
	struct asked asked[SIM_REQUESTS];
	uint64_t request_ids;
	struct again again;
	enum state states[SIM_APPS][SIM_NUMBERS]; /* as the events told */
	bool is_known[SIM_APPS][SIM_NUMBERS];
	bool is_failed_start[SIM_APPS]
			    [SIM_NUMBERS]; /* it is stopping because it was not ready in time, or unhealthy */
	bool is_down_ill[SIM_APPS]
			[SIM_NUMBERS]; /* it was stopped for its health, and has not been well since */
	/* By its slot: who served when the last step was over, and who was to go for a rollout. */
	struct seen {
		uint32_t slot;
		uint64_t generation;
		bool served, was_pulled, was_spare, was_done, was_leaving;
	} seen[SIM_APPS][SIM_NUMBERS];
	uint64_t back[SIM_APPS]; /* the rollout of each that was on its way back; 0: none */
	uint64_t events;
	struct notify_state {
		int app, number;
		uint64_t run;
	} diary[SIM_DIARY]; /* a ring */
	size_t diary_len;
	bool is_restoring;
	bool is_shutting_down, has_deadline, is_calm;

	struct buf store;       /* the text of the herd as it was saved last; empty: never */
	int64_t dies_in;        /* steps until the brain dies; -1: nobody planned it */
	int64_t dies_at_effect; /* within that step, before this many more effects; -1: after it */
	bool is_store_prompt;   /* saved at every change while it is about to die */
	bool is_brain_dead;     /* from here on its effects go nowhere */
	bool has_new_keeper;    /* it adopted what lives, and nobody saw how the others ended */
	bool ends;              /* the daemon, as its shutdown is settled */
	bool was_changed;       /* changed() came since the last spawn */
	int64_t back_at;        /* when the next brain begins; -1: there is one */

	uint64_t steps, actions, limit;
	bool is_shrunk; /* actions that are left out take no time either */
	int64_t next_action;
	const bool *skips; /* of actions; NULL: none */
	size_t skips_len;
	char failure[256];
	bool is_tracing;
	char (*trace)[160];
	uint64_t traced;
	uint64_t restores, settled, lost, rollouts, went_back;
};

/* sim.c */
void sim_init(struct sim *s, uint64_t seed, uint64_t limit);
void sim_release(struct sim *s);
/* Runs until the limit or the first broken invariant; true when none broke. */
bool sim_run(struct sim *s);
void sim_fail(struct sim *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
void sim_trace(struct sim *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
uint64_t sim_mix(uint64_t a, uint64_t b);
/* 0 to below `range`, from a state that moves on. */
uint64_t sim_draw(uint64_t *random, uint64_t range);
bool sim_chance(uint64_t *random, unsigned int percent);

/* machine.c */
extern const struct herd_effects machine_effects;
/* Does the earliest thing that is due; false: nothing is. */
bool machine_step(struct sim *s);
int64_t machine_next(const struct sim *s);
void machine_due(struct sim *s, enum happens what, struct ticket t, int64_t at, int port);
void machine_calm(struct sim *s);
/* Nothing is due but answers to checks of health, which never end. */
bool machine_is_quiet(const struct sim *s);
void machine_release(struct sim *s);
struct proc *machine_find(const struct sim *s, struct ticket t);
void machine_forget_told(struct sim *s);

/* A brain dies between two effects as well as between two steps; what it asks for afterwards nobody hears. */
bool machine_hears(struct sim *s);
/* A message of the keeper's about one process; they arrive in order. */
void machine_tell(struct sim *s, struct proc *p, enum happens what);
void machine_end_main(struct sim *s, struct proc *p, int code, int signal);

/* tree.c: how a process and what comes from it are stopped and killed */
void tree_signal(void *context, struct ticket t, const char *signal);
void tree_stop(void *context, struct ticket t, const char *signal, enum reach reach);
void tree_shutdown(void *context, struct ticket t, const char *signal);
void tree_grace(void *context, struct ticket t, const char *signal, int64_t ms);
void tree_end(void *context, struct ticket t, const char *signal);
void tree_kill(void *context, struct ticket t);
/* Nothing is left of it. */
void tree_main_ended(struct sim *s, struct proc *p);
void tree_ended(struct sim *s, struct proc *p);

/* port.c */
bool machine_is_port_taken(void *context, int port);
void port_check_wish(void *context, const struct endpoint *at);
void port_unwatch(struct sim *s, struct ticket t);
/* No port belongs to two apps, be it by what they run by or by what they may go back to. */
/* One of the app, begun after the last save, is taken for one of another revision, which has other ports: its upstream may name where it is not. */
bool port_is_mistaken(const struct sim *s, const struct app *a);
void port_check(struct sim *s);
void port_happen(struct sim *s, const struct due *due);
/* It waits for a port, perhaps of one that is not replaced yet, and its rollout for the word that continues or ends it.  NULL: there is none. */
bool port_rests(const struct instance *i);

/* proxy.c */
void proxy_upstream(void *context, const struct upstream_effect *effect);
void proxy_drain(void *context, const struct endpoint *at, int64_t ms);
void proxy_look(void *context, int64_t pid, struct process_look *out);
void proxy_last_lines(void *context, const char *name, struct buf *out);
void proxy_remember(void *context, const struct herd_event *event);
void proxy_forget(void *context, const char *app, int instance);
void proxy_hook(void *context, const struct hook_effect *effect);
/* Another brain, that knows nothing of what the proxies have. */
void proxy_relearn(struct sim *s);
void proxy_check(struct sim *s, const struct app *a);
/* Still in effect though it was wished away, and the brain has waited for it neither to end nor long enough. */
bool proxy_is_early(const struct sim *s, const struct instance *i, int port);
void proxy_happen(struct sim *s, const struct due *due);
void proxy_hooked(struct sim *s, const struct due *due);

/* gate.c */
void gate_wish(void *context, const struct gate_effect *effect);
/* False: it is behind no gate. */
bool gate_drain(struct sim *s, struct ticket t, int64_t ms);
void gate_drained(struct sim *s, struct proc *p);
void gate_spawned(struct sim *s, struct proc *p, const struct spawn_effect *effect);
void gate_listen(struct sim *s, struct proc *p);
void gate_tell(struct sim *s, struct proc *p);
void gate_before_ready(struct sim *s, struct proc *p);
void gate_ended(struct sim *s, const struct proc *p);
void gate_relearn(struct sim *s);
void gate_resumed(struct sim *s);
void gates_release(struct sim *s);
bool gate_has_port(const struct sim *s, int port, int64_t but);
void gate_check(struct sim *s);
void gate_check_signal(struct sim *s, const struct proc *p);
void gate_check_upstream(struct sim *s, const struct upstream_effect *effect);
void gate_quiet(struct sim *s);

/* town.c: the apps that there are, in their versions */
extern const char *const town_names[SIM_APPS];
struct spec *town_spec(int app, int version);
/* What its processes run: bits of a version that need new ones. */
int town_build(int version);
bool town_is_bad(const struct spec *s);
/* Does a deploy begin with a spare?  Nobody here listens on a port that was only passed on. */
bool town_surge(const struct spec *s, int instances);
/* Which of the versions of all apps that is for this one. */
int town_version_of(int app, int version);
/* Its instances share a port, by most of its versions. */
bool town_shares(int app);
/* Which version it is, and how many instances that has. */
int town_version(const struct spec *s);
int town_count(int app, int version);
int town_app(const char *name);
bool town_needs(int app, int other);
/* How many of its instances may be down for their health. */
int town_most_ill(int app);
/* How far apart its instances are to start. */
int64_t town_stagger(const struct spec *s);
/* Its port is written, or comes from env. */
bool town_has_port(int app);
/* "api:2"; false: not ours. */
bool town_parse(const char *name, int *app, int *number);

/* driver.c */
void driver_act(struct sim *s, uint64_t number);
/* NULL: the caller does not wait, or too many wait. */
struct asked *driver_ask(struct sim *s, uint64_t *random);
void driver_settle_failed(struct asked *a);
/* driver_again.c */
void driver_resize(struct sim *s, int app, int count);
void driver_scale(struct sim *s, uint64_t *random);
void driver_once(struct sim *s, uint64_t *random);
/* The next brain is there: callers without an answer ask again.  `is_exact`: it knows all that the last one did. */
void again_ask(struct sim *s, bool is_exact);

/* driver_roll.c */
/* Is there that instance (app and number, or -1)?  A rollout may have to add it yet. */
bool driver_is_there_yet(const struct sim *s, int app, int number);
/* Who stops a spare says nothing about the instance that gets its number later. */
bool driver_is_spare(const struct sim *s, int app, int number);
/* What the herd wants of an instance that is there; else `fallback`. */
bool driver_wants_up(const struct sim *s, int app, int number, bool fallback);
void driver_reload(struct sim *s, uint64_t *random);
void driver_steer(struct sim *s, uint64_t *random);
/* Everything is stopped, and nothing more is requested. */
void driver_shut_down(struct sim *s, int64_t deadline_ms);

/* brain.c */
void brain_start(struct sim *s);
void brain_die(struct sim *s);
void brain_save(struct sim *s);
void brain_end(struct sim *s);
/* The keeper remembers which processes were stopped, for the next brain. */
void brain_stopping(void *context, struct ticket t);

/* disk.c */
struct build *disk_look(void *context, const struct build_query *effect);
void disk_edit(struct sim *s, uint64_t *random);
void disk_check_spawn(struct sim *s, const struct instance *i, const struct spawn_effect *effect);
/* An apply with changes was taken for that app. */
void disk_check_deployed(struct sim *s, int app);
/* A rollback has nowhere to lead: the files of the revision before are gone.  In the middle of a rollout it is an abort, which brings back what ran. */
bool disk_has_lost_back(const struct sim *s, int app);
/* What a rollout that came to nothing says of the files that run again. */
void disk_check_went_back(struct sim *s, int app, const char *words);

/* roll.c */
void roll_note(struct sim *s, int app, const struct herd_event *event);
/* How many it has and which version it is: what people want, or what a rollout that went back made of it. */
void roll_check_app(struct sim *s, int app, const struct app *a);
void roll_step(struct sim *s);
void roll_check_spare(struct sim *s, const struct instance *i, const struct spawn_effect *effect);
void roll_quiet(struct sim *s);
void roll_relearn(struct sim *s);

/* apart.c */
void apart_check(struct sim *s, int app, int number);
void apart_relearn(struct sim *s);
void apart_note(struct sim *s, int app, const struct herd_event *event);

/* check.c */
void check_spawn(struct sim *s, const struct spawn_effect *effect);
void check_signal(struct sim *s, const struct proc *p);
void check_event(struct sim *s, const struct herd_event *event);
/* diary.c: which ends were reported, remembered over the deaths of brains; that of a run is reported once. */
void diary_trace(struct sim *s, const struct herd_event *event);
void diary_note(struct sim *s, int app, const struct herd_event *event);
void diary_check_limited(struct sim *s, const struct instance *i, const struct herd_event *event);
void diary_check_pace(struct sim *s, const struct instance *i, const struct herd_event *event);
bool diary_has_end(const struct sim *s, int app, int number, uint64_t run);
void check_settled(struct sim *s, uint64_t id, bool is_ok);
void check_step(struct sim *s);
/* check_whole.c: the herd fits together. */
void check_whole(struct sim *s);
void check_ill(struct sim *s, const struct app *a);
void check_quiet(struct sim *s);
void check_empty(struct sim *s);
/* Makes the wants what the herd remembers, after a store that was older than the last request. */
void check_relearn(struct sim *s);
void check_relearn_states(struct sim *s);
bool check_is_wanted(const struct sim *s, int app, int number);

#endif
