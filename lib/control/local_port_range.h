/*
 * Is a port that an app owns one that the kernel gives away?  rules/ephemeral_ports decides; here is what this machine says at the moment.
 */
#ifndef OX_CONTROL_LOCAL_PORT_RANGE_H
#define OX_CONTROL_LOCAL_PORT_RANGE_H

#include <stdbool.h>

#include "base/buf.h"

struct notes;
struct plan;
struct spec;
struct vec;

/* As ephemeral_ports_meet(); false where the kernel tells nothing. */
bool local_ports_meet(int first, int count, int step, struct buf *what, struct buf *todo);
/* A note, if that is so of `count` instances.  A port that is only passed on is nobody's. */
void local_ports_note(const struct spec *s, int count, struct notes *notes);
/* A line for each of the specs (of struct spec *) that would get such a port anew by the plan. */
void local_ports_note_plan(const struct vec *specs, const struct plan *plan, struct notes *notes);

#endif
