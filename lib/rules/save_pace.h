/*
 * When the state is written that nobody waits for.  Facts wait for others to be saved with; a slow disk is written to seldom, lest it did nothing
 * else; what the keeper remembers until it is saved is not put off for ever.
 */
#ifndef OX_RULES_SAVE_PACE_H
#define OX_RULES_SAVE_PACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	SAVE_DELAY_MS = 200, /* facts wait this long for others */
	SAVE_SHARE = 10,     /* and so many times as long as saving took */
	SAVE_DELAY_MAX_MS = 30000,
	SAVE_RETRY_MS = 5000,    /* between tries while the disk refuses */
	SAVE_FORGETS_SOON = 512, /* with so many ends that the keeper remembers for us it is not put off */
	SAVE_FORGETS_MAX =
		4096, /* so many wait for a disk that takes nothing; the keeper's room has its end too */
};

struct save_pace {
	bool is_failing; /* the last write has failed */
	int64_t took_ms; /* the last one */
	size_t forgets;  /* ends that the keeper remembers until they are saved */
};

/* How long what has just happened may wait. */
int64_t save_delay(const struct save_pace *p);
/* A write has ended, well or not: may the keeper forget what was in it? */
bool save_lets_forget(const struct save_pace *p);

#endif
