/*
 * Which instances share a row of a list: troubled ones stand first, and where there are more than the terminal has lines, those of an app that are
 * equal become one row, the largest number first, until the rest fits.
 */
#ifndef OX_VIEW_FOLD_H
#define OX_VIEW_FOLD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/vec.h"
#include "model/snapshot.h"

/* Equal are: app, state, health and reason. */
struct fold_row {
	struct vec members; /* of const struct instance_status *, borrowed, in their order; at least one */
};

/* Fills `rows` with struct fold_row *.  At most `room` rows, if folding can reach that; 0: one for each instance. */
void fold_instances(const struct vec *instances, size_t room, struct vec *rows);
void fold_release(struct vec *rows);

/* "0-4,6": the numbers of the members. */
void fold_numbers(const struct fold_row *row, struct buf *out);
/* The lowest and the highest port; false if one has none. */
bool fold_ports(const struct fold_row *row, int *low, int *high);
/* All of them as one: restarts, memory and processor time are sums, uptime and the next start the shortest.  Texts are borrowed. */
void fold_sum(const struct fold_row *row, struct instance_status *sum);

#endif
