/*
 * The brain: one loop in which the herd, the keeper, the store, the pipes, the ports and the clients meet.  It may be killed at any moment;
 * the next one learns from the store and from the keeper where things stand, and continues.
 */
#ifndef OX_ENGINE_BRAIN_H
#define OX_ENGINE_BRAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "herd/herd.h"
#include "os/dirs.h"
#include "spawn/launch_env.h"

struct brain;
struct err;
struct ev_loop;
struct event_item;
struct followers;
struct upgrades;

struct brain_options {
	struct ev_loop *loop;
	int keeper;              /* descriptor of the keeper's socket; taken over */
	const struct dirs *dirs; /* borrowed */
	/* Everything is known again; the control socket may open.  0, or -1 with words, which ends the brain. */
	int (*ready)(void *context, struct brain *b, struct err *e);
	/* An event, borrowed; its number is one more than that of the last. */
	void (*publish)(void *context, const struct event_item *event);
	/* A write to the disk has ended, well or not. */
	void (*saved)(void *context);
	/* Do those who look for the control socket find it?  NULL: nobody can tell. */
	bool (*is_reachable)(void *context);
	/* The keeper was sent this signal, and it is none that stops the daemon: SIGHUP or SIGUSR2. */
	void (*signalled)(void *context, int number);
	void *context;
};

/* Reads the store and asks the keeper; `ready` follows when the loop runs.  NULL with words. */
struct brain *brain_new(const struct brain_options *options, struct err *e);
/* Saves what is due.  Services are not touched. */
void brain_free(struct brain *b);

struct herd *brain_herd(struct brain *b);
struct followers *brain_followers(struct brain *b);
struct upgrades *brain_upgrades(struct brain *b);
struct launch_envs *brain_launch_envs(struct brain *b);
int64_t brain_now(const struct brain *b);
/* The number of the last event of earlier brains. */
int64_t brain_last_seq(const struct brain *b);

/*
 * Around every call that a client asked for: what it changed is written at the end of this turn of the loop.  brain_end() also carries out what
 * the herd wished for.
 */
void brain_begin(struct brain *b);
void brain_end(struct brain *b);
/* What was changed until now is on disk when brain_saves_ended() has reached what brain_saves_due() says; see journal/store.h. */
uint64_t brain_saves_due(const struct brain *b);
uint64_t brain_saves_ended(const struct brain *b);
/* Why what was changed is not on disk, as a sentence for the client; NULL: it is, or may be soon. */
const char *brain_unsaved(const struct brain *b);
/* Waits for the disk until all that is due is there. */
void brain_save(struct brain *b);

/* What `oxherd-brain --check` does: reads the state as it is in this folder.  -1 with words when this build cannot continue from it. */
int brain_check_state(const char *folder, struct err *e);

/* A number for herd_request() and the like: `done` is called once when it is settled, unless it is forgotten before. */
typedef void (*brain_done)(void *context, const struct wait_results *results);
uint64_t brain_expect(struct brain *b, brain_done done, void *context);
void brain_forget(struct brain *b, uint64_t id);

/* Stops all services in order, then the keeper. */
void brain_shut_down(struct brain *b);
/* Ends this brain alone; the keeper starts another at once. */
void brain_leave(struct brain *b);
/* The keeper was gone before it was asked to end: what it ran may live, and waits for the next one. */
bool brain_is_orphan(const struct brain *b);

/* --- what is seen of it (engine/snapshot.c) ------------------------------------------------------------------------------ */

/* Of what the targets mean, into an empty one.  -1 with words for an unknown target; e->number is ENOENT. */
int brain_snapshot(
	struct brain *b, const char *const *targets, size_t count, struct snapshot *out, struct err *e);
/* The instances alone, also spares that are gone, each with the newest `limit` entries of its past (0: all).  As above. */
int brain_why(struct brain *b, const char *target, size_t limit, struct snapshot *out, struct err *e);
/* Texts are borrowed until the brain's next turn. */
void brain_info(const struct brain *b, struct daemon_status *out);
/* Appends remembered events after `since`, the newest `limit` of them (0: all): {"events": …, "seq": …}. */
void brain_events(const struct brain *b, const char *const *targets, size_t count, int64_t since,
	size_t limit, struct buf *out);

#endif
