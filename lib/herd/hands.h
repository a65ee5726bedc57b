/*
 * What the herd wishes for.  The herd touches nothing: it calls these, and hears later, as facts (herd.h), what came of it.
 * The real ones are in lib/engine; the tests' are a recorder and the simulated machine.
 *
 * Rules for whoever implements them: a wish is taken at once and never fails (what goes wrong comes back as a fact); pointers are
 * borrowed for the call; no function of herd.h that takes a non-const herd may be called from inside, only herd_write() and the questions.
 * Wishes for one slot reach the keeper in the order in which they were made, so a signal may follow a spawn whose answer is not here
 * yet.  A wish about a ticket that is not (or no longer) alive does nothing.
 */
#ifndef OX_HERD_HANDS_H
#define OX_HERD_HANDS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "export/export.h"
#include "model/spec.h"
#include "rules/fsm.h"

/*
 * One attempt to run something in one slot.  A slot ("api:2") has a number that is never given to another; a generation is never given
 * to a second attempt of any slot, so that nothing meant for one process can hit its successor.  0 is no slot and no generation.
 */
struct ticket {
	uint32_t slot;
	uint64_t generation;
};

struct build;

struct spawn_wish {
	struct ticket ticket;
	const char *name; /* "api:2": travels with the process, so that a later brain knows it again */
	const struct spec *spec;
	int instance;            /* OXHERD_INSTANCE */
	int port;                /* PORT; 0: none is given */
	bool owns_port;          /* false: passed on only */
	int instances;           /* how many the app has now */
	int revision;            /* OXHERD_REVISION */
	int64_t caller;          /* whose environment: as herd_apply() was told */
	const struct build *own; /* where it runs, if that is there; NULL: where its definition says */
};

/* Which build is asked for (model/build.h). */
struct build_wish {
	const struct spec *spec;
	int64_t caller;          /* whose PATH finds its program */
	const char *path;        /* NULL, or a PATH that counts in place of the caller's */
	const struct build *own; /* looked at where this one was made; NULL: where its definition says */
};

/* Who serves an app that has nginx.output.  What is not named gets nothing; what is marked down gets nothing new. */
struct upstream_wish {
	const char *app;
	const struct spec *spec;
	const struct upstream_server *servers; /* by instance; none: nobody serves now */
	size_t count;
	uint64_t serial; /* counts up with every wish of the app */
	bool is_gone;    /* the app is deleted, or has no nginx.output any more; not answered */
};

enum upstream_outcome {
	UPSTREAM_IN_EFFECT,
	UPSTREAM_UNSURE,     /* not in effect as it should be, but somebody may have been told of it */
	UPSTREAM_TAKEN_BACK, /* nobody was told of it: what was before is so still */
};

/* A command of [deploy], run beside the herd. */
struct hook_wish {
	const char *app;
	uint64_t rollout; /* comes back with the answer */
	const struct spec *spec;
	bool is_post; /* deploy.post, else deploy.pre */
	int revision;
	int64_t caller;
	const struct build *own; /* as for a spawn */
};

enum herd_event_kind {
#define X(name, word, doc) HERD_EVENT_##name,
#include "herd/events.def"
#undef X
	HERD_EVENT_COUNT,
};

struct herd_event {
	uint64_t sequence; /* from 1, without gaps, for the life of this brain */
	int64_t at;        /* monotonic ms */
	enum herd_event_kind kind;
	const char *app;
	int instance;        /* -1: about the app as a whole */
	enum state from, to; /* the same where no state changed */
	enum event on;       /* STATE only */
	const char *why;     /* words, "" if there are none */
	int64_t pid;         /* 0: no process */
	uint64_t run; /* the generation of the last attempt; 0: there was none, or it is about the app */
	/* ROLLOUT only; words that stay */
	const char *phase,
		*step; /* words of rules/rollout; step NULL: the app is in another phase, "over": `why` is the verdict */
	int revision, done, total;
	int64_t elapsed_ms; /* since it began */
	bool is_spare;
	int64_t delay_ms; /* until it is started again; -1: it is not waiting for that */
};

/* What one check of an instance's health came to. */
enum probe_answer {
	PROBE_PASSED,
	PROBE_FAILED,
	PROBE_STRANGER, /* somebody else has its port, or answers on it */
	PROBE_UNKNOWN,  /* nothing: the check itself was held up */
};

enum reach { REACH_MAIN, REACH_TREE };

enum { LOOK_PORTS_MAX = 4 };

/* What can be seen of a process tree from outside. */
struct process_look {
	int ports[LOOK_PORTS_MAX]; /* TCP ports that it listens on, rising; further ones are left out */
	int ports_len;
	bool is_first_thread_over; /* of the main process, while others of its threads live */
};

struct hands {
	/* Answered by herd_spawned() or herd_spawn_failed().  hands.changed() came before it, with the wish already in herd_to_json(). */
	void (*spawn)(void *context, const struct spawn_wish *wish);
	/* It is told to end by what is wished for next: a later brain hears of that (herd_live.is_asked), also where nothing was saved. */
	void (*asked)(void *context, struct ticket ticket);
	/* SIGCONT follows it, so that a stopped process hears it too. */
	void (*signal)(void *context, struct ticket ticket, const char *signal);
	/* The same to make it stop.  It is sent once in its life, also where a later brain wishes for it again. */
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
	 * Does a stranger hold the port?  Answered by herd_port_free() or herd_port_taken(); after "taken" it goes on looking and says
	 * herd_port_free() once it is.  Ends with that, or with unwatch().
	 */
	void (*check_port)(void *context, struct ticket ticket, int port);
	/*
	 * Look whether it is ready; herd_ready() once.  READY_ALIVE: only whether it listens on its port (if it has one) before the herd's
	 * own second is over.  With `is_adopted` an earlier brain may have heard its word (notify, ipc) already.
	 */
	void (*watch_ready)(
		void *context, struct ticket ticket, enum ready_kind kind, int port, bool is_adopted);
	/*
	 * One check of its health, as its definition says it; answered by herd_probed() once.  `pid` is that of its main process.  Until it is
	 * answered no other is wished for.
	 */
	void (*probe)(void *context, const struct spawn_wish *wish, int64_t pid);
	/* Stop looking, for readiness, for the port and for its health. */
	void (*unwatch)(void *context, struct ticket ticket);
	/*
	 * The upstream of an app as it should be.  Answered by herd_upstream_set() once it (or a later one) is in effect, or could not be
	 * made so.
	 */
	void (*upstream)(void *context, const struct upstream_wish *wish);
	/* Answered by herd_drained() when no connection to the port is left, or after `ms`. */
	void (*drain)(void *context, struct ticket ticket, int port, int64_t ms);
	/* Answered by herd_hooked() when it ended, or was killed after deploy.hook_timeout_secs. */
	void (*hook)(void *context, const struct hook_wish *wish);
	/* A question: appends what the instance wrote last in its life, a line break before each line; nothing where nothing is known. */
	void (*last_lines)(void *context, const char *name, struct buf *out);
	/* A question, and a walk over the machine's processes: asked once, for words or for a decision that stays. */
	void (*look)(void *context, int64_t pid, struct process_look *out);
	void (*publish)(void *context, const struct herd_event *event);
	/* What belongs to the past of an instance, and is nothing to tell to everybody: who asked.  It has no sequence. */
	void (*remember)(void *context, const struct herd_event *event);
	/*
	 * What herd_to_json() would say has changed.  It may be on the disk later than the wishes are with the keeper: who dies in between
	 * leaves to the next brain what the keeper has, and that is enough (herd_adopt()).
	 */
	void (*changed)(void *context);
	/* A request is over; `words` say what failed, "" when all is well.  Called last, after changed(). */
	void (*settled)(void *context, uint64_t request, bool is_ok, const char *words);
};

const char *herd_event_word(enum herd_event_kind kind);
bool herd_event_parse(const char *word, enum herd_event_kind *kind);

#endif
