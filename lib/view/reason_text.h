/*
 * The sentence of a reason (model/reason): all wording of why something is as it is stands here.
 */
#ifndef OX_VIEW_REASON_TEXT_H
#define OX_VIEW_REASON_TEXT_H

#include "base/buf.h"

struct reason;

/* Appends it; nothing for NULL. */
void reason_text(const struct reason *r, struct buf *out);

#endif
