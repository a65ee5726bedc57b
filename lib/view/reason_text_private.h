/*
 * Between the files that make the sentences of reasons: those of a deploy that is over, each of its own kind.
 */
#ifndef OX_VIEW_REASON_TEXT_PRIVATE_H
#define OX_VIEW_REASON_TEXT_PRIVATE_H

#include "base/buf.h"

struct reason;

void deployed_text(const struct reason *r, struct buf *out);
void stopped_meanwhile_text(const struct reason *r, struct buf *out);
void not_deployed_text(const struct reason *r, struct buf *out);

#endif
