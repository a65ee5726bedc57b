/*
 * The instances of one app that wait for their turn to start, so that starts are stagger_ms apart.  They wait in PHASE_STAGGERED, in the order in
 * which they came, and the app has one timer for the first of them; before its port is looked at, and again before its process is started, an instance
 * asks for its turn.
 */
#ifndef OX_HERD_START_QUEUE_H
#define OX_HERD_START_QUEUE_H

#include <stdbool.h>

#include "herd/timers.h"
#include "rules/pace.h"

struct app;
struct instance;

struct start_queue {
	struct instance *first, *last;
	struct timer timer; /* the first one's turn */
	struct stagger stagger;
};

/* May it start now, where instances start apart or some wait?  Else it is to wait in PHASE_STAGGERED. */
bool start_queue_lets(const struct instance *i);
/* It entered PHASE_STAGGERED, or left it. */
void start_queue_add(struct instance *i);
void start_queue_remove(struct instance *i);
/* What it waits for may be another time than before: somebody started, or stagger_ms is another. */
void start_queue_arm(struct app *a);
/* The timer: who is next continues with its start. */
void start_queue_fire(struct app *a);
/* Notes in each that waits when its turn would be, if all before it start: for the store. */
void start_queue_plan(const struct app *a);
/* Whose start it waits for; NULL: that one is gone. */
const struct instance *start_queue_before(const struct instance *i);

#endif
