/*
 * What an instance may use up, what it does use, and when to look again.  Values in, values out; times are arguments (monotonic ms).
 *
 * Nobody tells when memory passes a line, so it has to be looked at; but what is far from its limit is looked at seldom.
 */
#ifndef OX_RULES_LIMITS_H
#define OX_RULES_LIMITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/reason.h"
#include "model/spec.h"

enum {
	LIMITS_SOON_MS = 1000,    /* looks at one that is near its limit */
	LIMITS_SELDOM_MS = 10000, /* and at one that uses next to nothing */
};

/* Of one process; zeroed is "not looked at yet". */
struct limits_past {
	int64_t busy_since; /* it has used more processor time than it may since then; 0: it does not */
};

/* One more look: true when it is to be restarted, and which limit it has passed. */
bool limits_pass(const struct spec *s, struct limits_past *past, int64_t memory_bytes, double cpu_percent,
	int64_t now, struct reason *why);
/* How long until the next look. */
int64_t limits_next(const struct spec *s, const struct limits_past *past, int64_t memory_bytes);

#endif
