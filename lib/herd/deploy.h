/*
 * Rollouts, between the files of this room.  An app has at most one; its target is then another revision than its current one, or, while it goes
 * back, the current one again.
 */
#ifndef OX_HERD_DEPLOY_H
#define OX_HERD_DEPLOY_H

#include "herd/herd_private.h"
#include "model/wait_result.h"
#include "rules/rollout.h"

struct rollout {
	struct app *app;
	uint64_t number; /* of all rollouts that the herd ever had */
	enum rollout_phase phase;
	enum rollout_kind kind;
	struct revision *to;         /* what it was begun for, also while it goes back */
	int count;                   /* instances at the end */
	int back_count, back_scaled; /* what the app has again when it goes back */
	bool is_continued, is_aborted;
	bool is_wait_published;
	bool is_stall_reported; /* it does not get on going back; nobody waits for it any more */
	bool has_looked,
		is_listened; /* whether anybody listens on the app's ports; from when it was looked */
	int auto_surge;      /* what deploy.surge = "auto" is for this one; -1: not decided yet */
	int auto_count;      /* for so many instances */
	bool is_spareless;   /* it goes back, and there was no port or number for a spare */
	bool is_hopeless;    /* what it waits for will not be deployed: `why` says so */
	int64_t began_at, progress_at;
	int64_t spare_at;   /* going back, the next spare is started then: one has failed */
	struct reason *why; /* it failed; NULL: it did not */
	char *lines; /* the last ones of the instance that failed, a line break before each; NULL: none */
	struct timer timer;
	int published_done;
};

struct rollout *rollout_new(struct app *a, struct revision *to);
bool rollout_is_forward(const struct rollout *r);
/* Nothing of it comes without somebody's word, or somebody else's help. */
bool rollout_rests(const struct rollout *r);
bool rollout_waits_for_word(const struct rollout *r);
/* Its instances run by `r` now, or will when they are started. */
void rollout_settle_on(struct app *a, struct revision *r);
/* Rollouts of apps that depend on it may wait for this one. */
void rollout_wake_dependents(struct app *a);
/* It was to go down for a rollout, and its stop has not begun: it stays, unless people want it restarted anyway. */
void rollout_call_off(struct instance *i);
void rollout_stalls_back(struct rollout *r);
void rollout_enter(struct rollout *r, enum rollout_phase phase);
void rollout_hook(struct rollout *r, bool is_post);
/* NULL: it did not fail. */
void rollout_set_failure(struct rollout *r, const struct reason *why);
/* `why` says so. */
void rollout_fail(struct rollout *r);
void rollout_succeed(struct rollout *r);
void rollout_went_back(struct rollout *r);

/* The verdict that clients get: how it ended, or stands.  Taken over. */
void rollout_rested(struct app *a, struct wait_result *verdict);

/* deploy_ports.c: which slots are to have a port that another instance of the app has now.  By place, as the instances. */
void rollout_mark_held(const struct app *a, struct rollout_slot *slots);
/* The port that it is to share is one instance's alone still: beside that one nobody can listen there, a spare neither. */
bool rollout_begins_to_share(const struct app *a);

/* deploy_report.c: an event about the app as a whole; `verdict` is the last one, NULL before that. */
void rollout_tell(struct app *a, const struct wait_result *verdict);
/* That it is paused, and how far it came; to be freed. */
struct wait_result *rollout_pause_result(struct rollout *r);
/* Events for instances whose step is another one now. */
void rollout_tell_steps(struct app *a);

#endif
