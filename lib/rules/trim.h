/*
 * When the memory that events have freed is given back to the system: after a burst of them, and once more, as the first time may have been in
 * the middle of it.
 */
#ifndef OX_RULES_TRIM_H
#define OX_RULES_TRIM_H

#include <stdbool.h>
#include <stdint.h>

enum { TRIM_EVENTS = 100 }; /* so many leave enough behind to be given back */

/* Zeroed is "never yet". */
struct trim {
	int64_t seq;    /* the last event when memory was given back */
	bool was_burst; /* at the last question */
};

/* `seq` is the number of the last event. */
bool trim_is_due(struct trim *t, int64_t seq);

#endif
