/*
 * The parts of the manual that come from tables, in mdoc.
 */
#ifndef OX_VIEW_MANUAL_H
#define OX_VIEW_MANUAL_H

#include "base/buf.h"

/* Every key of the oxfile, table by table: the KEYS section of oxfile(5). */
void manual_keys(struct buf *out);
/* Text that mdoc takes literally: a line that begins with a dot, backslashes and quotes are made harmless. */
void manual_text(struct buf *out, const char *text);
/* Items of a list: the codes of reasons with their fields, and the fields. */
void manual_reasons(struct buf *out);
void manual_reason_fields(struct buf *out);
/* The same of refusals. */
void manual_refusals(struct buf *out);
void manual_refusal_fields(struct buf *out);

#endif
