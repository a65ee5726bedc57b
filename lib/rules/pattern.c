#include "rules/pattern.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"

/* The upper bound of "{n}", "{n,}" or "{n,m}" behind the brace; 1 when it is none. */
static unsigned long upper_bound(const char *at)
{
	char *end = NULL;
	unsigned long least = strtoul(at, &end, 10);
	unsigned long most = 0;

	if (end == at)
		least = 0;
	if (*end == ',')
		most = strtoul(end + 1, NULL, 10);
	most = most > least ? most : least;
	return most ? most : 1;
}

/* Behind a bracket expression: "[]a]" and "[^]a]" hold the bracket itself. */
static const char *skip_brackets(const char *at)
{
	at += *at == '^';
	at += *at == ']';
	while (*at && *at != ']')
		at++;
	return at;
}

int pattern_check(const char *pattern, struct err *e)
{
	unsigned long times = 1;

	if (strlen(pattern) > PATTERN_MAX)
		return err_set(e, "the pattern is longer than %d bytes", PATTERN_MAX);
	for (const char *at = pattern; *at; at++) {
		if (*at == '[')
			at = skip_brackets(at + 1);
		else if (*at == '\\' && at[1] >= '1' && at[1] <= '9')
			return err_set(e, "the pattern has the back-reference '\\%c', which is not supported",
				at[1]);
		else if (*at == '\\' && at[1])
			at++;
		else if (*at == '{')
			times *= upper_bound(at + 1) > PATTERN_TIMES_MAX ? PATTERN_TIMES_MAX + 1
									 : upper_bound(at + 1);
		if (times > PATTERN_TIMES_MAX)
			return err_set(e, "the pattern repeats something more than %d times with {}",
				PATTERN_TIMES_MAX);
		if (!*at)
			break;
	}
	return 0;
}
