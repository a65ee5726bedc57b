/*
 * What the keeper's own files share.
 */
#ifndef OX_KEEPER_KEEPER_PRIVATE_H
#define OX_KEEPER_KEEPER_PRIVATE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>

#include "base/buf.h"
#include "keeper/assertions.h"
#include "keeper/fd_store.h"
#include "keeper/groups.h"
#include "keeper/keeper.h"
#include "keeper/ledger.h"
#include "keeper/slots.h"
#include "wire/keeper_msg.h"

/* How far a shutdown has come. */
enum stopping {
	STOPPING_NOT,
	STOPPING_ASKED, /* SIGTERM came: the brain's turn */
	STOPPING_TERM, /* every main process had a SIGTERM, and what is left of its tree gets one when it has ended */
	STOPPING_KILL,     /* whatever is left is killed */
	STOPPING_FAREWELL, /* only the brain is left */
	STOPPING_DONE,
};

/* What is owed to the brain apart from the slots. */
struct pending_messages {
	bool hello;
	bool upgraded;    /* how the last upgrade went */
	bool synced;      /* after the slots and all held descriptors */
	size_t held;      /* the next one to be told of */
	uint64_t signals; /* bit N: signal N came */
	bool has_reply;   /* an ERROR or a HELD; while it waits nothing more is read */
	struct buf reply;
	int reply_fd; /* borrowed from what is held, or -1 */
};

/* Whether the brain answers; see ping.c. */
struct ping {
	bool is_due;     /* it was told something, or somebody doubts: a PING is to follow */
	bool is_out;     /* one has no answer yet */
	bool is_killed;  /* for its silence; its end is not known yet */
	bool is_traced;  /* by a debugger, and that was logged */
	uint64_t serial; /* of the last one */
	int looks;       /* since it was heard of */
	int64_t look_at; /* -1: there is nothing to wait for */
	int kills;       /* brains in a row that were killed for their silence */
	int64_t killed_at;
};

struct brain {
	struct slot slot;     /* its process; it has no ticket */
	int sock;             /* -1: there is none */
	bool is_synced;       /* it said SYNC: now it is told things */
	bool was_served;      /* some brain said SERVES, once */
	bool has_served;      /* this one did: it said SERVES */
	bool wants_out;       /* the socket was full */
	unsigned int watched; /* epoll's events */
	int tries;            /* deaths in a row */
	int64_t started_at;
	int64_t retry_at; /* -1: not waiting */
	struct pending_messages debts;
	struct ping ping;
	struct keeper_spawn wish;
	struct buf env; /* what its wish borrows from */
	struct buf path;
};

/* After an exec: what is still to be proved, and how it went. */
struct upgrade {
	bool is_proving;  /* the new brain has not said SERVES yet */
	pid_t old_pid;    /* of the brain that has to leave first; 0: it is gone */
	int64_t deadline; /* of this step */
	int back;         /* the program of the keeper before; -1 */
	int old_brain;    /* and of its brain; kept open where that is started again from here */
	bool has_verdict;
	int number;
	char words[KEEPER_WORDS_MAX + 1];
};

struct keeper {
	const struct keeper_options *options;
	struct slots slots;
	struct groups groups;
	struct ledger ledger;
	struct fd_store hold;
	struct brain brain;
	struct upgrade upgrade;
	struct rlimit nofile; /* as it was at the start */
	int oom;              /* the same of oom_score_adj; OOM_KEEP: it has not changed */
	int ready_fd;
	int signals; /* a signalfd */
	enum stopping stopping;
	int64_t deadline;     /* of this step of stopping; -1: none */
	bool is_killing;      /* some tree is waited for, or the sweep is under way */
	bool kill_is_due;     /* something happened: at kill_at a round follows, which need not be thorough */
	int64_t kill_at;      /* next round if nothing happens before; -1: none */
	int64_t kill_rest_at; /* not before then: rounds take half of the time at most */
	int64_t kill_pause_ms;
	uint64_t bad_messages;
	struct failed_assertions *failed_assertions;
	bool gave_up;
	bool left_some;           /* processes that SIGKILL did not end */
	char *in;                 /* KEEPER_MSG_MAX bytes for what the brain says */
	struct buf out;           /* what is being said */
	struct keeper_msg letter; /* what was read, or is being written */
};

/* --- brain.c: its process and its socket --- */

/* Builds the wish once; the environment is the keeper's own. */
void brain_init(struct keeper *k);
void brain_release(struct keeper *k);
void brain_start(struct keeper *k);
/* After reaping: if it has ended, what follows from that. */
void brain_check(struct keeper *k);
/* Its socket is over: whatever it is, it is no brain any more. */
void brain_hang_up(struct keeper *k);
/* What to wait for at its socket, as things stand. */
void brain_watch(struct keeper *k);

/* --- receive.c: what the brain says --- */

/* Reads and does what is there, a bounded number of messages. */
void receive(struct keeper *k);
/* Of a brain that is dead: whatever it still said. */
void receive_rest(struct keeper *k);

/* --- send_pending.c: what the brain is told --- */

/* Everything starts anew with a brain that said SYNC. */
void send_sync(struct keeper *k);
void send_signal_note(struct keeper *k, int number);
/* An answer; there is room for one. */
void send_error(struct keeper *k, uint64_t about, int number, const char *words);
void send_held(struct keeper *k, const char *name, int fd);
/* Says what is owed, as far as the socket takes it. */
void send_pending(struct keeper *k);

/* --- ping.c: whether it answers --- */

/* A brain was started, and has some time until it serves. */
void ping_start(struct keeper *k);
/* It serves. */
void ping_served(struct keeper *k);
/* It is told something, or somebody doubts: an answer is due from now on. */
void ping_due(struct keeper *k);
/* After SIGCHLD: one that is stopped will not answer. */
void ping_check_stopped(struct keeper *k);
/* Says the PING that is due with `send`, which gives false when it has to wait for room; so does this. */
bool ping_tell(struct keeper *k, bool (*send)(struct keeper *k));
/* It has said anything at all; it has answered that PING. */
void ping_heard(struct keeper *k);
void ping_answered(struct keeper *k, uint64_t about);
/* Kills one that has not answered in time. */
void ping_step(struct keeper *k, int64_t now);

/* --- folders.c: what was deleted --- */

/* Makes the locks and the ledger again where they are gone. */
void folders_check(struct keeper *k);

/* --- stop.c: the end --- */

/* A SIGTERM came.  A second one changes nothing. */
void stop_asked(struct keeper *k);
void stop_all(struct keeper *k, int64_t grace_ms);
/* Goes on with it, after anything happened. */
void stop_step(struct keeper *k, int64_t now);

/* --- upgrade.c: another build takes over --- */

/* Becomes the programs of an UPGRADE.  Comes back only when that fails: -1 with words, and all is as it was. */
int upgrade_asked(struct keeper *k, const struct keeper_msg *m, struct err *e);
/* The first thing that the new one does. */
void upgrade_resume(struct keeper *k);
/* The new brain serves: there is no way back any more, and no need for one. */
void upgrade_settled(struct keeper *k);
/* True for the end of the old brain that was waited for. */
bool upgrade_is_handed_over(struct keeper *k, pid_t ended);
/* After a death was counted: enough of them, and the old programs take over again. */
void upgrade_brain_died(struct keeper *k);
void upgrade_step(struct keeper *k, int64_t now);

/* --- keeper.c --- */

/* A round for the trees that are waited for: soon, or when nothing else tells of their end. */
void keeper_kill_soon(struct keeper *k);
void keeper_kill_later(struct keeper *k);

#endif
