/*
 * Between the parts of the brain: not for anybody else.
 */
#ifndef OX_ENGINE_BRAIN_PRIVATE_H
#define OX_ENGINE_BRAIN_PRIVATE_H

#include "base/buf.h"
#include "base/map.h"
#include "engine/brain.h"
#include "gate/gate.h"
#include "gate/gate_drain.h"
#include "journal/past.h"
#include "journal/saver.h"
#include "logs/follow.h"
#include "logs/streams.h"
#include "loop/watchers.h"
#include "model/reason.h"
#include "proxy/upstream.h"
#include "rules/pace.h"
#include "sense/drain.h"
#include "sense/limit_watch.h"
#include "sense/port_waits.h"
#include "sense/probe.h"
#include "sense/usage.h"
#include "spawn/keeper_client.h"
#include "spawn/notify.h"
#include "spawn/run.h"

enum {
	STOP_GRACE_MS = 2000, /* what the keeper gives to what is left when all should be gone */
};

/* What is asked of the machine. */
struct senses {
	struct probes *probes;
	struct limit_watch *limits;
	struct usage *usage;
	struct port_waits *ports;
	struct drains *drains;
	struct homewatch *home;
	struct process_walk *walk; /* of this turn of the loop; NULL: nobody was looked at */
	int64_t oom_kills;         /* as the kernel has counted them so far */
};

/* Of the daemon as a whole. */
struct daemon_life {
	int64_t keeper_pid, brain_restarts;
	int64_t started_at;
	int64_t adopted,
		lost; /* of the processes that were remembered when it began: those that lived, and those that did not */
	bool is_leaving; /* everything stops */
	bool is_orphan;
};

struct brain {
	struct brain_options options;
	struct keeper_client *keeper;
	struct herd *herd;
	struct launch_envs launch_envs;
	struct log_streams *streams;
	struct runner *runner;
	struct notify *notify;
	struct senses senses;
	struct upstreams *upstreams;
	struct gates *gates;
	struct gate_drains *gate_drains;
	struct saver *saver;
	struct recovery *recovery; /* NULL: everything is known again */
	struct map waiting; /* requests of the herd that are not settled: id -> struct waiter * (brain.c) */
	uint64_t last_request;
	struct followers followers;
	struct past past;
	struct trim trim;
	struct upgrades *upgrades;
	struct daemon_life daemon;
	ev_timer due; /* the herd's next deadline */
};

extern const struct herd_effects brain_effects;
extern const struct port_waits_calls brain_port_calls;
/* What became of an upstream: in effect, or why not. */
void brain_upstream_reported(
	void *context, const char *app, uint64_t serial, enum upstream_outcome outcome, const char *words);
/* Questions of the herd (struct herd_options). */
bool brain_is_port_busy(void *context, int port);
struct build *brain_look(void *context, const struct build_query *effect);
/* brain_gate.c */
void brain_open_gates(struct brain *b);
/* A LISTENS of the keeper; its descriptors are taken over. */
void brain_hear_gate(struct brain *b, const struct keeper_msg *m, const int *fds, size_t fd_count);
/* The herd hears what the gate has of that process, or cannot have. */
void brain_tell_listens(struct brain *b, struct ticket ticket);
/* It listens, and the gate has nothing of it yet: true if its readiness follows when the keeper has said all. */
bool brain_hears_rest(struct brain *b, struct ticket ticket);
/* A socket of that process is held. */
bool brain_is_behind(const struct brain *b, struct ticket ticket);
/* Questions about ports (sense/port.h). */
bool brain_is_held(void *context, struct ticket ticket, uint32_t inode);
bool brain_is_kin(void *context, struct ticket ticket, uint32_t inode);
/* The sockets through which a check reaches it; false: it is behind no gate. */
bool brain_find_held(const struct brain *b, int64_t gate, struct ticket ticket, struct probe_helds *out);
/* How many connections wait at its sockets; -1: it has none there. */
int64_t brain_queue(const struct brain *b, const struct instance *i);
/* brain_notify.c */
void brain_open_notify(struct brain *b);
/* A descriptor that the keeper gave; whatever nobody takes is closed. */
void brain_take_held(struct brain *b, const char *name, const int *fds, size_t fd_count);
/* brain_save.c */
int brain_open_saver(struct brain *b, struct err *e);
/* brain_sense.c: what the senses ask of the herd, and what the herd asks of them. */
void brain_open_senses(struct brain *b);
/* Whether its folders and its socket are there; by a doubt, or the keeper's. */
void brain_check_home(void *context);
/* What a service left that has ended with 0; the words are in `command`. */
void brain_find_left(
	const struct brain *b, const struct instance *i, struct left_behind *left, struct buf *command);
/* brain.c: the request of that number is settled. */
void brain_settle(struct brain *b, uint64_t id, const struct wait_results *results);
/* From what waitpid says. */
struct herd_exit brain_exit(int64_t status, int64_t wall_ms);
/* Why the keeper could not do a spawn; for reason_free(). */
struct reason *brain_spawn_reason(const struct brain *b, struct ticket ticket, int64_t stage, int64_t number);

#endif
