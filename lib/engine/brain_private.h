/*
 * Between the parts of the brain: not for anybody else.
 */
#ifndef OX_ENGINE_BRAIN_PRIVATE_H
#define OX_ENGINE_BRAIN_PRIVATE_H

#include "base/buf.h"
#include "base/map.h"
#include "base/vec.h"
#include "engine/brain.h"
#include "journal/event_ring.h"
#include "journal/store.h"
#include "logs/location.h"
#include "logs/streams.h"
#include "loop/watchers.h"
#include "proxy/upstream.h"
#include "sense/drain.h"
#include "sense/limit_watch.h"
#include "sense/port.h"
#include "sense/port_waits.h"
#include "sense/probe.h"
#include "sense/usage.h"
#include "spawn/keeper_client.h"
#include "spawn/notify.h"
#include "spawn/run.h"

enum {
	SAVE_DELAY_MS = 200, /* facts wait this long for others to be saved with */
	SAVE_SHARE = 10,     /* and so many times as long as saving took, lest a slow disk did nothing else */
	SAVE_DELAY_MAX_MS = 30000,
	FORGETS_SOON = 512,   /* with so many ends that the keeper remembers for us it is not put off */
	FORGETS_MAX = 4096,   /* that wait for a disk that takes nothing; the keeper's room has its end too */
	TRIM_EVENTS = 500,    /* so many leave enough behind to be given back */
	STOP_GRACE_MS = 2000, /* what the keeper gives to what is left when all should be gone */
};

/* A fact that a wish was answered with at once: the herd hears it when it has finished speaking. */
struct fact {
	enum {
		FACT_SPAWN_FAILED,
		FACT_PORT_FREE,
		FACT_PORT_TAKEN,
		FACT_NOTE,
		FACT_SAID_READY, /* to an earlier brain */
	} kind;
	struct ticket ticket;
	int number;
	char *words;
};

/* What the keeper told of one process while the brain found its feet. */
struct found {
	struct ticket ticket;
	char *name;
	int64_t pid;
	int64_t state;
	bool is_asked, is_gone;
	int64_t status;
	int64_t wall_ms;
	int64_t stage;
	int64_t number;
};

struct homewatch;
struct upgrade;

struct waiter {
	brain_done done;
	void *context;
};

struct brain {
	struct brain_options options;
	struct ev_loop *loop;
	struct keeper_client *keeper;
	struct herd *herd;
	struct launch_envs launch_envs;
	struct store *store;
	struct log_streams *streams;
	struct runner *runner;
	struct probes *probes;
	struct notify *notify;
	struct limit_watch *limits;
	int64_t oom_kills; /* as the kernel has counted them so far */
	struct upstreams *upstreams;
	struct drains *drains;
	struct usage *usage;
	struct port_waits *ports;
	struct homewatch *home;
	ev_timer due;       /* the herd's next deadline */
	ev_timer save;      /* armed only while something is not saved */
	struct vec facts;   /* of struct fact *, to be told */
	struct vec found;   /* of struct found *, while synchronising */
	size_t pipes_due;   /* asked of the keeper, while synchronising */
	struct vec held;    /* of char *: what the keeper holds, while synchronising */
	struct vec forgets; /* of struct ticket *: told to the keeper once the store knows */
	size_t forgets_due; /* so many of them are in the write that is the `save_due`th */
	uint64_t save_due;
	struct process_walk *walk; /* of this turn of the loop; NULL: nobody was looked at */
	struct map waiters;        /* id -> struct waiter * */
	struct vec readers;        /* of struct follower * (engine/follow.h) */
	struct event_ring events;
	struct event_log *event_log;
	struct json *state; /* as found in the store, until the keeper has told its part */
	uint64_t last_id;
	int64_t started_at, last_seq;
	int64_t trimmed_seq; /* the last event when memory was given back */
	bool is_trimming;    /* a burst was seen the last time */
	int64_t keeper_pid, brain_restarts;
	struct upgrade *upgrade; /* under way, or NULL */
	char *verdict;           /* how the last one went; NULL: there was none */
	bool has_upgraded;
	bool is_synced, is_asked, is_dirty, is_leaving, is_orphan;
	bool has_newcomers; /* something was started: those who follow its logs are to know */
};

extern const struct herd_effects brain_effects;
/* effects_serve.c */
/* What a proxy has been told, or could not be. */
void brain_upstream_told(
	void *context, const char *app, uint64_t serial, enum upstream_outcome outcome, const char *words);
void brain_upstream(void *context, const struct upstream_effect *wish);
void brain_drain(void *context, struct ticket ticket, int port, int64_t ms);
void brain_hook(void *context, const struct hook_effect *wish);
/* effects_lines.c */
void brain_last_lines(void *context, const char *name, struct buf *out);
/* brain_notify.c */
void brain_open_notify(struct brain *b);
void brain_ask_to_stop(void *context, struct ticket ticket, const char *signal);
/* Of the keeper, after a brain's death: the names that it holds, then each process that lives. */
void brain_notify_found(struct brain *b);
/* A descriptor that the keeper gave; whatever nobody takes is closed. */
void brain_take_held(struct brain *b, const char *name, const int *fds, size_t fd_count);
/* follow.c */
void brain_log_written(void *context, const char *path);
void brain_readers_join(struct brain *b);

bool brain_is_port_busy(void *context, int port);
struct build *brain_look(void *context, const struct build_query *wish);
/* effects_lines.c */
void brain_last_lines(void *context, const char *name, struct buf *out);

/* brain_home.c: whether its folders and its socket are there; by a doubt, or the keeper's. */
void brain_check_home(void *context);
void brain_fact(struct brain *b, struct fact fact);
void brain_tell(struct brain *b, enum keeper_msg_kind kind, struct ticket ticket);
/* What the keeper still has of this ticket may go, once it is saved that we know. */
void brain_forget_later(struct brain *b, struct ticket ticket);
/* brain_save.c: what nobody asked for is saved before long, and seldom where the disk is slow. */
void brain_arm_save(struct brain *b);
void brain_on_save(struct ev_loop *loop, struct ev_timer *w, int events);
void brain_on_saved(void *context);
int brain_open_log_streams(struct brain *b, struct err *e);
/* Where a stream of an instance is logged, and with whose rights; to be released. */
struct log_location brain_log_location(
	const struct brain *b, const struct instance *i, enum log_stream which);
/* The pipes of instances that are gone are closed, the others' [logs] looked at again. */
void brain_sweep_log_streams(struct brain *b);
/* What a burst of events has freed goes back to the system. */
void brain_trim(struct brain *b);
/* brain_sense.c: what the senses ask of the herd, and what the herd asks of them. */
void brain_open_senses(struct brain *b);
/* What a service left that has ended with 0; the words are in `command`. */
void brain_find_left(
	const struct brain *b, const struct instance *i, struct left_behind *left, struct buf *command);
/* snapshot.c */
void brain_daemon_status(const struct brain *b, struct daemon_status *out);
/* brain_words.c: the herd's words for a spawn that the keeper could not do. */
void brain_spawn_words(
	const struct brain *b, struct ticket ticket, int64_t stage, int64_t number, struct buf *out);

#endif
