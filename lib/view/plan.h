/*
 * A plan as text: a line an instance (keeps of one app on one line), and a verdict.
 *
 *	api:0   replace  3000  command changed
 *	api:4   start    3004  instances 4 -> 5
 *	worker  keep     (×2)
 *	1 to start, 1 to replace, 2 kept
 *
 * Keeps that differ in their reason (what is applied in place) are lines of their own.
 */
#ifndef OX_VIEW_PLAN_H
#define OX_VIEW_PLAN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "model/plan.h"

/* The verdict of a plan that only keeps is "nothing to do, 4 kept".  `width` 0: as wide as it needs. */
void plan_render(const struct plan *p, struct buf *out, size_t width, bool colour);

#endif
