/*
 * A main process has ended with 0, and nobody had asked it to: is there a process of its own that lives on, a child of the keeper now?
 */
#ifndef OX_SENSE_LEFT_BEHIND_H
#define OX_SENSE_LEFT_BEHIND_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/buf.h"
#include "model/effect.h"

/* Whose processes are looked for. */
struct left_behind_query {
	pid_t keeper; /* the parent of what was left */
	pid_t main;   /* that has ended: its session had this number */
	struct ticket ticket;
	const char *app;
	int instance;
	bool is_server; /* worth a look at every process of the machine */
	pid_t *known;   /* main processes of others; put in order */
	size_t known_count;
};

/* What is not found leaves *left as it is; the words are in `command`, which the answer borrows. */
void left_behind_find(const struct left_behind_query *query, struct left_behind *left, struct buf *command);

#endif
