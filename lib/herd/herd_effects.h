/*
 * What the herd asks for.  The herd touches nothing: it calls these, and hears later, as facts (herd.h), what came of it.
 * The real ones are in lib/engine; the tests' are a recorder and the simulated machine.
 *
 * Rules for an implementation: an effect is taken at once and never fails (what goes wrong comes back as a fact); pointers are
 * borrowed for the call; no function of herd.h that takes a non-const herd may be called from inside, only herd_write() and the questions.
 * Wishes for one slot reach the keeper in the order in which they were made, so a signal may follow a spawn whose answer is not here
 * yet.  An effect about a ticket that is not (or no longer) alive does nothing.
 */
#ifndef OX_HERD_HERD_EFFECTS_H
#define OX_HERD_HERD_EFFECTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "model/effect.h"
#include "model/event.h"

struct wait_results;

struct herd_effects {
	/* Answered by herd_spawned() or herd_spawn_failed().  herd_effects.changed() came before it, with the effect already in herd_to_json(). */
	void (*spawn)(void *context, const struct spawn_effect *effect);
	/*
	 * What the keeper does by itself when the main process has ended, since the spawn or this: what is left of the tree gets the signal, and
	 * SIGKILL a while after the grace, should nobody ask for kill_tree().  herd_tree_gone() may come before end_tree() then.
	 */
	void (*grace)(void *context, struct ticket ticket, const char *signal, int64_t ms);
	/* The next effect makes it stop: a later brain hears of that (herd_live.is_stopping), also where nothing was saved. */
	void (*stopping)(void *context, struct ticket ticket);
	/* SIGCONT follows it, so that a stopped process hears it too. */
	void (*signal)(void *context, struct ticket ticket, const char *signal);
	/* The same to make it stop.  It is sent once in its life, also where a later brain asks for it again. */
	void (*stop)(void *context, struct ticket ticket, const char *signal, enum reach reach);
	/* Asks it to stop by a message on its channel (shutdown_with_message); where it has none, or does not listen to it, by stop(). */
	void (*shutdown)(void *context, struct ticket ticket, const char *signal);
	/*
	 * The main process has ended: what is left of its tree gets the signal, unless stop() has reached the whole tree; once, as stop().  When
	 * nothing is left, be it at once, herd_tree_gone().
	 */
	void (*end_tree)(void *context, struct ticket ticket, const char *signal);
	/* SIGKILL for the process and its tree, again and again until nothing is left: then herd_tree_gone(), after herd_exited(). */
	void (*kill_tree)(void *context, struct ticket ticket);
	/*
	 * Does a stranger hold the port?  Answered by herd_port_free() or herd_port_taken(); after "taken" it keeps looking and says
	 * herd_port_free() once it is.  Ends with that, or with unwatch().
	 */
	void (*check_port)(void *context, const struct endpoint *at);
	/*
	 * Look whether it is ready; herd_ready() once.  READY_ALIVE: only whether it listens on its port (if it has one) before the herd's
	 * own second is over.  With `is_adopted` an earlier brain may have heard its word (notify, ipc) already.
	 */
	void (*watch_ready)(void *context, const struct endpoint *at, enum ready_kind kind, bool is_adopted);
	/*
	 * One check of its health, as its definition says it; answered by herd_probed() once.  `pid` is that of its main process.  Until it is
	 * answered no other is wished for.
	 */
	void (*probe)(void *context, const struct spawn_effect *effect, int64_t pid);
	/* Stop looking, for readiness, for the port and for its health. */
	void (*unwatch)(void *context, struct ticket ticket);
	/*
	 * The upstream of an app as it should be.  Answered by herd_upstream_set() once it (or a later one) is in effect, or could not be
	 * made so.
	 */
	void (*upstream)(void *context, const struct upstream_effect *effect);
	/*
	 * The gate of an app, as it should be from now on.  A drain() that follows looks only once this is in effect.  Not answered.  By herd_resume() each
	 * gate of the herd has its effect: what is held for another one is nobody's.
	 */
	void (*gate)(void *context, const struct gate_effect *effect);
	/*
	 * Answered by herd_drained() when no connection to the port is left, or after `ms`; of one behind a gate when nobody waits at its sockets any
	 * more and its processes have no connection.
	 */
	void (*drain)(void *context, const struct endpoint *at, int64_t ms);
	/* Answered by herd_hooked() when it ended, or was killed after deploy.hook_timeout_secs. */
	void (*hook)(void *context, const struct hook_effect *effect);
	/* A question: appends what the instance wrote last in its life, a line break before each line; nothing where nothing is known. */
	void (*last_lines)(void *context, const char *name, struct buf *out);
	/* A question, and a walk over the machine's processes: asked once, for words or for a decision that stays. */
	void (*look)(void *context, int64_t pid, struct process_look *out);
	void (*publish)(void *context, const struct herd_event *event);
	/* For the history of an instance alone, as it is no event: who asked.  It has no sequence. */
	void (*remember)(void *context, const struct herd_event *event);
	/* The instance is no more, and with it what happened to it; another one may get its number. */
	void (*forget)(void *context, const char *app, int instance);
	/*
	 * What herd_to_json() would say has changed.  It may be on the disk later than the effects are with the keeper: who dies in between
	 * leaves to the next brain what the keeper has, and that is enough (herd_adopt()).
	 */
	void (*changed)(void *context);
	/* A request is over; the results are the herd's: of deploys how they ended, of instances those that failed.  Called last, after changed(). */
	void (*settled)(void *context, uint64_t request, const struct wait_results *results);
};

#endif
