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
#include "keeper/gate.h"
#include "keeper/groups.h"
#include "keeper/keeper.h"
#include "keeper/ledger.h"
#include "keeper/slots.h"
#include "wire/keeper_msg.h"

/* The steps of a shutdown. */
enum stopping {
	NOT_STOPPING,
	STOPPING_REQUESTED, /* SIGTERM came; the brain stops its services */
	STOPPING_SIGNALLED, /* the keeper itself has sent SIGTERM to every main process; the rest of each tree follows */
	STOPPING_KILLING, /* what is left gets SIGKILL */
	STOPPING_BRAIN,   /* only the brain is left, and may exit by itself */
	STOPPING_DONE,
};

/* What is still to be sent to the brain, apart from the slots. */
struct pending_messages {
	bool hello;
	bool upgraded;    /* the result of the last upgrade */
	bool synced;      /* after the slots and all held descriptors */
	size_t held;      /* index of the next one to send */
	uint64_t signals; /* bit N: signal N came */
	bool has_reply;   /* an ERROR or a HELD; while it waits for room nothing more is read */
	struct buf reply;
	int reply_fd; /* borrowed from what is held, or -1 */
	bool has_pong;
	uint64_t pong; /* the brain's PING that it is about: all before it are answered too */
};

/* Whether the brain answers; see ping.c. */
struct keeper_ping {
	bool is_due;     /* something was sent, or somebody doubts: a PING is to follow */
	bool is_out;     /* one is not answered yet */
	bool is_killed;  /* it did not answer and was killed; not reaped yet */
	bool is_traced;  /* by a debugger, and that was logged */
	uint64_t serial; /* of the last one */
	int looks;       /* since its last message */
	int64_t look_at; /* -1: no answer is awaited */
	int kills;       /* brains in a row that were killed because they did not answer */
	int64_t killed_at;
};

struct keeper_brain {
	struct slot slot;     /* its process; it has no ticket */
	int sock;             /* -1: there is none */
	bool is_synced;       /* it said SYNC: now it gets messages */
	bool was_served;      /* some brain said SERVES, once */
	bool has_served;      /* this one did: it said SERVES */
	bool wants_out;       /* the socket was full */
	unsigned int watched; /* epoll's events */
	int tries;            /* deaths in a row */
	int64_t started_at;
	int64_t retry_at; /* -1: not waiting */
	struct pending_messages pending;
	struct keeper_ping ping;
	struct keeper_spawn spawn;
	struct buf env; /* `spawn` borrows from these */
	struct buf path;
};

/* After an exec: whether the new brain has served yet, and the result. */
struct keeper_upgrade {
	bool is_proving;  /* the new brain has not said SERVES yet */
	pid_t old_pid;    /* of the brain that has to exit first; 0: it is gone */
	int64_t deadline; /* of this step */
	int back;         /* the program of the keeper before; -1 */
	int old_brain;    /* the program of its brain; kept open, as it may be started again from here */
	bool has_verdict;
	int number;
	char words[KEEPER_WORDS_MAX + 1];
};

struct keeper {
	const struct keeper_options *options;
	struct slots slots;
	struct groups groups;
	struct gate *gate;
	struct ledger ledger;
	struct fd_store held;
	struct keeper_brain brain;
	struct keeper_upgrade upgrade;
	struct rlimit nofile; /* as it was at the start */
	int oom;              /* the same of oom_score_adj; OOM_KEEP: it has not changed */
	int ready_fd;
	int signals; /* a signalfd */
	enum stopping stopping;
	int64_t deadline;     /* of this step of stopping; -1: none */
	bool is_killing;      /* the end of some tree is awaited, or everything is being killed */
	bool kill_is_due;     /* something ended: the round at kill_at need not be thorough */
	int64_t kill_at;      /* next round if nothing happens before; -1: none */
	int64_t kill_rest_at; /* no round before then: they take half of the time at most */
	int64_t kill_pause_ms;
	uint64_t bad_messages;
	struct failed_assertions *failed_assertions;
	bool gave_up;
	bool left_some;            /* processes that SIGKILL did not end */
	char *in;                  /* KEEPER_MSG_MAX bytes: the message that is read */
	struct buf out;            /* the message that is sent */
	struct keeper_msg message; /* the decoded one of either */
};

/* --- brain.c: its process and its socket --- */

/* Builds `spawn` once; the environment is the keeper's own. */
void brain_init(struct keeper *k);
void brain_release(struct keeper *k);
void brain_start(struct keeper *k);
/* slot_has_ended() says so of its process: a next one is started. */
void brain_ended(struct keeper *k);
/* Closes its socket and kills it: without one it is of no use. */
void brain_hang_up(struct keeper *k);

/* --- receive.c: messages of the brain --- */

/* Handles a bounded number of messages. */
void receive(struct keeper *k);
/* Of a brain that is dead: the messages that it sent before. */
void receive_rest(struct keeper *k);

/* --- send.c: messages to the brain --- */

/* After SYNC: everything is pending for this brain. */
void send_sync(struct keeper *k);
void send_signal_note(struct keeper *k, int number);
/* A reply; one at a time. */
void send_error(struct keeper *k, uint64_t about, int number, const char *words);
void send_held(struct keeper *k, const char *name, int fd);
/* Sends what is pending, as far as the socket takes it. */
void send_pending(struct keeper *k);

/* --- ping.c: does the brain answer? --- */

/* A brain was started, and has some time until it serves. */
void ping_start(struct keeper *k);
/* It serves. */
void ping_served(struct keeper *k);
/* Something was sent, or somebody doubts: an answer is awaited from now on. */
void ping_due(struct keeper *k);
/* After SIGCHLD: a stopped brain will not answer. */
void ping_check_stopped(struct keeper *k);
/* Sends the PING that is due with `send`, which gives false when the socket is full; so does this. */
bool ping_send(struct keeper *k, bool (*send)(struct keeper *k));
/* Any message came; the answer to that PING came. */
void ping_message_came(struct keeper *k);
void ping_answered(struct keeper *k, uint64_t about);
/* Kills a brain that has not answered in time. */
void ping_step(struct keeper *k, int64_t now);

/* --- folders.c: what was deleted --- */

/* Makes the locks and the ledger again where they are gone. */
void folders_check(struct keeper *k);

/* --- stop.c: the end --- */

/* A SIGTERM came.  A second one changes nothing. */
void stop_requested(struct keeper *k);
void stop_all(struct keeper *k, int64_t grace_ms);
/* The next step of it, after anything happened. */
void stop_step(struct keeper *k, int64_t now);

/* --- upgrade.c: another build takes over --- */

/* Executes the programs of an UPGRADE.  Returns only when that fails: -1 with an error, and nothing has changed. */
int upgrade_requested(struct keeper *k, const struct keeper_msg *m, struct err *e);
/* The first thing that the new one does. */
void upgrade_resume(struct keeper *k);
/* The new brain serves: the way back is closed. */
void upgrade_settled(struct keeper *k);
/* True for the end of the old brain that was waited for. */
bool upgrade_is_handed_over(struct keeper *k, pid_t ended);
/* After a death was counted: enough of them, and the old programs take over again. */
void upgrade_brain_died(struct keeper *k);
void upgrade_step(struct keeper *k, int64_t now);

/* --- keeper.c --- */

/* A round for the trees whose end is awaited: soon, or after a pause in case no event reports it. */
void keeper_kill_soon(struct keeper *k);
void keeper_kill_later(struct keeper *k);

#endif
