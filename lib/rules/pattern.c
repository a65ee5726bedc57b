#include "rules/pattern.h"

#include <string.h>

bool pattern_is_plain(const char *pattern)
{
	return !pattern[strcspn(pattern, "\\^$.[]|()?*+{}")];
}
