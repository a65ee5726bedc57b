/*
 * The herd as a table: troubled instances first, and a verdict.
 *
 *	PROCESS   PID  STATUS   HEALTH   PORT  UPTIME  RESTARTS   CPU      MEM  REASON
 *	api:1       -  backoff  unknown  3001       -         3     -        -  exit code 3; next start in 400 ms
 *	api:0    4102  running  healthy  3000  1m 32s         0  0.3%  48.7 MB
 *	1 of 2 ready, 1 backoff
 *
 * The last column is there only when an instance has something to say.  On a narrower terminal columns give way, and reasons take lines of
 * their own (view/table.h); on a lower one equal instances share a row (view/fold.h).
 */
#ifndef OX_VIEW_LIST_H
#define OX_VIEW_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "view/human.h"

struct snapshot;

struct list_options {
	size_t width;  /* 0: as wide as it needs */
	size_t height; /* of the terminal; 0: each instance has a row */
	bool colour;
};

struct list_text {
	struct buf table;   /* a line of titles, and the rows; empty without an instance */
	struct buf verdict; /* a line, or several: how many are ready, what is being deployed */
};

void list_render(const struct snapshot *s, const struct list_options *how, struct list_text *out);
void list_release(struct list_text *t);
/* The colour that a word of model/states.def has everywhere. */
enum tint list_tint(const char *state);
/* "exit code 3; next start in 400 ms": either may be missing (NULL or "", -1). */
void list_reason(struct buf *out, const char *reason, int64_t next_restart_ms);

#endif
