/*
 * How far apart the instances of one app start (stagger_ms): who started last, and how long the next one waits.  An instance keeps away from the
 * starts of others alone: one that crashes is started again by the rules for restarts, however often.
 */
#ifndef OX_RULES_STAGGER_H
#define OX_RULES_STAGGER_H

#include <stdint.h>

struct stagger_start {
	uint32_t slot; /* 0: there was none */
	int64_t at;
};

struct stagger {
	struct stagger_start last;
	struct stagger_start other; /* the last one of another slot than that */
};

void stagger_note(struct stagger *s, uint32_t slot, int64_t now);
/* The last start of another than `slot`. */
struct stagger_start stagger_before(const struct stagger *s, uint32_t slot);
/* How long `slot` waits for it; 0: not at all. */
int64_t stagger_wait(const struct stagger *s, uint32_t slot, int64_t stagger_ms, int64_t now);

#endif
