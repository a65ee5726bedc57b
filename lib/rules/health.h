/*
 * What checks say about an instance, and when the next one is due.  Values in, values out; times are arguments (monotonic ms).
 *
 * A verdict changes only with so many equal answers in a row.  An instance that is starting is looked at soon and often, for somebody waits
 * for it; nothing that fails then makes it unhealthy, that is what ready_timeout_secs is for.
 *
 * Checks of one that runs come at its own phase of the interval, which its slot gives it: those of five hundred instances that were started
 * together are spread over the interval, and stay so.
 */
#ifndef OX_RULES_HEALTH_H
#define OX_RULES_HEALTH_H

#include <stdbool.h>
#include <stdint.h>

#include "model/spec.h"
#include "model/state.h"

enum {
	HEALTH_SOON_MS =
		20, /* between the first checks of one that is starting; later ones come after a quarter of its age */
	HEALTH_SOON_MAX_MS = 1000, /* but never later than this, or than the interval */
	HEALTH_TOGETHER_MS =
		5, /* checks that fall so close together are done in one turn: to wake up costs as much as a check */
	HEALTH_LATE_MS =
		500, /* a check that comes so late had no chance: the machine slept, or the daemon stood still */
};

/* Answers in a row; one of them is 0.  Zeroed is "nothing was checked yet". */
struct health_counts {
	int64_t passed, failed;
};

/* One more answer: the verdict now. */
enum health health_after(
	const struct spec *s, struct health_counts *c, enum health before, bool has_passed, bool is_starting);

/* When the first check is due of a process that was started then. */
int64_t health_first(const struct spec *s, int64_t started_at, int64_t now);
/* The next one while it is starting; `since` is when the first was due. */
int64_t health_soon(const struct spec *s, int64_t since, int64_t now);
/* The next one of an instance that runs; the last was due at `due`. */
int64_t health_next(const struct spec *s, uint32_t slot, int64_t due, int64_t now);
/* Again, after nobody looked for a while: within a second, and not all at once. */
int64_t health_again(const struct spec *s, uint32_t slot, int64_t now);
/* What is due was due so long ago that many will be: it should be done again, not now. */
bool health_is_late(int64_t due, int64_t now);

#endif
