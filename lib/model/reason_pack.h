/*
 * A reason in a few bytes, for those who keep many: only the fields that its kind has and that are known.  For this process alone, not for a file.
 */
#ifndef OX_MODEL_REASON_PACK_H
#define OX_MODEL_REASON_PACK_H

#include <stddef.h>

#include "base/buf.h"
#include "model/reason.h"

/* A reason and the causes behind it. */
struct reason_chain {
	struct reason of[REASON_DEPTH_MAX];
};

/* Appends it, with at most REASON_DEPTH_MAX - 1 causes; nothing for NULL. */
void reason_pack(const struct reason *r, struct buf *out);
/* What was packed into these bytes; NULL for none.  Its texts are in `bytes`, its causes in `room`. */
const struct reason *reason_unpack(const char *bytes, size_t len, struct reason_chain *room);

#endif
