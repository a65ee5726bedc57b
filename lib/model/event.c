#include "model/event.h"

#include "base/str.h"

static const char *const event_words[HERD_EVENT_COUNT] = {
#define X(name, word, doc) [HERD_EVENT_##name] = (word),
#include "model/events.def"
#undef X
};

const char *herd_event_word(enum herd_event_kind kind)
{
	return event_words[kind];
}

bool herd_event_parse(const char *word, enum herd_event_kind *kind)
{
	int found = 0;

	if (!str_find(event_words, HERD_EVENT_COUNT, word, &found))
		return false;
	*kind = (enum herd_event_kind)found;
	return true;
}
