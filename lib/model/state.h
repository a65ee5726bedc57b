/*
 * The states of an instance, what leads from one to another, and their words.  Which step is legal stands in rules/fsm.
 */
#ifndef OX_MODEL_STATE_H
#define OX_MODEL_STATE_H

#include <stdbool.h>

enum state {
#define X(name, word, doc) STATE_##name,
#include "model/states.def"
#undef X
	STATE_COUNT,
};

enum event {
#define X(name, word, doc) EVENT_##name,
#include "model/state_events.def"
#undef X
	EVENT_COUNT,
};

/* What the checks of its health say. */
enum health {
#define X(name, word) HEALTH_##name,
#include "model/healths.def"
#undef X
	HEALTH_COUNT,
};

/* What is published and remembered of an app or an instance (struct herd_event). */
enum herd_event_kind {
#define X(name, word, doc) HERD_EVENT_##name,
#include "model/events.def"
#undef X
	HERD_EVENT_COUNT,
};

const char *state_word(enum state state);
const char *event_word(enum event event);
const char *state_doc(enum state state);
const char *event_doc(enum event event);
/* False if there is no such word. */
bool state_parse(const char *word, enum state *state);
bool event_parse(const char *word, enum event *event);
const char *health_word(enum health health);
bool health_parse(const char *word, enum health *health);
const char *herd_event_word(enum herd_event_kind kind);
bool herd_event_parse(const char *word, enum herd_event_kind *kind);
/* It ended, or could not even begin: nothing of that attempt runs any more. */
bool event_is_end(enum event event);
/* A process exists or may exist: starting, running, unhealthy, stopping. */
bool state_is_live(enum state state);

#endif
