/*
 * What happened to an app or an instance, for events, `why`, the log and the history on disk.
 */
#ifndef OX_MODEL_EVENT_H
#define OX_MODEL_EVENT_H

#include <stdbool.h>
#include <stdint.h>

#include "model/state.h"

struct reason;

struct herd_event {
	uint64_t sequence; /* from 1, without gaps, for the life of this brain */
	int64_t at;        /* monotonic ms */
	enum herd_event_kind kind;
	const char *app;
	int instance;             /* -1: about the app as a whole */
	enum state from, to;      /* the same where no state changed */
	enum event on;            /* STATE only */
	const struct reason *why; /* NULL: none */
	const char *lines; /* what the instance wrote last, a line break before each line; NULL: nothing */
	int64_t pid;       /* 0: no process */
	uint64_t run;      /* the generation of the last attempt; 0: there was none, or it is about the app */
	/* ROLLOUT only; words that stay */
	const char *phase,
		*step; /* words of rules/rollout; step NULL: the app is in another phase, "over": `why` is the verdict */
	int revision, done, total;
	int64_t elapsed_ms; /* since it began; of a STATE by READY: since the start of the process */
	bool is_spare;
	int64_t delay_ms; /* until it is started again; -1: it is not waiting for that */
};

#endif
