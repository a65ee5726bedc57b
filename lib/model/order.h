/*
 * Who starts before whom: depends_on as levels.  Everything in level 0 may start at once, level n when what
 * it depends on is ready; stopping walks the other way.  Within a level `start_order`, then the order of the
 * file, decides.
 */
#ifndef OX_MODEL_ORDER_H
#define OX_MODEL_ORDER_H

#include "base/diag.h"
#include "base/vec.h"
#include "model/spec.h"

/*
 * Fills `ordered` (of borrowed struct spec *) so that each stands after all it depends on, and levels[i]
 * (caller's array of specs->len, may be NULL) with the level of ordered[i].  0, or -1 with complaints: an
 * unknown name with a suggestion, an app that depends on itself, each cycle once, told as "api -> db -> api".
 */
int order_specs(const struct vec *specs, struct vec *ordered, int *levels, struct diags *d);

#endif
