/*
 * Every process that the brain asked for, from its fork until the brain forgets it.  Slots are found by ticket, the unreaped ones by
 * pid too.  What is to be sent to the brain is kept as bits in the slot itself, and such slots stand in one queue: so no
 * other record of events can fill up or be lost, and nothing is allocated after the slot was made.
 */
#ifndef OX_KEEPER_SLOTS_H
#define OX_KEEPER_SLOTS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "keeper/gate.h"
#include "wire/keeper_msg.h"

enum {
	SLOTS_BUCKETS = 1024, /* a power of two */
};

/* What is to be sent to the brain about a slot, in this order. */
enum pending {
	PENDING_SLOT = 1,
	PENDING_SPAWNED = 2,
	PENDING_FAILED = 4,
	PENDING_EXITED = 8,
	PENDING_GONE = 16,
	PENDING_ASKED = 32, /* sent after PENDING_SLOT */
	PENDING_UNHELD = 64,
};

/* Who has had the stop signal, so that none gets it twice; a bit each. */
enum signalled {
	SIGNALLED_MAIN = 1, /* its main process */
	SIGNALLED_REST = 2, /* the rest of its tree */
};

struct env_mark_secret;
struct groups;
struct ledger;

struct slot {
	struct slot *next_by_ticket;
	struct slot *next_by_pid;
	struct slot *next_by_session;
	struct slot *next_by_watch;
	struct slot *next, *previous; /* all of them, oldest first */
	struct slot *next_pending;
	bool is_queued;       /* stands in the queue */
	bool is_child;        /* not reaped yet: only then its pid is surely its own */
	bool was_adopted;     /* started by an earlier keeper: its orphans do not become our children */
	bool is_taken;        /* the brain knows how it ended */
	bool is_stopping;     /* a brain has told it to stop */
	bool is_gone;         /* nothing of its tree is left */
	bool is_ending;       /* the end of its tree is awaited */
	bool is_killing;      /* and it gets SIGKILL */
	bool is_walked;       /* while it is one of these: only a walk through /proc shows what is left */
	bool has_group;       /* a cgroup of its own, see groups.h */
	bool was_looked_for;  /* a walk has killed all of the tree that there was */
	bool is_rest_noted;   /* the ledger has rest_signal as sent: it is sent once, at that very moment */
	bool is_self_ended;   /* the keeper has ended its tree without an END_TREE */
	bool has_failure;     /* its spawn reported `stage` and `number` */
	unsigned int pending; /* of enum pending */
	enum keeper_state state;
	struct keeper_ticket ticket;
	pid_t pid; /* 0 when there never was one; also the number of its session */
	uint64_t start_time;
	int pidfd;              /* of an adopted main process that lives, else -1: it is no child */
	int report_fd;          /* the child reports here whether exec worked; -1 when that is known */
	unsigned int signalled; /* of enum signalled */
	int stop_signal;        /* of GRACE, with grace_ms; 0: none came */
	int64_t grace_ms;
	int64_t stopping_at; /* when is_stopping was set; 0: not known */
	int64_t kill_at;     /* then what is left gets SIGKILL; 0: never */
	int rest_signal;     /* to be sent to the rest once the main process has ended; 0: none */
	int tree_signal;     /* to be sent to the whole tree with the next walk; 0: none */
	int left;            /* processes of its tree that the last walk saw */
	int watch;           /* its cgroup's, see groups.h; -1: none */
	int status;
	int64_t at_ms, wall_ms, cpu_us, peak_kb;
	uint64_t
		ended_ticks; /* when the end of an adopted one was noticed, as start_time counts; 0: nobody saw it */
	int record;          /* its place in the ledger, or -1 */
	enum keeper_spawn_stage stage;
	int number;
	struct slot_gate gate;
	const char *name; /* its own, in the same piece of memory */
};

struct slots {
	struct ledger *ledger;                /* NULL: none is kept; it outlives them */
	struct groups *groups;                /* NULL: there are no cgroups */
	struct gate *gate;                    /* NULL: there is none */
	const struct env_mark_secret *secret; /* of the marks */
	int epoll;                            /* where reports are watched, with their slot as data */
	struct slot *by_ticket[SLOTS_BUCKETS];
	struct slot *by_pid[SLOTS_BUCKETS];
	struct slot *by_session[SLOTS_BUCKETS];
	struct slot *by_watch[SLOTS_BUCKETS];
	struct slot *first, *last;
	struct slot *first_pending, *last_pending;
	int count;
	int busy, killing,
		walked; /* how many are is_ending or is_killing, are is_killing, are is_walked and one of these */
	int tree_signals; /* how many have a tree_signal */
	int64_t kill_at;  /* no kill_at of a slot is earlier; 0: there is none */
	int kills_due;    /* how many have a kill_at */
	bool has_new_end; /* the end of another tree is awaited */
	bool wants_walk;  /* a process ended: a walk may find a tree gone */
};

/* The brain has a slot too, found by pid only: it has no ticket. */
bool slot_is_brain(const struct slot *s);
/* NULL when all are taken; the ticket must be new. */
struct slot *slots_new(struct slots *all, struct keeper_ticket ticket, const char *name);
/* The slot must have no child. */
void slots_free(struct slots *all, struct slot *s);
struct slot *slots_find(const struct slots *all, struct keeper_ticket ticket);
/* Its main process is not known to have ended. */
bool slot_lives(const struct slot *s);
/* It was a child, and was reaped. */
bool slot_has_ended(const struct slot *s);
/* The one whose unreaped main process has that pid, or NULL. */
struct slot *slots_find_child(const struct slots *all, pid_t pid);
/* The same for one that was adopted. */
struct slot *slots_find_adopted(const struct slots *all, pid_t pid, uint64_t start_time);
/* Is there any adopted one? */
bool slots_has_adopted(const struct slots *all);
/* The newest one whose main process had that pid, as long as something of its tree may be left. */
struct slot *slots_find_session(const struct slots *all, pid_t pid);
/* From now on it is found so, before those that were known earlier: it has its pid. */
void slots_know_session(struct slots *all, struct slot *s);
/* By the watch of its cgroup, or NULL. */
struct slot *slots_find_watch(const struct slots *all, int watch);
/* -1: it has none any more. */
void slots_set_watch(struct slots *all, struct slot *s, int watch);
/* The end of its tree is awaited, it is killed, or neither any more.  Whether it has a cgroup of its own is settled by the first of these calls. */
void slots_set_busy(struct slots *all, struct slot *s, bool is_ending, bool is_killing);
/* What is left of its tree then gets SIGKILL; 0: never. */
void slots_kill_at(struct slots *all, struct slot *s, int64_t at);
/* It has a process from now on; and no longer. */
void slots_born(struct slots *all, struct slot *s, pid_t pid);
/* The same with one that is no child: its pid is known already, the pidfd is taken over. */
void slots_adopted(struct slots *all, struct slot *s, int pidfd);
void slots_reaped(struct slots *all, struct slot *s);

/* To be sent, after what is queued already. */
void slots_set_pending(struct slots *all, struct slot *s, unsigned int what);
/* Nothing is to be sent about it any more. */
void slots_clear_pending(struct slots *all, struct slot *s);
/* For a new brain: everything about every slot, the oldest first. */
void slots_set_all_pending(struct slots *all);

#endif
