#include "model/state.h"

#include <stddef.h>

#include "base/assert.h"
#include "base/str.h"

struct word {
	const char *word;
	const char *doc;
};

static const struct word states[STATE_COUNT] = {
#define X(name, text, sentence) [STATE_##name] = { text, sentence },
#include "model/states.def"
#undef X
};

static const struct word events[EVENT_COUNT] = {
#define X(name, text, sentence) [EVENT_##name] = { text, sentence },
#include "model/state_events.def"
#undef X
};

static const char *const healths[HEALTH_COUNT] = {
#define X(name, word) [HEALTH_##name] = (word),
#include "model/healths.def"
#undef X
};

static const char *const herd_events[HERD_EVENT_COUNT] = {
#define X(name, word, doc) [HERD_EVENT_##name] = (word),
#include "model/events.def"
#undef X
};

const char *state_word(enum state state)
{
	return states[state].word;
}

const char *event_word(enum event event)
{
	return events[event].word;
}

const char *state_doc(enum state state)
{
	return states[state].doc;
}

const char *event_doc(enum event event)
{
	return events[event].doc;
}

bool state_parse(const char *word, enum state *state)
{
	for (int i = 0; i < STATE_COUNT; i++) {
		if (!str_eq(states[i].word, word))
			continue;
		*state = (enum state)i;
		return true;
	}
	return false;
}

bool event_parse(const char *word, enum event *event)
{
	for (int i = 0; i < EVENT_COUNT; i++) {
		if (!str_eq(events[i].word, word))
			continue;
		*event = (enum event)i;
		return true;
	}
	return false;
}

bool event_is_end(enum event event)
{
	return event == EVENT_CRASHED || event == EVENT_GAVE_UP || event == EVENT_FINISHED ||
		event == EVENT_DIED || event == EVENT_LIMITED;
}

bool state_is_live(enum state state)
{
	return state == STATE_STARTING || state == STATE_RUNNING || state == STATE_UNHEALTHY ||
		state == STATE_STOPPING;
}

const char *health_word(enum health health)
{
	ASSERT((unsigned int)health < HEALTH_COUNT, "there is no health %d", (int)health);
	return healths[health];
}

bool health_parse(const char *word, enum health *health)
{
	for (int i = 0; i < HEALTH_COUNT; i++) {
		if (!str_eq(healths[i], word))
			continue;
		*health = (enum health)i;
		return true;
	}
	return false;
}

const char *herd_event_word(enum herd_event_kind kind)
{
	return herd_events[kind];
}

bool herd_event_parse(const char *word, enum herd_event_kind *kind)
{
	int found = 0;

	if (!str_find(herd_events, HERD_EVENT_COUNT, word, &found))
		return false;
	*kind = (enum herd_event_kind)found;
	return true;
}
