/*
 * What the keeper says of its processes to a brain that has just begun: a SLOT for each, and what has become of it since.
 */
#ifndef OX_WIRE_KEEPER_FOUND_H
#define OX_WIRE_KEEPER_FOUND_H

#include <stdbool.h>
#include <stdint.h>

#include "base/vec.h"
#include "model/ticket.h"
#include "wire/keeper_msg.h"

/* What the keeper told of one process while the brain found its feet. */
struct keeper_found {
	struct ticket ticket;
	char *name;
	int64_t pid;
	int64_t state;
	bool is_asked, is_gone;
	int64_t status;
	int64_t wall_ms;
	int64_t stage;
	int64_t number;
};

/* All of them: a vec of struct keeper_found *. */
void keeper_found_release(struct vec *found);
void keeper_found_slot(struct vec *found, const struct keeper_msg *m);
/* EXITED, SPAWN_FAILED, TREE_GONE or ASKED, which follow its SLOT. */
void keeper_found_more(struct vec *found, const struct keeper_msg *m);
/* Its main process does not run, or never did. */
bool keeper_found_has_ended(const struct keeper_found *f);
/* Is it the last one of its slot? */
bool keeper_found_is_newest(const struct vec *found, const struct keeper_found *f);

#endif
