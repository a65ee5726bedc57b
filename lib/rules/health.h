/*
 * What checks say about an instance.
 */
#ifndef OX_RULES_HEALTH_H
#define OX_RULES_HEALTH_H

#include <stdbool.h>

enum health {
#define X(name, word) HEALTH_##name,
#include "rules/health.def"
#undef X
	HEALTH_COUNT,
};

const char *health_word(enum health health);
/* False if there is no such word. */
bool health_parse(const char *word, enum health *health);

#endif
