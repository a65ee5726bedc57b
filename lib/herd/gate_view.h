/*
 * The gate of one app as it was wished for last: who gets new connections, and the places whose sockets wait for a successor.
 */
#ifndef OX_HERD_GATE_VIEW_H
#define OX_HERD_GATE_VIEW_H

#include <stdbool.h>
#include <stddef.h>

#include "model/effect.h"

struct gate_view {
	bool is_unknown; /* an earlier brain may have wished for something else */
	int port;
	struct ticket *chosen;
	size_t chosen_count;
	int *places;
	size_t place_count;
};

void gate_view_release(struct gate_view *v);
/* Room for so many of each; both counts begin at 0. */
void gate_view_make(struct gate_view *v, size_t most);
bool gate_view_is_same(const struct gate_view *a, const struct gate_view *b);
/* Nobody is chosen, and no place is kept. */
bool gate_view_is_empty(const struct gate_view *v);
/* Borrows from the view. */
struct gate_effect gate_view_effect(const struct gate_view *v, int64_t gate);

#endif
