#include "rules/health.h"

#include "base/str.h"

static const char *const words[HEALTH_COUNT] = {
#define X(name, word) [HEALTH_##name] = (word),
#include "rules/health.def"
#undef X
};

const char *health_word(enum health health)
{
	return words[health];
}

bool health_parse(const char *word, enum health *health)
{
	for (int i = 0; i < HEALTH_COUNT; i++) {
		if (!str_eq(words[i], word))
			continue;
		*health = (enum health)i;
		return true;
	}
	return false;
}
