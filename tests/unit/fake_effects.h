/*
 * Hands that only write down what was wished for, one line each, and a small world around a herd in which time passes when a test says so.
 *	spawn api:0 3000 · signal api:0 SIGTERM main · end api:0 SIGTERM · kill api:0 · check api:0 3000 · watch api:0 listen · settled 7 ok
 *	spawn api:0 3000 in /srv/rel/1 · upstream api 3000 3001-down · drain api:0 3000 30000
 */
#ifndef OX_TESTS_UNIT_FAKE_EFFECTS_H
#define OX_TESTS_UNIT_FAKE_EFFECTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/vec.h"
#include "herd/herd.h"
#include "journal/instance_pasts.h"

enum { FAKE_PENDING_MAX = 4096 };

struct fake {
	struct herd *h;
	int64_t now;
	struct buf log;
	struct instance_pasts pasts;
	struct vec specs;                        /* of struct spec *, owned: what fake_apply() applies */
	struct ticket asked[FAKE_PENDING_MAX];   /* spawns without an answer */
	struct ticket checks[FAKE_PENDING_MAX];  /* ports without an answer */
	struct ticket watched[FAKE_PENDING_MAX]; /* processes that may say that they are ready */
	struct ticket killed[FAKE_PENDING_MAX];  /* trees to be gone */
	struct ticket drains[FAKE_PENDING_MAX];  /* connections that are to end */
	char upstream[80];                       /* the app whose last effect has no answer, "" for none */
	uint64_t serial;
	struct ticket probed[FAKE_PENDING_MAX]; /* checks of health without an answer */
	size_t asked_len, checks_len, watched_len, killed_len, drains_len, probed_len;
	int64_t last_pid;
	bool is_manual; /* nothing is answered by itself */
	bool is_never_ready;
	bool is_unseen;         /* no gate sees that a process listens */
	bool notes_graces;      /* in `log` */
	int listened;           /* the port that somebody listens on; 0: none */
	const char *last_lines; /* what every process wrote last; NULL: nothing */
	/* What checks of health come to; NULL: they pass.  "#" and words: a stranger answers.  "?": nothing is known. */
	const char *(*probe)(const struct fake *f, const char *name);
	/* The build that is on the disk, given away; NULL: builds are not looked at. */
	struct build *(*look)(const struct fake *f, const struct build_query *effect);
};

extern const struct herd_effects fake_effects;

/* What a herd among these is made with. */
struct herd_options fake_options(struct fake *f);
void fake_init(struct fake *f);
void fake_release(struct fake *f);
/* One more app for fake_apply(): ready = "notify", no port, one instance, no jitter to speak of (delay 0 to 9 ms is 10 % of less than 10). */
struct spec *fake_app(struct fake *f, const char *name, int instances);
void fake_needs(struct spec *s, const char *name);
/* Everything in `specs`, with changes, started.  0 or -1. */
int fake_apply(struct fake *f);
/* Answers what is asked, until nothing is. */
void fake_answer(struct fake *f);
/* Time passes; timers fire when they are due, and what follows is answered. */
void fake_pass(struct fake *f, int64_t ms);
/* The same, and a process that gets the stop signal ends at once. */
void fake_live(struct fake *f, int64_t ms);
int fake_request(struct fake *f, enum herd_verb verb, const char *target, uint64_t id, bool waits_ready);
int fake_scale(struct fake *f, const char *app, int count);
/* The main process ends, and (unless is_manual) its tree with it. */
void fake_exit(struct fake *f, const char *name, int code, int signal);
void fake_gone(struct fake *f, const char *name);
/* gate 7 3000: api:0 api:1 places 0 1 */
void fake_gate(void *context, const struct gate_effect *effect);
/* " gate 7 place 0", if it is behind one, and the line's end. */
void fake_add_gate(struct fake *f, const struct spawn_effect *effect);
/* It listens, if it is to share a port. */
void fake_listen(struct fake *f, struct ticket t);
/* Into the log: the instance that it is about. */
void fake_name(struct fake *f, struct ticket t);
/* What the journal would remember of it. */
void fake_remember(void *context, const struct herd_event *event);
void fake_forget_past(void *context, const char *app, int instance);
/* A drain that the test itself answers. */
void fake_drop_drain(struct fake *f, struct ticket t);
/* The first check of that one that has no answer gets it. */
void fake_probed(struct fake *f, const char *name, enum probe_answer answer, const char *words);
void fake_ready(struct fake *f, const char *name);
struct ticket fake_ticket(const struct fake *f, const char *name);
const char *fake_state(const struct fake *f, const char *name);
/* To be released. */
struct instance_status fake_status(const struct fake *f, const char *name);
int fake_revision(const struct fake *f, const char *name);
int64_t fake_crashes(const struct fake *f, const char *name);
int fake_port(const struct fake *f, const char *name);
/* How often a line that begins so was written since the start or the last fake_forget(). */
int fake_count(const struct fake *f, const char *line);
/* Does a line that begins with `first` stand before every line that begins with `second`? */
bool fake_is_before(const struct fake *f, const char *first, const char *second);
void fake_forget(struct fake *f);
/* The brain dies and comes back from its own JSON; what the keeper has is for the test to say, and herd_resume() too. */
void fake_rebirth(struct fake *f);

#endif
