/*
 * The last INSTANCE_PAST_MAX things that happened to each instance, for `why`.  A deploy's steps are not among them: what they come to is there as
 * states.  Zeroed is empty.
 */
#ifndef OX_JOURNAL_INSTANCE_PASTS_H
#define OX_JOURNAL_INSTANCE_PASTS_H

#include "base/map.h"
#include "base/vec.h"

enum { INSTANCE_PAST_MAX = 16 };

struct event_item;

struct instance_pasts {
	struct map names; /* "api:2", to struct instance_past *, which has the name */
};

void instance_pasts_release(struct instance_pasts *p);
/* Takes a reference of its own, where it is about an instance. */
void instance_pasts_add(struct instance_pasts *p, struct event_item *item);
/* The instance is no more. */
void instance_pasts_forget(struct instance_pasts *p, const char *app, int instance);
/* Oldest first; NULL: nothing is known. */
const struct vec *instance_pasts_of(const struct instance_pasts *p, const char *app, int instance);

#endif
